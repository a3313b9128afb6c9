"""Losses on edges: what gradients do locally, which pixel differences hardly see."""

import torch
import torch.nn.functional as F
from torch import Tensor

from upres.lab.losses.pixel import to_luma

_SOBEL_X = ((-1.0, 0.0, 1.0), (-2.0, 0.0, 2.0), (-1.0, 0.0, 1.0))
_SOBEL_Y = ((-1.0, -2.0, -1.0), (0.0, 0.0, 0.0), (1.0, 2.0, 1.0))
_LAPLACIAN = ((0.0, 1.0, 0.0), (1.0, -4.0, 1.0), (0.0, 1.0, 0.0))


def gradient_variance(
    sr: Tensor, hr: Tensor, *, patch_size: int = 8, weights: tuple[float, float, float] = (1.0, 1.0, 1.0)
) -> Tensor:
    """Edge-enhanced gradient-variance loss: squared difference of the variances of edge maps in small squares.

    A blurred picture's gradients vary less than the true one's; the pixel loss of that blur is small, this one's not.

    Args:
        sr: ``(N, 1 or 3, H, W)`` in [0, 1]; colour is reduced to luma.
        hr: Same shape.
        patch_size: Side of the squares; what is left over at the right and at the bottom does not count.
        weights: Of the horizontal Sobel, vertical Sobel and Laplacian maps.

    Raises:
        ValueError: If the pictures are smaller than a square and its border.

    Reference: Wang, 2022, arXiv:2204.08759, section 3.3; Abrahamyan et al., 2022, arXiv:2202.00997.
    """
    if min(sr.shape[-2:]) < patch_size + 2:
        raise ValueError(f"gradient_variance needs sides of at least {patch_size + 2} pixels, got {list(sr.shape)}")
    kernels = torch.tensor((_SOBEL_X, _SOBEL_Y, _LAPLACIAN), device=sr.device)[:, None]  # (3, 1, 3, 3)
    squared = (_variances(sr, kernels, patch_size) - _variances(hr, kernels, patch_size)).square().mean((0, 2))
    return (squared * torch.tensor(weights, device=sr.device)).sum()


def _variances(picture: Tensor, kernels: Tensor, patch_size: int) -> Tensor:
    """Variance of each edge map in each square, ``(N, 3, squares)``."""
    with torch.autocast(picture.device.type, enabled=False):  # squares of squares need more than bf16's eight bits
        plane = to_luma(picture.float())[:, None]
        maps = F.conv2d(plane, kernels)  # no padding: a border of zeros would be the strongest edge
        squares = F.unfold(maps, patch_size, stride=patch_size)  # (N, 3 * patch_size², squares)
        return squares.reshape(len(squares), 3, patch_size**2, -1).var(dim=2)
