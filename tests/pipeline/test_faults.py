"""Which faults count, and when noise is the one that is undone."""

import pytest

from upres.pipeline.faults import DRAWINGS, PHOTOGRAPHS, are_light, found, is_of_noise
from upres.pipeline.judge import Judgement


@pytest.mark.parametrize(
    ("quality", "noise", "fineness", "counts"),
    [
        (None, 3.0, 1.0, False),
        (None, 3.5, 1.0, True),
        (None, 4.0, 0.3, False),
        (95.0, 2.4, 1.0, False),
        (95.0, 2.6, 0.3, True),
        (55.0, 2.6, 1.0, False),
    ],
)
def test_behind_a_good_jpeg_weaker_noise_counts(quality, noise, fineness, counts):
    wrong = found(Judgement(jpeg_quality=quality, noise=noise, fineness=fineness), PHOTOGRAPHS)
    assert ("noise" in wrong) == counts


@pytest.mark.parametrize(
    ("quality", "noise", "blur", "first"),
    [
        (None, 4.0, 0.5, True),
        (None, 4.0, 1.0, True),
        (90.0, 2.8, 1.0, False),
        (90.0, 2.8, 0.5, True),
        (90.0, 3.2, 1.0, True),
        (40.0, 6.0, 0.5, False),
        (40.0, 8.0, 1.0, True),
        (90.0, 0.0, 0.5, False),
    ],
)
def test_noise_is_undone_first_unless_something_else_is_worse(quality, noise, blur, first):
    judged = Judgement(jpeg_quality=quality, noise=noise, fineness=1.0, blur=blur)
    assert is_of_noise(judged, found(judged, PHOTOGRAPHS)) == first


@pytest.mark.parametrize(
    ("blocks", "side", "quality", "bounds", "counts"),
    [
        (12.0, 8.0, None, PHOTOGRAPHS, True),
        (7.0, 8.0, None, PHOTOGRAPHS, False),
        (26.0, 8.0, None, PHOTOGRAPHS, False),
        (12.0, 8.0, 97.0, PHOTOGRAPHS, False),
        (12.0, 8.0, None, DRAWINGS, False),
    ],
)
def test_blocks_of_which_no_step_is_left_are_a_light_fault(blocks, side, quality, bounds, counts):
    judged = Judgement(blocks=blocks, block_side=side, jpeg_quality=quality)
    assert ("jpeg" in found(judged, bounds, light=True)) == counts
    assert are_light(judged, PHOTOGRAPHS)
    assert not found(judged, bounds), "without networks for light faults the clean ones are nearer"
