"""SSIMULACRA 2 beside the published program and beside another implementation."""

import time

import numpy as np
import pytest
from PIL import Image
from ssimulacra2 import compute_ssimulacra2
from ssimulacra2.ssimulacra2 import blur_image

from upres.metrics import ssimulacra2 as room
from upres.metrics.ssimulacra2 import gaussian_kernel, ssimulacra2


# What libjxl 0.11.2's `ssimulacra2` prints. It computes in float32, which moves its scores by some hundredths.
@pytest.mark.parametrize(
    ("name", "way", "published"),
    [
        ("astronaut", "levels", 9.1224),
        ("astronaut", "blur", 57.4274),
        ("astronaut", "noise", 42.4281),
        ("astronaut", "blocks", -51.3539),
        ("cat", "levels", 15.9764),
        ("cat", "blur", 64.5482),
        ("cat", "noise", 45.0754),
        ("cat", "blocks", -49.5534),
        ("200x190", "levels", 40.4488),
        ("200x190", "noise", 51.1093),
        ("61x45", "levels", -15.3643),
        ("61x45", "blur", 72.0668),
        ("61x45", "noise", -51.4058),
        ("61x45", "blocks", 24.5048),
        ("8x17", "levels", 92.1313),
        ("8x17", "blocks", 80.5505),
    ],
)
def test_scores_as_the_published_program(photographs, spoil, name, way, published):
    assert ssimulacra2(spoil(photographs[name], way), photographs[name]) == pytest.approx(published, abs=0.05)


@pytest.mark.parametrize("way", ["levels", "blur", "noise", "blocks"])
@pytest.mark.parametrize("size", [(300, 451), (263, 301), (256, 256), (225, 290)])
def test_agrees_with_another_implementation_but_for_its_borders(photographs, spoil, tmp_path, monkeypatch, way, size):
    # The package `ssimulacra2` reflects the picture at the left and right, where the published program sees zeros.
    monkeypatch.setattr(room, "_blur", lambda planes: blur_image(planes.T).T)
    hr = np.ascontiguousarray(photographs["cat"][: size[0], : size[1]])
    sr = spoil(hr, way)
    assert ssimulacra2(sr, hr) == pytest.approx(witness(tmp_path, sr, hr), abs=1e-4)


@pytest.mark.parametrize("way", ["levels", "blur", "noise"])
def test_borders_and_all_it_is_near_the_other_implementation(photographs, spoil, tmp_path, way):
    hr = photographs["astronaut"]
    sr = spoil(hr, way)
    assert ssimulacra2(sr, hr) == pytest.approx(witness(tmp_path, sr, hr), abs=2)


def test_the_kernel_is_the_response_of_the_published_recursive_filter():
    radius, frequencies = 5, np.pi / 10 * np.array([1, 3, 5])
    amplitudes = np.linalg.lstsq(np.cos(np.outer(np.arange(-4, 5), frequencies)), gaussian_kernel(), rcond=None)[0]
    impulse = np.zeros(60)
    impulse[30] = 1
    last, before = np.zeros(3), np.zeros(3)
    response = np.zeros(60)
    for place in range(radius + 1, 60 - radius):
        entering = impulse[place - radius - 1] + impulse[place + radius - 1]
        new = -amplitudes * np.cos(frequencies * (radius + 1)) * entering + 2 * np.cos(frequencies) * last - before
        last, before, response[place] = new, last, new.sum()
    assert np.allclose(response[26:35], gaussian_kernel(), atol=1e-12)
    assert np.allclose(np.delete(response, range(26, 35)), 0, atol=1e-12)


def test_the_kernel_has_the_sum_and_the_variance_of_the_gaussian():
    kernel = gaussian_kernel()
    assert len(kernel) == 9
    assert kernel.sum() == pytest.approx(1)
    assert kernel @ np.arange(-4, 5) ** 2 == pytest.approx(1.5**2)


def test_equal_pictures_score_a_hundred(photographs):
    for picture in photographs.values():
        assert ssimulacra2(picture, picture) == 100


@pytest.mark.parametrize(
    ("way", "strengths"), [("blur", (1, 2, 4, 8)), ("noise", (2, 10, 40, 80)), ("blocks", (2, 3, 4, 8))]
)
def test_more_damage_scores_less(photographs, spoil, way, strengths):
    hr = photographs["cat"]
    scores = [ssimulacra2(spoil(hr, way, strength), hr) for strength in strengths]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > scores[-1] + 30


def test_sides_are_treated_alike(photographs, spoil):
    hr = photographs["cat"][:256, :320]  # multiples of 32: halving begins at the left, and nothing is left over
    sr = spoil(hr, "blocks")
    assert ssimulacra2(sr, hr) == pytest.approx(ssimulacra2(sr.swapaxes(0, 1), hr.swapaxes(0, 1)), abs=1e-9)
    assert ssimulacra2(sr, hr) == pytest.approx(ssimulacra2(sr[:, ::-1], hr[:, ::-1]), abs=1e-9)


def test_grey_and_sixteen_bits_score_as_the_same_picture(photographs, spoil):
    hr = photographs["200x190"][..., 1]
    sr = spoil(hr[..., None], "noise")[..., 0]
    expected = ssimulacra2(np.stack([sr] * 3, axis=2), np.stack([hr] * 3, axis=2))
    deep = [image.astype(np.uint16) * 257 for image in (sr, hr)]
    for pair in ((sr, hr), (sr[..., None], hr[..., None]), deep):
        assert ssimulacra2(*pair) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("sr_shape", "hr_shape", "complaint"),
    [
        ((7, 40, 3), (7, 40, 3), "needs 8 x 8 pixels, got 7 x 40"),
        ((40, 7), (40, 7), "needs 8 x 8 pixels, got 40 x 7"),
        ((20, 20, 3), (20, 21, 3), "one shape"),
        ((20, 20, 4), (20, 20, 4), "expected"),
    ],
)
def test_refuses_what_cannot_be_compared(sr_shape, hr_shape, complaint):
    with pytest.raises(ValueError, match=complaint):
        ssimulacra2(np.zeros(sr_shape, np.uint8), np.zeros(hr_shape, np.uint8))


def test_a_picture_takes_well_under_a_second(photographs, spoil):
    hr = photographs["astronaut"]
    sr = spoil(hr, "noise")
    started = time.thread_time()
    ssimulacra2(sr, hr)
    assert time.thread_time() - started < 2  # 0.2 s on an idle core; the margin is for a loaded machine


def witness(folder, sr, hr):
    paths = folder / "hr.png", folder / "sr.png"
    for path, pixels in zip(paths, (hr, sr), strict=True):
        Image.fromarray(pixels).save(path)
    return compute_ssimulacra2(*paths)
