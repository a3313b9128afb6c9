"""Integers to floats and back, images to batches and back, and the colour path that every picture takes.

This is the only place that scales, clamps and rounds. On disk and at the public interface: uint8 or uint16,
``(H, W)`` or ``(H, W, C)``. Inside: float32, ``(N, C, H, W)``, in [0, 1].
"""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
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


def to_float(image: NDArray[Any], white: int | None = None) -> NDArray[np.float32]:
    """The image as float32 in [0, 1], from black to white.

    Args:
        image: uint8 or uint16 of any shape; floats are taken to be in [0, 1] already and come back as float32.
        white: The number that becomes 1; ``None``: the largest of the dtype.

    Raises:
        TypeError: If the dtype is another.

    Example:
        >>> to_float(np.array([0, 51, 255], np.uint8))
        array([0. , 0.2, 1. ], dtype=float32)
    """
    if image.dtype.kind == "f":
        return image.astype(np.float32, copy=False)
    scaled: NDArray[np.float32] = np.divide(image, np.float32(_white(image.dtype, white)), dtype=np.float32)
    return scaled


def to_dtype(image: NDArray[Any], dtype: DTypeLike, white: int | None = None) -> NDArray[Any]:
    """The image in another dtype, clamped to [0, 1] and rounded half up, once.

    Args:
        image: Floats in about [0, 1], any shape.
        dtype: uint8, uint16, or float32, which is only clamped.
        white: The number that 1 becomes; ``None``: the largest of the dtype.

    Raises:
        TypeError: If one of the dtypes is another.

    Example:
        >>> to_dtype(np.array([-0.1, 0.5, 1.7]), np.uint8)
        array([  0, 128, 255], dtype=uint8)
    """
    if image.dtype.kind != "f":
        raise TypeError(f"expected floats in [0, 1], got {image.dtype}")
    out = np.empty(image.shape, dtype)
    white = _white(out.dtype, white)
    for block in _blocks(image.shape):
        _store(_levels(image[block], out.dtype, white), out[block], white)
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


def run_network(
    image: NDArray[Any],
    network: Network,
    *,
    scale: int,
    color_mode: Literal["luma", "rgb"],
    white: int | None = None,
) -> NDArray[Any]:
    """The picture through a network: the colour path that every user gets.

    ``"luma"``: full-range Y goes through the network, Cb and Cr through bicubic in float, and the result is clamped and
    rounded once. ``"rgb"``: the three channels go through the network; a grey picture is replicated and averaged back.
    With a luma network grey stays grey exactly, and a picture of one colour keeps it if the network keeps a constant.

    Besides the network's own arrays, memory holds the result, one float32 plane of its size (three for ``"rgb"``),
    three float32 planes of the input's size, and some megabytes for the rows at hand.

    A piece of a picture with a halo of at least `CHROMA_HALO` and of what the network needs gives, inside, the same
    pixels as the whole picture; see `upres.pipeline.stages`.

    Args:
        image: ``(H, W)``, ``(H, W, 1)`` or ``(H, W, 3)``, without alpha; uint8, uint16, or floats in [0, 1].
        network: Callable on float32 batches, one channel for ``"luma"``, three for ``"rgb"``.
        scale: How many times larger its output is; 1 for a network that restores.
        color_mode: What the network's card says.
        white: The largest number that an integer image uses; ``None``: the largest of its dtype.

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
    return run_together([image], network, scale=scale, color_mode=color_mode, white=white)[0]


def run_together(
    images: Sequence[NDArray[Any]],
    network: Network,
    *,
    scale: int,
    color_mode: Literal["luma", "rgb"],
    white: int | None = None,
) -> list[NDArray[Any]]:
    """Several pictures of one shape and dtype through a network in one batch; each as `run_network` gives it."""
    image = images[0]
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 3)) or not image.size:
        raise ValueError(f"expected a picture (H, W), (H, W, 1) or (H, W, 3), got shape {image.shape}")
    if color_mode not in ("luma", "rgb"):
        raise ValueError(f"expected color_mode 'luma' or 'rgb', got {color_mode!r}")
    pixels = [each if each.ndim == 3 else each[:, :, None] for each in images]
    height, width, channels = pixels[0].shape
    dtype = np.dtype(np.float32) if image.dtype.kind == "f" else image.dtype
    white = _white(dtype, white)
    outs: list[NDArray[Any]] = [np.empty((height * scale, width * scale, channels), dtype) for _ in images]
    if channels == 3 and color_mode == "luma":
        _run_luma(pixels, network, scale, outs, white)
    else:
        batch = _batch_of(pixels, white)
        if color_mode == "rgb" and channels == 1:
            batch = np.repeat(batch, 3, axis=1)
        for planes, out in zip(_call(network, batch, scale), outs, strict=True):
            _store_planes(planes, out, white)
    return outs if image.ndim == 3 else [out[:, :, 0] for out in outs]


def to_rgb_batch(image: NDArray[Any], *, white: int) -> Batch:
    """``(1, 3, H, W)`` in [0, 1] for an RGB network, from ``(H, W)``, ``(H, W, 1)`` or ``(H, W, 3)``."""
    batch = _batch_of([image if image.ndim == 3 else image[:, :, None]], white)
    return batch if batch.shape[1] == 3 else np.repeat(batch, 3, axis=1)


def from_rgb_batch(batch: Batch, like: NDArray[Any], *, white: int) -> NDArray[Any]:
    """The picture that an RGB network made, in dtype and channels those of ``like``; clamped, rounded once.

    Args:
        batch: ``(1, 3, H, W)``.
        like: Of a grey picture one plane is made, the mean.
        white: The largest number that the picture uses.
    """
    out = np.empty((*batch.shape[2:], *(like.shape[2:] or (1,))), like.dtype)
    _store_planes(batch[0], out, white)
    return out if like.ndim == 3 else out[:, :, 0]


def _store_planes(planes: NDArray[np.float32], out: NDArray[Any], white: int) -> None:
    """Write planes ``(C, H, W)`` to a picture ``(H, W, C)``, or their mean to ``(H, W, 1)``."""
    averaged = planes if len(planes) == out.shape[2] else planes.mean(axis=0, keepdims=True)
    for channel, plane in enumerate(averaged):
        for block in _blocks(plane.shape):
            _store(_levels(plane[block], out.dtype, white), out[block][..., channel], white)


def fitted(network: Network, *, scale: int, min_size: int, multiple_of: int) -> Network:
    """The network for pictures of every size: where it needs more pixels, it sees the picture reflected at its edges.

    What `upres.pipeline.stages` does for windows, for those who run a network on whole batches.

    Args:
        network: Takes sides from ``min_size`` on that are multiples of ``multiple_of``.
        scale: How many times larger its output is.
        min_size: As the network's card says.
        multiple_of: Likewise.

    Example:
        >>> halved = lambda batch: batch[..., ::2, ::2].repeat(2, axis=2).repeat(2, axis=3)
        >>> fitted(halved, scale=1, min_size=1, multiple_of=2)(np.ones((1, 3, 5, 7), np.float32)).shape
        (1, 3, 5, 7)
    """
    if (min_size, multiple_of) == (1, 1):
        return network

    def run(batch: Batch) -> Batch:
        before = [-(-max(0, min_size - length) // 2) for length in batch.shape[2:]]
        after = [
            side + -(length + 2 * side) % multiple_of for length, side in zip(batch.shape[2:], before, strict=True)
        ]
        whole = network(np.pad(batch, [(0, 0), (0, 0), *zip(before, after, strict=True)], mode="symmetric"))
        rows, columns = (
            slice(scale * side, scale * (side + length)) for side, length in zip(before, batch.shape[2:], strict=True)
        )
        return np.ascontiguousarray(whole[..., rows, columns])

    return run


def enlarge_plane(
    plane: NDArray[Any], scale: int, *, shift: tuple[Fraction, Fraction], white: int | None = None
) -> NDArray[Any]:
    """A chroma plane enlarged by bicubic interpolation and rounded once.

    Args:
        plane: ``(H, W)`` uint8 or uint16.
        scale: How many times larger the result is.
        shift: How far down and right of its centred place each sample is taken, in samples of ``plane``
            (`upres.image.samples.Samples.chroma_shift`).
        white: The largest number that the plane uses; ``None``: the largest of its dtype.
    """
    if scale == 1:
        return plane.copy()
    enlarged: NDArray[np.float32] = imresize(to_float(plane, white), scale=scale, shift=shift)
    return to_dtype(enlarged, plane.dtype, white)


def _batch_of(pixels: Sequence[NDArray[Any]], white: int) -> Batch:
    """``(N, C, H, W)`` in [0, 1] from N arrays ``(H, W, C)``."""
    planes = [to_float(np.ascontiguousarray(each.transpose(2, 0, 1)), white) for each in pixels]
    return np.ascontiguousarray(planes[0])[None] if len(planes) == 1 else np.stack(planes)


def _run_luma(
    pixels: Sequence[NDArray[Any]], network: Network, scale: int, outs: Sequence[NDArray[Any]], white: int
) -> None:
    """Colour through a luma network, a band of rows at a time.

    Chroma travels as R - G and B - G, of which Cb and Cr are sums with fixed weights. Bicubic is linear, so the result
    is the same, at half the arithmetic, and where both are zero the output is Y three times.
    """
    height, width, _ = pixels[0].shape
    batch = np.empty((len(pixels), 1, height, width), np.float32)
    differences = np.empty((len(pixels), 2, height, width), np.float32)  # in levels of the output
    for index, picture in enumerate(pixels):
        for block in _blocks((height, width)):
            red, green, blue = (
                to_float(np.ascontiguousarray(picture[block][..., channel]), white) for channel in range(3)
            )
            red -= green
            blue -= green
            batch[index, 0][block] = green + _weighted(red, blue)
            np.multiply(red, np.float32(white), out=differences[index, 0][block])
            np.multiply(blue, np.float32(white), out=differences[index, 1][block])
    for y, chroma, out in zip(_call(network, batch, scale)[:, 0], differences, outs, strict=True):
        for block in _blocks((height, width * scale * scale), values=8 * _BLOCK_VALUES):  # few rows enlarged twice
            rows = slice(block.start * scale, block.stop * scale)
            red, blue = (_enlarge_rows(plane, block, scale) for plane in chroma)
            for part in _blocks(red.shape):
                _combine(red[part], y[rows][part], blue[part], out[rows][part], white)


def _combine(
    red: NDArray[np.float32], luma: NDArray[np.float32], blue: NDArray[np.float32], out: NDArray[Any], white: int
) -> None:
    """Write the picture that has this luma and these differences to green, which are changed."""
    green = _levels(luma, out.dtype, white)
    green -= _weighted(red, blue)
    red += green
    blue += green
    for channel, plane in enumerate((red, green, blue)):
        _store(plane, out[..., channel], white)


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


def _levels(values: NDArray[Any], dtype: np.dtype[Any], white: int) -> NDArray[Any]:
    """Floats in [0, 1] in levels of a dtype, such that truncating them rounds half up; a new array."""
    levels: NDArray[Any] = values * values.dtype.type(white)
    if dtype.kind != "f":
        levels += values.dtype.type(0.5)
    return levels


def _store(levels: NDArray[Any], target: NDArray[Any], white: int) -> None:
    """Write what `_levels` made into a part of an image, clamped; changes ``levels``."""
    np.clip(levels, 0, white, out=levels)
    target[...] = levels.astype(target.dtype)  # in two steps: casting into every third byte is twice as slow


def _white(dtype: np.dtype[Any], white: int | None = None) -> int:
    if dtype not in _WHITES:
        raise TypeError(f"expected uint8, uint16 or float32, got {dtype}")
    return _WHITES[dtype] if white is None else white


def _blocks(shape: tuple[int, ...], values: int = _BLOCK_VALUES) -> Iterator[slice]:
    """Slices of the first axis that fit the cache: whole pictures in float would cost memory and time."""
    length = shape[0] if shape else 0
    step = max(1, values * length // max(1, int(np.prod(shape))))
    for start in range(0, length, step):
        yield slice(start, min(start + step, length))
