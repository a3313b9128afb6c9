"""Noise or texture: what a network takes from all of a picture is noise."""

import numpy as np
import pytest

from upres.models.card import ModelCard, ModelSpec
from upres.pipeline.doubts import is_doubtful, resolved
from upres.pipeline.judge import Judgement, judge

DOUBTED = Judgement(doubtful_noise=8.0)
CARD = ModelCard(
    name="taker",
    spec=ModelSpec(architecture="plain", scale=1, arguments={"task": "denoise"}),
    color_mode="rgb",
    parameters=1,
    task="denoise",
    min_size=10,
    multiple_of=2,
    licence="Apache-2.0",
)


def session(share, levels=4):
    """A network that takes noise of so many levels from that share of the columns, and nothing from the others."""
    rng = np.random.default_rng(0)

    def run(batch):
        taken = rng.normal(0, levels / 255, batch.shape[-2:]).astype(np.float32)
        taken[:, int(share * batch.shape[-1]) :] = 0
        return batch - taken

    return run


@pytest.mark.parametrize(("share", "noise"), [(1.0, 8.0), (0.9, 8.0), (0.5, 0.0), (0.0, 0.0)])
@pytest.mark.parametrize("shape", [(64, 80), (65, 81, 3), (700, 300, 3)])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_noise_is_what_is_taken_from_all_of_a_picture(share, noise, shape, depth):
    pixels = np.full(shape, 100, depth)
    judged = resolved(DOUBTED, pixels, session(share), CARD)
    assert (judged.noise, judged.fineness, judged.doubtful_noise) == (noise, float(noise > 0), 0.0)


def test_a_picture_too_small_for_the_network_stays_in_doubt():
    assert resolved(DOUBTED, np.zeros((9, 40, 3), np.uint8), session(1.0), CARD) == DOUBTED


@pytest.mark.parametrize("quality", [None, 75.0, 40.0])
def test_weak_noise_in_doubt_is_noise_where_the_network_takes_enough(quality):
    doubted = Judgement(doubtful_noise=3.0, jpeg_quality=quality)
    assert is_doubtful(doubted)
    assert resolved(doubted, np.full((64, 64, 3), 100, np.uint8), session(1.0, 2.0), CARD).noise == 3.0


@pytest.mark.parametrize(("quality", "noise"), [(None, 3.0), (90.0, 0.0)])
def test_behind_a_jpeg_the_network_has_to_take_more(quality, noise):
    doubted = Judgement(doubtful_noise=3.0, jpeg_quality=quality)
    pixels = np.full((256, 256, 3), 100, np.uint8)
    assert resolved(doubted, pixels, session(1.0, 1.5), CARD).noise == noise


@pytest.mark.parametrize(("taken", "noise", "fineness"), [(1.0, 5.0, 0.3), (0.2, 0.0, 0.0)])
def test_noise_of_flat_parts_is_texture_where_the_network_takes_nothing(taken, noise, fineness):
    found = Judgement(noise=5.0, fineness=0.3)
    assert is_doubtful(found)
    judged = resolved(found, np.full((64, 64, 3), 100, np.uint8), session(1.0, taken), CARD)
    assert (judged.noise, judged.fineness) == (noise, fineness)


def test_the_judge_doubts_texture_and_noise_and_no_flat_parts():
    rng = np.random.default_rng(1)
    strength = rng.uniform(6, 60, (20, 20)).repeat(8, 0).repeat(8, 1)
    noise = rng.normal(0, 1, (160, 160))
    texture = (128 + strength * noise).clip(0, 255).astype(np.uint8)
    flat = texture.copy()
    flat[:60] = 100
    for pixels in (texture, (128 + 12 * noise).astype(np.uint8)):
        assert is_doubtful(judge(pixels))
    for pixels in (flat, (128 + noise).astype(np.uint8), np.zeros((40, 40), np.uint8)):
        assert not is_doubtful(judge(pixels))
