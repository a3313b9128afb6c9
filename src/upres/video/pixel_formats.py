"""What FFmpeg's names of pixel formats say about planes: layout, bits, alpha, and how samples lie in memory."""

import re
from dataclasses import dataclass
from typing import Literal

from upres.image.samples import Layout, Samples, Siting

Planar = Literal["grey", "yuv420", "yuv422", "yuv444"]

_YUV = re.compile(r"yuv(a?)(j?)(420|422|444)p(?:(9|10|12|14|16)le)?")
_GREY = re.compile(r"gray(?:(9|10|12|14|16)le)?")
_SEMI_PLANAR: dict[str, tuple[Planar, int]] = {
    "nv12": ("yuv420", 8),
    "nv16": ("yuv422", 8),
    "nv24": ("yuv444", 8),
    "p010le": ("yuv420", 10),
    "p210le": ("yuv422", 10),
    "p410le": ("yuv444", 10),
    "p012le": ("yuv420", 12),
}
_COLORS_8 = {"rgb24", "bgr24", "rgb0", "bgr0", "0rgb", "0bgr", "gbrp", "rgb565le", "rgb555le", "bgr8", "rgb8"}
_COLORS_8_ALPHA = {"rgba", "bgra", "argb", "abgr", "gbrap", "pal8"}
_COLORS_16 = re.compile(r"gbr(a?)p(9|10|12|14|16)le|(?:rgb|bgr)(a?)(48|64)(?:le|be)")


@dataclass(frozen=True, kw_only=True)
class PixelFormat:
    """Samples of a decoded frame."""

    name: str
    layout: Layout
    """``rgb``: the frame has no luma of its own."""
    bits: int
    alpha: bool = False
    semi_planar: bool = False
    """True where both chroma planes lie in one, and samples have their bits on top (NV12, P010)."""
    full_range: bool = False
    """True where the name itself says so (``yuvj420p``)."""

    @property
    def is_rgb(self) -> bool:
        """True where there is no luma plane."""
        return self.layout == "rgb"

    @property
    def planar(self) -> str:
        """The format of the same samples whose planes lie apart, which encoders take."""
        if self.is_rgb:
            return self.name
        depth = "" if self.bits == 8 else f"{self.bits}le"
        return f"gray{depth}" if self.layout == "grey" else f"yuv{'a' * self.alpha}{self.layout[3:]}p{depth}"

    def samples(self, *, siting: Siting, studio: bool) -> Samples:
        """The same in the words of the pipeline.

        Args:
            siting: Where chroma lies.
            studio: Whether luma goes from 16 to 235 of 255.
        """
        dtype: Literal["uint8", "uint16"] = "uint8" if self.bits == 8 else "uint16"
        white = 2**self.bits - 1
        return Samples(dtype=dtype, white=white, studio=studio, layout=self.layout, siting=siting)


def pixel_format(name: str) -> PixelFormat | None:
    """What the name says; ``None`` for formats that upres does not know.

    Example:
        >>> pixel_format("p010le").planar
        'yuv420p10le'
    """
    if match := _YUV.fullmatch(name):
        alpha, full, chroma, bits = match.groups()
        layouts: dict[str, Planar] = {"420": "yuv420", "422": "yuv422", "444": "yuv444"}
        return PixelFormat(
            name=name, layout=layouts[chroma], bits=int(bits or 8), alpha=bool(alpha), full_range=bool(full)
        )
    if match := _GREY.fullmatch(name):
        return PixelFormat(name=name, layout="grey", bits=int(match[1] or 8))
    if name in _SEMI_PLANAR:
        semi, depth = _SEMI_PLANAR[name]
        return PixelFormat(name=name, layout=semi, bits=depth, semi_planar=True)
    if name in _COLORS_8 or name in _COLORS_8_ALPHA:
        return PixelFormat(name=name, layout="rgb", bits=8, alpha=name in _COLORS_8_ALPHA)
    if match := _COLORS_16.fullmatch(name):
        return PixelFormat(name=name, layout="rgb", bits=int(match[2] or 16), alpha=bool(match[1] or match[3]))
    return None
