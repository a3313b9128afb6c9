"""Bicubic resizing that equals MATLAB's ``imresize`` to the bit, and the crop that goes before it.

Every figure of the super-resolution literature rests on low-resolution images made by that function, so a kernel of
another width or another rounding costs decibels. What it does, one dimension after the other, the more reduced one
first and the vertical one first when both are alike: the cubic kernel of Keys (a = -0.5), widened by the reduction,
sampled around each output's centre, normalised; edges reflected with the outermost pixel repeated; integers rounded
and saturated after each dimension.

Positions are exact fractions, so with a scale of a / b the weights repeat every ``a`` outputs and each group of equal
weights is one strided multiply-add. Every output value is summed in the same order whatever the image around it:
a piece resized by itself equals the same piece of the whole.

Reference: Keys, 1981, doi:10.1109/TASSP.1981.1163711; MATLAB R2011a and later, ``imresize(..., 'bicubic')``.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[Any]

_BLOCK_ROWS = 48
_BLOCK_COLUMNS = 2048
_BAND = 256
_TIE = 1e-9


def crop_to_multiple(image: Image, multiple: int) -> Image:
    """A view of the image without the last rows and columns that exceed a multiple.

    Args:
        image: ``(H, W)`` or ``(H, W, C)``.
        multiple: What height and width shall be divisible by: the scale.

    Raises:
        ValueError: If the image is smaller than ``multiple``.

    Example:
        >>> crop_to_multiple(np.zeros((7, 9)), 3).shape
        (6, 9)
    """
    height, width = (length - length % multiple for length in image.shape[:2])
    if not (height and width):
        raise ValueError(f"cannot crop {image.shape[0]}x{image.shape[1]} pixels to a multiple of {multiple}")
    return image[:height, :width]


def imresize(
    image: Image,
    *,
    scale: float | Fraction | None = None,
    size: tuple[int, int] | None = None,
    antialias: bool = True,
) -> Image:
    """The image at another size, as MATLAB's bicubic ``imresize`` makes it.

    Args:
        image: ``(H, W)`` or ``(H, W, C)``; uint8, uint16, float32 or float64.
        scale: Output size over input size, any positive number; sizes are rounded up. A float is taken for the
            nearest fraction with a denominator up to a million, so ``1 / 3`` is a third.
        size: Output ``(height, width)`` instead of ``scale``.
        antialias: Widen the kernel when reducing.

    Returns:
        A new array of the same dtype and number of dimensions. Integers are rounded half up and saturated after each
        dimension, floats neither rounded nor clamped.

    Raises:
        TypeError: If the dtype is another.
        ValueError: If the image is empty, or not exactly one of ``scale`` and ``size`` is given, or it is not positive.

    Example:
        >>> imresize(np.full((4, 6, 3), 7, np.uint8), scale=1 / 2).shape
        (2, 3, 3)
    """
    if image.dtype not in (np.uint8, np.uint16, np.float32, np.float64):
        raise TypeError(f"expected uint8, uint16, float32 or float64, got {image.dtype}")
    if image.ndim not in (2, 3) or not image.size:
        raise ValueError(f"expected an image (H, W) or (H, W, C) with pixels, got shape {image.shape}")
    vertical, horizontal = (_Axis(*axis, antialias) for axis in _plan(image.shape[:2], scale, size))
    pixels = image if image.ndim == 3 else image[:, :, None]
    if vertical.scale <= horizontal.scale:
        pixels = _resize_columns(_resize_rows(pixels, vertical), horizontal)
    else:
        pixels = _resize_rows(_resize_columns(pixels, horizontal), vertical)
    pixels = pixels.copy() if pixels is image or pixels.base is image else pixels
    return pixels if image.ndim == 3 else pixels[:, :, 0]


@dataclass(frozen=True)
class _Axis:
    """How one dimension is resized."""

    length: int
    """Of the output."""
    scale: Fraction
    antialias: bool

    def first_tap(self, output: int) -> int:
        """The leftmost input that may have a weight for this output; outside the image where it is reflected."""
        return ceil(self._centre(output) - 2 * self._widening)

    def weights(self, output: int) -> NDArray[np.float64]:
        """Weights of the inputs from `first_tap` on, with sum 1."""
        centre, widening = self._centre(output), self._widening
        first, last = self.first_tap(output), floor(centre + 2 * widening)
        values = _cubic(np.array([float((centre - tap) / widening) for tap in range(first, last + 1)]))
        return values / values.sum()

    @property
    def _widening(self) -> Fraction:
        return max(1 / self.scale, Fraction(1)) if self.antialias else Fraction(1)

    def _centre(self, output: int) -> Fraction:
        return (output + Fraction(1, 2)) / self.scale - Fraction(1, 2)


def _plan(
    shape: tuple[int, ...], scale: float | Fraction | None, size: tuple[int, int] | None
) -> list[tuple[int, Fraction]]:
    """Output length and exact scale of each dimension."""
    if (scale is None) == (size is None):
        raise ValueError("expected either scale or size")
    if size is not None:
        if min(size) < 1:
            raise ValueError(f"expected a size of at least 1x1, got {size}")
        return [(length, Fraction(length, old)) for length, old in zip(size, shape, strict=True)]
    assert scale is not None
    exact = scale if isinstance(scale, Fraction) else Fraction(scale).limit_denominator(1_000_000)
    if exact <= 0:
        raise ValueError(f"expected a positive scale, got {scale}")
    return [(ceil(exact * old), exact) for old in shape]


def _cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0))


def _resize_columns(pixels: Image, axis: _Axis) -> Image:
    """Resize the second dimension: bands of rows are transposed, so that the arithmetic runs over contiguous memory."""
    if axis.scale == 1:
        return pixels
    height, _, channels = pixels.shape
    out = np.empty((height, axis.length, channels), pixels.dtype)
    for top in range(0, height, _BAND):
        band = np.ascontiguousarray(pixels[top : top + _BAND].transpose(1, 0, 2))
        out[top : top + _BAND] = _resize_rows(band, axis).transpose(1, 0, 2)
    return out


def _resize_rows(pixels: Image, axis: _Axis) -> Image:
    """Resize the first dimension, in blocks that stay in the processor's cache."""
    if axis.scale == 1:
        return pixels
    height, width, channels = pixels.shape
    source = pixels.reshape(height, width * channels)
    out = np.empty((axis.length, width * channels), pixels.dtype)
    groups = [(axis.first_tap(i), axis.weights(i)) for i in range(min(axis.scale.numerator, axis.length))]
    working = _working_dtype(pixels.dtype, [weights for _, weights in groups])
    for top in range(0, axis.length, _BLOCK_ROWS):
        bottom = min(top + _BLOCK_ROWS, axis.length)
        rows = [_taps_of(i, groups, axis.scale) for i in range(top, bottom)]
        low = min(first for first, _ in rows)
        high = max(first + len(weights) for first, weights in rows)
        taken = _reflect(np.arange(low, high), height)
        for left in range(0, width * channels, _BLOCK_COLUMNS):
            columns = slice(left, left + _BLOCK_COLUMNS)
            block = source[taken, columns].astype(working)
            _combine(block, [(first - low, weights) for first, weights in rows], axis.scale, out[top:bottom, columns])
    return out.reshape(axis.length, width, channels)


def _taps_of(
    output: int, groups: list[tuple[int, NDArray[np.float64]]], scale: Fraction
) -> tuple[int, NDArray[np.float64]]:
    """First tap and weights of an output row: those of its group, moved along by whole periods."""
    period, group = divmod(output, scale.numerator)
    first, weights = groups[group]
    return first + period * scale.denominator, weights


def _combine(block: Image, rows: list[tuple[int, NDArray[np.float64]]], scale: Fraction, out: Image) -> None:
    """Write the weighted sums of the block's rows into ``out``; rows with equal weights go together."""
    period = scale.numerator
    for group, (first, weights) in enumerate(rows[:period]):
        target = out[group::period]
        total = np.zeros(target.shape, block.dtype)
        product = np.empty_like(total)
        for tap, weight in enumerate(weights.astype(block.dtype)):
            start = first + tap
            stop = start + (len(target) - 1) * scale.denominator + 1
            np.multiply(block[start : stop : scale.denominator], weight, out=product)
            total += product
        _store(total, target)


def _store(total: Image, target: Image) -> None:
    if target.dtype.kind == "f":
        target[...] = total
        return
    total += 0.5
    np.clip(total, 0, np.iinfo(target.dtype).max, out=total)
    np.copyto(target, total, casting="unsafe")


def _working_dtype(dtype: np.dtype[Any], groups: list[NDArray[np.float64]]) -> np.dtype[Any]:
    """float32 where it is exact: weights that are multiples of a power of two, sums within 24 bits; else float64."""
    if dtype.kind == "f":
        return dtype
    weights = np.concatenate(groups)
    largest = float(np.iinfo(dtype).max) * max(np.abs(group).sum() for group in groups)
    step = 2.0 ** floor(np.log2(2.0**24 / (largest + 1)))
    exact = bool(np.all(weights * step == np.round(weights * step)))
    return np.dtype(np.float32 if exact else np.float64)


def _reflect(indices: NDArray[np.intp], length: int) -> NDArray[np.intp]:
    """Indices outside the image mirrored into it, the outermost pixel repeated, as often as needed."""
    folded = indices % (2 * length)
    return np.minimum(folded, 2 * length - 1 - folded)
