"""A picture computed in windows, so that only windows are ever held between its first and its last array.

Each stage tells which window of the stage below a window of its own result needs, and makes the one from the other: a
network with its reach, a reduction with its kernel. Neighbouring windows compute a few pixels twice. The result is that
of the whole picture; of a network that is not local, nearly.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from math import lcm
from typing import NamedTuple, Protocol

import numpy as np

from upres.engines.engine import PlaneSession, Session, Slabs
from upres.image.convert import CHROMA_HALO, enlarge_plane, run_together
from upres.image.resize import imresize_rows, rows_needed
from upres.image.samples import Plane, Planes, Samples, Size, Window, chroma_window
from upres.models.card import ColorMode
from upres.pipeline.windows import Side

_NO_SHIFT = (Fraction(0), Fraction(0))
_BYTES = 255
_LARGE = 1 << 20
"""Pixels of a picture for which it pays to have the network in other arithmetic made ready."""
MAX_MARGIN = 8
"""Reflected pixels that a network is given around the picture, at most."""


class Piece(NamedTuple):
    """What a picture holds under a window."""

    window: Window
    planes: Planes


class Stage(Protocol):
    """One step from the picture as read to the picture as wanted."""

    size: Size
    samples: Samples
    full_width: bool
    """True where windows have all columns."""
    in_order: bool
    """True where windows have to be asked for one by one, from the top down."""

    def needs(self, window: Window) -> Window | None:
        """The window of the stage below that this window of the result depends on; ``None`` for nothing more.

        What lies beyond the picture's edges is the picture reflected.
        """
        ...

    def make(self, windows: Sequence[Window], inputs: Sequence[Piece | None]) -> list[Planes]:
        """The result under each window.

        Args:
            windows: Of the result; several of one size are a batch for the engine.
            inputs: What the stage below holds under the windows that `needs` told.
        """
        ...

    def takes(self, size: Size) -> Size:
        """Height and width of the largest window of the stage below that a window of this size needs."""
        ...

    def working_bytes(self, size: Size) -> int:
        """Memory that making a window of this size takes besides its input, estimated."""
        ...


class Stored:
    """Where a chain of stages begins: planes in memory, widened to 16 bits if more than one rounding lies ahead."""

    def __init__(self, planes: Planes, samples: Samples, *, widen: bool) -> None:
        self.size = samples.check(planes)
        self._planes, self._stored = planes, samples
        self._factor = samples.widening if widen else 1
        self.samples = samples.widened() if self._factor > 1 else samples

    def cut(self, window: Window) -> Piece:
        """The picture under a window."""
        planes = self._stored.cut(self._planes, window)
        if self._factor > 1:
            planes = tuple(plane.astype(np.uint16) * np.uint16(self._factor) for plane in planes)
        return Piece(window, planes)

    def working_bytes(self, size: Size) -> int:
        """Memory that the copy of a window of this size takes, and its values while they are widened."""
        return 4 * values(self.samples, size) if self._factor > 1 else 0


class Enlarged:
    """The stage below through a network, which enlarges it or, at scale 1, restores it.

    Networks pad with zeros, and those of one or few layers cannot tell that from black: they darken or brighten a frame
    of some pixels. So networks see the picture reflected beyond its edges, which measured 3.3 to 3.8 dB more in the
    outer 6 pixels of Set5 at x2 with the pool's networks; the RGB networks drew a frame of up to 18 levels round flat
    colours without, and 1 with it.

    Args:
        size: Of the stage below.
        samples: Of the stage below. YUV planes go through luma networks; chroma goes through bicubic.
        session: Runs the network. Where the session has ``planes``, luma networks go that way.
        scale: Of the network.
        color_mode: Of the network.
        halo: Low-resolution pixels at each side that an output pixel depends on.
        min_size: The smallest side that the network takes; smaller pictures are reflected to that.
        multiple_of: What the network needs its sides to be a multiple of.
        bytes_per_pixel: Memory of engine and colour path for each low-resolution pixel.

    Raises:
        ValueError: If an RGB network is to work on YUV planes.
    """

    in_order = False

    def __init__(
        self,
        size: Size,
        samples: Samples,
        session: Session,
        *,
        scale: int,
        color_mode: ColorMode,
        halo: int,
        bytes_per_pixel: int,
        min_size: int = 1,
        multiple_of: int = 1,
    ) -> None:
        if color_mode == "rgb" and samples.is_yuv:
            raise ValueError(f"an RGB network takes grey or RGB samples, got {samples.layout}: convert them first")
        self.size = (size[0] * scale, size[1] * scale)
        self.samples = samples
        if samples.white <= _BYTES and size[0] * size[1] >= _LARGE:
            session = session.for_bytes or session
        self._below, self._session, self._scale, self._color_mode = size, session, scale, color_mode
        self._planes: PlaneSession | None = session.planes if color_mode == "luma" else None
        self.full_width = self._planes is not None  # in a narrower window integer kernels refuse other blocks
        self._bytes_per_pixel = bytes_per_pixel
        unit, reach = session.grid
        margin = min(max(halo, CHROMA_HALO), MAX_MARGIN)
        halo = max(halo, CHROMA_HALO, reach)
        together = self._planes.rows_together if self._planes is not None else (1,)
        self._rows, self._columns = (
            Side(
                length,
                scale=scale,
                reach=max(halo, step * CHROMA_HALO) + max(group) - 1,
                margin=max(margin, -(-max(0, min_size - length) // 2)),
                unit=lcm(unit, *group),
                multiple=multiple_of,
            )
            for length, step, group in zip(size, samples.subsampling, (together, (1,)), strict=True)
        )

    @property
    def whole(self) -> Window:
        """What the network gets to see for the whole result: the picture, and its margin."""
        return Window(self._rows.whole(), self._columns.whole())

    @property
    def scale(self) -> int:
        """How many times larger the result is."""
        return self._scale

    def slabs(self, *, rows: int) -> Slabs | None:
        """The network for all that it gets to see, from the top down; ``None`` where the engine or the network cannot.

        Args:
            rows: Of a slab, in pixels of the stage below.
        """
        if self._color_mode != "rgb":
            return None
        return self._session.slabs(*self.whole.size, rows=rows)

    def needs(self, window: Window) -> Window:
        """What the network gets to see for this window of the result."""
        whole = len(window.columns) == self.size[1]
        columns = self._columns.whole() if whole else self._columns.window(window.columns)
        return Window(self._rows.window(window.rows), columns)

    def make(self, windows: Sequence[Window], inputs: Sequence[Piece | None]) -> list[Planes]:
        """The network's results."""
        pieces = [piece for piece in inputs if piece is not None]
        made = []
        for alike in _runs_alike(pieces):
            made += self._make_alike(windows[alike], pieces[alike])
        return made

    def takes(self, size: Size) -> Size:
        """The size of the window with all that the network looks at around it."""
        whole = size[1] == self.size[1]
        return self._rows.longest(size[0]), len(self._columns.whole()) if whole else self._columns.longest(size[1])

    def working_bytes(self, size: Size) -> int:
        """Memory of engine and colour path."""
        rows, columns = self.takes(size)
        return self._bytes_per_pixel * rows * columns

    def _make_alike(self, windows: Sequence[Window], pieces: Sequence[Piece]) -> list[Planes]:
        """Results from pieces of one size, in a batch where the engine has a use for one."""
        made = []
        for window, piece, main in zip(windows, pieces, self._run([p.planes[0] for p in pieces]), strict=True):
            top = window.rows.start - piece.window.rows.start * self._scale
            left = window.columns.start - piece.window.columns.start * self._scale
            cut = main[top : top + len(window.rows), left : left + len(window.columns)]
            made.append((cut, *self._chroma(window, piece)))
        return made

    def _run(self, pixels: Sequence[Plane]) -> list[Plane]:
        white, scale, color_mode = self.samples.white, self._scale, self._color_mode
        if self._planes is not None:
            return [self._planes.upscale_rgb(each, peak=white) for each in pixels]
        return run_together(pixels, self._session, scale=scale, color_mode=color_mode, white=white)

    def _chroma(self, window: Window, piece: Piece) -> list[Plane]:
        """The chroma planes of a window of the result, from those of the piece."""
        wanted = chroma_window(window, self.samples.subsampling)
        given = chroma_window(piece.window, self.samples.subsampling)
        shift = self.samples.chroma_shift(Fraction(self._scale), Fraction(self._scale))
        top = wanted.rows.start - given.rows.start * self._scale
        left = wanted.columns.start - given.columns.start * self._scale
        made = []
        for plane in piece.planes[1:]:
            enlarged = enlarge_plane(plane, self._scale, shift=shift, white=self.samples.white)
            made.append(enlarged[top : top + len(wanted.rows), left : left + len(wanted.columns)])
        return made


class Resized:
    """The stage below, resized by antialiased bicubic interpolation."""

    full_width = True
    in_order = False

    def __init__(self, below: Size, samples: Samples, size: Size) -> None:
        self.size, self.samples = size, samples
        self._below = below
        self._scale = Fraction(size[0], below[0]), Fraction(size[1], below[1])
        self._shift = samples.chroma_shift(*self._scale)

    def needs(self, window: Window) -> Window:
        """The rows under the kernel."""
        rows = [rows_needed(self._below[0], self.size[0], window.rows)]
        if self.samples.is_yuv:
            step, wanted = self.samples.subsampling[0], chroma_window(window, self.samples.subsampling).rows
            heights = self._chroma_size(self._below)[0], self._chroma_size(self.size)[0]
            chroma = rows_needed(*heights, wanted, self._shift[0], scale=self._scale[0])
            rows.append(range(chroma.start * step, min(chroma.stop * step, self._below[0])))
        return Window(range(min(r.start for r in rows), max(r.stop for r in rows)), range(self._below[1]))

    def make(self, windows: Sequence[Window], inputs: Sequence[Piece | None]) -> list[Planes]:
        """Resized rows."""
        made = []
        for window, piece in zip(windows, inputs, strict=True):
            assert piece is not None
            luma, *chroma = piece.planes
            wanted, given = (chroma_window(each, self.samples.subsampling).rows for each in (window, piece.window))
            planes = [self._resized(luma, piece.window.rows, self._below, self.size, window.rows, _NO_SHIFT)]
            sizes = self._chroma_size(self._below), self._chroma_size(self.size)
            planes += [self._resized(plane, given, *sizes, wanted, self._shift) for plane in chroma]
            made.append(tuple(planes))
        return made

    def _resized(
        self, part: Plane, given: range, below: Size, size: Size, rows: range, shift: tuple[Fraction, Fraction]
    ) -> Plane:
        resized = imresize_rows(
            part, first_row=given.start, height=below[0], size=size, rows=rows, shift=shift, scale=self._scale
        )
        clamped: Plane = np.minimum(resized, resized.dtype.type(self.samples.white))
        return clamped

    def _chroma_size(self, size: Size) -> Size:
        rows, columns = self.samples.shapes(size)[-1][:2]
        return rows, columns

    def takes(self, size: Size) -> Size:
        """The rows under the kernel, at all columns."""
        return min(self._below[0], -(-size[0] * self._below[0] // self.size[0]) + 8), self._below[1]

    def working_bytes(self, size: Size) -> int:
        """Memory of the rows from below, those between the two passes and the result, at 2 bytes a value."""
        taken = self.takes(size)[0]
        rows = taken * (self._below[1] + self.size[1]) + size[0] * self.size[1]
        return 2 * self.samples.channels * rows


def values(samples: Samples, size: Size) -> int:
    """Samples of a picture of this size, chroma counted in full."""
    return size[0] * size[1] * samples.channels


def _runs_alike(pieces: Sequence[Piece]) -> list[slice]:
    """Slices of neighbouring pieces of one size; none where a stage above has all that it needs."""
    sizes = [piece.window.size for piece in pieces]
    starts = [index for index in range(len(sizes)) if not index or sizes[index] != sizes[index - 1]]
    return [slice(start, stop) for start, stop in pairwise((*starts, len(sizes)))]


def part_of(piece: Piece, window: Window, samples: Samples) -> Piece:
    """The part of a piece under a smaller window of the same picture."""
    moved = Window(*(range(s.start - o.start, s.stop - o.start) for s, o in zip(window, piece.window, strict=True)))
    return Piece(window, samples.cut(piece.planes, moved))
