"""The compiled kernels (native/bindings/module.cpp). Absent where the package was installed without a compiler."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

class Arithmetic:
    """One way to compute an edge-SR network."""

    @property
    def name(self) -> str: ...
    @property
    def precision(self) -> str:
        """``f32``, or ``int16``, which takes planes of integers alone."""
    @property
    def any_value(self) -> bool:
        """Whether floats outside of 0 .. peak come out right too; otherwise see `EdgeSR.within_peak`."""
    @property
    def largest_peak(self) -> float:
        """White of the deepest pixels that it takes; infinite where any will do."""

class EdgeSR:
    def __init__(self, family: str, scale: int, filters: NDArray[np.float32], isa: str = "") -> None: ...
    @property
    def isa(self) -> str: ...
    @property
    def arithmetics(self) -> list[Arithmetic]:
        """Those that exist for this network and instruction set; of each precision fastest first, most exact last."""
    def within_peak(self, plane: NDArray[Any], peak: float, threads: int) -> bool:
        """Whether every pixel is in 0 .. peak; integers count as such, being clamped."""
    def upscale(
        self, plane: NDArray[Any], out: NDArray[Any], peak: float, out_peak: float, arithmetic: Arithmetic, threads: int
    ) -> float:
        """Returns the part of the pixels that a kernel left to the most exact one.

        Raises:
            ValueError: If the network has no such arithmetic, or not for these pixels.
        """
    def upscale_rgb(
        self, rgb: NDArray[Any], out: NDArray[Any], peak: float, arithmetic: Arithmetic, threads: int
    ) -> None: ...

def resize(
    plane: NDArray[Any],
    out: NDArray[Any],
    scale: int,
    shift_right: float,
    shift_down: float,
    peak: float,
    threads: int,
    isa: str = "",
) -> None: ...
def steady(
    source_before: NDArray[Any],
    source: NDArray[Any],
    made_before: NDArray[Any],
    made: NDArray[Any],
    channels: int,
    level: int,
    threads: int,
    isa: str = "",
) -> None: ...
def give_way(value: bool) -> None:
    """Whether kernels that the calling thread runs from now on are left to threads of the lowest priority."""

def instruction_sets() -> list[str]: ...
def ceilings(threads: int, seconds: float, isa: str = "") -> dict[str, float]: ...

OUTPUT: int
"""In the place of a number of channels: what a convolution makes is the network's output."""

class Graph:
    """A network, built operation by operation (native/graph/graph.h)."""

    def __init__(self, colors: int, unshuffle: int, enlargement: int) -> None: ...
    def picture(self, factor: list[float], summand: list[float]) -> int:
        """The number of a map of the picture: each color times a factor plus a summand."""
    def convolution(
        self,
        inputs: list[int],
        weight: NDArray[np.float32],
        bias: list[float],
        operands: list[tuple[int, list[int]]],
        steps: list[tuple[str, int, int, list[float], list[float]]],
        shuffle: int,
        channels: int,
        choice: tuple[int, int, int, int, int | None] | None = None,
    ) -> int:
        """The number of the map that it makes.

        ``choice`` among candidates, for the output: parts, candidates and values kept, whose product the filters are;
        the part that scores a candidate, and the one that multiplies the scores. Part 0 are the candidates.

        Raises:
            ValueError: If there is no kernel, or the maps do not fit each other.
        """
    def strided(self, source: int, weight: NDArray[np.float32], bias: list[float], stride: int) -> int:
        """A convolution of windows that lie apart, none beyond the edges: the number of the map that it makes."""
    def pooling(self, source: int, side: int, stride: int) -> int:
        """The largest values of windows: the number of the map that they make."""
    @property
    def least_side(self) -> int:
        """Pixels that each side of a picture must have, so that each reduction has a window."""

class GraphRunner:
    """A graph packed for an instruction set."""

    def __init__(self, graph: Graph, isa: str = "") -> None: ...
    @property
    def reach(self) -> int:
        """Pixels of the picture beyond which nothing changes a bit of a pixel's result; -1: there is no such distance.

        This holds where windows begin at a multiple of four squares of the picture's pixels that become one.
        """
    @property
    def rolls(self) -> bool:
        """Whether a picture can go through in slabs (`GraphStream`): not where maps are larger than the picture."""
    @property
    def has_integers(self) -> bool:
        """Whether there are kernels of 16-bit integers for it."""
    def look(self, picture: NDArray[np.float32]) -> None:
        """Look at what the network sees of a picture ``(C, H, W)``."""
    def quantize(self, margin: float) -> None:
        """Run in integers from now on, which hold ``margin`` times what was looked at."""
    @property
    def isa(self) -> str: ...
    def run(self, batch: NDArray[np.float32], out: NDArray[np.float32], threads: int, bands: int = 1) -> None: ...
    def release(self) -> None:
        """Give back the memory that is kept from one run to the next."""
    def bytes(self, height: int, width: int, threads: int) -> int:
        """Memory besides the batches."""

class GraphStream:
    """A picture through a runner's network from the top down, in slabs of about ``rows`` rows of the picture.

    ``ValueError`` is raised where a pixel depends on the whole picture, or maps are of several sizes.
    """

    def __init__(self, runner: GraphRunner, height: int, width: int, rows: int) -> None: ...
    @property
    def ends(self) -> list[tuple[int, int]]:
        """Of each slab: rows of the picture that have to be given, and rows of the output that are made, until it."""
    def run(self, batch: NDArray[np.float32], out: NDArray[np.float32], threads: int) -> None:
        """The next slab: ``(1, C, rows, W)`` that were not given yet to the rows that it makes."""
    def bytes(self, threads: int) -> int:
        """Memory besides the batches."""

def png_rows(
    rows: NDArray[np.uint8], above: NDArray[np.uint8] | None, pixel_bytes: int, out: NDArray[np.uint8]
) -> None: ...
def deflate_left_open(stream: bytes) -> bytes: ...
