"""The boxes around a JPEG XL codestream, where EXIF and XMP lie.

Reference: ISO/IEC 18181-2, section 9.
"""

import struct
from dataclasses import dataclass

from upres.errors import ImageReadError
from upres.image.codecs.boxes import boxes_of
from upres.image.codecs.jxl_header import MAGIC

SIGNATURE = b"\0\0\0\x0cJXL \r\n\x87\n"
_KIND = b"\0\0\0\x14ftypjxl \0\0\0\0jxl "
_LAST = 1 << 31
_MOST_UNPACKED = 16 << 20


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a file holds."""

    codestream: bytes
    exif: bytes | None = None
    xmp: bytes | None = None
    level: bytes | None = None
    """What a decoder must be able to do, where that is more than usual."""


def split(data: bytes) -> Parts:
    """The parts of a file, with or without boxes.

    Raises:
        ImageReadError: If a box is cut short or the codestream is not whole.
    """
    if data.startswith(MAGIC):
        return Parts(codestream=data)
    found: dict[bytes, bytes] = {}
    pieces: list[bytes] = []
    whole = False
    for name, content in boxes_of(data, start=len(SIGNATURE), form="JPEG XL"):
        if name == b"jxlc":
            pieces, whole = [content], True
        elif name == b"jxlp":
            number = int.from_bytes(content[:4], "big")
            if whole or number & ~_LAST != len(pieces):
                raise ImageReadError("damaged JPEG XL file (the pieces of its codestream are out of order)")
            pieces.append(content[4:])
            whole = bool(number & _LAST)
        elif name == b"brob":
            if content[:4] in (b"Exif", b"xml "):
                found.setdefault(content[:4], _unpacked(content[4:]))
        else:
            found.setdefault(name, content)
    if not whole:
        raise ImageReadError("truncated JPEG XL file")
    return Parts(
        codestream=b"".join(pieces),
        exif=_exif(found.get(b"Exif", b"")),
        xmp=found.get(b"xml ") or None,
        level=found.get(b"jxll"),
    )


def join(parts: Parts) -> bytes:
    """The file of these parts: the codestream alone where there is nothing else."""
    boxes = [
        (b"jxll", parts.level),
        (b"Exif", None if parts.exif is None else bytes(4) + parts.exif),
        (b"xml ", parts.xmp),
    ]
    if not any(content for _, content in boxes):
        return parts.codestream
    pieces = [SIGNATURE, _KIND]
    for name, content in (*boxes, (b"jxlc", parts.codestream)):
        if content:
            size = len(content) + 8
            long = size >= 1 << 32
            pieces.append(struct.pack(">I4s", 1 if long else size, name))
            pieces += [struct.pack(">Q", size + 8)] * long
            pieces.append(content)
    return b"".join(pieces)


def _unpacked(content: bytes) -> bytes:
    import imagecodecs

    try:
        return bytes(imagecodecs.brotli_decode(content, out=bytearray(_MOST_UNPACKED)))
    except RuntimeError:
        return b""


def _exif(content: bytes) -> bytes | None:
    """The block, behind the number that says where it begins."""
    start = 4 + int.from_bytes(content[:4], "big")
    return content[start:] or None
