"""A network from the top of a picture down: nothing is made twice, and little is held.

Windows of a network that sees 126 pixels far, as whole tiles of integers do, are mostly what their neighbours make as
well, and windows of a network that sees farther are not quite the whole. Where the engine goes down a picture in slabs,
each of its maps is made once, the picture has all columns, and the result is the whole picture's.
"""

from collections.abc import Sequence
from itertools import product
from math import ceil

import numpy as np

from upres.engines.engine import Slabs
from upres.image.convert import from_rgb_batch, to_rgb_batch
from upres.image.samples import Plane, Planes, Size, Window
from upres.pipeline.blended import Blended
from upres.pipeline.mixed import Mixed
from upres.pipeline.render import Chain
from upres.pipeline.stages import Enlarged, Piece, Stage, values

LOW_SLAB_ROWS: Sequence[int] = (24, 16)
"""Rows of the picture of which an engine makes one slab, where slabs of even so few rows hold much; RLFN makes 24 at a
time of its coarse maps."""
SLAB_ROWS: Sequence[int] = (256, 128, 64, *LOW_SLAB_ROWS)
"""Likewise of others: higher ones repeat less, and hold more."""
WINDOW_ROWS = 128
"""Rows of the picture that are asked for at a time."""
_BYTES_OF_A_PIXEL = 3 * 4
"""Of a float32 batch."""


class Rolling:
    """A network's stage whose windows are asked for from the top down, each beginning no higher than the one before.

    Args:
        stage: The network's stage, in windows.
        slabs: The same network for all that it gets to see.
    """

    full_width = True
    in_order = True

    def __init__(self, stage: Enlarged, slabs: Slabs) -> None:
        self.size, self.samples = stage.size, stage.samples
        self._scale, self._seen = stage.scale, stage.whole
        self._slabs, self._next = slabs, 0
        self._given = [0, *(given for given, _ in slabs.ends)]
        self._ends = [0, *(made for _, made in slabs.ends)]
        self._highest = int(max(np.diff(self._ends)))  # rows of the highest slab of the result
        self._kept: list[tuple[range, Plane]] = []
        self._format: Plane | None = None

    def needs(self, window: Window) -> Window | None:
        """Rows that the slabs under this window need and were not given yet."""
        top, after = self._seen.rows.start, self._after(window)
        rows = range(self._given[self._next] + top, self._given[max(after, self._next)] + top)
        return Window(rows, self._seen.columns) if rows else None

    def make(self, windows: Sequence[Window], inputs: Sequence[Piece | None]) -> list[Planes]:
        """Rows out of slabs."""
        made = list[Planes]()
        for window, piece in zip(windows, inputs, strict=True):
            while self._next < self._after(window):
                self._add(piece)
            self._kept = [(rows, plane) for rows, plane in self._kept if rows.stop > window.rows.start]
            parts = [_part(rows, plane, window.rows) for rows, plane in self._kept if rows.start < window.rows.stop]
            if sum(map(len, parts)) != len(window.rows):
                raise ValueError(f"rows {window.rows} were asked for after rows below them")
            made.append((parts[0] if len(parts) == 1 else np.concatenate(parts),))
        return made

    def takes(self, size: Size) -> Size:
        """All columns, and the rows of a slab more than a window has, with those that the network sees below them."""
        ahead = max(given - made // self._scale for given, made in self._slabs.ends)
        rows = -(-size[0] // self._scale) + ahead + self._highest // self._scale
        return min(rows, len(self._seen.rows)), len(self._seen.columns)

    def working_bytes(self, size: Size) -> int:
        """Memory of the engine, a slab as floats before and after, and the rows that were made, at 2 bytes a value."""
        rows = self._highest // self._scale + max(np.diff(self._given))
        floats = _BYTES_OF_A_PIXEL * int(rows) * len(self._seen.columns) * (1 + self._scale**2)
        kept = 2 * values(self.samples, (size[0] + self._highest, self.size[1]))
        return self._slabs.bytes + floats + kept

    def _after(self, window: Window) -> int:
        """How many slabs there are when this window can be made."""
        wanted = window.rows.stop - self._seen.rows.start * self._scale
        return next(count for count, end in enumerate(self._ends) if end >= wanted)

    def _add(self, piece: Piece | None) -> None:
        """One more slab."""
        before, after = self._next, self._next + 1
        count = self._given[after] - self._given[before]
        if piece is not None:
            start = self._given[before] + self._seen.rows.start - piece.window.rows.start
            rows = piece.planes[0][start : start + count]
            self._format = rows[:0]
            batch = to_rgb_batch(rows, white=self.samples.white)
        else:  # all rows were given
            batch = np.empty((1, 3, count, len(self._seen.columns)), np.float32)
        assert self._format is not None
        out = self._slabs(batch)
        top, left = (side.start * self._scale for side in self._seen)
        made = range(max(0, self._ends[before] + top), min(self._ends[after] + top, self.size[0]))
        cut = out[:, :, made.start - top - self._ends[before] :][:, :, : len(made), -left : self.size[1] - left]
        if made:  # the first slabs may give nothing yet
            self._kept.append((made, from_rgb_batch(cut, self._format, white=self.samples.white)))
        self._next = after


def from_the_top_down(chain: Chain, available: int, *, heights: Sequence[int] = SLAB_ROWS) -> Chain:
    """The chain with its networks from the top down, or with those that are local, or as it is: as memory allows.

    Args:
        chain: Stages in windows.
        available: Memory of all of them, in bytes.
        heights: Of slabs, in rows of the picture; the first that fits is taken.
    """
    (height, width), growth = chain.size, chain.size[0] / chain.source.size[0]
    kinds = (True, False) if any(map(_sees_far, chain.stages)) else (True,)
    for far, rows in product(kinds, heights):
        down = Chain(chain.source, *(_rolled(stage, rows, far=far) for stage in chain.stages))
        slab = min(ceil(rows * growth), height), width
        if any(map(goes_down, down.stages)) and down.working_bytes(slab) <= available:
            return down
    return chain


def goes_down(stage: Stage) -> bool:
    """Whether it is a network from the top down, or both are that it mixes."""
    return all(map(goes_down, stage.stages)) if isinstance(stage, Mixed) else isinstance(stage, Rolling)


def _sees_far(stage: Stage) -> bool:
    """Whether it is a network of which a window is only nearly the whole, or one is that it mixes."""
    return any(map(_sees_far, stage.stages)) if isinstance(stage, Mixed) else isinstance(stage, Blended)


def _rolled(stage: Stage, rows: int, *, far: bool) -> Stage:
    """The stage from the top down, where its network and engine can, and is local unless ``far``; else as it is."""
    if isinstance(stage, Mixed):
        both = Mixed(*(_rolled(each, rows, far=far) for each in stage.stages), share=stage.share)
        return both if goes_down(both) else stage
    network = stage.inside if isinstance(stage, Blended) and far else stage
    if not isinstance(network, Enlarged) or (slabs := network.slabs(rows=rows)) is None:
        return stage
    return Rolling(network, slabs)


def _part(rows: range, plane: Plane, wanted: range) -> Plane:
    """Those of some rows that are wanted."""
    return plane[max(0, wanted.start - rows.start) : wanted.stop - rows.start]
