"""The wavelet loss against loops over pixels."""

import numpy as np
import pytest
import torch

from upres.errors import RecipeError
from upres.lab.losses.wavelet import wavelet


def _pair(*shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    sr, hr = torch.rand(2, *shape, generator=generator, dtype=torch.float64)
    return sr.requires_grad_(), hr


def _bands(plane: np.ndarray, distance: int) -> dict[str, np.ndarray]:
    """The four bands of one level, each pixel from the corners of a square."""
    height, width = (side - distance for side in plane.shape)
    bands = {name: np.zeros((height, width)) for name in ("low", "horizontal", "vertical", "diagonal")}
    for y in range(height):
        for x in range(width):
            a, b = plane[y, x], plane[y, x + distance]
            c, d = plane[y + distance, x], plane[y + distance, x + distance]
            bands["low"][y, x] = (a + b + c + d) / 4
            bands["horizontal"][y, x] = (a + b - c - d) / 4
            bands["vertical"][y, x] = (a - b + c - d) / 4
            bands["diagonal"][y, x] = (a - b - c + d) / 4
    return bands


def _by_loops(sr: np.ndarray, hr: np.ndarray, levels: int, low: float) -> float:
    luma = np.tensordot([0.299, 0.587, 0.114], sr - hr, axes=(0, 1)) if sr.shape[1] == 3 else (sr - hr)[:, 0]
    costs = []
    for plane in luma:
        cost = 0.0
        for level in range(levels):
            bands = _bands(plane, 2**level)
            plane = bands.pop("low")
            cost += sum(np.abs(band).mean() for band in bands.values())
        costs.append(cost + low * np.abs(plane).mean())
    return float(np.mean(costs))


@pytest.mark.parametrize(("channels", "levels", "low"), [(1, 1, 1.0), (3, 2, 0.1), (3, 3, 0.0)])
def test_the_loss_is_its_loops(channels: int, levels: int, low: float) -> None:
    sr, hr = _pair(2, channels, 11, 9)
    expected = _by_loops(sr.detach().numpy(), hr.numpy(), levels, low)
    assert wavelet(sr, hr, levels=levels, low=low).item() == pytest.approx(expected, rel=1e-6)


def test_its_gradients_are_those_of_its_values() -> None:
    sr, hr = _pair(1, 3, 6, 7)
    assert torch.autograd.gradcheck(lambda picture: wavelet(picture, hr), sr)


def test_a_smooth_error_costs_less_than_a_rough_one_of_the_same_size() -> None:
    hr = torch.full((1, 1, 16, 16), 0.5)
    rough = 0.1 * (1 - 2 * (torch.arange(16) % 2)).expand(16, 16)
    assert wavelet(hr + 0.1, hr).item() == pytest.approx(0.01)
    assert wavelet(hr + rough, hr).item() == pytest.approx(0.1)


@pytest.mark.parametrize("levels", [0, 4])
def test_crops_must_hold_the_widest_filter(levels: int) -> None:
    with pytest.raises(RecipeError, match="wavelet: expected levels from 1 and crops of"):
        wavelet(*_pair(1, 1, 12, 20), levels=levels)
