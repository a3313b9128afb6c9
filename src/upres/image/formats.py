"""The file formats: their names, their suffixes, their first bytes and what they can hold."""

from dataclasses import dataclass
from pathlib import Path

from upres.errors import ImageWriteError, near_miss


@dataclass(frozen=True, kw_only=True)
class Format:
    """What one file format can hold."""

    name: str
    suffixes: tuple[str, ...]
    """The first is the usual one."""
    max_side: int
    """Longest side in pixels."""
    bits: int = 8
    """Bits a sample, at most, as this package writes it."""
    alpha: bool = False
    animation: bool = False
    pages: bool = False
    grey: bool = True
    """False where grey is stored as three equal channels."""
    metadata: frozenset[str] = frozenset()
    """Fields of `Metadata` that it holds."""
    writable: bool = True


_ALL = frozenset({"icc", "exif", "xmp", "dpi"})

FORMATS = {
    item.name: item
    for item in (
        Format(
            name="jpeg", suffixes=(".jpg", ".jpeg", ".jpe", ".jfif"), max_side=65500, metadata=_ALL | {"text", "iptc"}
        ),
        Format(
            name="png",
            suffixes=(".png", ".apng"),
            max_side=2**31 - 1,
            bits=16,
            alpha=True,
            animation=True,
            metadata=_ALL | {"text"},
        ),
        Format(
            name="webp",
            suffixes=(".webp",),
            max_side=16383,
            alpha=True,
            animation=True,
            grey=False,
            metadata=_ALL,
        ),
        Format(
            name="avif",
            suffixes=(".avif", ".avifs"),
            max_side=65536,
            alpha=True,
            animation=True,
            metadata=_ALL,
        ),
        Format(
            name="tiff",
            suffixes=(".tif", ".tiff"),
            max_side=2**31 - 1,
            bits=16,
            alpha=True,
            pages=True,
            metadata=_ALL | {"iptc"},
        ),
        Format(name="bmp", suffixes=(".bmp", ".dib"), max_side=2**31 - 1, metadata=frozenset({"dpi"})),
        Format(
            name="gif",
            suffixes=(".gif",),
            max_side=65535,
            alpha=True,
            animation=True,
            metadata=frozenset({"text"}),
        ),
        Format(
            name="heif",
            suffixes=(".heic", ".heif", ".hif"),
            max_side=16384,
            bits=10,
            alpha=True,
            metadata=_ALL,
        ),
    )
}
"""Every format by name."""

ALIASES = {"jpg": "jpeg", "tif": "tiff", "apng": "png", "heic": "heif"}

_BY_SUFFIX = {suffix: item.name for item in FORMATS.values() for suffix in item.suffixes}

_FOREIGN = (
    (b"%PDF", "a PDF document"),
    (b"8BPS", "a Photoshop document"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"\x00\x00\x01\x00", "a Windows icon"),
    (b"\x76\x2f\x31\x01", "an OpenEXR picture"),
    (b"#?RADIANCE", "a Radiance HDR picture"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML document"),
    (b"<!DOCTYPE", "an HTML document"),
    (b"<html", "an HTML document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1a\x45\xdf\xa3", "a Matroska or WebM video"),
    (b"GIMP", "a GIMP document"),
    (b"gimp xcf", "a GIMP document"),
)

_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})


def extensions() -> tuple[str, ...]:
    """Suffixes, lower case with the dot, of the files that `read` may understand; for walking folders."""
    return tuple(_BY_SUFFIX)


def format_for(name: str | Path) -> str:
    """Name of the format for a file name, a suffix (``.jpg``) or a format's own name (``jpg``, ``PNG``).

    Raises:
        ImageWriteError: If the suffix is missing or unknown.

    Example:
        >>> format_for("holiday/IMG_1.JPG")
        'jpeg'
    """
    text = str(name).lower()
    plain = ALIASES.get(text, text)
    if plain in FORMATS:
        return plain
    suffix = text if text in _BY_SUFFIX else Path(text).suffix
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    known = ", ".join(FORMATS)
    if not suffix:
        raise ImageWriteError(f"{name}: no suffix that names a format; expected one of {known}")
    hint = near_miss(suffix, _BY_SUFFIX)
    raise ImageWriteError(f"{name}: unknown format '{suffix}'; expected one of {known}.{hint}")


def format_for_reading(name: str) -> str | None:
    """Name of the format that a file's suffix promises, or ``None`` where it promises none."""
    return _BY_SUFFIX.get(Path(name).suffix.lower())


def sniff(head: bytes) -> str | None:
    """Name of the format by a file's first 64 bytes, or ``None`` where it is none that we read."""
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "tiff"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head.startswith(b"BM") and head[6:10] == bytes(4):
        return "bmp"
    return _iso_media(head)


def _iso_media(head: bytes) -> str | None:
    if head[4:8] != b"ftyp":
        return None
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12]} | {head[start : start + 4] for start in range(16, end - 3, 4)}
    if brands & {b"avif", b"avis"}:
        return "avif"
    if brands & _HEIF_BRANDS or head[8:12] in (b"mif1", b"msf1"):
        return "heif"
    return None


def describe(head: bytes) -> str:
    """What a file that is no picture of ours seems to be, for an error message."""
    for prefix, name in _FOREIGN:
        if head.lower().startswith(prefix.lower()):
            return f"it is {name}"
    if head[4:8] == b"ftyp":
        return "it is a video or another ISO media file"
    if head and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head):
        return "it is text"
    return "its content is none of " + ", ".join(FORMATS)
