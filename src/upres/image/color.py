"""RGB to YCbCr of BT.601 and back, in floats: full range as in JPEG, studio range as in MATLAB and the papers.

Everything is written in differences to green: ``Y = sum * G + wr (R - G) + wb (B - G)``. So a grey pixel has a luma
that depends on nothing but its value and a chroma of exactly zero, and comes back as exactly grey, in any precision.

Values are in [0, 1] throughout. Full range uses all of it; studio range puts Y in 16/255 to 235/255 and Cb, Cr in
16/255 to 240/255. Chroma is centred at 128/255. Nothing is clamped.

Reference: ITU-T T.871 (JFIF), section 7 (full range); MATLAB ``rgb2ycbcr`` for doubles (studio range).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Plane = NDArray[np.float32]

CENTRE = 128 / 255
"""What stands for no colour in Cb and Cr."""
RED_WEIGHT = 0.299
BLUE_WEIGHT = 0.114
"""Parts of red and blue in full-range Y; the rest is green."""

# (offset of Y, sum of Y's weights, ((red, blue) weights of Y, of Cb, of Cr)); green has what is missing to the sum,
# which for Cb and Cr is zero.
_FULL = (
    0.0,
    1.0,
    ((RED_WEIGHT, BLUE_WEIGHT), (-RED_WEIGHT / 1.772, 0.5), (0.5, -BLUE_WEIGHT / 1.402)),
)
_STUDIO = (16 / 255, 219 / 255, ((65.481 / 255, 24.966 / 255), (-37.797 / 255, 112 / 255), (112 / 255, -18.214 / 255)))


def rgb_to_ycbcr(rgb: Floats, *, studio: bool) -> Plane:
    """Luma and chroma of an image.

    Args:
        rgb: ``(..., 3)``, floats in [0, 1].
        studio: Studio range (MATLAB, papers) instead of full range (JPEG).

    Returns:
        float32 of the same shape: Y, Cb, Cr.

    Raises:
        TypeError: If the image is not of floats; `to_float` makes it so.
        ValueError: If the last axis does not hold three channels.

    Example:
        >>> rgb_to_ycbcr(np.ones((1, 1, 3)), studio=True)[0, 0] * 255
        array([235., 128., 128.], dtype=float32)
    """
    y, cb, cr = _split(*_channels(rgb), studio)
    return np.stack((y, cb + np.float32(CENTRE), cr + np.float32(CENTRE)), axis=-1)


def ycbcr_to_rgb(ycc: Floats, *, studio: bool) -> Plane:
    """The inverse of `rgb_to_ycbcr`: ``(..., 3)`` float32, not clamped: not every YCbCr is a colour.

    Raises:
        TypeError: If the image is not of floats.
        ValueError: If the last axis does not hold three channels.
    """
    y, cb, cr = _channels(ycc)
    return np.stack(_merge(y, cb - np.float32(CENTRE), cr - np.float32(CENTRE), studio), axis=-1)


def luma(rgb: Floats, *, studio: bool) -> Plane:
    """Y of BT.601 alone: ``(...)`` float32 from ``(..., 3)`` floats in [0, 1].

    Raises:
        TypeError: If the image is not of floats.
        ValueError: If the last axis does not hold three channels.

    Example:
        >>> float(luma(np.ones((1, 1, 3)), studio=False)[0, 0])
        1.0
    """
    red, green, blue = _channels(rgb)
    offset, total, (weights, _, _) = _STUDIO if studio else _FULL
    y = _mix(red - green, blue - green, weights)
    y += green * np.float32(total)
    y += np.float32(offset)
    return y


def _split(red: Plane, green: Plane, blue: Plane, studio: bool) -> tuple[Plane, Plane, Plane]:
    """Y, Cb and Cr planes of three float32 planes in [0, 1]; here chroma is centred at zero."""
    offset, total, weights = _STUDIO if studio else _FULL
    red, blue = red - green, blue - green
    y, cb, cr = (_mix(red, blue, pair) for pair in weights)
    y += green * np.float32(total)
    y += np.float32(offset)
    return y, cb, cr


def _merge(y: Plane, cb: Plane, cr: Plane, studio: bool) -> tuple[Plane, Plane, Plane]:
    """Red, green and blue planes of what `_split` made; not clamped."""
    offset, total, (luma_weights, *chroma_weights) = _STUDIO if studio else _FULL
    to_red, to_blue = np.linalg.inv(chroma_weights)  # differences to green from (cb, cr)
    to_green = -(luma_weights[0] * to_red + luma_weights[1] * to_blue) / total
    green = _mix(cb, cr, to_green)
    green += (y - np.float32(offset)) * np.float32(1 / total)
    red, blue = (_mix(cb, cr, pair) for pair in (to_red, to_blue))
    red += green
    blue += green
    return red, green, blue


def _mix(first: Plane, second: Plane, weights: Any) -> Plane:
    mixed: Plane = first * np.float32(weights[0])
    mixed += second * np.float32(weights[1])
    return mixed


def _channels(image: Floats) -> tuple[Plane, Plane, Plane]:
    if image.dtype.kind != "f":
        raise TypeError(f"expected floats in [0, 1], got {image.dtype}; convert with upres.image.convert.to_float")
    if image.shape[-1] != 3:
        raise ValueError(f"expected three channels in the last axis, got shape {image.shape}")
    first, second, third = (np.ascontiguousarray(image[..., channel], dtype=np.float32) for channel in range(3))
    return first, second, third
