"""DDS, read only: blocks by imagecodecs, plain pixels by their masks; the largest picture of the first surface.

Reference: Microsoft, Programming Guide for DDS (DDS_HEADER, DDS_HEADER_DXT10).
"""

import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from upres.errors import ImageReadError
from upres.image.budget import Budget
from upres.image.codecs.arrays import frame_of
from upres.image.codecs.tiff_samples import unmultiplied
from upres.image.picture import Frame, Picture, Pixels, Source

_HEADER = 128
_EXTENDED = 20
_FOURCC, _PALETTE, _GREY = 0x4, 0x20, 0x20000
_CUBE, _VOLUME = 0x200, 0x200000
_BLOCKS = {
    b"DXT1": 1,
    b"DXT2": 2,
    b"DXT3": 2,
    b"DXT4": 3,
    b"DXT5": 3,
    b"ATI1": 4,
    b"BC4U": 4,
    b"ATI2": 5,
    b"BC5U": 5,
}
_MULTIPLIED = frozenset({b"DXT2", b"DXT4"})
_BLOCKS_BY_NUMBER = {
    **dict.fromkeys((70, 71, 72), 1),
    **dict.fromkeys((73, 74, 75), 2),
    **dict.fromkeys((76, 77, 78), 3),
    **dict.fromkeys((79, 80), 4),
    **dict.fromkeys((82, 83), 5),
    **dict.fromkeys((97, 98, 99), 7),
}
_CHANNELS = {1: 4, 2: 4, 3: 4, 4: 1, 5: 2, 7: 4}
_BYTES = {1: 8, 2: 16, 3: 16, 4: 8, 5: 16, 7: 16}
_RGBA = (0xFF, 0xFF00, 0xFF0000, 0xFF000000)
_BGRA = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
_MASKS_BY_NUMBER = {
    28: (32, _RGBA),
    29: (32, _RGBA),
    61: (8, (0xFF, 0, 0, 0)),
    85: (16, (0xF800, 0x7E0, 0x1F, 0)),
    86: (16, (0x7C00, 0x3E0, 0x1F, 0x8000)),
    87: (32, _BGRA),
    88: (32, (*_BGRA[:3], 0)),
    91: (32, _BGRA),
    93: (32, (*_BGRA[:3], 0)),
    115: (16, (0xF00, 0xF0, 0xF, 0xF000)),
}
_DEEP = 11
"""Four channels of 16 bits."""
_HDR = frozenset({2, 10, 95, 96})


@dataclass(frozen=True)
class _Header:
    width: int
    height: int
    kind: bytes
    """FourCC, or nothing for plain pixels."""
    number: int
    """Format in the extended header, or 0."""
    bits: int
    masks: tuple[int, ...]
    further: bool
    """Whether there are other faces, slices or surfaces."""
    start: int


def decode(stream: BinaryIO, budget: Budget, *, only_first: bool) -> Picture:
    """The picture in a DDS file; alpha is left out where all of it is opaque."""
    data = stream.read()
    header = _header(data)
    budget.spend(header.width, header.height)
    frame, notes = _frame(data[header.start :], header)
    if frame.alpha is not None and bool((frame.alpha == np.iinfo(frame.alpha.dtype).max).all()):
        frame = Frame(pixels=frame.pixels)
    if header.further and not only_first:
        notes.append("further faces, slices or surfaces in the file were left out")
    space = "grey" if frame.pixels.ndim == 2 else "rgb"
    bits = 8 * frame.pixels.itemsize
    plain = not (header.kind in _BLOCKS or header.number in _BLOCKS_BY_NUMBER)
    return Picture(
        frames=(frame,), source=Source(format="dds", mode=space, bits=bits, lossless=plain), notes=tuple(notes)
    )


def _header(data: bytes) -> _Header:
    if len(data) < _HEADER:
        raise ImageReadError("truncated DDS file")
    height, width = struct.unpack_from("<II", data, 12)
    flags, kind, bits, *found, _, caps = struct.unpack_from("<I4s7I", data, 80)
    further = bool(caps & (_CUBE | _VOLUME))
    # Pillow writes masks for 8 bits of grey that lie outside of them.
    masks = (0xFF, 0, 0, 0) if flags & _GREY and bits == 8 else tuple(found)
    kind, number, start = kind if flags & _FOURCC else b"", 0, _HEADER
    if kind == b"DX10":
        if len(data) < _HEADER + _EXTENDED:
            raise ImageReadError("truncated DDS file")
        number, _, _, count, _ = struct.unpack_from("<5I", data, _HEADER)
        kind, further, start = b"", further or count > 1, _HEADER + _EXTENDED
        bits, masks = _MASKS_BY_NUMBER.get(number, (0, (0, 0, 0, 0)))
    if flags & _PALETTE:
        raise ImageReadError("a DDS file with a palette; convert it to RGB")
    return _Header(width, height, kind, number, bits, masks, further, start)


def _frame(data: bytes, header: _Header) -> tuple[Frame, list[str]]:
    block = _BLOCKS.get(header.kind) or _BLOCKS_BY_NUMBER.get(header.number)
    if block is not None:
        return _of_blocks(data, header, block)
    if header.number == _DEEP or header.kind == b"$\0\0\0":
        samples = _taken(data, header, np.dtype("<u2"), 4)
        return frame_of(samples.astype(np.uint16), None), []
    if header.number in _HDR or header.kind in (b"q\0\0\0", b"t\0\0\0"):
        raise ImageReadError("a DDS file of floats (HDR); convert it to 8 or 16 bits")
    if header.bits not in (8, 16, 24, 32) or not any(header.masks):
        name = header.kind.decode("latin-1") if header.kind.isalnum() else str(header.number)
        raise ImageReadError(f"a DDS file whose pixels are of a kind that upres does not read ({name})")
    return frame_of(_by_masks(data, header), None), []


def _of_blocks(data: bytes, header: _Header, block: int) -> tuple[Frame, list[str]]:
    import imagecodecs

    rows, columns = -(-header.height // 4), -(-header.width // 4)
    if len(data) < rows * columns * _BYTES[block]:
        raise ImageReadError("truncated DDS file")
    channels = _CHANNELS[block]
    shape = (4 * rows, 4 * columns) if channels == 1 else (4 * rows, 4 * columns, channels)
    content = data[: rows * columns * _BYTES[block]]
    array: Any = imagecodecs.bcn_decode(content, block, shape=shape)
    array = np.ascontiguousarray(array[: header.height, : header.width])
    if channels == 2:
        color = np.dstack([array, np.zeros_like(array[..., :1])])
        return Frame(pixels=color), ["it holds red and green only; blue is 0"]
    frame = frame_of(array, None)
    if header.kind in _MULTIPLIED and frame.alpha is not None:
        frame = Frame(pixels=unmultiplied(frame.pixels, frame.alpha), alpha=frame.alpha)
    return frame, []


def _taken(data: bytes, header: _Header, kind: np.dtype[Any], channels: int) -> Pixels:
    count = header.width * header.height * channels
    if len(data) < count * kind.itemsize:
        raise ImageReadError("truncated DDS file")
    return np.frombuffer(data, kind, count).reshape(header.height, header.width, channels)


def _by_masks(data: bytes, header: _Header) -> Pixels:
    """Channels picked out of whole pixels, each over the range of 8 bits: grey where there is but one mask."""
    size = header.bits // 8
    parts = _taken(data, header, np.dtype(np.uint8), size)
    words = np.zeros((header.height, header.width), np.uint32)
    for index in range(size):
        words |= parts[..., index].astype(np.uint32) << np.uint32(8 * index)
    red, green, blue, alpha = header.masks
    grey = red and (green, blue) in ((0, 0), (red, red))
    masks = [red] if grey else [red, green, blue] if red or green or blue else [0]
    channels = [_picked(words, mask) for mask in (*masks, *([alpha] if alpha else []))]
    return np.stack(channels, -1)


def _picked(words: Pixels, mask: int) -> Pixels:
    if mask == 0:
        return np.zeros(words.shape, np.uint8)
    shift = (mask & -mask).bit_length() - 1
    top = mask >> shift
    if top & (top + 1) or top > 0xFFFF:
        raise ImageReadError("damaged DDS file (its masks)")
    values = ((words & np.uint32(mask)) >> np.uint32(shift)).astype(np.uint64)
    return ((values * 255 + top // 2) // top).astype(np.uint8)
