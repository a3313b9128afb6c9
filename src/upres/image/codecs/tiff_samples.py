"""Samples of a TIFF page as ``uint8`` or ``uint16`` over their whole range."""

from typing import Any

import numpy as np

from upres.errors import ImageReadError
from upres.image.picture import Pixels

_UNSIGNED, _FLOAT = 1, 3
_CIELAB = 8
_PALETTE = 3


def bits_of(page: Any) -> int:
    """Bits a sample of a page."""
    bits = page.bitspersample
    return int(bits if isinstance(bits, int) else max(bits))


def to_samples(page: Any, array: Pixels) -> Pixels:
    """A page's array as ``(H, W, S)``: ``uint8`` up to 8 bits, ``uint16`` above, each over its whole range.

    Floats must lie in [0, 1] and become ``uint16``; palette indices stay as they are.

    Raises:
        ImageReadError: For signed or 32-bit integers, floats outside [0, 1], and volumes.
    """
    if array.dtype == bool:
        array = array.astype(np.uint8)
    planar = page.planarconfig == 2 and array.ndim == 3
    samples = array[..., None] if array.ndim == 2 else np.moveaxis(array, 0, 2) if planar else array
    if samples.ndim != 3:
        raise ImageReadError(f"a TIFF volume of shape {array.shape} is not a picture")
    if int(page.photometric) == _PALETTE:
        return samples
    if page.sampleformat == _FLOAT:
        return _from_float(samples)
    bits = bits_of(page)
    if int(page.photometric) == _CIELAB:
        return _offset_lab(samples)
    if page.sampleformat not in (_UNSIGNED, 4) or bits > 16:
        kind = "signed" if page.sampleformat == 2 else "unsigned" if page.sampleformat == _UNSIGNED else "complex"
        raise ImageReadError(
            f"a TIFF with {bits}-bit {kind} samples; convert it to 8 or 16 bits unsigned, or to floats in [0, 1]"
        )
    return stretched(samples, bits)


def stretched(samples: Pixels, bits: int) -> Pixels:
    """Samples of 1 to 16 bits over the whole range of ``uint8``, or above 8 bits of ``uint16``."""
    if bits < 8:
        return (
            (samples * np.uint8(255 // (2**bits - 1))).astype(np.uint8) if 8 % bits == 0 else _scaled(samples, bits, 8)
        )
    if bits in (8, 16):
        return samples
    return _scaled(samples, bits, 16)


def _scaled(samples: Pixels, bits: int, target: int) -> Pixels:
    full = 2**bits - 1
    wide = samples.astype(np.uint32) * (2**target - 1)
    result: Pixels = ((wide + full // 2) // full).astype(np.uint8 if target == 8 else np.uint16)
    return result


def _from_float(samples: Pixels) -> Pixels:
    low, high = float(samples.min()), float(samples.max())
    if not (low >= 0 and high <= 1):  # written so that NaN fails too
        raise ImageReadError(f"a TIFF of floats from {low:g} to {high:g}; expected values in [0, 1]: scale it first")
    return np.rint(samples.astype(np.float64) * 65535).astype(np.uint16)


def _offset_lab(samples: Pixels) -> Pixels:
    """CIE Lab with signed a and b as LittleCMS wants it: offset to the middle of the range."""
    if samples.dtype.itemsize > 2:
        raise ImageReadError("a TIFF with 32-bit CIE Lab samples; convert it to 8 or 16 bits")
    unsigned = samples.view(f"u{samples.dtype.itemsize}").copy()
    unsigned[..., 1:] ^= np.array(1 << (8 * samples.dtype.itemsize - 1), unsigned.dtype)
    if unsigned.dtype == np.uint16:  # TIFF counts 256 to the unit of a and b, LittleCMS 257
        unsigned[..., 1:] = np.minimum(unsigned[..., 1:].astype(np.uint32) * 257 // 256, 65535)
    return unsigned


def from_palette(page: Any, index: Pixels) -> Pixels:
    """RGB of a page's palette indices; the 16-bit colours of a TIFF palette are 8-bit ones spread out."""
    colors = np.asarray(page.colormap)
    if index.max() >= colors.shape[1]:
        raise ImageReadError("damaged TIFF file (a colour beyond its palette)")
    if colors.max() > 255:
        colors = colors >> 8
    return np.ascontiguousarray(colors.T.astype(np.uint8)[index])


def unmultiplied(color: Pixels, alpha: Pixels) -> Pixels:
    """Colour divided by the alpha that was multiplied into it, rounded."""
    full = int(np.iinfo(color.dtype).max)
    opacity = np.maximum(alpha, 1).astype(np.uint64)[..., None]
    straight = (color.astype(np.uint64) * full + opacity // 2) // opacity
    result: Pixels = np.minimum(straight, full).astype(color.dtype)
    return result
