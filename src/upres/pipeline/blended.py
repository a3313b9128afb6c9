"""Strips of a network that sees farther than any window, faded into each other."""

from collections.abc import Sequence

import numpy as np

from upres.image.samples import Plane, Planes, Size, Window
from upres.pipeline.stages import Piece, Stage, part_of, values
from upres.pipeline.windows import fade_weights


class Blended:
    """A network's stage in strips that fade into each other: for networks of which a window is only nearly the whole.

    Grey and RGB only: a network that sees far is an RGB network.

    Strips are as high as the rows first asked for, and stay so: what a row becomes does not depend on how it is asked
    for later, and the stages above may ask for rows again. One caller at a time.

    Args:
        stage: What makes the strips.
        fade: Rows over which a strip fades in, made by the strip before as well.
    """

    full_width = True
    in_order = True

    def __init__(self, stage: Stage, *, fade: int) -> None:
        self.size, self.samples = stage.size, stage.samples
        self.inside = stage
        """What makes the strips."""
        self._fade = fade
        self._height = 0
        self._strips: dict[int, Planes] = {}
        self._tails: dict[int, Planes] = {}
        self._needed: dict[int, Window] = {}

    def needs(self, window: Window) -> Window | None:
        """What the strips that are not there yet need."""
        self._height = self._height or max(self._fade, len(window.rows))
        found = {index: self.inside.needs(self._window(index)) for index in self._missing(window)}
        self._needed = {index: needed for index, needed in found.items() if needed is not None}
        if not self._needed:
            return None
        rows = [needed.rows for needed in self._needed.values()]
        columns = next(iter(self._needed.values())).columns
        return Window(range(min(each.start for each in rows), max(each.stop for each in rows)), columns)

    def make(self, windows: Sequence[Window], inputs: Sequence[Piece | None]) -> list[Planes]:
        """Rows out of strips."""
        made = []
        for window, piece in zip(windows, inputs, strict=True):
            for index in self._missing(window):
                assert piece is not None
                self._add(index, piece)
            first, last = self._reached(window)
            strips = [self._strips[index] for index in range(first, last + 1)]
            made.append(tuple(self._rows(planes, window, first) for planes in zip(*strips, strict=True)))
        return made

    def takes(self, size: Size) -> Size:
        """What a strip with its fade takes."""
        return self.inside.takes(self._strip_size(size))

    def working_bytes(self, size: Size) -> int:
        """Memory it takes to make a strip; two strips are kept, their values of up to 2 bytes."""
        kept = 2 * 2 * values(self.samples, (min(size[0], self.size[0]), self.size[1]))
        return kept + self.inside.working_bytes(self._strip_size(size))

    def _strip_size(self, size: Size) -> Size:
        return min(max(size[0], self._fade) + self._fade, self.size[0]), self.size[1]

    def _reached(self, window: Window) -> tuple[int, int]:
        return window.rows.start // self._height, (window.rows.stop - 1) // self._height

    def _missing(self, window: Window) -> list[int]:
        """Strips to be made for a window, in order. A strip fades in over the tail of the strip before."""
        first, last = self._reached(window)
        missing = [index for index in range(first, last + 1) if index not in self._strips]
        if missing and missing[0] and missing[0] - 1 not in self._tails:
            return [missing[0] - 1, *missing]
        return missing

    def _window(self, index: int) -> Window:
        """A strip with the rows over which the next one fades in."""
        start = index * self._height
        return Window(range(start, min(start + self._height + self._fade, self.size[0])), range(self.size[1]))

    def _add(self, index: int, piece: Piece) -> None:
        window = self._window(index)
        (planes,) = self.inside.make([window], [part_of(piece, self._needed[index], self.samples)])
        height = min(self._height, self.size[0] - window.rows.start)
        strip = tuple(plane[:height] for plane in planes)
        self._tails = {kept: self._tails[kept] for kept in self._tails if kept == index - 1}
        self._tails[index] = tuple(plane[height:].copy() for plane in planes)
        if index - 1 in self._tails:
            for top, tail in zip(strip, self._tails[index - 1], strict=True):
                _fade_in(top, tail, self._fade)
        self._strips = {kept: self._strips[kept] for kept in self._strips if kept == index - 1}
        if not index or index - 1 in self._tails:  # else it was made for its tail, and did not fade in
            self._strips[index] = strip

    def _rows(self, strips: Sequence[Plane], window: Window, first: int) -> Plane:
        whole = strips[0] if len(strips) == 1 else np.concatenate(strips)
        rows = range(window.rows.start - first * self._height, window.rows.stop - first * self._height)
        return whole[rows.start : rows.stop]


def _fade_in(strip: Plane, tail: Plane, fade: int) -> None:
    """Mix the top of a strip with the tail of the strip before, which has the same rows."""
    share = fade_weights(fade)[: len(tail)].reshape(-1, *[1] * (strip.ndim - 1))
    top = strip[: len(tail)]
    top[...] = np.rint(tail + share * (top.astype(np.float32) - tail))
