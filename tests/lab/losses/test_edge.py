"""The gradient-variance loss against its formula."""

import pytest
import torch
import torch.nn.functional as F

from upres.lab.losses.edge import gradient_variance


def test_it_is_the_formula_on_one_square_of_a_ramp_and_a_step() -> None:
    ramp = torch.arange(10.0).repeat(10, 1)[None, None] / 10
    step = (torch.arange(10) >= 5).float().repeat(10, 1)[None, None]
    # Sobel x of the ramp is constant (variance 0); of the step it is 4 in two of eight columns
    sobel = torch.tensor([0.0, 0, 0, 4, 4, 0, 0, 0]).repeat(8, 1).var()
    laplacian = torch.tensor([0.0, 0, 0, 1, -1, 0, 0, 0]).repeat(8, 1).var()
    expected = sobel**2 * 0.5 + laplacian**2 * 2
    assert gradient_variance(ramp, step, weights=(0.5, 3.0, 2.0)).item() == pytest.approx(expected.item(), rel=1e-4)
    turned = gradient_variance(ramp.mT, step.mT, weights=(3.0, 0.5, 2.0))
    assert turned.item() == pytest.approx(expected.item(), rel=1e-4)


def test_blur_costs_more_than_a_shift_of_brightness_of_the_same_pixel_loss() -> None:
    hr = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    blurred = F.avg_pool2d(hr, 3, stride=1, padding=1)
    brighter = hr + F.l1_loss(blurred, hr)
    assert gradient_variance(brighter, hr).item() < 1e-6 < gradient_variance(blurred, hr).item()


def test_too_small_a_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="sides of at least 10 pixels"):
        gradient_variance(torch.zeros(1, 1, 9, 20), torch.zeros(1, 1, 9, 20))
