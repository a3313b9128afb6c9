"""Large pictures in pieces: tiles with a halo, row bands, stitching, blending, padding to a multiple.

An output pixel of a convolutional network depends on no input farther away than the network's *halo*. A tile read with
at least that much around it therefore gives the very pixels that the whole picture would. At the picture's border the
window ends too, so that the network pads there as it would for the whole picture.

All windows of one picture have the same size (the outer ones are moved inside), because engines prepare a network for a
shape: one shape is prepared once.

Networks that are not local (global pooling, spatial attention over large strides) differ a little from tile to tile;
there ``blend`` fades neighbours into each other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray

from upres.image.convert import Batch, Network

Slices = tuple[slice, slice]


@dataclass(frozen=True)
class Tile:
    """A piece of the picture's grid, and the window to run for it. All in pixels of the input."""

    rows: slice
    columns: slice
    window_rows: slice
    window_columns: slice

    @property
    def window(self) -> Slices:
        """What to cut out of the input: the piece with its halo."""
        return self.window_rows, self.window_columns

    def inner(self, scale: int) -> Slices:
        """Where the piece lies in the window's output."""
        rows, columns = _shift(self.rows, self.window_rows.start), _shift(self.columns, self.window_columns.start)
        return _times(rows, scale), _times(columns, scale)

    def target(self, scale: int) -> Slices:
        """Where the piece belongs in the whole output."""
        return _times(self.rows, scale), _times(self.columns, scale)


def tiles(height: int, width: int, *, tile: int | tuple[int, int], halo: int) -> Iterator[Tile]:
    """Pieces that cover a picture without overlap, row by row, each with a window of ``halo`` or more around it.

    Row bands are tiles of the picture's width: ``tile=(rows, width)``.

    Args:
        height: Of the input, in pixels.
        width: Of the input, in pixels.
        tile: Largest size of a piece without halo: a side, or ``(height, width)``. Pieces are made about equal.
        halo: Pixels around the piece that the window includes, where the picture has them.

    Yields:
        Tiles whose windows have the same size throughout, at most ``tile + 2 * halo``.

    Raises:
        ValueError: If a size is not positive or the halo is negative.

    Example:
        >>> [t.rows for t in tiles(10, 4, tile=(6, 4), halo=1)]
        [slice(0, 5, None), slice(5, 10, None)]
    """
    sides = (tile, tile) if isinstance(tile, int) else tile
    if min(height, width, *sides) < 1 or halo < 0:
        raise ValueError(f"expected positive sizes and halo, got {height}x{width} pixels, tile {tile}, halo {halo}")
    columns = _pieces(width, sides[1], halo)
    for rows, window_rows in _pieces(height, sides[0], halo):
        for part, window_columns in columns:
            yield Tile(rows, part, window_rows, window_columns)


def run_tiled(
    batch: Batch,
    network: Network,
    *,
    scale: int,
    tile: int | tuple[int, int],
    halo: int,
    blend: int = 0,
    out: Batch | None = None,
) -> Batch:
    """The network's output for a whole batch, computed tile by tile.

    Without ``blend`` it equals ``network(batch)`` where ``halo`` is at least the network's own. Besides the output,
    memory is needed for one window only.

    Args:
        batch: ``(N, C, H, W)`` float32.
        network: Callable on such batches.
        scale: How many times larger its output is.
        tile: Largest size of a tile without halo: a side, or ``(height, width)``.
        halo: Input pixels around each tile.
        blend: Input pixels at each side of a seam over which neighbouring tiles are faded into each other, along a
            cosine; at most ``halo`` and a quarter of the tile.
        out: Array to fill, ``(N, C, H * scale, W * scale)`` float32; a new one if left out.

    Raises:
        ValueError: If a size does not fit.

    Example:
        >>> doubled = lambda batch: batch.repeat(2, axis=2).repeat(2, axis=3)
        >>> run_tiled(np.zeros((1, 1, 50, 70), np.float32), doubled, scale=2, tile=32, halo=4).shape
        (1, 1, 100, 140)
    """
    count, channels, height, width = batch.shape
    shape = (count, channels, height * scale, width * scale)
    out = np.empty(shape, np.float32) if out is None else out
    if out.shape != shape:
        raise ValueError(f"expected out of shape {shape}, got {out.shape}")
    smallest = tile if isinstance(tile, int) else min(tile)
    if not 0 <= blend <= min(halo, smallest // 4):
        raise ValueError(f"expected blend from 0 to the halo ({halo}) and a quarter of the tile ({tile}), got {blend}")
    if blend:
        out[...] = 0
    for piece in tiles(height, width, tile=tile, halo=halo):
        result = network(np.ascontiguousarray(batch[:, :, *piece.window]))
        if blend:
            _fade_in(result, piece, (height, width), scale, blend, out)
        else:
            out[:, :, *piece.target(scale)] = result[:, :, *piece.inner(scale)]
    return out


def pad_to_multiple(batch: Batch, multiple: int) -> Batch:
    """The batch ``(N, C, H, W)`` with mirrored rows and columns added below and right, up to the next multiples."""
    height, width = batch.shape[2:]
    if height % multiple == 0 and width % multiple == 0:
        return batch
    return np.pad(batch, ((0, 0), (0, 0), (0, -height % multiple), (0, -width % multiple)), mode="symmetric")


def run_padded(batch: Batch, network: Network, *, scale: int, multiple: int) -> Batch:
    """The output of a network that takes only multiples, because it halves inside; cropped to what ``batch`` covers."""
    result = network(pad_to_multiple(batch, multiple))
    return result[:, :, : batch.shape[2] * scale, : batch.shape[3] * scale]


def fade_weights(count: int) -> NDArray[np.float32]:
    """Shares of the second of two neighbours over ``count`` pixels that both have: from 0 to 1 along a cosine.

    Example:
        >>> fade_weights(2).round(2).tolist()
        [0.15, 0.85]
    """
    weights: NDArray[np.float32] = np.sin((np.arange(count, dtype=np.float32) + 0.5) * (np.pi / (2 * count))) ** 2
    return weights


def _pieces(length: int, tile: int, halo: int) -> list[tuple[slice, slice]]:
    """One dimension: pieces of about equal length and their windows of exactly equal length."""
    count = ceil(length / tile)
    edges = [index * length // count for index in range(count + 1)]
    size = min(length, ceil(length / count) + 2 * halo)
    pieces = []
    for start, stop in pairwise(edges):
        first = min(max(start - halo, 0), length - size)
        pieces.append((slice(start, stop), slice(first, first + size)))
    return pieces


def _fade_in(result: Batch, tile: Tile, size: tuple[int, int], scale: int, blend: int, out: Batch) -> None:
    """Add a tile to the output, reaching ``blend`` pixels over its seams, weighted so that all weights sum to 1."""
    rows, row_weights = _faded(tile.rows, size[0], scale, blend)
    columns, column_weights = _faded(tile.columns, size[1], scale, blend)
    part = result[:, :, *(_shift(s, w.start * scale) for s, w in zip((rows, columns), tile.window, strict=True))]
    out[:, :, rows, columns] += part * (row_weights[:, None] * column_weights)


def _faded(piece: slice, length: int, scale: int, blend: int) -> tuple[slice, NDArray[np.float32]]:
    """One dimension: the output pixels that a piece contributes to, and by how much."""
    first = piece.start - blend if piece.start > 0 else 0
    last = piece.stop + blend if piece.stop < length else length
    weights = np.ones((last - first) * scale, np.float32)
    ramp = fade_weights(2 * blend * scale)
    if piece.start > 0:
        weights[: len(ramp)] = ramp
    if piece.stop < length:
        weights[-len(ramp) :] = 1 - ramp
    return slice(first * scale, last * scale), weights


def _shift(part: slice, origin: int) -> slice:
    return slice(part.start - origin, part.stop - origin)


def _times(part: slice, scale: int) -> slice:
    return slice(part.start * scale, part.stop * scale)
