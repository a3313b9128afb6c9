"""What a JPEG file holds beside its pixels and what Pillow hands on: segments, and whatever lies behind the picture.

Reference: ITU-T T.81, annex B; Adobe XMP specification part 3, section 1.1.3.1 (extended XMP).
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace

from upres.image import xmp
from upres.image.picture import Picture

GAIN_MAP = "the gain map, by which bright screens show more, was left out"
NOT_SQUARE = "the proportions of its pixels, which are not square, were left out"

Segment = tuple[int, bytes]
"""The low byte of its marker and its content."""

_SOS, _EOI, _COM, _APP = 0xDA, 0xD9, 0xFE, range(0xE0, 0xF0)
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})
# The next marker that is neither a stuffed byte, nor a restart, nor padding.
_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])", re.DOTALL)
_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
_EXTENSION_PART = 65000
_FURTHER = "further pictures in the file (preview, gain map or depth) were left out"

# What others carry, or what says nothing that outlives a new encoding, by marker and first bytes.
_HANDLED = (
    (0xE0, b"JFIF\0"),
    (0xE1, b"Exif\0\0"),
    (0xE1, b"http://ns.adobe.com/xap/1.0/\0"),
    (0xE1, _EXTENSION),
    (0xE2, b"ICC_PROFILE\0"),
    (0xE2, b"MPF\0"),
    (0xEC, b"Ducky"),
    (0xED, b"Photoshop 3.0\0"),
    (0xEE, b"Adobe"),
)
_NAMES = {b"JP": "content credentials or another JUMBF box", b"JFXX\0": "a JFIF thumbnail", b"FPXR\0": "FlashPix"}


def carried(picture: Picture, data: bytes) -> Picture:
    """The picture with all comments and the extended XMP of its file, and notes of what else the file holds.

    What the XMP says of a video or of pictures behind the picture is taken out, as they are left out.

    Args:
        picture: As Pillow reads it.
        data: The file.
    """
    segments, end = walked(data)
    metadata, notes = picture.metadata, list(picture.notes)
    comments = [
        ("Comment", part.decode("utf-8", "surrogateescape")) for kind, part in segments if kind == _COM and part
    ]
    metadata = replace(metadata, text=tuple(comments))
    if metadata.xmp:
        extended = _extended(metadata.xmp, segments, notes)
        plain = xmp.without_claims(metadata.xmp)
        if plain != metadata.xmp and (b"GainMap" in metadata.xmp or b"hdrgm:" in metadata.xmp):
            notes.append(GAIN_MAP)
        notes += _trailer(data[end:], metadata.xmp, noted=_FURTHER in notes)
        metadata = replace(metadata, xmp=plain, xmp_extended=extended)
    else:
        notes += _trailer(data[end:], b"", noted=_FURTHER in notes)
    notes += _left_out(segments)
    if any(kind == 0xE0 and part[:5] == b"JFIF\0" and part[7:8] == b"\0" and _uneven(part) for kind, part in segments):
        notes.append(NOT_SQUARE)
    return replace(picture, metadata=metadata, notes=tuple(dict.fromkeys(notes)))


def walked(data: bytes) -> tuple[list[Segment], int]:
    """The segments of a JPEG file, and where the picture ends."""
    segments, position = list[Segment](), 2
    while found := _MARKER.search(data, position):
        kind, position = found[1][0], found.end()
        if kind == _EOI:
            return segments, position
        if kind in _BARE:
            continue
        length = int.from_bytes(data[position : position + 2], "big")
        segments.append((kind, data[position + 2 : position + length]))
        position += max(length, 2)
    return segments, len(data)


def extended_segments(packet: bytes) -> bytes:
    """An extended XMP packet as segments of a file."""
    digest = hashlib.md5(packet, usedforsecurity=False).hexdigest().upper().encode()
    return b"".join(
        segment(0xE1, _EXTENSION + digest + len(packet).to_bytes(4, "big") + start.to_bytes(4, "big") + part)
        for start, part in _parts(packet)
    )


def segment(kind: int, content: bytes) -> bytes:
    """A segment as it lies in a file."""
    return bytes([0xFF, kind]) + (len(content) + 2).to_bytes(2, "big") + content


def _parts(packet: bytes) -> Iterator[tuple[int, bytes]]:
    for start in range(0, len(packet), _EXTENSION_PART):
        yield start, packet[start : start + _EXTENSION_PART]


def _extended(packet: bytes, segments: list[Segment], notes: list[str]) -> bytes | None:
    """The extended packet that belongs to the first one, put together."""
    digest = xmp.extension_digest(packet)
    if digest is None:
        return None
    parts = {}
    for kind, content in segments:
        if kind == 0xE1 and content.startswith(_EXTENSION + digest):
            place = len(_EXTENSION) + 32
            parts[int.from_bytes(content[place + 4 : place + 8], "big")] = content[place + 8 :]
    whole = b"".join(part for _, part in sorted(parts.items()))
    if hashlib.md5(whole, usedforsecurity=False).hexdigest().upper().encode() == digest:
        return whole
    notes.append("the extended XMP is damaged or missing and was left out")
    return None


def _trailer(rest: bytes, packet: bytes, *, noted: bool) -> list[str]:
    """What lies behind the picture."""
    notes = []
    if b"ftyp" in rest and (rest[4:8] == b"ftyp" or b"MotionPhoto" in packet or b"MicroVideo" in packet):
        notes.append("the video of a motion photo was left out")
    elif rest[:2] == b"\xff\xd8":
        notes += [] if noted else [_FURTHER]
    elif rest.strip(b"\0\r\n "):
        notes.append(f"{len(rest)} bytes behind the picture were left out")
    return notes


def _uneven(header: bytes) -> bool:
    return header[8:10] != header[10:12]


def _left_out(segments: list[Segment]) -> list[str]:
    """Application segments that nobody here hands on."""
    found = []
    for kind, content in segments:
        if kind in _APP and not any(kind == marker and content.startswith(head) for marker, head in _HANDLED):
            name = next((name for head, name in _NAMES.items() if content.startswith(head)), None)
            found.append(f"APP{kind - _APP.start}" + (f" ({name})" if name else ""))
    return [f"{' and '.join(dict.fromkeys(found))} of the file could not be kept"] if found else []
