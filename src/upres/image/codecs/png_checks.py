"""PNG files held against what they promise, chunk by chunk, before a decoder sees them.

Pillow does not look at the checksums of pixels, and shows black where rows are missing; libpng, by imagecodecs
(2026.3.6), loses memory with each file that it refuses. Neither is given a file that is not whole.

Reference: PNG specification (third edition), sections 5 to 11.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from upres.errors import ImageReadError
from upres.image.codecs.png_chunks import MAGIC, Chunk, join

_ANIMATION = frozenset({b"acTL", b"fcTL", b"fdAT"})
_CRITICAL = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
_TEXTS = frozenset({b"zTXt", b"iTXt", b"iCCP"})
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
# Left, top, and distances of the pixels of each pass of an interlaced picture.
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_MOST_TEXT = 2**20
"""Bytes that a compressed text or profile may grow to; Pillow refuses files with more."""
_ALL_TEXT = 2**25
_STEP = 2**20
_MOST_FILTER = 4
DENSEST = 1032
"""Bytes that one byte of deflated data can stand for."""


class Header(NamedTuple):
    """A PNG file's first chunk."""

    width: int
    height: int
    depth: int
    color: int
    interlaced: bool

    def row_bytes(self, width: int) -> int:
        """Bytes of a row of so many pixels, its filter's number included."""
        return 1 + -(-width * _SAMPLES[self.color] * self.depth // 8)


def checked_chunks(data: bytes) -> tuple[list[Chunk], tuple[str, ...]]:
    """The chunks of a whole file, without those that are damaged, or too large, and that the pixels do not need.

    Returns:
        The chunks, and a sentence for what was left out.

    Raises:
        ImageReadError: If the file breaks off, or a chunk that the pixels need is damaged, missing or there twice.
    """
    found: list[Chunk] = []
    left_out: dict[str, None] = {}
    room = _ALL_TEXT
    for name, content, whole in _walk(data):
        _check_place(name, found)
        if not whole:
            if name in _CRITICAL | _ANIMATION:
                raise ImageReadError(f"damaged PNG file (the checksum of its {name.decode()} chunk is wrong)")
            left_out[f"its {name.decode()} chunk is damaged and was left out"] = None
            continue
        if name in _TEXTS:
            size = _inflated_size(name, content)
            room -= size
            if size > _MOST_TEXT or room < 0:
                left_out[f"its {name.decode()} chunk holds over {_MOST_TEXT >> 20} MiB and was left out"] = None
                continue
        found.append((name, content))
    if not found or found[-1][0] != b"IEND":
        raise ImageReadError("truncated PNG file")
    if not any(name == b"IDAT" for name, _ in found):
        raise ImageReadError("damaged PNG file (it has no pixels)")
    return found, tuple(left_out)


def _walk(data: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    """Name, content and whether the checksum is right, of every chunk to the end mark."""
    position, name = len(MAGIC), b""
    while name != b"IEND":
        if position + 12 > len(data):
            raise ImageReadError("truncated PNG file")
        length = int.from_bytes(data[position : position + 4], "big")
        name = data[position + 4 : position + 8]
        if not (name.isascii() and name.isalpha()):
            raise ImageReadError("damaged PNG file (a chunk without a name)")
        if position + 12 + length > len(data):
            raise ImageReadError(f"truncated PNG file (its {name.decode()} chunk lies beyond the end)")
        checksum = zlib.crc32(memoryview(data)[position + 4 : position + 8 + length])
        end = position + 8 + length
        yield name, data[position + 8 : end], checksum == int.from_bytes(data[end : end + 4], "big")
        position = end + 4


def _check_place(name: bytes, found: list[Chunk]) -> None:
    """Refuse a chunk where it cannot be."""
    if name == b"CgBI" and not found:
        raise ImageReadError(
            "is an Apple CgBI file, a PNG rewritten for iPhone apps; turn it back into a PNG first, "
            "with Xcode's 'pngcrush -revert-iphone-optimizations'"
        )
    if (name == b"IHDR") != (not found):
        raise ImageReadError(f"damaged PNG file ({'two headers' if found else 'it begins without a header'})")
    if name == b"IDAT" and found[-1][0] != b"IDAT" and any(other == b"IDAT" for other, _ in found):
        raise ImageReadError("damaged PNG file (its pixels are in two places)")
    if name == b"PLTE" and any(other in (b"PLTE", b"IDAT") for other, _ in found):
        raise ImageReadError("damaged PNG file (a palette too many, or behind the pixels)")
    if name[:1].isupper() and name not in _CRITICAL:
        raise ImageReadError(f"a PNG file with a {name.decode()} chunk, without which it cannot be read")


def _inflated_size(name: bytes, content: bytes) -> int:
    """Bytes of a compressed text or profile, counted no further than is of interest."""
    _, _, packed = content.partition(b"\0")
    if name == b"iTXt":
        if packed[:1] != b"\1":
            return 0
        _, _, packed = packed[2:].partition(b"\0")[2].partition(b"\0")
    try:
        return len(zlib.decompressobj().decompress(packed[1:] if name != b"iTXt" else packed, _MOST_TEXT + 1))
    except zlib.error:
        return 0


def header_of(found: list[Chunk]) -> Header:
    """The header.

    Raises:
        ImageReadError: If it says what no PNG can be.
    """
    content = found[0][1]
    if len(content) != 13:
        raise ImageReadError("damaged PNG file (its header is too short or too long)")
    width, height, depth, color, compression, filtering, interlaced = struct.unpack(">IIBBBBB", content)
    if depth not in _DEPTHS.get(color, ()) or compression or filtering or interlaced > 1:
        raise ImageReadError("damaged PNG file (its header says what no PNG can be)")
    return Header(width, height, depth, color, bool(interlaced))


def check_pixels(parts: list[bytes], header: Header, width: int, height: int, *, interlaced: bool) -> None:
    """Refuse compressed pixels that end before the last row, or that no decoder could undo.

    Args:
        parts: The compressed data, in order.
        header: Depth and colours.
        width: Of the picture or of this frame of it.
        height: Likewise.
        interlaced: Whether the pixels come in passes.

    Raises:
        ImageReadError: In these cases.
    """
    rows = _Rows(parts)
    for columns, lines in passes(width, height, interlaced=interlaced):
        rows.check(header.row_bytes(columns), lines)


def passes(width: int, height: int, *, interlaced: bool) -> list[tuple[int, int]]:
    """Width and height of each pass over a picture that has pixels in it."""
    if not interlaced:
        return [(width, height)]
    sizes = [(-(-(width - left) // across), -(-(height - top) // down)) for left, top, across, down in PASSES]
    return [(columns, lines) for columns, lines in sizes if columns > 0 and lines > 0]


class _Rows:
    """Rows as they are inflated, a megabyte at a time."""

    def __init__(self, parts: list[bytes]) -> None:
        self._inflater = zlib.decompressobj()
        self._parts = iter([part for part in parts if part])
        self._waiting = b""

    def check(self, row_bytes: int, count: int) -> None:
        """Take so many rows and look at the filter that each names."""
        at_once = max(1, _STEP // row_bytes)
        for start in range(0, count, at_once):
            self.take(row_bytes, min(at_once, count - start))

    def take(self, row_bytes: int, count: int) -> bytes:
        """So many rows, each behind its filter's number."""
        taken = self._bytes(row_bytes * count)
        if max(taken[::row_bytes]) > _MOST_FILTER:
            raise ImageReadError("damaged PNG file (a row is filtered in a way that does not exist)")
        return taken

    def _bytes(self, size: int) -> bytes:
        pieces: list[bytes] = []
        while size:
            try:
                piece = self._inflater.decompress(self._waiting, size)
            except zlib.error as error:
                raise ImageReadError("damaged PNG file (its pixels cannot be decompressed)") from error
            self._waiting = self._inflater.unconsumed_tail
            pieces.append(piece)
            size -= len(piece)
            if not piece and not self._waiting:
                self._waiting = next(self._parts, b"")
                if not self._waiting or self._inflater.eof:
                    raise ImageReadError("damaged or truncated PNG file (it ends before the last row of pixels)")
        return b"".join(pieces)


def pass_files(found: list[Chunk]) -> Iterator[bytes]:
    """Each pass over an interlaced picture, as a PNG file of its own."""
    header = header_of(found)
    rows = _Rows([content for name, content in found if name == b"IDAT"])
    for columns, lines in passes(header.width, header.height, interlaced=True):
        raw = rows.take(header.row_bytes(columns), lines)
        size = struct.pack(">II", columns, lines) + found[0][1][8:12] + b"\0"
        others = [(name, content) for name, content in found if name in (b"PLTE", b"tRNS")]
        yield only_pixels([(b"IHDR", size), *others, (b"IDAT", zlib.compress(raw, 0)), (b"IEND", b"")])


def only_pixels(found: list[Chunk]) -> bytes:
    """The file with nothing in it but pixels: libpng has opinions on all the rest, and tells them the terminal."""
    header = header_of(found)
    palette = next((len(content) // 3 for name, content in found if name == b"PLTE"), 0)
    lengths = {0: (2,), 2: (6,), 3: range(1, palette + 1)}.get(header.color, ())

    def needed(name: bytes, content: bytes) -> bool:
        if name == b"tRNS":
            return len(content) in lengths
        return name in _CRITICAL - {b"PLTE"} or name in _ANIMATION or (name == b"PLTE" and header.color == 3)

    return join(chunk for chunk in found if needed(*chunk))
