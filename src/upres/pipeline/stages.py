"""A picture computed in bands of rows, so that only bands are ever held between its first and its last array.

Each stage makes rows on demand and asks the one below for the rows they depend on: the network with its halo, the
final reduction with its kernel's reach. Neighbouring bands compute a few rows twice; the result is that of the whole
picture (of a network that is not local: nearly).
"""

from collections.abc import Callable
from math import lcm
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from upres.engines.engine import PlaneSession
from upres.image.convert import CHROMA_HALO, Network, run_network, to_dtype, to_float
from upres.image.picture import Pixels
from upres.image.resize import imresize_rows, rows_needed
from upres.models.card import ColorMode
from upres.pipeline.sizes import Size
from upres.pipeline.windows import fade_weights

MAX_MARGIN = 8
"""Reflected pixels that a network is given around the picture, at most."""
LEAST_SIDE = 16
"""Smaller pictures are reflected to this side for RGB networks: spatial attention takes no less than 15 pixels."""
WINDOW_STEP = 8
"""Windows are this many rows or a multiple: engines prepare anew for every shape they have not seen."""


class Stage(Protocol):
    """One step from the picture as read to the picture as wanted."""

    size: Size

    def rows(self, rows: range) -> Pixels:
        """These rows of the stage's result."""
        ...

    def working_bytes(self, count: int) -> int:
        """Memory it takes to make ``count`` rows, estimated, their own included."""
        ...


class Stored:
    """Pixels in memory; widened to 16 bits where more than one rounding lies ahead."""

    def __init__(self, pixels: Pixels, *, widen: bool) -> None:
        self.size = (pixels.shape[0], pixels.shape[1])
        self._pixels = pixels
        self._widen = widen and pixels.dtype == np.uint8

    def rows(self, rows: range) -> Pixels:
        """These rows of the result."""
        part = self._pixels[rows.start : rows.stop]
        return part.astype(np.uint16) * np.uint16(257) if self._widen else part

    def working_bytes(self, count: int) -> int:
        """Memory it takes to make ``count`` rows."""
        return 4 * count * _values(self._pixels) if self._widen else 0


class Enlarged:
    """The stage below, enlarged by a network.

    Networks pad with zeros, and those of one or few layers cannot tell that from black: they darken or brighten a frame
    of some pixels. So luma networks see the picture reflected beyond its edges, which measured 3.3 to 3.8 dB more in
    the outer 6 pixels of Set5 at x2 with the pool's networks.

    Args:
        below: What to enlarge.
        network: Float32 NCHW in and out.
        scale: Of the network.
        color_mode: Of the network.
        halo: Low-resolution rows at each side that an output row depends on.
        bytes_per_pixel: Memory of engine and colour path for each low-resolution pixel.
        planes: The network's fused colour path, which a luma network takes where there is one.
    """

    def __init__(
        self,
        below: Stage,
        network: Network,
        *,
        scale: int,
        color_mode: ColorMode,
        halo: int,
        bytes_per_pixel: int,
        planes: PlaneSession | None = None,
    ) -> None:
        self.size = (below.size[0] * scale, below.size[1] * scale)
        self._below = below
        self._network = network
        self._scale = scale
        self._color_mode: ColorMode = color_mode
        self._halo = max(halo, CHROMA_HALO)
        self._reach, self._unit = self._halo, 1
        self._planes = planes if color_mode == "luma" else None
        if self._planes is not None:
            together = self._planes.rows_together
            self._reach, self._unit = self._halo + max(together) - 1, lcm(*together)
        missing = max(0, LEAST_SIDE - min(below.size))
        self._margin = min(self._halo, MAX_MARGIN) if color_mode == "luma" else -(-missing // 2)
        self._tallest = 0
        self._bytes_per_pixel = bytes_per_pixel

    def rows(self, rows: range) -> Pixels:
        """These rows of the result."""
        window = self._window(rows)
        needed = reflect(window, self._below.size[0])
        first = int(needed.min())
        part = self._below.rows(range(first, int(needed.max()) + 1))[needed - first]
        if self._margin:
            width = self._below.size[1]
            part = part[:, reflect(range(-self._margin, width + self._margin), width)]
        made = self._run(np.ascontiguousarray(part))
        top, left = rows.start - window.start * self._scale, self._margin * self._scale
        return made[top : top + len(rows), left : left + self.size[1]]

    def working_bytes(self, count: int) -> int:
        """Memory it takes to make ``count`` rows."""
        height = self._rows_for(count) + WINDOW_STEP + self._unit - 1
        return self._bytes_per_pixel * height * self._below.size[1] + self._below.working_bytes(height)

    def _run(self, pixels: Pixels) -> Pixels:
        if self._planes is not None:
            return self._planes.upscale_rgb(pixels)
        return run_network(pixels, self._network, scale=self._scale, color_mode=self._color_mode)

    def _window(self, rows: range) -> range:
        """Rows needed from below, with the margin's; moved rather than cut at its ends, to come in few heights."""
        low, high = -self._margin, self._below.size[0] + self._margin
        first = max(low, rows.start // self._scale - self._reach)
        count = -(-self._rows_for(len(rows)) // WINDOW_STEP) * WINDOW_STEP
        self._tallest = count = min(high - low, max(self._tallest, count))
        last = min(high, first - (first - low) % self._unit + count)
        first = last - count
        return range(first - (first - low) % self._unit, last)

    def _rows_for(self, count: int) -> int:
        """Rows from below that ``count`` of the result need, wherever they are."""
        return -(-count // self._scale) + 2 * self._reach + self._unit


class Blended:
    """The stage below in strips that fade into each other: for networks of which a window is only nearly the whole.

    Strips are as high as the rows first asked for, and stay so: what a row becomes does not depend on how it is asked
    for later, and the stages above may ask for rows again. One caller at a time.

    Args:
        below: What to make strips of.
        fade: Rows over which a strip fades in, made by the strip before as well.
    """

    def __init__(self, below: Stage, *, fade: int) -> None:
        self.size = below.size
        self._below = below
        self._fade = fade
        self._height = 0
        self._strips: dict[int, Pixels] = {}
        self._tails: dict[int, Pixels] = {}

    def rows(self, rows: range) -> Pixels:
        """These rows of the result."""
        self._height = self._height or max(self._fade, len(rows))
        first, last = rows.start // self._height, (rows.stop - 1) // self._height
        origin = first * self._height
        strips = [self._strip(index) for index in range(first, last + 1)]
        whole = strips[0] if len(strips) == 1 else np.concatenate(strips)
        return whole[rows.start - origin : rows.stop - origin]

    def working_bytes(self, count: int) -> int:
        """Memory it takes to make ``count`` rows; two strips are kept, their values up to 2 bytes in 3 channels."""
        kept = 2 * min(count, self.size[0]) * self.size[1] * 6
        return kept + self._below.working_bytes(min(count + self._fade, self.size[0]))

    def _strip(self, index: int) -> Pixels:
        if index not in self._strips:
            start = index * self._height
            stop = min(start + self._height, self.size[0])
            made = self._below.rows(range(start, min(stop + self._fade, self.size[0])))
            strip = made[: stop - start]
            self._tails[index] = made[stop - start :].copy()
            if index:
                self._fade_in(strip, after=index - 1)
            self._strips = {kept: self._strips[kept] for kept in self._strips if kept == index - 1}
            self._strips[index] = strip
        return self._strips[index]

    def _fade_in(self, strip: Pixels, *, after: int) -> None:
        if after not in self._tails:
            self._strip(after)
        tail = self._tails[after]
        share = fade_weights(self._fade)[: len(tail)].reshape(-1, *[1] * (strip.ndim - 1))
        top = strip[: len(tail)]
        top[...] = np.rint(tail + share * (top.astype(np.float32) - tail))


class Resized:
    """The stage below, resized by antialiased bicubic interpolation."""

    def __init__(self, below: Stage, size: Size) -> None:
        self.size = size
        self._below = below

    def rows(self, rows: range) -> Pixels:
        """These rows of the result."""
        needed = rows_needed(self._below.size[0], self.size[0], rows)
        part = self._below.rows(needed)
        return imresize_rows(part, first_row=needed.start, height=self._below.size[0], size=self.size, rows=rows)

    def working_bytes(self, count: int) -> int:
        """Memory it takes to make ``count`` rows."""
        taken = min(self._below.size[0], -(-count * self._below.size[0] // self.size[0]) + 8)
        # 3 channels of 2 bytes, once from below, once between the two passes, once as the result
        own = 6 * (taken * (self._below.size[1] + self.size[1]) + count * self.size[1])
        return own + self._below.working_bytes(taken)


def band_height(stage: Stage, budget: int, *, step: int) -> int:
    """Rows a band may have within a memory budget: a multiple of ``step``, at least ``step``, at most all."""
    fixed = stage.working_bytes(step)
    per_step = max(1, stage.working_bytes(2 * step) - fixed)
    steps = 1 + max(0, budget - fixed) // per_step
    return min(stage.size[0], steps * step)


def render(
    stage: Stage,
    out: Pixels,
    *,
    rows_per_band: int,
    workers: int = 1,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Fill ``out`` with the stage's result, band by band.

    Args:
        stage: What to compute.
        out: Array of the stage's size; its dtype decides the last rounding.
        rows_per_band: Height of a band, at most.
        workers: Bands computed at the same time.
        progress: Called with the fraction done after each band.
    """
    height = stage.size[0]
    rows = -(-height // -(-height // rows_per_band))  # as many bands as needed, alike in height
    bands = [range(top, min(top + rows, height)) for top in range(0, height, rows)]

    def compute(band: range) -> None:
        made = stage.rows(band)
        out[band.start : band.stop] = made if made.dtype == out.dtype else to_dtype(to_float(made), out.dtype)

    def report(done: int) -> None:
        if progress is not None:
            progress(done / len(bands))

    if workers == 1 or len(bands) == 1:
        for done, band in enumerate(bands, 1):
            compute(band)
            report(done)
        return
    from concurrent.futures import ThreadPoolExecutor  # 15 ms that small pictures save

    with ThreadPoolExecutor(workers) as pool:
        for done, _ in enumerate(pool.map(compute, bands), 1):
            report(done)


def reflect(indices: range, length: int) -> NDArray[np.intp]:
    """Indices mirrored into ``range(length)``, the outermost one repeated.

    Example:
        >>> reflect(range(-3, 5), 3)
        array([2, 1, 0, 0, 1, 2, 2, 1])
    """
    folded = np.arange(indices.start, indices.stop) % (2 * length)
    return np.minimum(folded, 2 * length - 1 - folded)


def _values(pixels: Pixels) -> int:
    return int(np.prod(pixels.shape[1:]))
