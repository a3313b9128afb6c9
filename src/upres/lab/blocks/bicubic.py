"""The cubic kernel sampled as convolution filters: where upsampling networks start from."""

import torch
from torch import Tensor


def cubic(position: Tensor) -> Tensor:
    """Keys' cubic kernel with a = -0.5 at each distance, zero from 2 pixels on.

    Reference: Keys, 1981, doi:10.1109/TASSP.1981.1163711.
    """
    x = position.abs()
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return torch.where(x < 1.0, near, torch.where(x < 2.0, far, torch.zeros_like(x)))


def phase_filters(scale: int, kernel_size: int) -> Tensor:
    """Filters that upsample by bicubic interpolation when a pixel shuffle follows.

    A kernel of fewer than five taps cuts the cubic's ends off; every filter is normalised to a sum of one.

    Args:
        scale: Factor of the pixel shuffle.
        kernel_size: Odd number of taps at each side.

    Returns:
        ``(scale ** 2, 1, kernel_size, kernel_size)``; filter ``dy * scale + dx`` makes sub-position ``(dy, dx)``.
    """
    offsets = (torch.arange(scale, dtype=torch.float64) + 0.5) / scale - 0.5
    taps = torch.arange(kernel_size, dtype=torch.float64) - kernel_size // 2
    rows = cubic(taps[None, :] - offsets[:, None])  # (scale, kernel_size)
    rows = rows / rows.sum(dim=1, keepdim=True)
    filters = torch.einsum("yi,xj->yxij", rows, rows)
    return filters.reshape(scale**2, 1, kernel_size, kernel_size).float()


def deconvolution_filter(scale: int, kernel_size: int, padding: int) -> Tensor:
    """Filter with which a transposed convolution of stride ``scale`` interpolates bicubically.

    Cut to ``kernel_size`` taps and normalised so that each of the ``scale ** 2`` output phases sums to one.

    Returns:
        ``(1, 1, kernel_size, kernel_size)``.
    """
    taps = torch.arange(kernel_size, dtype=torch.float64)
    row = cubic((taps - padding - (scale - 1) / 2) / scale)
    for first in range(scale):
        row[first::scale] /= row[first::scale].sum()
    return torch.outer(row, row).reshape(1, 1, kernel_size, kernel_size).float()
