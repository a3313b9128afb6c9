"""A picture in memory: frames of pixels, and what else its file said."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]
"""``uint8`` or ``uint16``, ``(H, W)`` grey or ``(H, W, 3)`` RGB; alpha is ``(H, W)`` of the same type."""
Mask = NDArray[np.bool_]
"""Which pixels, ``(H, W)``."""


@dataclass(frozen=True, kw_only=True)
class Tag:
    """A tag of a TIFF page, to be handed on."""

    code: int
    type: int
    """As TIFF numbers types: 2 text, 3 short, 12 double ..."""
    value: bytes | tuple[int | float, ...]
    """Bytes for text and bytes, numbers for the rest."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a document says of one of its pages, besides what `Metadata` holds of the first."""

    size: tuple[int, int]
    """Height and width of the pixels that the tags speak of, as they stand upright."""
    dpi: tuple[float, float] | None = None
    """Dots per inch, horizontal and vertical."""
    tags: tuple[Tag, ...] = ()
    """Names and descriptions of pages after the first, places on the earth, microscopes' descriptions."""
    meaning: tuple[str, ...] = ()
    """What is lost with the tags in formats without pages, one phrase each."""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One picture of an animation, one page of a document, or the only one there is."""

    pixels: Pixels
    """Colour without alpha: ``(H, W)`` grey or ``(H, W, 3)`` RGB, ``uint8`` or ``uint16``."""
    alpha: Pixels | None = None
    """Opacity ``(H, W)`` of the same type, not multiplied into the colour, or ``None`` where there is none."""
    duration_ms: float | None = None
    """How long an animation shows it."""
    page: Page | None = None
    """What its document says of it; ``None`` for what is no page of a document."""

    def __post_init__(self) -> None:
        shape, dtype = self.pixels.shape, self.pixels.dtype
        if dtype not in (np.uint8, np.uint16):
            raise TypeError(f"expected uint8 or uint16 pixels, got {dtype}")
        if not (len(shape) == 2 or (len(shape) == 3 and shape[2] == 3)) or 0 in shape:
            raise ValueError(f"expected pixels of shape (H, W) or (H, W, 3), no side 0, got {shape}")
        if self.alpha is not None and (self.alpha.shape != shape[:2] or self.alpha.dtype != dtype):
            raise ValueError(f"expected alpha {dtype} {shape[:2]}, got {self.alpha.dtype} {self.alpha.shape}")

    @classmethod
    def of(cls, pixels: Pixels) -> "Frame":
        """The frame of an array: ``(H, W)`` or ``(H, W, C)`` of 1 to 4 channels, the last of 2 or 4 being alpha.

        Raises:
            TypeError: If it is no array of ``uint8`` or ``uint16``.
            ValueError: If it has another shape, or no pixels.
        """
        if not isinstance(pixels, np.ndarray):
            raise TypeError(f"expected a numpy array or a path, got {type(pixels).__name__}")
        if pixels.dtype not in (np.uint8, np.uint16):
            raise TypeError(f"expected uint8 or uint16 pixels, got {pixels.dtype}")
        if pixels.ndim == 2:
            return cls(pixels=pixels)
        if pixels.ndim != 3 or not 1 <= pixels.shape[2] <= 4:
            raise ValueError(f"expected pixels (H, W) or (H, W, 1 to 4), got {pixels.shape}")
        colours = 1 if pixels.shape[2] <= 2 else 3
        colour = pixels[..., 0] if colours == 1 else pixels[..., :3]
        return cls(pixels=colour, alpha=pixels[..., colours] if pixels.shape[2] > colours else None)

    def channels(self) -> Pixels:
        """Colour and alpha in one array ``(H, W, C)``."""
        colour = self.pixels if self.pixels.ndim == 3 else self.pixels[..., None]
        return colour if self.alpha is None else np.concatenate([colour, self.alpha[..., None]], axis=2)


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What a file says about its pixels, as bytes to hand on."""

    icc: bytes | None = None
    """Colour profile of the pixels; ``None`` means sRGB."""
    exif: bytes | None = None
    """EXIF block from its TIFF header on, with orientation 1 and no thumbnail."""
    xmp: bytes | None = None
    """XMP packet."""
    xmp_extended: bytes | None = None
    """Second XMP packet that a JPEG adds where 64 kB do not hold all."""
    dpi: tuple[float, float] | None = None
    """Dots per inch, horizontal and vertical."""
    text: tuple[tuple[str, str], ...] = ()
    """Comments: PNG keyword and text; those of a JPEG or GIF have the keyword ``Comment``, and bytes that are not UTF-8
    are in it as Python's ``surrogateescape`` has them."""
    iptc: bytes | None = None
    """Photoshop resource block, where news agencies and libraries keep IPTC captions."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """How the pixels were stored in the file they came from."""

    format: str
    """Name in `upres.image.formats.FORMATS`, found by content."""
    mode: str
    """``1-bit``, ``palette``, ``grey``, ``rgb``, ``cmyk`` or ``lab``."""
    bits: int = 8
    """Bits a sample had in the file."""
    lossless: bool = True
    """False where the file's compression threw something away."""
    jpeg_quality: float | None = None
    """Of a JPEG: what its tables stand for (`upres.image.jpeg_quality`)."""
    fax: bool = False
    """Whether a TIFF's pages of 1 bit were coded as fax machines do."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """All that a file held.

    Example:
        >>> picture = Picture(frames=(Frame(pixels=np.zeros((2, 2), np.uint8)),))
        >>> picture.map(lambda frame: replace(frame, pixels=255 - frame.pixels)).pixels
        array([[255, 255],
               [255, 255]], dtype=uint8)
    """

    frames: tuple[Frame, ...]
    """At least one."""
    metadata: Metadata = field(default_factory=Metadata)
    source: Source | None = None
    """``None`` for pixels that did not come from a file."""
    loop: int = 0
    """How often an animation plays; 0 is for ever."""
    notes: tuple[str, ...] = ()
    """What reading had to change or leave behind, one sentence each."""

    def __post_init__(self) -> None:
        if not self.frames:
            raise ValueError("a picture needs at least one frame")

    @property
    def pixels(self) -> Pixels:
        """Colour of the first frame."""
        return self.frames[0].pixels

    @property
    def alpha(self) -> Pixels | None:
        """Opacity of the first frame."""
        return self.frames[0].alpha

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the first frame."""
        return self.pixels.shape[0], self.pixels.shape[1]

    @property
    def is_animation(self) -> bool:
        """True for frames shown one after the other; pages of a document are not an animation."""
        return len(self.frames) > 1 and self.frames[0].duration_ms is not None

    def map(self, function: Callable[[Frame], Frame]) -> "Picture":
        """The picture with every frame passed through ``function``."""
        return replace(self, frames=tuple(function(frame) for frame in self.frames))

    def noting(self, *notes: str) -> "Picture":
        """The picture with further notes."""
        return replace(self, notes=(*self.notes, *notes))


@dataclass(frozen=True, kw_only=True)
class WriteReport:
    """What writing did."""

    format: str
    """Name of the format written."""
    bytes_written: int
    lost: tuple[str, ...] = ()
    """What the picture had and the file has not, one phrase each; empty where everything was kept."""
    warnings: tuple[str, ...] = ()
    """What else differs from what one might expect, with the notes of reading, one sentence each."""
