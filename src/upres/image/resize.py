"""Bicubic resizing that equals MATLAB's ``imresize`` to the bit, and the crop that goes before it.

Every figure of the super-resolution literature rests on low-resolution images made by that function, so a kernel of
another width or another rounding costs decibels. What it does, one dimension after the other, the more reduced one
first and the vertical one first when both are alike: the cubic kernel of Keys (a = -0.5), widened by the reduction,
sampled around each output's centre, normalised; edges reflected with the outermost pixel repeated; integers rounded
and saturated after each dimension.

Positions and weights are exact fractions. With a scale of a / b the weights repeat every ``a`` outputs, so each group
of equal weights is one multiply-add per tap over whole blocks, and the common denominator of the weights tells how far
from a rounding boundary a sum can be: float32 is used only where it provably rounds as exact arithmetic would. Every
output is summed in the same order whatever the image around it: a piece resized by itself equals that piece of the
whole.

Reference: Keys, 1981, doi:10.1109/TASSP.1981.1163711; MATLAB R2011a and later, ``imresize(..., 'bicubic')``.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from math import ceil, floor, gcd, lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[Any]
_Taps = tuple[int, int, tuple[float, ...]]
"""Some outputs of one group: first input, number of outputs, weights."""

_BLOCK_VALUES = 1 << 15
"""Values that one arithmetic operation handles: few enough to stay in the cache, many enough to hide the call."""
_LARGEST = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}
_BAND = 1024
"""Rows that are transposed together."""
_LONG_PERIOD = 16
"""From here on columns are resized as rows of the transposed image; below, as interleaved planes."""


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
    shift: tuple[Fraction, Fraction] = (Fraction(0), Fraction(0)),
) -> Image:
    """The image at another size, as MATLAB's bicubic ``imresize`` makes it.

    Args:
        image: ``(H, W)`` or ``(H, W, C)``; uint8, uint16, float32 or float64.
        scale: Output size over input size, any positive number; sizes are rounded up. A float is taken for the
            nearest fraction with a denominator up to a million, so ``1 / 3`` is a third.
        size: Output ``(height, width)`` instead of ``scale``.
        antialias: Widen the kernel when reducing.
        shift: How far down and right of MATLAB's place each output is sampled, in input pixels: for chroma planes whose
            samples are not centred.

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
    plans = zip(_plan(image.shape[:2], scale, size), shift, strict=True)
    vertical, horizontal = (_Axis(*plan, antialias, offset) for plan, offset in plans)
    pixels = image if image.ndim == 3 else image[:, :, None]
    if vertical.scale <= horizontal.scale:
        pixels = _resize_columns(_resize_rows(pixels, vertical), horizontal)
    else:
        pixels = _resize_rows(_resize_columns(pixels, horizontal), vertical)
    if vertical.is_identity and horizontal.is_identity:
        pixels = pixels.copy()
    return pixels if image.ndim == 3 else pixels[:, :, 0]


@dataclass(frozen=True)
class _Group:
    """The outputs whose weights are alike: one of the ``scale.numerator`` positions within a period."""

    first: int
    """The leftmost input of the group's first output; outside the image where it is reflected."""
    weights: tuple[float, ...]
    """Of the inputs from ``first`` on; their sum is 1, each is correctly rounded."""
    denominator: int
    """Of the exact weights as fractions."""


def rows_needed(
    height: int, size: int, rows: range, shift: Fraction = Fraction(0), *, scale: Fraction | None = None
) -> range:
    """The rows of an image of this height that these ``rows`` of its resized form, ``size`` high, depend on.

    Args:
        height: Of the image.
        size: Height of the resized image.
        rows: Of the resized image.
        shift: As in `imresize`, of rows.
        scale: How far apart the rows of the image lie in rows of the resized image; ``None``: ``size / height``.

    Example:
        >>> rows_needed(100, 200, range(20, 40))
        range(8, 22)
    """
    axis = _Axis(size, Fraction(size, height) if scale is None else scale, True, shift)
    _, taken = _window(axis.taps(rows.start, rows.stop), axis.step, height)
    return range(int(taken.min()), int(taken.max()) + 1)


def imresize_rows(
    part: Image,
    *,
    first_row: int,
    height: int,
    size: tuple[int, int],
    rows: range,
    shift: tuple[Fraction, Fraction] = (Fraction(0), Fraction(0)),
    scale: tuple[Fraction, Fraction] | None = None,
) -> Image:
    """Some rows of ``imresize(image, size=size)``, to the bit, from a part of the image.

    Args:
        part: ``(H, W)`` or ``(H, W, C)``, rows of the image from ``first_row`` on; at least those of `rows_needed`.
        first_row: Where the part starts in the image.
        height: Of the whole image.
        size: ``(height, width)`` of the whole resized image.
        rows: Which of its rows to make.
        shift: As in `imresize`.
        scale: As in `rows_needed`, of rows and of columns. A chroma plane has the scale of its luma plane, whatever
            its own sizes were rounded to.

    Returns:
        ``(len(rows), size[1])``, with channels where ``part`` has them.
    """
    down, right = scale or (Fraction(size[0], height), Fraction(size[1], part.shape[1]))
    vertical, horizontal = _Axis(size[0], down, True, shift[0]), _Axis(size[1], right, True, shift[1])
    pixels = part if part.ndim == 3 else part[:, :, None]
    cut = _Cut(rows, first_row, height)
    if vertical.scale <= horizontal.scale:
        pixels = _resize_columns(_resize_rows(pixels, vertical, cut), horizontal)
    else:
        pixels = _resize_rows(_resize_columns(pixels, horizontal), vertical, cut)
    return pixels if part.ndim == 3 else pixels[:, :, 0]


@dataclass(frozen=True)
class _Cut:
    """Which outputs to make, and where in the image the given rows lie."""

    rows: range
    first_row: int
    height: int


@dataclass(frozen=True)
class _Axis:
    """How one dimension is resized: outputs ``period`` apart share their weights, ``step`` inputs apart."""

    length: int
    """Of the output."""
    scale: Fraction
    antialias: bool
    shift: Fraction = Fraction(0)
    """Of every output, in inputs."""

    @property
    def is_identity(self) -> bool:
        """Whether outputs are the inputs."""
        return self.scale == 1 and not self.shift

    @property
    def period(self) -> int:
        return self.scale.numerator

    @property
    def step(self) -> int:
        return self.scale.denominator

    @cached_property
    def groups(self) -> tuple[_Group, ...]:
        return _groups(self.scale, self.antialias, self.shift, min(self.period, self.length))

    def taps(self, top: int, bottom: int) -> list[_Taps]:
        """Each group's outputs in a range, starting with the group of ``top``."""
        taps = []
        for output in range(top, min(top + self.period, bottom)):
            periods, index = divmod(output, self.period)
            group = self.groups[index]
            count = len(range(output, bottom, self.period))
            taps.append((group.first + periods * self.step, count, group.weights))
        return taps

    def arithmetic(self, dtype: np.dtype[Any]) -> tuple[np.dtype[Any], float]:
        """The dtype to sum in, and what to add to a sum before it is truncated to an integer.

        Exact sums are multiples of 1 / denominator: they lie on a boundary (a half) or at least half of that away.
        """
        if dtype.kind == "f":
            return dtype, 0.0
        denominator = lcm(*(group.denominator for group in self.groups))
        taps = max(len(group.weights) for group in self.groups)
        largest = (_LARGEST[dtype] + 1) * max(sum(map(abs, group.weights)) for group in self.groups)
        if denominator.bit_count() == 1 and largest * denominator < 2**24:  # every partial sum is exact
            return np.dtype(np.float32), 0.5
        if (taps + 3) * 2.0**-24 * largest < 1 / (4 * denominator):  # errors are smaller than the distance
            return np.dtype(np.float32), 0.5 + 1 / (4 * denominator)
        return np.dtype(np.float64), 0.5 + 1e-9


@lru_cache(maxsize=64)
def _groups(scale: Fraction, antialias: bool, shift: Fraction, count: int) -> tuple[_Group, ...]:
    """The first ``count`` groups. The kernel's argument is an integer over a common denominator of a period."""
    period, step = scale.numerator, scale.denominator
    parts = lcm(2 * period, shift.denominator)
    """Parts of an input pixel in which all distances are integers."""
    unit = max(parts, parts * step // period) if antialias else parts
    groups = []
    for output in range(count):
        centre = Fraction((2 * output + 1) * step - period, 2 * period) + shift
        reach = Fraction(2 * unit, parts)
        first, last = ceil(centre - reach), floor(centre + reach)
        values = [_cubic(int(abs(centre - tap) * parts), unit) for tap in range(first, last + 1)]
        total = sum(values)
        groups.append(_Group(first, tuple(value / total for value in values), total // gcd(total, *values)))
    return tuple(groups)


def _cubic(offset: int, unit: int) -> int:
    """Keys' kernel at ``offset / unit``, 0 to 2, times ``2 * unit**3``."""
    if offset <= unit:
        return 3 * offset**3 - 5 * offset**2 * unit + 2 * unit**3
    return -(offset**3) + 5 * offset**2 * unit - 8 * offset * unit**2 + 4 * unit**3


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


def _resize_rows(pixels: Image, axis: _Axis, cut: _Cut | None = None) -> Image:
    """Resize the first dimension of ``(H, W, C)``, or make only a cut of it, in blocks that stay in the cache."""
    height, width, channels = pixels.shape
    cut = cut or _Cut(range(axis.length), 0, height)
    if axis.is_identity:
        return pixels[cut.rows.start - cut.first_row : cut.rows.stop - cut.first_row]
    source = pixels.reshape(height, width * channels)
    out = np.empty((len(cut.rows), width * channels), pixels.dtype)
    working, offset = axis.arithmetic(pixels.dtype)
    rows = min(16 * axis.period, 32)
    columns = _BLOCK_VALUES // 8
    for top in range(0, len(cut.rows), rows):
        target = out[top : top + rows]
        taps = axis.taps(cut.rows.start + top, cut.rows.start + top + len(target))
        low, taken = _window(taps, axis.step, cut.height)
        taken -= cut.first_row
        for left in range(0, width * channels, columns):
            block = source[taken, left : left + columns].astype(working)
            for group, (first, count, weights) in enumerate(taps):
                start = first - low
                slices = [block[start + t :][: axis.step * count : axis.step][:count] for t in range(len(weights))]
                _store(_weighted_sum(slices, weights), target[group :: axis.period, left : left + columns], offset)
    return out.reshape(len(cut.rows), width, channels)


def _resize_columns(pixels: Image, axis: _Axis) -> Image:
    """Resize the second dimension of ``(H, W, C)``.

    Strided arithmetic is slow. Each band of rows is split into ``step`` planes of every ``step``-th column, so that
    the taps of a group are contiguous pieces of planes. With long periods the pieces would be tiny.
    """
    if axis.is_identity:
        return pixels
    if max(axis.period, axis.step) >= _LONG_PERIOD:
        return _resize_transposed(pixels, axis)
    height, width, channels = pixels.shape
    out = np.empty((height, axis.length, channels), pixels.dtype)
    working, offset = axis.arithmetic(pixels.dtype)
    taps = axis.taps(0, axis.length)
    low, taken = _window(taps, axis.step, width)
    rows = ceil(_BLOCK_VALUES * axis.period / axis.length)
    for top in range(0, height, rows):
        band = pixels[top : top + rows]
        for channel in range(channels):
            padded = _take_columns(band[:, :, channel], low, taken)
            planes = [padded[:, phase :: axis.step].astype(working) for phase in range(axis.step)]
            for group, (first, count, weights) in enumerate(taps):
                slices = []
                for tap in range(first - low, first - low + len(weights)):
                    start, phase = divmod(tap, axis.step)
                    slices.append(planes[phase][:, start : start + count])
                target = out[top : top + rows, group :: axis.period, channel]
                _store(_weighted_sum(slices, weights), target, offset)
    return out


def _resize_transposed(pixels: Image, axis: _Axis) -> Image:
    height, width, channels = pixels.shape
    out = np.empty((height, axis.length, channels), pixels.dtype)
    for top in range(0, height, _BAND):
        band = pixels[top : top + _BAND]
        flipped = np.empty((width, channels, len(band)), pixels.dtype)
        for channel in range(channels):  # plane by plane: copying three values at a time is three times slower
            flipped[:, channel] = band[:, :, channel].T
        resized = _resize_rows(flipped, axis)
        for channel in range(channels):
            out[top : top + _BAND, :, channel] = resized[:, channel].T
    return out


def _weighted_sum(slices: list[Image], weights: tuple[float, ...]) -> Image:
    kept = [(piece, piece.dtype.type(weight)) for piece, weight in zip(slices, weights, strict=True) if weight]
    total: Image = kept[0][0] * kept[0][1]
    product = np.empty_like(total)
    for piece, weight in kept[1:]:
        np.multiply(piece, weight, out=product)
        np.add(total, product, out=total)
    return total


def _store(total: Image, target: Image, offset: float) -> None:
    if target.dtype.kind != "f":
        np.add(total, total.dtype.type(offset), out=total)
        np.clip(total, 0, _LARGEST[target.dtype], out=total)
    np.copyto(target, total, casting="unsafe")


def _window(taps: list[_Taps], step: int, length: int) -> tuple[int, NDArray[np.intp]]:
    """The first input that the taps touch, and where to find each from there on: reflected into the image."""
    low = min(first for first, _, _ in taps)
    high = max(first + (count - 1) * step + len(weights) for first, count, weights in taps)
    folded = np.arange(low, high) % (2 * length)
    return low, np.minimum(folded, 2 * length - 1 - folded)


def _take_columns(plane: Image, low: int, taken: NDArray[np.intp]) -> Image:
    """``plane[:, taken]``, with one copy for the part inside the image."""
    width = plane.shape[1]
    padded: Image = np.empty((len(plane), len(taken)), plane.dtype)
    left, right = max(-low, 0), min(width - low, len(taken))
    padded[:, left:right] = plane[:, low + left : low + right]
    padded[:, :left] = plane[:, taken[:left]]
    padded[:, right:] = plane[:, taken[right:]]
    return padded
