"""The file formats: their names, their suffixes, their first bytes, what they can hold and who reads and writes them.

A format is a row of `FORMATS` and a codec, the module that ``codec`` names, with ``decode`` and ``encode`` as
`upres.image.codecs.codec.Codec` describes them. Everything else asks the row: no other module knows a format by name.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from upres.errors import ImageWriteError, near_miss
from upres.image.foreign import foreign_kind


@dataclass(frozen=True, kw_only=True)
class Format:
    """All facts of one file format."""

    name: str
    suffixes: tuple[str, ...]
    """The first is the usual one."""
    suffixes_read: tuple[str, ...] = ()
    """Further ones of files that hold this format and more that is not written; results get no such name."""
    aliases: tuple[str, ...] = ()
    """Other names that a caller may give."""
    codec: str
    """Module that decodes and encodes; it is imported when a file needs it."""
    plugin: str = ""
    """Class of Pillow's that opens such files, as ``module:class``, where the codec goes by way of Pillow."""
    magic: bytes | None = None
    """Regular expression that the first 64 bytes match from their beginning."""
    named_by_suffix: bool = False
    """Whether the first bytes say too little: only a file of such a name is taken for one."""
    instead: str | None = None
    """Format that is written in place of this one, which is only read."""
    brands: frozenset[bytes] = frozenset()
    """Brands of an ISO media file, main or compatible, that mean this format."""
    main_brands: frozenset[bytes] = frozenset()
    """Brands that mean it only as the main one."""
    max_side: int
    """Longest side in pixels."""
    bits: int = 8
    """Bits a sample, at most, as this package writes it."""
    alpha: bool = False
    animation: bool = False
    counts_plays: bool = True
    """False where an animation can only play for ever."""
    max_plays: int = 65535
    """Most plays that an animation counts to."""
    max_delay_ms: int = 2**24 - 1
    """Longest time that an animation shows one frame."""
    pages: bool = False
    grey: bool = True
    """False where grey is stored as three equal channels."""
    grey_with_alpha: bool = True
    """False where grey with alpha is stored as three equal channels."""
    has_quality: bool = False
    """Whether writing takes a quality from 1 to 100."""
    lossless: Literal["always", "on request", "never"] = "never"
    """Whether writing keeps every sample of what the format can hold."""
    metadata: frozenset[str] = frozenset()
    """Fields of `Metadata` that it holds."""
    metadata_limits: Mapping[str, int] = field(default_factory=dict)
    """Field of `Metadata` -> most bytes that it may have."""
    dpi_in_exif: bool = False
    """Whether EXIF is the only place for the resolution."""
    keyless_comments: bool = False
    """Whether ``text`` is comments without keywords."""
    named_colors: Literal["chunks", "box"] | None = None
    """Where a file may name its colour space by numbers: PNG's chunks or the ``colr`` box of ISO media."""

    def begins(self, head: bytes) -> bool:
        """Whether a file with these first 64 bytes is of this format."""
        if self.magic is not None:
            return re.match(self.magic, head, re.DOTALL) is not None
        if head[4:8] != b"ftyp":
            return False
        end = min(int.from_bytes(head[:4], "big"), len(head))
        compatible = {head[start : start + 4] for start in range(16, end - 3, 4)}
        return bool((compatible | {head[8:12]}) & self.brands) or head[8:12] in self.main_brands


_ALL = frozenset({"icc", "exif", "xmp", "dpi"})
_JPEG_MARKER = 65533

FORMATS = {
    item.name: item
    for item in (
        Format(
            name="jpeg",
            suffixes=(".jpg", ".jpeg", ".jpe", ".jfif"),
            suffixes_read=(".mpo",),
            aliases=("jpg",),
            codec="upres.image.codecs.jpeg",
            plugin="PIL.JpegImagePlugin:JpegImageFile",
            magic=rb"\xff\xd8\xff",
            max_side=65500,
            has_quality=True,
            metadata=_ALL | {"text", "iptc", "xmp_extended"},
            # What a marker takes, less the words that stand before the block in it.
            metadata_limits={"exif": _JPEG_MARKER - 6, "xmp": _JPEG_MARKER - 29, "iptc": _JPEG_MARKER - 14},
            keyless_comments=True,
        ),
        Format(
            name="png",
            suffixes=(".png", ".apng"),
            aliases=("apng",),
            codec="upres.image.codecs.png",
            plugin="PIL.PngImagePlugin:PngImageFile",
            magic=rb"\x89PNG\r\n\x1a\n",
            max_side=2**31 - 1,
            bits=16,
            alpha=True,
            animation=True,
            max_plays=2**31 - 1,
            max_delay_ms=65_535_000,
            lossless="always",
            metadata=_ALL | {"text"},
            named_colors="chunks",
        ),
        Format(
            name="webp",
            suffixes=(".webp",),
            codec="upres.image.codecs.webp",
            plugin="PIL.WebPImagePlugin:WebPImageFile",
            magic=rb"RIFF.{4}WEBP",
            max_side=16383,
            alpha=True,
            animation=True,
            grey=False,
            has_quality=True,
            lossless="on request",
            metadata=_ALL,
            dpi_in_exif=True,
        ),
        Format(
            name="avif",
            suffixes=(".avif", ".avifs"),
            codec="upres.image.codecs.avif",
            plugin="PIL.AvifImagePlugin:AvifImageFile",
            brands=frozenset({b"avif", b"avis"}),
            max_side=65536,
            bits=10,
            alpha=True,
            animation=True,
            counts_plays=False,
            grey_with_alpha=False,
            has_quality=True,
            lossless="on request",
            metadata=_ALL,
            dpi_in_exif=True,
            named_colors="box",
        ),
        Format(
            name="tiff",
            suffixes=(".tif", ".tiff"),
            aliases=("tif",),
            codec="upres.image.codecs.tiff",
            plugin="PIL.TiffImagePlugin:TiffImageFile",
            magic=rb"II[*+]\0|MM\0[*+]",
            max_side=2**31 - 1,
            bits=16,
            alpha=True,
            pages=True,
            lossless="always",
            metadata=_ALL | {"iptc"},
        ),
        Format(
            name="bmp",
            suffixes=(".bmp", ".dib"),
            codec="upres.image.codecs.bmp",
            plugin="PIL.BmpImagePlugin:BmpImageFile",
            magic=rb"BM.{4}\0{4}",
            max_side=2**31 - 1,
            lossless="always",
            metadata=frozenset({"dpi"}),
        ),
        Format(
            name="gif",
            suffixes=(".gif",),
            codec="upres.image.codecs.gif",
            plugin="PIL.GifImagePlugin:GifImageFile",
            magic=rb"GIF8[79]a",
            max_side=65535,
            alpha=True,
            animation=True,
            max_plays=65536,
            max_delay_ms=655_350,
            metadata=frozenset({"text"}),
            keyless_comments=True,
        ),
        Format(
            name="heif",
            suffixes=(".heic", ".heif", ".hif"),
            aliases=("heic",),
            codec="upres.image.codecs.heif",
            brands=frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}),
            main_brands=frozenset({b"mif1", b"msf1"}),
            max_side=16384,
            bits=10,
            alpha=True,
            has_quality=True,
            metadata=_ALL,
            dpi_in_exif=True,
            named_colors="box",
        ),
        Format(
            name="jxl",
            suffixes=(".jxl",),
            aliases=("jpegxl",),
            codec="upres.image.codecs.jxl",
            magic=rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n",
            max_side=2**30,
            bits=16,
            alpha=True,
            animation=True,
            has_quality=True,
            lossless="on request",
            metadata=_ALL,
            dpi_in_exif=True,
        ),
        Format(
            name="ppm",
            suffixes=(".ppm", ".pgm", ".pbm", ".pnm", ".pam"),
            aliases=("pgm", "pbm", "pnm", "pam"),
            codec="upres.image.codecs.ppm",
            magic=rb"P[1-6][\s#]|P7\n",
            max_side=999_999_999,
            bits=16,
            lossless="always",
        ),
        Format(
            name="tga",
            suffixes=(".tga", ".icb", ".vda", ".vst"),
            aliases=("targa",),
            codec="upres.image.codecs.tga",
            # No palette or one, of 15 to 32 bits; a known kind; sides above 0; known bits a pixel; no reserved flag.
            magic=rb".(?:\0[\x02\x03\x0a\x0b].{5}|\x01[\x01\x02\x09\x0a].{4}[\x0f\x10\x18\x20]).{4}"
            rb"(?!\0\0)..(?!\0\0)..[\x08\x0f\x10\x18\x20][\0-\x3f]",
            named_by_suffix=True,
            max_side=65535,
            alpha=True,
            grey_with_alpha=False,
            lossless="always",
        ),
        Format(
            name="jp2",
            suffixes=(".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
            aliases=("jpeg2000",),
            codec="upres.image.codecs.jpeg2000",
            plugin="PIL.Jpeg2KImagePlugin:Jpeg2KImageFile",
            magic=rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51",
            max_side=2**32 - 1,
            instead="png",
        ),
        Format(
            name="dds",
            suffixes=(".dds",),
            codec="upres.image.codecs.dds",
            magic=rb"DDS \x7c\0\0\0",
            max_side=2**32 - 1,
            instead="png",
        ),
        Format(
            name="psd",
            suffixes=(".psd",),
            codec="upres.image.codecs.psd",
            magic=rb"8BPS\0\x01",
            max_side=30000,
            instead="png",
        ),
    )
}
"""Every format by name; where two know a file by its first bytes, the first one reads it."""


def extensions() -> tuple[str, ...]:
    """Suffixes, lower case with the dot, of the files that `read` may understand; for walking folders."""
    return tuple(_by_suffix())


def format_for(name: str | Path) -> str:
    """Name of the format for a file name, a suffix (``.jpg``) or a format's own name (``jpg``, ``PNG``).

    Raises:
        ImageWriteError: If the suffix is missing or unknown.

    Example:
        >>> format_for("holiday/IMG_1.JPG")
        'jpeg'
    """
    text = str(name).lower()
    for form in FORMATS.values():
        if text == form.name or text in form.aliases:
            return form.name
    by_suffix = _by_suffix()
    suffix = text if text in by_suffix else Path(text).suffix
    if suffix in by_suffix:
        return by_suffix[suffix]
    known = ", ".join(form.name for form in FORMATS.values() if form.instead is None)
    if not suffix:
        raise ImageWriteError(f"{name}: no suffix that names a format; expected one of {known}")
    hint = near_miss(suffix, by_suffix)
    raise ImageWriteError(f"{name}: unknown format '{suffix}'; expected one of {known}.{hint}")


def format_for_reading(name: str) -> str | None:
    """Name of the format that a file's suffix promises, or ``None`` where it promises none."""
    return _by_suffix().get(Path(name).suffix.lower())


def misnamed(name: str, form: str) -> str | None:
    """What is to be told of a file of that format whose name is another one's; ``None`` where it is not."""
    expected = format_for_reading(name)
    if expected in (None, form):
        return None
    return f"the file is named like {str(expected).upper()} but holds {form.upper()} ({FORMATS[form].suffixes[0]})"


def format_written(name: str) -> str:
    """Name of the format that is written for a picture of the named format."""
    return FORMATS[name].instead or name


def require_written(name: str, *, lossless: bool = False) -> None:
    """Refuse a format that is only read, or that always loses something where nothing may be lost.

    Raises:
        ImageWriteError: If it is one.
    """
    instead = FORMATS[name].instead
    if instead is not None:
        raise ImageWriteError(f"{name.upper()} is read but not written; write {instead.upper()} or TIFF")
    if lossless and FORMATS[name].lossless == "never":
        raise ImageWriteError(f"{name.upper()} cannot be written lossless; write PNG, WebP or TIFF")


def sniff(head: bytes, name: str = "") -> str | None:
    """Name of the format by a file's first 64 bytes, or ``None`` where it is none that we read.

    Args:
        head: The bytes.
        name: The file's name, which counts only for formats whose bytes say too little.
    """
    named = format_for_reading(name)
    return next(
        (
            form.name
            for form in FORMATS.values()
            if form.begins(head) and (not form.named_by_suffix or form.name == named)
        ),
        None,
    )


def describe(head: bytes, name: str = "") -> str:
    """What a file that is no picture of ours seems to be, for an error message."""
    kind = foreign_kind(head, name)
    if kind is not None:
        return f"it is {kind}"
    if head and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head):
        return "it is text"
    return "its content is none of " + ", ".join(FORMATS)


def _by_suffix() -> Mapping[str, str]:
    return {suffix: form.name for form in FORMATS.values() for suffix in (*form.suffixes, *form.suffixes_read)}
