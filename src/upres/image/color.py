"""Luma of BT.601, in floats: full range as in JPEG, studio range as in MATLAB and the papers.

Luma is written in differences to green: ``Y = sum * G + wr (R - G) + wb (B - G)``. So a grey pixel has a luma that
depends on nothing but its value, in any precision.

Values are in [0, 1] throughout. Full range uses all of it; studio range puts Y in
16/255 to 235/255. Nothing is clamped.

Reference: ITU-T T.871 (JFIF), section 7 (full range); MATLAB ``rgb2ycbcr`` for doubles (studio range).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Plane = NDArray[np.float32]

LUMA_WEIGHTS = RED_WEIGHT, GREEN_WEIGHT, BLUE_WEIGHT = 0.299, 0.587, 0.114
"""Parts of red, green and blue in full-range Y."""
STUDIO_BLACK = 16 / 255
"""Y of black in studio range."""
STUDIO_SPAN = 219 / 255
"""Distance between black and white in studio range."""

# (Y of black, sum of the weights, weight of red, of blue); green has what is missing to the sum
_FULL = (0.0, 1.0, RED_WEIGHT, BLUE_WEIGHT)
_STUDIO = (STUDIO_BLACK, STUDIO_SPAN, 65.481 / 255, 24.966 / 255)


def luma(rgb: Floats, *, studio: bool) -> Plane:
    """Y of BT.601: ``(...)`` float32 from ``(..., 3)`` floats in [0, 1].

    Args:
        rgb: ``(..., 3)``, floats in [0, 1].
        studio: Studio range (MATLAB, papers) instead of full range (JPEG).

    Raises:
        TypeError: If the image is not of floats; `upres.image.convert.to_float` makes it so.
        ValueError: If the last axis does not hold three channels.

    Example:
        >>> float(luma(np.ones((1, 1, 3)), studio=False)[0, 0])
        1.0
    """
    red, green, blue = _channels(rgb)
    black, total, red_weight, blue_weight = _STUDIO if studio else _FULL
    y: Plane = (red - green) * np.float32(red_weight)
    y += (blue - green) * np.float32(blue_weight)
    y += green * np.float32(total)
    y += np.float32(black)
    return y


def _channels(image: Floats) -> tuple[Plane, Plane, Plane]:
    if image.dtype.kind != "f":
        raise TypeError(f"expected floats in [0, 1], got {image.dtype}; convert with upres.image.convert.to_float")
    if image.shape[-1] != 3:
        raise ValueError(f"expected three channels in the last axis, got shape {image.shape}")
    first, second, third = (np.ascontiguousarray(image[..., channel], dtype=np.float32) for channel in range(3))
    return first, second, third
