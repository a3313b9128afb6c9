"""The loss on the grid of sub-pixel layers."""

import numpy as np
import pytest
import torch

from upres.errors import RecipeError
from upres.lab.losses.checkerboard import checkerboard


def _by_loops(difference: np.ndarray, period: int, window: int) -> float:
    count, channels, height, width = difference.shape
    sides = [min(window, side) for side in (height, width)]
    steps = [max(1, side // period // 2) * period for side in sides]
    costs = []
    for n in range(count):
        for c in range(channels):
            for top in range(0, height - sides[0] + 1, steps[0]):
                for left in range(0, width - sides[1] + 1, steps[1]):
                    square = difference[n, c, top : top + sides[0], left : left + sides[1]]
                    means = [square[y::period, x::period].mean() for y in range(period) for x in range(period)]
                    costs += [abs(mean - square.mean()) for mean in means]
    return float(np.mean(costs))


@pytest.mark.parametrize(
    ("period", "window", "shape"), [(2, 8, (2, 3, 16, 24)), (3, 6, (1, 1, 18, 12)), (4, 64, (1, 3, 8, 12))]
)
def test_it_is_what_loops_give(period, window, shape):
    sr, hr = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = _by_loops((sr - hr).numpy(), period, window)
    assert checkerboard(sr, hr, period=period, window=window).item() == pytest.approx(expected, rel=1e-12)


def test_a_faint_grid_weighs_more_than_strong_noise():
    generator = torch.Generator().manual_seed(1)
    hr = torch.rand(1, 3, 128, 128, generator=generator)
    noisy = hr + 0.02 * torch.randn(hr.shape, generator=generator)
    grid = torch.full((1, 3, 128, 128), -0.005)
    grid[..., ::2, ::2] = 0.015
    assert (grid.abs().mean(), (noisy - hr).abs().mean()) == pytest.approx((0.0075, 0.016), rel=0.01)
    assert checkerboard(hr + grid, hr) > 10 * checkerboard(noisy, hr)
    assert checkerboard(hr + 0.1, hr) < 1e-6  # a shift of tone is no grid


@pytest.mark.parametrize(
    ("arguments", "side"), [({"period": 1}, 8), ({"period": 3, "window": 8}, 9), ({"period": 4, "window": 8}, 10)]
)
def test_what_has_no_cells_is_refused(arguments, side):
    with pytest.raises(RecipeError, match=r"^checkerboard: expected a period from 2"):
        checkerboard(torch.zeros(1, 3, side, side), torch.zeros(1, 3, side, side), **arguments)
