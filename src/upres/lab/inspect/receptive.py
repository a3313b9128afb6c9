"""Which input pixels an output depends on, and how strongly: local attribution in its plain form.

The structural receptive field (`upres.lab.complexity.receptive_field`) says where a network may look, the attribution
where this trained one does look on this picture. It is the gradient at the picture itself; the paper adds up gradients
along a path that begins with a blurred picture, so its figures are not these.

Reference: Gu & Dong, 2021, arXiv:2011.11036 (LAM and its diffusion index).
"""

import torch
from torch import Tensor, nn

from upres.lab.complexity import evaluation_mode

WINDOW = 16
"""Side of the square of output pixels that is asked about; the paper's."""


def attribution(network: nn.Module, batch: Tensor, *, window: int = WINDOW) -> Tensor:
    """How strongly the detail in the middle of a network's output depends on each input pixel.

    Detail is the sum of the absolute differences of neighbouring output pixels in a square; the attribution is the
    absolute value of its gradient, summed over the planes.

    Args:
        network: Left as it was found.
        batch: ``(1, C, H, W)``.
        window: Side of the square; smaller where the output is.

    Returns:
        ``(H, W)``, not negative, of sum 1, or all zero where the square has no detail.
    """
    picture = batch.detach().clone().requires_grad_()
    with evaluation_mode(network), torch.enable_grad():
        output = network(picture)
        height, width = output.shape[-2:]
        rows, columns = min(window, height), min(window, width)
        top, left = (height - rows) // 2, (width - columns) // 2
        square = output[..., top : top + rows, left : left + columns]
        detail = square.diff(dim=-1).abs().sum() + square.diff(dim=-2).abs().sum()
        (gradient,) = torch.autograd.grad(detail, picture)
    strength = gradient[0].abs().sum(0)
    total = strength.sum()
    return strength / total if total > 0 else strength


def diffusion_index(strength: Tensor) -> float:
    """How evenly an attribution is spread, 0 (one pixel) to 100 (all alike): ``100 (1 - Gini coefficient)``."""
    ordered = strength.flatten().double().sort().values
    count, total = len(ordered), ordered.sum()
    if total <= 0:
        return 0.0
    ranks = torch.arange(1, count + 1, dtype=torch.double)
    gini = 2 * (ranks * ordered).sum() / (count * total) - (count + 1) / count
    return float(100 * (1 - gini))


def extent(strength: Tensor, *, share: float = 0.95) -> int:
    """Side of the smallest square around the middle that holds this share of an attribution, in input pixels."""
    height, width = strength.shape
    down = (torch.arange(height) - (height - 1) / 2).abs()[:, None].expand(height, width)
    across = (torch.arange(width) - (width - 1) / 2).abs()[None].expand(height, width)
    distance, order = torch.maximum(down, across).flatten().sort()
    held = strength.flatten()[order].cumsum(0)
    last = min(int((held < share * held[-1]).sum()), len(held) - 1)
    return int(2 * distance[last]) + 1
