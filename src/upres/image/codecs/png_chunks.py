"""PNG files as chunks, to hand metadata between Pillow, which knows it, and imagecodecs, which knows 16 bits.

Reference: PNG specification (third edition), sections 5 and 11.3.4 (animation).
"""

import io
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

MAGIC = b"\x89PNG\r\n\x1a\n"

Chunk = tuple[bytes, bytes]
"""Its four-letter name and its content."""

# Chunks that describe the pixels they came with and mean nothing beside others.
_PIXEL_CHUNKS = frozenset(
    {b"IHDR", b"PLTE", b"tRNS", b"bKGD", b"hIST", b"sBIT", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT"}
)


def chunks(data: bytes) -> Iterator[Chunk]:
    """Every complete chunk of a PNG file."""
    position = len(MAGIC)
    while position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        yield data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        position += length + 12


def write(parts: Iterable[Chunk], stream: BinaryIO) -> None:
    """Write a PNG file of these chunks."""
    stream.write(MAGIC)
    for name, content in parts:
        stream.write(struct.pack(">I", len(content)) + name)
        stream.write(content)
        stream.write(struct.pack(">I", zlib.crc32(content, zlib.crc32(name))))


def join(parts: Iterable[Chunk]) -> bytes:
    """A PNG file of these chunks."""
    stream = io.BytesIO()
    write(parts, stream)
    return stream.getvalue()


def metadata_only(data: bytes) -> bytes:
    """A PNG of one grey pixel with the file's metadata, which Pillow reads without decoding the real pixels."""
    pixel = zlib.compress(b"\0\0")
    return join(
        [(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)), *metadata_of(data), (b"IDAT", pixel), (b"IEND", b"")]
    )


def metadata_of(data: bytes) -> list[Chunk]:
    """The chunks of a PNG file that do not describe its pixels."""
    return [chunk for chunk in chunks(data) if chunk[0] not in _PIXEL_CHUNKS]


def frame_delays_ms(data: bytes) -> tuple[list[float], bool]:
    """Milliseconds of every frame of an animation, and whether its first still picture is one of them."""
    delays, included, seen_pixels = [], False, False
    for name, content in chunks(data):
        if name == b"fcTL":
            above, below = struct.unpack_from(">HH", content, 20)
            delays.append(1000 * above / (below or 100))
            included = included or not seen_pixels
        seen_pixels = seen_pixels or name == b"IDAT"
    return delays, included


def plays(data: bytes) -> int:
    """How often an animation plays; 0 is for ever."""
    return next((int.from_bytes(content[4:8], "big") for name, content in chunks(data) if name == b"acTL"), 0)
