"""What travels with the pixels: what is kept, and what is rewritten when they are turned upright or resized."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from upres.image import xmp as xmp_text
from upres.image.exif import ExifBlock
from upres.image.picture import Metadata
from upres.image.profiles import Space, profile_space

_RAW = ("Raw profile type exif", "Raw profile type APP1", "Raw profile type xmp")
_NOT_COMMENTS = frozenset({"XML:com.adobe.xmp", *_RAW})


@dataclass(frozen=True)
class Collected:
    """Metadata as it is handed on, and what it said that must be done."""

    metadata: Metadata
    orientation: int
    """How the pixels must be turned, 1 to 8; the metadata already says 1."""
    notes: tuple[str, ...]


def collect(
    *,
    space: Space,
    icc: bytes | None = None,
    exif: bytes | None = None,
    xmp: bytes | None = None,
    dpi: tuple[float, float] | None = None,
    text: tuple[tuple[str, str], ...] = (),
    iptc: bytes | None = None,
) -> Collected:
    """A file's metadata, put right for pixels that stand upright.

    Args:
        space: What the channels in the file are; a profile for another space is left out, and noted.
        icc: Profile.
        exif: Block, with or without its ``Exif`` prefix; left out, and noted, where it is damaged.
        xmp: Packet.
        dpi: Resolution; without it the one in ``exif`` counts.
        text: Comments.
        iptc: Photoshop resources.
    """
    notes: list[str] = []
    orientation: int | None = None
    block: ExifBlock | None = None
    if exif:
        try:
            block = ExifBlock(exif)
            orientation = block.orientation
            block.set_upright()
            dpi = dpi or block.dpi
        except ValueError as error:
            block = None
            notes.append(f"the EXIF block is damaged ({error}) and was left out")
    if xmp:
        orientation = orientation or xmp_text.orientation(xmp)
        xmp = xmp_text.upright(xmp)
    kept = _fitting_profile(icc, space, notes)
    orientation = orientation or 1
    if dpi and orientation >= 5:
        dpi = (dpi[1], dpi[0])
    metadata = Metadata(icc=kept, exif=bytes(block) if block else None, xmp=xmp or None, dpi=dpi, text=text, iptc=iptc)
    return Collected(metadata, orientation, tuple(notes))


def collect_info(info: Mapping[Any, Any], *, space: Space, iptc: bytes | None = None) -> Collected:
    """`collect` from what Pillow found in a file."""
    dpi = info.get("dpi")
    xmp = info.get("xmp")
    raw = [content for content in (_unhex(info[name]) for name in _RAW if name in info) if content]
    return collect(
        space=space,
        icc=info.get("icc_profile"),
        exif=info.get("exif") or next((block for block in raw if block.startswith((b"Exif", b"II", b"MM"))), None),
        xmp=(xmp.encode() if isinstance(xmp, str) else xmp)
        or next((_packet(block) for block in raw if _packet(block)), None),
        dpi=(float(dpi[0]), float(dpi[1])) if dpi and dpi[0] > 0 and dpi[1] > 0 else None,
        text=_comments(info),
        iptc=iptc,
    )


def for_upright(metadata: Metadata, height: int, width: int) -> Metadata:
    """The metadata for upright pixels of this size: all that repeats the size or the orientation is set to it."""
    exif, xmp, extended = metadata.exif, metadata.xmp, metadata.xmp_extended
    if exif:
        block = ExifBlock(exif)
        block.set_upright()
        block.set_size(width, height)
        exif = bytes(block)
    if xmp:
        extended = extended and xmp_text.sized(extended, width, height)
        xmp = xmp_text.with_extension(xmp_text.sized(xmp_text.upright(xmp), width, height), extended)
    return replace(metadata, exif=exif, xmp=xmp, xmp_extended=extended if xmp else None)


def _fitting_profile(icc: bytes | None, space: Space, notes: list[str]) -> bytes | None:
    if not icc:
        return None
    described = profile_space(icc)
    # Grey pictures often carry the RGB profile they were made under; its curve is the one that counts.
    if described == space or (space, described) == ("grey", "rgb"):
        return icc
    notes.append(f"the embedded colour profile is for {described or 'no known space'}, not {space}, and was left out")
    return None


def _comments(info: Mapping[Any, Any]) -> tuple[tuple[str, str], ...]:
    found = [(str(key), str(value)) for key, value in info.items() if isinstance(value, str) and _is_comment(key)]
    comment = info.get("comment")
    if isinstance(comment, bytes) and comment:
        found.append(("Comment", comment.decode("utf-8", "surrogateescape")))
    return tuple(found)


def _is_comment(key: object) -> bool:
    return isinstance(key, str) and key not in _NOT_COMMENTS and key != "xmp"


def _packet(block: bytes) -> bytes | None:
    """The XMP packet in a block, which may begin with the address that stands before it in a JPEG."""
    start = block.find(b"<")
    return block[start:] if b"<x:xmpmeta" in block or b"<rdf:RDF" in block else None


def _unhex(text: str) -> bytes | None:
    """The bytes of a block that ImageMagick wrote into a PNG comment."""
    try:
        return bytes.fromhex("".join(text.split("\n")[3:]))
    except ValueError:
        return None
