"""A loss on the regular grid that sub-pixel layers leave: what errors have in common at one place of every cell."""

import torch.nn.functional as F
from torch import Tensor

from upres.errors import RecipeError


def checkerboard(sr: Tensor, hr: Tensor, *, period: int = 2, window: int = 64) -> Tensor:
    """Mean absolute error of each place in the cells of a sub-pixel layer, averaged over squares, less their mean.

    A pixel shuffle makes ``period`` by ``period`` pixels of one by as many filters. Where these disagree, the picture
    gets a pattern of that period, faint beside errors of other kinds, so that pixel losses hardly feel it, but regular,
    so that it stays when errors are averaged by place while those that are no pattern cancel.

    Args:
        sr: ``(N, C, H, W)`` in [0, 1].
        hr: Same shape.
        period: Side of a cell in pixels: the network's scale. At least 2.
        window: Side of the squares in pixels, a multiple of the period; squares overlap by half. No larger than a crop,
            which is taken as a whole then.

    Raises:
        RecipeError: If the period is below 2, or the window or a crop is no multiple of it.

    Reference: Odena et al., 2016, doi:10.23915/distill.00003, for the pattern. The loss is our own.
    """
    if period < 2 or window < period or any(side % period for side in (window, *sr.shape[-2:])):
        raise RecipeError(
            f"checkerboard: expected a period from 2 of which window and crops are multiples, got period {period},"
            f" window {window}, crops {[*sr.shape]}"
        )
    places = F.pixel_unshuffle(sr - hr, period)
    places = places.reshape(-1, period**2, *places.shape[-2:])
    cells = [min(window // period, side) for side in places.shape[-2:]]
    means = F.avg_pool2d(places, cells, stride=[max(1, side // 2) for side in cells])
    return (means - means.mean(1, keepdim=True)).abs().mean()
