"""Losses on pixel differences, means over the batch; ``sr`` and ``hr`` are ``(N, C, H, W)`` in [0, 1]."""

import torch
import torch.nn.functional as F
from torch import Tensor

from upres.errors import RecipeError
from upres.image.color import LUMA_WEIGHTS


def l1(sr: Tensor, hr: Tensor) -> Tensor:
    """Mean absolute error."""
    return F.l1_loss(sr, hr)


def l2(sr: Tensor, hr: Tensor, *, focus: float = 1.0, luma: float = 0.0) -> Tensor:
    """Mean squared error: what PSNR measures.

    Args:
        sr: Estimate.
        hr: Ground truth.
        focus: Power to which each crop's error is raised; the loss is then the mean of the powers. Above 1 the hard
            crops count more, the sharp and contrasty ones, for networks too small to serve all. Below 1 crops count
            more alike, as pictures do in a mean of PSNRs.
        luma: Share of the squared error that is the luma's (BT.601) instead of the mean of red, green and blue.
            PSNR on Y measures luma alone; what is left keeps the colours.
    """
    if focus == 1.0 and luma == 0.0:
        return F.mse_loss(sr, hr)
    crops = (sr - hr).square().mean((1, 2, 3))
    if luma:
        crops = (1 - luma) * crops + luma * to_luma(sr - hr).square().mean((1, 2))
    return crops.pow(focus).mean()


def to_luma(pictures: Tensor) -> Tensor:
    """BT.601 luma ``(N, H, W)`` of ``(N, 3, H, W)`` in R, G, B; a single plane is its own."""
    if pictures.shape[1] == 1:
        return pictures[:, 0]
    return (pictures * pictures.new_tensor(LUMA_WEIGHTS).view(3, 1, 1)).sum(1)  # no product that autocast would round


def charbonnier(sr: Tensor, hr: Tensor, *, epsilon: float = 1e-3) -> Tensor:
    """Mean of ``sqrt(difference² + epsilon²)``, a smooth absolute error.

    Reference: Charbonnier et al., 1994, doi:10.1109/ICIP.1994.413553; epsilon as in MIRNet, arXiv:2003.06792.
    """
    return torch.sqrt((sr - hr).square() + epsilon**2).mean()


def tone(sr: Tensor, hr: Tensor, *, window: int = 16) -> Tensor:
    """Mean absolute difference of the means of squares, which overlap by half: colour and brightness, not detail.

    Args:
        sr: ``(N, C, H, W)`` in [0, 1].
        hr: Same shape.
        window: Side of the squares in pixels, no larger than a crop.

    Raises:
        RecipeError: If it is below 2 or larger than a crop.
    """
    if not 2 <= window <= min(sr.shape[-2:]):
        raise RecipeError(f"tone: expected a window from 2 to the side of a crop, got {window}")
    return F.avg_pool2d(sr - hr, window, stride=window // 2).abs().mean()
