"""Artefact-aware weighting: errors count where a network invents texture that its own running mean does not."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from upres.errors import RecipeError

Network = Callable[[Tensor], Tensor]
"""From low-resolution crops to pictures."""


def ldl(sr: Tensor, hr: Tensor, lr: Tensor | None, *, window: int = 7, average: Network | None = None) -> Tensor:
    """Mean absolute error, each pixel weighted by `artifact_map`.

    Args:
        sr: ``(N, C, H, W)`` in [0, 1].
        hr: Same shape.
        lr: ``(N, C, H / scale, W / scale)``.
        window: Odd side of the squares in which residuals are compared.
        average: The network with the running mean of its weights; training gives it. Without it nothing is spared.

    Raises:
        RecipeError: If there is no ``lr`` for ``average``, the window is not odd or larger than the crops.

    Reference: Liang et al., 2022, arXiv:2203.09195, section 3. The map is a constant here, through which no gradient
    goes: there a network may also lower the loss by spreading its errors evenly.
    """
    if window < 3 or window % 2 == 0 or window // 2 >= min(sr.shape[-2:]):
        raise RecipeError(f"ldl: expected an odd window from 3 to the side of a crop, got {window}")
    if average is None:
        return weighted_l1(sr, hr, artifact_map(sr, hr, sr, window=window))
    if lr is None or not callable(average):
        raise RecipeError("ldl: needs the low-resolution picture, and takes its average from the training alone")
    return weighted_l1(sr, hr, artifact_map(sr, hr, average(lr).to(sr.dtype), window=window))


def weighted_l1(sr: Tensor, hr: Tensor, weights: Tensor) -> Tensor:
    """Mean of the absolute differences times ``weights``, ``(N, 1, H, W)``."""
    return (weights * (sr - hr).abs()).mean()


@torch.no_grad()
def artifact_map(sr: Tensor, hr: Tensor, smooth: Tensor, *, window: int) -> Tensor:
    """How likely each pixel of ``sr`` is an artefact.

    The variance of the residual round the pixel, times the fifth root of its variance in the whole crop; nothing where
    ``smooth`` is farther from the truth, so that true texture in the making is left alone.

    Args:
        sr: ``(N, C, H, W)``.
        hr: Same shape.
        smooth: Same shape; the output of the running mean of the weights.
        window: Odd side of the squares; borders are reflected.

    Returns:
        ``(N, 1, H, W)``.
    """
    residual = (hr - sr).abs().sum(1, keepdim=True)
    reference = (hr - smooth).abs().sum(1, keepdim=True)
    padded = F.pad(residual, [window // 2] * 4, mode="reflect")
    mean, mean_square = (F.avg_pool2d(each, window, stride=1) for each in (padded, padded.square()))
    variance = (mean_square - mean.square()).clamp_min(0) * window**2 / (window**2 - 1)
    weights = variance * residual.var((1, 2, 3), keepdim=True) ** 0.2
    return weights.masked_fill(residual < reference, 0)
