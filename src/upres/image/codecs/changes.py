"""What differs between two frames of an animation."""

import numpy as np

from upres.image.picture import Mask, Pixels

Box = tuple[int, int, int, int]
"""First row, row behind the last, first column, column behind the last."""


def changed(before: Pixels, after: Pixels) -> Mask:
    """``(H, W)`` true where any channel differs."""
    differs = np.asarray(before != after)
    return differs if differs.ndim == 2 else np.asarray(differs.any(axis=2))


def box_of(mask: Mask) -> Box:
    """The smallest rectangle that holds every true pixel; one pixel where none is, as a frame may not be empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return 0, 1, 0, 1
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def changed_box(before: Pixels, after: Pixels) -> Box:
    """The rectangle outside of which two frames are equal."""
    return box_of(changed(before, after))
