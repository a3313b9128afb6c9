"""The loss on colour and brightness."""

import pytest
import torch

from upres.errors import RecipeError
from upres.lab.losses.pixel import tone


def test_it_is_the_mean_of_squares_that_overlap():
    sr, hr = torch.rand(2, 2, 3, 12, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    means = [
        (sr - hr)[n, c, y : y + 8, x : x + 8].mean().abs()
        for n in range(2)
        for c in range(3)
        for y in (0, 4)
        for x in (0, 4, 8)
    ]
    assert tone(sr, hr, window=8).item() == pytest.approx(float(torch.stack(means).mean()))


def test_detail_costs_nothing_and_a_shift_of_colour_all_of_it():
    hr = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    stripes = torch.zeros_like(hr)
    stripes[..., ::2], stripes[..., 1::2] = 0.1, -0.1
    assert tone(hr + stripes, hr) < 1e-6
    assert tone(hr + 0.02, hr).item() == pytest.approx(0.02, rel=1e-4)


@pytest.mark.parametrize("window", [1, 33])
def test_squares_have_to_fit(window):
    with pytest.raises(RecipeError, match=r"^tone: expected a window from 2 to the side of a crop"):
        tone(torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 32, 32), window=window)
