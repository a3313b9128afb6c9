"""Degradations: what each does, and that a seed decides it."""

import numpy as np
import pytest

from upres.errors import RecipeError
from upres.image.resize import imresize
from upres.lab.data.degradations import PHOTOGRAPH, Degradation, degrade, degraded_pairs
from upres.lab.data.pictures import PicturePair


@pytest.fixture
def hr() -> np.ndarray:
    y, x = np.mgrid[0:96, 0:120]
    waves = [127 + 60 * np.sin(x / p) + 60 * np.cos(y / (p + 1)) for p in (1.5, 3.0, 6.0)]
    return np.stack(waves, axis=2).astype(np.uint8)


def _degrade(hr: np.ndarray, scale: int = 2, seed: int = 0, **ranges: object) -> np.ndarray:
    return degrade(hr, scale, Degradation(**ranges), np.random.default_rng(seed))  # type: ignore[arg-type]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_nothing_to_do_is_the_papers_bicubic(hr: np.ndarray, scale: int) -> None:
    assert np.array_equal(_degrade(hr, scale), imresize(hr, scale=1 / scale))
    assert np.array_equal(
        degrade(hr, scale, Degradation(share=0.0, noise_sigma=(9, 9)), np.random.default_rng(0)),
        imresize(hr, scale=1 / scale),
    )


def _detail(picture: np.ndarray) -> float:
    return float(np.abs(np.diff(picture.astype(float), axis=1)).mean())


def test_blur_takes_detail_and_noise_brings_its_own_strength(hr: np.ndarray) -> None:
    plain = _degrade(hr)
    assert _detail(_degrade(hr, blur_sigma=(1.0, 1.0))) < 0.7 * _detail(plain)
    flat = np.full((128, 128, 3), 127, np.uint8)
    for seed in range(4):
        noisy = _degrade(flat, seed=seed, noise_sigma=(6.0, 6.0)).astype(float)
        assert noisy.std() == pytest.approx(6.0, rel=0.05)
        assert noisy.mean() == pytest.approx(127, abs=0.5)
    kinds = {bool(np.ptp(_degrade(flat, seed=s, noise_sigma=(6.0, 6.0)).astype(int), axis=2).any()) for s in range(8)}
    assert kinds == {True, False}, "noise of each plane, and noise of all planes alike"


def test_blur_is_the_gaussian_it_says() -> None:
    line = np.zeros((64, 64, 3), np.uint8)
    line[:, 32:] = 255
    edge = _degrade(line, 1, blur_sigma=(3.0, 3.0), resize_ratio=(1.0, 1.0))[30, :, 0].astype(float)
    density = np.diff(edge) / 255
    centre = (density * np.arange(63)).sum()
    assert np.sqrt((density * (np.arange(63) - centre) ** 2).sum()) == pytest.approx(3.0, abs=0.1)


def test_jpeg_and_resizing_cost_fidelity_in_proportion(hr: np.ndarray) -> None:
    plain = _degrade(hr).astype(float)
    errors = [float(np.abs(_degrade(hr, jpeg_quality=(q, q)) - plain).mean()) for q in (95, 60, 20)]
    assert 0 < errors[0] < errors[1] < errors[2]
    assert np.array_equal(_degrade(hr, jpeg_quality=(100.0, 100.0)), plain)
    small = _degrade(hr, resize_ratio=(0.5, 0.5))
    assert small.shape == plain.shape
    assert _detail(small) < 0.85 * _detail(plain)


def test_one_seed_one_picture(hr: np.ndarray) -> None:
    one, again, other = (degrade(hr, 3, PHOTOGRAPH, np.random.default_rng(s)) for s in (1, 1, 2))
    assert one.shape == (32, 40, 3)
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_a_validation_set_is_degraded_once_and_for_all(hr: np.ndarray) -> None:
    pairs = [PicturePair(name=str(i), hr=hr, lr=imresize(hr, scale=0.5)) for i in range(2)]
    first, second = degraded_pairs(pairs, 2, PHOTOGRAPH)
    assert not np.array_equal(first.lr, second.lr)
    assert np.array_equal(second.lr, degraded_pairs(pairs, 2, PHOTOGRAPH)[1].lr)
    assert degraded_pairs(pairs, 2, Degradation())[0].lr is pairs[0].lr


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ({"noise_sigma": (5.0, 1.0)}, r"degradation\.noise_sigma: expected \[low, high\] within 0 to 255"),
        ({"jpeg_quality": (0.0, 50.0)}, "within 1 to 100"),
        ({"blur_sigma": (1.0,)}, "blur_sigma"),
        ({"share": 2.0}, "share: expected 0 to 1"),
    ],
)
def test_ranges_without_sense_are_refused(ranges: dict[str, object], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        Degradation(**ranges)  # type: ignore[arg-type]
