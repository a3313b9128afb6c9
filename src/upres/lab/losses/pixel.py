"""Losses on pixel differences, means over the batch; ``sr`` and ``hr`` are ``(N, C, H, W)`` in [0, 1]."""

import torch
import torch.nn.functional as F
from torch import Tensor


def l1(sr: Tensor, hr: Tensor) -> Tensor:
    """Mean absolute error."""
    return F.l1_loss(sr, hr)


def l2(sr: Tensor, hr: Tensor) -> Tensor:
    """Mean squared error: what PSNR measures."""
    return F.mse_loss(sr, hr)


def charbonnier(sr: Tensor, hr: Tensor, *, epsilon: float = 1e-3) -> Tensor:
    """Mean of ``sqrt(difference² + epsilon²)``, a smooth absolute error.

    Reference: Charbonnier et al., 1994, doi:10.1109/ICIP.1994.413553; epsilon as in MIRNet, arXiv:2003.06792.
    """
    return torch.sqrt((sr - hr).square() + epsilon**2).mean()
