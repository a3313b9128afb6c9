"""What stands still in an animation stays still when it is made larger.

A network with attention moves every pixel a little where anything in the picture moves: a quarter of the still ones by
a level or more, which no viewer wants and every format writes anew.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from upres.image.picture import Frame, Mask, Pixels

_REACH = 6
"""Pixels around a change, before enlarging, whose enlarged pixels may follow it."""


def same(before: Frame, after: Frame) -> bool:
    """Whether two frames show the same."""
    return not bool(_changed(before, after).any())


def held(before: Frame, after: Frame, made_before: Frame, made: Frame) -> Frame:
    """The enlarged frame with what stands still taken from the enlarged frame before it.

    Args:
        before: A frame of an animation.
        after: The next one, of the same size.
        made_before: The first one enlarged.
        made: The second one enlarged.
    """
    height, width = made.pixels.shape[:2]
    still = ~_grown(_changed(before, after))
    rows = (np.arange(height) * 2 + 1) * still.shape[0] // (2 * height)
    columns = (np.arange(width) * 2 + 1) * still.shape[1] // (2 * width)
    mask = still[rows[:, None], columns[None]]

    def kept(old: Pixels | None, new: Pixels | None) -> Pixels | None:
        if old is None or new is None or old.shape != new.shape:
            return new
        return np.where(mask if new.ndim == 2 else mask[..., None], old, new)

    pixels = kept(made_before.pixels, made.pixels)
    assert pixels is not None
    return replace(made, pixels=pixels, alpha=kept(made_before.alpha, made.alpha))


def _changed(before: Frame, after: Frame) -> Mask:
    if before.pixels.shape != after.pixels.shape or (before.alpha is None) != (after.alpha is None):
        return np.ones(after.pixels.shape[:2], np.bool_)
    differs: NDArray[np.bool_] = np.asarray(before.pixels != after.pixels)
    if differs.ndim == 3:
        differs = differs[..., 0] | differs[..., 1] | differs[..., 2]
    if before.alpha is not None and after.alpha is not None:
        differs = differs | np.asarray(before.alpha != after.alpha)
    return differs


def _grown(mask: Mask) -> Mask:
    """The mask with everything up to `_REACH` pixels from it."""
    for axis in (0, 1):
        padding = [(0, 0), (0, 0)]
        padding[axis] = (_REACH, _REACH)
        lanes = np.pad(mask, padding)
        length = mask.shape[axis]
        mask = np.zeros_like(mask)
        for start in range(2 * _REACH + 1):
            mask |= lanes[start : start + length] if axis == 0 else lanes[:, start : start + length]
    return mask
