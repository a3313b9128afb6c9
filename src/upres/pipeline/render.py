"""A chain of stages, and the filling of arrays with its result, window by window."""

from collections.abc import Callable, Sequence

import numpy as np

from upres.image.convert import to_dtype, to_float
from upres.image.samples import Plane, Planes, Samples, Size, Window, chroma_window
from upres.pipeline.stages import Piece, Stage, Stored
from upres.pipeline.windows import reflect

Progress = Callable[[float], None]
"""Called with the fraction that is done."""


class Chain:
    """Stages one on top of the other.

    Args:
        source: Where the picture is stored.
        stages: From the first to be applied to the last.
    """

    def __init__(self, source: Stored, *stages: Stage) -> None:
        self.source, self.stages = source, stages
        """As given: neither changes."""
        top: Stored | Stage = stages[-1] if stages else source
        self.size: Size = top.size
        self.samples: Samples = top.samples
        self.full_width = any(stage.full_width for stage in stages)
        """True where windows have all columns."""
        self.in_order = any(stage.in_order for stage in stages)
        """True where windows have to be asked for one by one, from the top down."""

    def make(self, windows: Sequence[Window]) -> list[Planes]:
        """The result under each window. Windows of one size become one batch."""
        return self._make(len(self.stages), windows)

    def takes(self, size: Size) -> Size:
        """The size of the largest window of the source that a window of this size needs."""
        for stage in reversed(self.stages):
            size = stage.takes(size)
        return size

    def working_bytes(self, size: Size) -> int:
        """Memory that making a window of this size takes, estimated."""
        total = 0
        for stage in reversed(self.stages):
            total += stage.working_bytes(size)
            size = stage.takes(size)
        return total + self.source.working_bytes(size)

    def _make(self, level: int, windows: Sequence[Window]) -> list[Planes]:
        if not level:
            return [self.source.cut(window).planes for window in windows]
        stage = self.stages[level - 1]
        below = self.stages[level - 2] if level > 1 else self.source
        needed = [stage.needs(window) for window in windows]
        inside = [None if window is None else _inside(window, below.size) for window in needed]
        given = iter(self._make(level - 1, [window for window in inside if window is not None]))
        pieces = [
            None if window is None or within is None else _reflected(next(given), within, window, below)
            for window, within in zip(needed, inside, strict=True)
        ]
        return stage.make(windows, pieces)


def render(
    chain: Chain,
    out: Planes,
    samples: Samples,
    *,
    rows: int,
    columns: int | None = None,
    workers: int = 1,
    together: int = 1,
    progress: Progress | None = None,
) -> None:
    """Fill ``out`` with the chain's result.

    Args:
        chain: What to compute.
        out: Planes of the chain's size.
        samples: Their format, which decides the last rounding.
        rows: Height of a window, at most.
        columns: Width of a window, at most; ``None``: all of them.
        workers: Windows computed at the same time.
        together: Windows that go to the engine as one batch.
        progress: Called with the fraction done after each batch of windows.
    """
    windows = cut_up(chain.size, samples, rows=rows, columns=columns)
    each = 1 if chain.in_order else together
    batches = [windows[start : start + each] for start in range(0, len(windows), each)]

    def compute(batch: list[Window]) -> None:
        for window, planes in zip(batch, chain.make(batch), strict=True):
            for target, made in zip(samples.cut(out, window), planes, strict=True):
                target[...] = _in_format(made, chain.samples, samples)

    def report(done: int) -> None:
        if progress is not None:
            progress(done / len(batches))

    if workers == 1 or len(batches) == 1:
        for done, batch in enumerate(batches, 1):
            compute(batch)
            report(done)
        return
    from concurrent.futures import ThreadPoolExecutor  # 15 ms that small pictures save

    with ThreadPoolExecutor(workers) as pool:
        for done, _ in enumerate(pool.map(compute, batches), 1):
            report(done)


def cut_up(size: Size, samples: Samples, *, rows: int, columns: int | None = None) -> list[Window]:
    """Windows that cover a picture once, row by row: as many as needed, alike in size, on whole chroma samples.

    Example:
        >>> [window.rows for window in cut_up((10, 4), Samples(), rows=6)]
        [range(0, 5), range(5, 10)]
    """
    sides = zip(size, (rows, columns or size[1]), samples.subsampling, strict=True)
    down, across = (_ranges(length, most, step) for length, most, step in sides)
    return [Window(rows, columns) for rows in down for columns in across]


def _ranges(length: int, most: int, step: int) -> list[range]:
    each = -(-length // -(-length // max(most, step)))
    each = -(-each // step) * step
    return [range(start, min(start + each, length)) for start in range(0, length, each)]


def _inside(window: Window, size: Size) -> Window:
    """The part of a picture that fills a window when the picture is reflected at its edges."""
    reflected = (reflect(side, length) for side, length in zip(window, size, strict=True))
    return Window(*(range(int(each.min()), int(each.max()) + 1) for each in reflected))


def _reflected(planes: Planes, inside: Window, window: Window, below: Stored | Stage) -> Piece:
    """A window that may reach over the picture's edges, from what lies inside."""
    if inside == window:
        return Piece(window, planes)
    steps = below.samples.subsampling
    luma = _reflect_plane(planes[0], inside, window, below.size)
    shapes = [(-(-below.size[0] // steps[0]), -(-below.size[1] // steps[1]))] * (len(planes) - 1)
    across = chroma_window(inside, steps), chroma_window(window, steps)
    chroma = (_reflect_plane(plane, *across, size) for plane, size in zip(planes[1:], shapes, strict=True))
    return Piece(window, (luma, *chroma))


def _reflect_plane(plane: Plane, inside: Window, window: Window, size: Size) -> Plane:
    for axis, (taken, wanted, length) in enumerate(zip(inside, window, size, strict=True)):
        if taken != wanted:
            plane = np.take(plane, reflect(wanted, length) - taken.start, axis=axis)
    return plane


def _in_format(made: Plane, samples: Samples, wanted: Samples) -> Plane:
    """A plane with its white and type changed, rounded once."""
    if (samples.white, samples.dtype) == (wanted.white, wanted.dtype):
        return made
    return to_dtype(to_float(made, samples.white), wanted.dtype, wanted.white)


def portion(progress: Progress, index: int, count: int) -> Progress:
    """What the parts of a job call: the ``index``-th of ``count`` that take the same time."""
    return lambda fraction: progress((index + fraction) / count)
