"""How pixels are stored: their type, the number that is white, and the planes that they lie in.

A picture is a tuple of planes. Grey and RGB pictures have one array, ``(H, W)`` or ``(H, W, 3)``. YUV pictures have
three arrays ``(H, W)``, of which the second and third may be smaller.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[Any]
Planes = tuple[Plane, ...]
DType = Literal["uint8", "uint16"]
Layout = Literal["grey", "rgb", "yuv420", "yuv422", "yuv444"]
Siting = Literal["centre", "left", "topleft"]
Size = tuple[int, int]
"""Height and width."""

_LARGEST = {"uint8": 255, "uint16": 65535}
_SUBSAMPLING = {"yuv420": (2, 2), "yuv422": (1, 2)}
"""Layout -> luma rows and luma columns for each chroma sample."""


class Window(NamedTuple):
    """A rectangle of a picture, in pixels (of luma, where chroma has fewer)."""

    rows: range
    columns: range

    @property
    def size(self) -> Size:
        """Height and width."""
        return len(self.rows), len(self.columns)


@dataclass(frozen=True, kw_only=True)
class Samples:
    """The format of a picture's samples.

    Example:
        >>> ten_bits = Samples(dtype="uint16", white=1023, studio=True, layout="yuv420", siting="left")
        >>> ten_bits.shapes((5, 7))
        ((5, 7), (3, 4), (3, 4))
    """

    dtype: DType = "uint8"
    white: int = 255
    """The largest value: 255 for 8 bits, 1023 for 10 bits in ``uint16``, 65535 for 16 bits."""
    studio: bool = False
    """True where luma goes from 16 to 235 of 255, as in video. Networks see such luma as it is."""
    layout: Layout = "rgb"
    siting: Siting = "centre"
    """Where a chroma sample lies between the luma samples that share it."""

    def __post_init__(self) -> None:
        if self.dtype not in _LARGEST or not 0 < self.white <= _LARGEST[self.dtype]:
            raise ValueError(f"expected uint8 or uint16 and a white that fits, got {self.dtype} and {self.white}")

    @classmethod
    def of(cls, pixels: Plane) -> "Samples":
        """The format of an array whose white is the end of its type: ``(H, W)`` grey or ``(H, W, 3)`` RGB.

        Raises:
            ValueError: If the array has another type or shape.
        """
        if pixels.dtype.name not in _LARGEST or pixels.ndim not in (2, 3):
            raise ValueError(f"expected uint8 or uint16, (H, W) or (H, W, 3), got {pixels.dtype} {pixels.shape}")
        dtype: Any = pixels.dtype.name
        return cls(dtype=dtype, white=_LARGEST[dtype], layout="grey" if pixels.ndim == 2 else "rgb")

    @property
    def subsampling(self) -> tuple[int, int]:
        """Luma rows and luma columns for each chroma sample; 1 and 1 where all planes are alike."""
        return _SUBSAMPLING.get(self.layout, (1, 1))

    @property
    def is_yuv(self) -> bool:
        """True where luma and chroma are planes of their own."""
        return self.layout.startswith("yuv")

    @property
    def channels(self) -> int:
        """Samples of a pixel, chroma counted as if it had full size."""
        return 1 if self.layout == "grey" else 3

    def shapes(self, size: Size) -> tuple[tuple[int, ...], ...]:
        """The shapes of the planes of a picture of this height and width."""
        if not self.is_yuv:
            return (size if self.layout == "grey" else (*size, 3),)
        chroma = ceil(size[0] / self.subsampling[0]), ceil(size[1] / self.subsampling[1])
        return size, chroma, chroma

    def empty(self, size: Size) -> Planes:
        """Planes of this height and width whose values are not set yet."""
        return tuple(np.empty(shape, self.dtype) for shape in self.shapes(size))

    def check(self, planes: Planes) -> Size:
        """Height and width of these planes.

        Raises:
            ValueError: If their number, types or shapes are not those of this format.
        """
        size = (planes[0].shape[0], planes[0].shape[1]) if planes and planes[0].ndim > 1 else (0, 0)
        if tuple(plane.shape for plane in planes) != self.shapes(size) or not all(size):
            raise ValueError(f"expected {self.layout} planes, got shapes {[plane.shape for plane in planes]}")
        if any(plane.dtype != self.dtype for plane in planes):
            raise ValueError(f"expected {self.dtype} planes, got {[str(plane.dtype) for plane in planes]}")
        return size

    def cut(self, planes: Planes, window: Window) -> Planes:
        """Views of the planes' parts under a window. Chroma that the window touches in part is included."""
        luma, *chroma = planes
        across = chroma_window(window, self.subsampling)
        parts = [part(luma, window), *(part(plane, across) for plane in chroma)]
        return tuple(parts)

    def widened(self) -> "Samples":
        """The same in 16 bits; a value there is the value here times `widening`."""
        return replace(self, dtype="uint16", white=self.white * self.widening)

    @property
    def widening(self) -> int:
        """The largest factor that keeps white within 16 bits: 257 for 8 bits, 64 for 10 bits."""
        return _LARGEST["uint16"] // self.white

    def chroma_shift(self, down: Fraction, right: Fraction) -> tuple[Fraction, Fraction]:
        """How far down and right of its centred place each sample of resized chroma is taken, in chroma samples.

        A sample that is not centred lies a quarter of a chroma sample off, before and after resizing.

        Args:
            down: How many times higher the result is.
            right: How many times wider.
        """
        steps = self.subsampling
        is_off = steps[0] == 2 and self.siting == "topleft", steps[1] == 2 and self.siting != "centre"
        shifts = (Fraction(off, 4) * (1 - 1 / scale) for off, scale in zip(is_off, (down, right), strict=True))
        return next(shifts), next(shifts)


def part(plane: Plane, window: Window) -> Plane:
    """The view of a plane under a window."""
    return plane[window.rows.start : window.rows.stop, window.columns.start : window.columns.stop]


def chroma_window(window: Window, subsampling: tuple[int, int]) -> Window:
    """The chroma samples that a window of luma touches.

    Example:
        >>> chroma_window(Window(range(3, 7), range(0, 5)), (2, 2))
        Window(rows=range(1, 4), columns=range(0, 3))
    """
    rows, columns = (
        range(side.start // step, ceil(side.stop / step)) for side, step in zip(window, subsampling, strict=True)
    )
    return Window(rows, columns)
