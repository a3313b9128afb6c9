"""Losses on pixel differences, means over the batch; ``sr`` and ``hr`` are ``(N, C, H, W)`` in [0, 1]."""

import torch
import torch.nn.functional as F
from torch import Tensor


def l1(sr: Tensor, hr: Tensor) -> Tensor:
    """Mean absolute error."""
    return F.l1_loss(sr, hr)


def l2(sr: Tensor, hr: Tensor, *, focus: float = 1.0) -> Tensor:
    """Mean squared error: what PSNR measures.

    Args:
        sr: Estimate.
        hr: Ground truth.
        focus: Power to which each crop's error is raised: above 1 the hard crops count more, the sharp and contrasty
            ones. For networks too small to serve all crops; the loss is then the mean of the powers.
    """
    if focus == 1.0:
        return F.mse_loss(sr, hr)
    return (sr - hr).square().mean((1, 2, 3)).pow(focus).mean()


def charbonnier(sr: Tensor, hr: Tensor, *, epsilon: float = 1e-3) -> Tensor:
    """Mean of ``sqrt(difference² + epsilon²)``, a smooth absolute error.

    Reference: Charbonnier et al., 1994, doi:10.1109/ICIP.1994.413553; epsilon as in MIRNet, arXiv:2003.06792.
    """
    return torch.sqrt((sr - hr).square() + epsilon**2).mean()
