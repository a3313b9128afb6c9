"""Integers to floats and back, images to batches and back, and the colour path that every picture takes.

This is the only place that scales, clamps and rounds. On disk and at the public interface: uint8 or uint16,
``(H, W)`` or ``(H, W, C)``. Inside: float32, ``(N, C, H, W)``, in [0, 1].
"""

from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from upres.image.color import BLUE_WEIGHT, RED_WEIGHT
from upres.image.resize import imresize

Batch = NDArray[np.float32]
Network = Callable[[Batch], Batch]
"""``(N, C, H, W)`` float32 in [0, 1] to ``(N, C, H * scale, W * scale)``."""

CHROMA_HALO = 2
"""Rows and columns around a piece of a picture that `run_network` needs for the chroma of the piece to equal that of
the whole picture, whatever the scale. With a luma network, pieces need ``max(CHROMA_HALO, the network's halo)``."""

_BLOCK_VALUES = 1 << 16
_WHITES = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535, np.dtype(np.float32): 1}


def to_float(image: NDArray[Any]) -> NDArray[np.float32]:
    """The image as float32 in [0, 1], black to white of its dtype.

    Args:
        image: uint8 or uint16 of any shape; floats are taken to be in [0, 1] already and come back as float32.

    Raises:
        TypeError: If the dtype is another.

    Example:
        >>> to_float(np.array([0, 51, 255], np.uint8))
        array([0. , 0.2, 1. ], dtype=float32)
    """
    if image.dtype.kind == "f":
        return image.astype(np.float32, copy=False)
    scaled: NDArray[np.float32] = np.divide(image, np.float32(_white(image.dtype)), dtype=np.float32)
    return scaled


def to_dtype(image: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """The image in another dtype, clamped to [0, 1] and rounded half up, once.

    Args:
        image: Floats in about [0, 1], any shape.
        dtype: uint8, uint16, or float32, which is only clamped.

    Raises:
        TypeError: If one of the dtypes is another.

    Example:
        >>> to_dtype(np.array([-0.1, 0.5, 1.7]), np.uint8)
        array([  0, 128, 255], dtype=uint8)
    """
    if image.dtype.kind != "f":
        raise TypeError(f"expected floats in [0, 1], got {image.dtype}")
    out = np.empty(image.shape, dtype)
    _white(out.dtype)
    for block in _blocks(image.shape):
        _store(_levels(image[block], out.dtype), out[block])
    return out


def to_batch(image: NDArray[Any]) -> Batch:
    """A batch of one for a network: ``(1, C, H, W)`` contiguous float32 in [0, 1] from ``(H, W)`` or ``(H, W, C)``.

    Raises:
        TypeError: If the dtype is not uint8, uint16 or a float.
        ValueError: If the array has not two or three dimensions.
    """
    if image.ndim not in (2, 3):
        raise ValueError(f"expected an image (H, W) or (H, W, C), got shape {image.shape}")
    planes = image[None] if image.ndim == 2 else image.transpose(2, 0, 1)
    return np.ascontiguousarray(to_float(np.ascontiguousarray(planes)))[None]


def from_batch(batch: Batch) -> NDArray[np.float32]:
    """The image in a batch of one: ``(H, W, C)``, or ``(H, W)`` where C is 1; neither clamped nor rounded.

    Raises:
        ValueError: If the batch is not ``(1, C, H, W)``.
    """
    if batch.ndim != 4 or batch.shape[0] != 1:
        raise ValueError(f"expected a batch (1, C, H, W), got shape {batch.shape}")
    return batch[0, 0] if batch.shape[1] == 1 else np.ascontiguousarray(batch[0].transpose(1, 2, 0))


def run_network(
    image: NDArray[Any], network: Network, *, scale: int, color_mode: Literal["luma", "rgb"]
) -> NDArray[Any]:
    """The picture through a network: the colour path that every user gets.

    ``"luma"``: full-range Y goes through the network, Cb and Cr through bicubic in float, and the result is clamped and
    rounded once. ``"rgb"``: the three channels go through the network; a grey picture is replicated and averaged back.
    With a luma network grey stays grey exactly, and a picture of one colour keeps it if the network keeps a constant.

    Besides the network's own arrays, memory holds the result, one float32 plane of its size (three for ``"rgb"``),
    three float32 planes of the input's size, and some megabytes for the rows at hand.

    A piece of a picture with a halo of at least `CHROMA_HALO` and of what the network needs gives, inside, the same
    pixels as the whole picture; see `upres.pipeline.windows`.

    Args:
        image: ``(H, W)``, ``(H, W, 1)`` or ``(H, W, 3)``, without alpha; uint8, uint16, or floats in [0, 1].
        network: Callable on float32 batches, one channel for ``"luma"``, three for ``"rgb"``.
        scale: How many times larger its output is.
        color_mode: What the network's card says.

    Returns:
        The picture, ``scale`` times larger, with the same dtype and number of dimensions; float32 for floats.

    Raises:
        TypeError: If the dtype is another.
        ValueError: If the picture has another number of channels, or the network returns another shape than expected.

    Example:
        >>> doubled = lambda batch: batch.repeat(2, axis=2).repeat(2, axis=3)
        >>> run_network(np.full((4, 5, 3), 9, np.uint8), doubled, scale=2, color_mode="luma").shape
        (8, 10, 3)
    """
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 3)) or not image.size:
        raise ValueError(f"expected a picture (H, W), (H, W, 1) or (H, W, 3), got shape {image.shape}")
    if color_mode not in ("luma", "rgb"):
        raise ValueError(f"expected color_mode 'luma' or 'rgb', got {color_mode!r}")
    pixels = image if image.ndim == 3 else image[:, :, None]
    height, width, channels = pixels.shape
    dtype = np.float32 if image.dtype.kind == "f" else image.dtype
    out: NDArray[Any] = np.empty((height * scale, width * scale, channels), dtype)
    if channels == 3 and color_mode == "luma":
        _run_luma(pixels, network, scale, out)
    else:
        batch = to_batch(pixels)
        if color_mode == "rgb" and channels == 1:
            batch = np.repeat(batch, 3, axis=1)
        planes = _call(network, batch, scale)[0]
        if len(planes) != channels:
            planes = planes.mean(axis=0, keepdims=True)
        for channel, plane in enumerate(planes):
            for block in _blocks(plane.shape):
                _store(_levels(plane[block], out.dtype), out[block][..., channel])
    return out if image.ndim == 3 else out[:, :, 0]


def _run_luma(pixels: NDArray[Any], network: Network, scale: int, out: NDArray[Any]) -> None:
    """Colour through a luma network, a band of rows at a time.

    Chroma travels as R - G and B - G, of which Cb and Cr are sums with fixed weights. Bicubic is linear, so the result
    is the same, at half the arithmetic, and where both are zero the output is Y three times.
    """
    height, width, _ = pixels.shape
    white = np.float32(_white(out.dtype))
    batch = np.empty((1, 1, height, width), np.float32)
    differences = np.empty((2, height, width), np.float32)  # in levels of the output
    for block in _blocks((height, width)):
        red, green, blue = (to_float(np.ascontiguousarray(pixels[block][..., channel])) for channel in range(3))
        red -= green
        blue -= green
        batch[0, 0][block] = green + _weighted(red, blue)
        np.multiply(red, white, out=differences[0][block])
        np.multiply(blue, white, out=differences[1][block])
    y = _call(network, batch, scale)[0, 0]
    for block in _blocks((height, width * scale * scale), values=8 * _BLOCK_VALUES):  # few rows enlarged twice
        rows = slice(block.start * scale, block.stop * scale)
        red, blue = (_enlarge_rows(plane, block, scale) for plane in differences)
        for part in _blocks(red.shape):
            _combine(red[part], y[rows][part], blue[part], out[rows][part])


def _combine(red: NDArray[np.float32], luma: NDArray[np.float32], blue: NDArray[np.float32], out: NDArray[Any]) -> None:
    """Write the picture that has this luma and these differences to green, which are changed."""
    green = _levels(luma, out.dtype)
    green -= _weighted(red, blue)
    red += green
    blue += green
    for channel, plane in enumerate((red, green, blue)):
        _store(plane, out[..., channel])


def _weighted(red: NDArray[np.float32], blue: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much brighter than its green a pixel is, from its differences to green."""
    weighted: NDArray[np.float32] = red * np.float32(RED_WEIGHT)
    weighted += blue * np.float32(BLUE_WEIGHT)
    return weighted


def _enlarge_rows(plane: NDArray[np.float32], rows: slice, scale: int) -> NDArray[np.float32]:
    """The rows of the enlarged plane that belong to some rows of the plane; equal to enlarging it as a whole."""
    top = max(rows.start - CHROMA_HALO, 0)
    enlarged: NDArray[np.float32] = imresize(plane[top : rows.stop + CHROMA_HALO], scale=scale)
    return enlarged[(rows.start - top) * scale : (rows.stop - top) * scale]


def _call(network: Network, batch: Batch, scale: int) -> Batch:
    result = network(batch)
    expected = (*batch.shape[:2], batch.shape[2] * scale, batch.shape[3] * scale)
    if result.shape != expected:
        raise ValueError(f"expected the network to return {expected} for {batch.shape}, got {result.shape}")
    return result


def _levels(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Floats in [0, 1] in levels of a dtype, such that truncating them rounds half up; a new array."""
    levels: NDArray[Any] = values * values.dtype.type(_white(dtype))
    if dtype.kind != "f":
        levels += values.dtype.type(0.5)
    return levels


def _store(levels: NDArray[Any], target: NDArray[Any]) -> None:
    """Write what `_levels` made into a part of an image, clamped; changes ``levels``."""
    np.clip(levels, 0, _white(target.dtype), out=levels)
    target[...] = levels.astype(target.dtype)  # in two steps: casting into every third byte is twice as slow


def _white(dtype: np.dtype[Any]) -> int:
    if dtype not in _WHITES:
        raise TypeError(f"expected uint8, uint16 or float32, got {dtype}")
    return _WHITES[dtype]


def _blocks(shape: tuple[int, ...], values: int = _BLOCK_VALUES) -> Iterator[slice]:
    """Slices of the first axis that fit the cache: whole pictures in float would cost memory and time."""
    length = shape[0] if shape else 0
    step = max(1, values * length // max(1, int(np.prod(shape))))
    for start in range(0, length, step):
        yield slice(start, min(start + step, length))
