"""The shape of pixels in Matroska, where the stream does not tell it: the width at which the picture is shown.

libavformat writes that width for whoever sets the shape of the container's stream, which PyAV does not let anybody set.
So the finished file's header is changed in place. Nothing behind it moves: libavformat writes the length of a track in
more bytes than it takes, and padding takes what is left.

Reference: RFC 9559, section 5.1.4 (tracks); RFC 8794, sections 4 to 6 and 11.3 (elements, checksums, padding).
"""

import io
import zlib
from collections.abc import Iterator
from fractions import Fraction
from typing import BinaryIO

from upres.errors import VideoError

_SEGMENT, _TRACKS, _TRACK, _VIDEO = 0x18538067, 0x1654AE6B, 0xAE, 0xE0
_VOID, _CRC = 0xEC, 0xBF
_WIDTH, _DISPLAY_WIDTH, _DISPLAY_UNIT = 0xB0, 0x54B0, 0x54B2
_MOST_SIZE_BYTES = 8


def write_display_width(stream: BinaryIO, sample_aspect_ratio: Fraction) -> None:
    """Say the shape of the first video track's pixels: the width at which it is shown at its own height, rounded.

    Args:
        stream: A finished file of libavformat's, to be read and written.
        sample_aspect_ratio: Width of a pixel by its height.

    Raises:
        VideoError: If the header has another form than libavformat's, or no room.
    """
    stream.seek(0)
    name, size = _head(stream)
    while name != _TRACKS:
        if name != _SEGMENT:  # what is in a segment comes next
            stream.seek(size, io.SEEK_CUR)
        name, size = _head(stream)
    start = stream.tell()
    tracks = _changed_tracks(stream.read(size), sample_aspect_ratio)
    stream.seek(start)
    stream.write(tracks)


def _changed_tracks(content: bytes, ratio: Fraction) -> bytes:
    """The content of the tracks' element, as long as it was."""
    parts, has_checksum, is_changed = list[bytes](), False, False
    for name, inner, whole in _elements(content):
        video = None if name != _TRACK or is_changed else _part(inner, _VIDEO)
        if name == _CRC:
            has_checksum = True
        elif video is None:
            parts.append(whole)
        else:
            parts.append(_changed_track(inner, ratio, len(whole)))
            is_changed = True
    changed = b"".join(parts)
    return _element(_CRC, zlib.crc32(changed).to_bytes(4, "little")) + changed if has_checksum else changed


def _changed_track(content: bytes, ratio: Fraction, length: int) -> bytes:
    """The element of a track, of this length."""
    inner = b"".join(
        _element(_VIDEO, _changed_video(part, ratio)) if name == _VIDEO else whole
        for name, part, whole in _elements(content)
    )
    for size_bytes in range(_MOST_SIZE_BYTES, 0, -1):
        room = length - 1 - size_bytes - len(inner)
        if room == 0 or room >= 2:
            padding = _element(_VOID, bytes(room - 2)) if room else b""
            return _element(_TRACK, inner + padding, size_bytes)
    raise VideoError("the Matroska header has no room for the shape of pixels; MP4 holds it")


def _changed_video(content: bytes, ratio: Fraction) -> bytes:
    """What is told of the picture: the width at which it is shown, in pixels, which is the unit without another one."""
    width = round(int.from_bytes(_part(content, _WIDTH) or b"") * ratio)
    shown = _element(_DISPLAY_WIDTH, width.to_bytes((width.bit_length() + 7) // 8))
    return b"".join(whole for name, _, whole in _elements(content) if name != _DISPLAY_UNIT) + shown


def _part(content: bytes, wanted: int) -> bytes | None:
    return next((inner for name, inner, _ in _elements(content) if name == wanted), None)


def _elements(content: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Name, content and all bytes of each element."""
    stream = io.BytesIO(content)
    while (start := stream.tell()) < len(content):
        name, size = _head(stream)
        inner = stream.read(size)
        yield name, inner, content[start : stream.tell()]


def _element(name: int, content: bytes, size_bytes: int = 1) -> bytes:
    """An element, with its size in at least so many bytes."""
    while len(content) >= (1 << 7 * size_bytes) - 1:
        size_bytes += 1
    size = (1 << 7 * size_bytes) | len(content)
    return name.to_bytes((name.bit_length() + 7) // 8) + size.to_bytes(size_bytes) + content


def _head(stream: BinaryIO) -> tuple[int, int]:
    """Name and size of the element that begins here; the stream stands before its content then."""
    name, _ = _number(stream)
    size, size_bytes = _number(stream)
    return name, size ^ (1 << 7 * size_bytes)


def _number(stream: BinaryIO) -> tuple[int, int]:
    """A number that says by its leading zeros how many bytes it has, its mark included, and these bytes."""
    first = stream.read(1)
    if not first or not first[0]:
        raise VideoError("the Matroska header ends before its tracks: expected a file that libavformat wrote")
    count = 9 - first[0].bit_length()
    return int.from_bytes(first + stream.read(count - 1)), count
