"""A loss on undecimated wavelet bands: edges and texture by scale and direction, apart from tone."""

import torch
from torch import Tensor

from upres.errors import RecipeError
from upres.lab.losses.pixel import to_luma


def wavelet(sr: Tensor, hr: Tensor, *, levels: int = 2, low: float = 0.1) -> Tensor:
    """Mean absolute differences of the detail bands of a stationary Haar transform, and of the last smooth band.

    A pixel loss is least where a picture is smooth; in the bands what is smooth counts ``low``, while each direction of
    detail counts as much as the others. Unlike in spectra an edge stays where it is.

    Args:
        sr: ``(N, 1 or 3, H, W)`` in [0, 1]; colour is reduced to luma.
        hr: Same shape.
        levels: Of the transform; the details of each are twice as coarse as those before.
        low: Weight of the smooth band that the last level leaves; the three detail bands of each level weigh 1.

    Raises:
        RecipeError: If there is no level or crops are smaller than the widest filter.

    Reference: Korkmaz et al., 2024, arXiv:2402.19215, section 3, for stationary bands as an objective. There a longer
    filter is used; Haar's, the shortest, needs no border here, since what reaches over it does not count.
    """
    if levels < 1 or min(sr.shape[-2:]) < 2**levels:
        raise RecipeError(
            f"wavelet: expected levels from 1 and crops of 2**levels pixels, got {levels} of {[*sr.shape]}"
        )
    dtype = torch.promote_types(sr.dtype, torch.float32)
    smooth = to_luma(sr.to(dtype) - hr.to(dtype))  # the transform is linear: that of the difference is all there is
    total = smooth.new_zeros(())
    for level in range(levels):
        across, along = _haar(smooth, 2**level, dim=-1)
        smooth, horizontal = _haar(across, 2**level, dim=-2)
        vertical, diagonal = _haar(along, 2**level, dim=-2)
        total = total + horizontal.abs().mean() + vertical.abs().mean() + diagonal.abs().mean()
    return total + low * smooth.abs().mean()


def _haar(planes: Tensor, distance: int, *, dim: int) -> tuple[Tensor, Tensor]:
    """Half sums and half differences of pixels at a distance; ``distance`` shorter along ``dim``."""
    length = planes.shape[dim] - distance
    first, second = planes.narrow(dim, 0, length), planes.narrow(dim, distance, length)
    return (first + second) / 2, (first - second) / 2
