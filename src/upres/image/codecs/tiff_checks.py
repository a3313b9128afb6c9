"""What a TIFF file claims, held against the file, before anything is decoded.

tifffile passes over tags that lie outside the file, shows zeros where strips do, and takes sizes as they are declared.

Reference: TIFF 6.0, section 2; BigTIFF as libtiff describes it.
"""

import struct
from math import ceil
from typing import Any, BinaryIO

import numpy as np

from upres.errors import ImageReadError
from upres.image.budget import check_length
from upres.image.codecs.jpeg_checks import check_restarts, layout_of, with_other_bits

_USED = frozenset(
    {
        *(254, 255, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 282, 283, 284, 296, 317, 318, 319, 320),
        *(322, 323, 324, 325, 330, 338, 339, 347, 529, 530, 532),  # all that says what the pixels are and where
        *(270, 271, 272, 285, 305, 306, 315, 316, 700, 33432, 33550, 33723, 33922, 34264, 34377, 34665, 34675),
        *(34735, 34736, 34737, 34853),  # all that travels with them
    }
)
_MAKE, _SUB_DIRECTORIES, _DNG_VERSION = 271, 330, 50706
_RAW = "is a camera raw; develop it first, into a TIFF or JPEG"
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
# Those that are met and whose decoders take damage: none, faxes, LZW, JPEG, deflate, PackBits, JPEG 2000, LERC, LZMA,
# Zstandard, WebP, PNG, JPEG XR and JPEG XL, some by several numbers.
_COMPRESSIONS = frozenset(
    {
        *(1, 2, 3, 4, 5, 6, 7, 8, 22610, 32773, 32946, 33003, 33004, 33005, 33007, 34712, 34887, 34892, 34925, 34926),
        *(34927, 34933, 34934, 50000, 50001, 50002, 52546),
    }
)
_MOST_SAMPLES = 4096
_MOST_PAGES = 2**20
_LARGE_TILE = 2**24
# Bytes that one byte of a segment can stand for. LZW: a table that is full, used for its longest string of 3839 bytes
# in 12 bits. Deflate: 258 bytes in 2 bits. PackBits: 128 bytes in 2. Group 3 and 4 faxes: a white row in 1 bit at best,
# so many as a row has bytes. The others have no end worth naming.
_DENSEST = {1: 1, 5: 2560, 8: 1032, 32946: 1032, 32773: 64}


def check_directories(stream: BinaryIO) -> None:
    """Refuse a file with a tag that is used and lies outside of it, and one that is a camera's raw data.

    Raises:
        ImageReadError: In these cases; a chain of pages that breaks off is left to `check_chain`.
    """
    length = stream.seek(0, 2)
    stream.seek(0)
    head = stream.read(16)
    if head[8:10] == b"CR":
        raise ImageReadError(_RAW)
    order = "<" if head[:2] == b"II" else ">"
    big = head[2:4] in (b"+\0", b"\0+")
    offset_code, count_code, entry_size = ("Q", "Q", 20) if big else ("I", "H", 12)
    width = struct.calcsize(offset_code)
    offset = _number(head[8:16] if big else head[4:8], order + offset_code)
    seen: set[int] = set()
    while offset and offset not in seen and len(seen) < _MOST_PAGES:
        seen.add(offset)
        stream.seek(offset)
        count = _number(stream.read(struct.calcsize(count_code)), order + count_code)
        entries = stream.read(min(count, length) * entry_size)
        _check_entries(entries, order, offset_code, entry_size, length)
        offset = _number(stream.read(width), order + offset_code)
    stream.seek(0)


def _number(content: bytes, code: str) -> int:
    """The number in the file, 0 where the file is over."""
    return int(struct.unpack(code, content)[0]) if len(content) == struct.calcsize(code) else 0


def _check_entries(entries: bytes, order: str, offset_code: str, entry_size: int, length: int) -> None:
    layout = struct.Struct(f"{order}HH{offset_code}{offset_code}")
    inline = layout.size - struct.calcsize(f"{order}HH{offset_code}")
    for start in range(0, len(entries) - entry_size + 1, entry_size):
        code, kind, count, value = layout.unpack_from(entries, start)
        if code == _DNG_VERSION:
            raise ImageReadError(_RAW)
        size = _SIZES.get(kind, 0) * count
        if code in _USED and size > inline and value + size > length:
            raise ImageReadError(f"truncated TIFF file (its tag {code} lies beyond the end)")


def check_chain(tiff: Any) -> None:
    """Refuse a file whose list of pages breaks off: tifffile shows the pages before."""
    count = len(tiff.pages)
    handle = tiff.filehandle
    handle.seek(tiff.pages.next_page_offset)
    ending = handle.read(tiff.tiff.offsetsize)
    if count == 0 or len(ending) < tiff.tiff.offsetsize or any(ending):
        raise ImageReadError("truncated TIFF file (its list of pages breaks off)")


def check_pages(every: list[Any], full: list[tuple[int, Any]]) -> None:
    """Refuse a file without a page of full size: a camera's raw data, which begins with previews, or damage."""
    if full:
        return
    if every[0].tags.valueof(_MAKE) and every[0].tags.valueof(_SUB_DIRECTORIES):
        raise ImageReadError(_RAW)
    raise ImageReadError("damaged TIFF file (it has no page of full size)")


def check_sizes(page: Any) -> None:
    """Refuse a page whose sizes are no numbers, or none that a picture has, or of an unusual compression."""
    if int(page.compression) not in _COMPRESSIONS:
        raise ImageReadError(f"a TIFF with a compression that upres does not read ({int(page.compression)})")
    for name in ("imagewidth", "imagelength", "samplesperpixel", "rowsperstrip", "tilewidth", "tilelength"):
        if not isinstance(getattr(page, name), int):
            raise ImageReadError(f"damaged TIFF file (its {name} is not one number)")
    if page.is_tiled and page.tilewidth * page.tilelength > max(_LARGE_TILE, 4 * page.imagewidth * page.imagelength):
        raise ImageReadError(f"damaged TIFF file (its tiles are {page.tilewidth}x{page.tilelength})")
    if page.samplesperpixel > _MOST_SAMPLES:
        raise ImageReadError(f"a TIFF with {page.samplesperpixel} samples a pixel is not a picture")
    if page.imagedepth > 1:
        raise ImageReadError(f"a TIFF volume {page.imagedepth} pixels deep is not a picture")


def check_data(page: Any, stream: BinaryIO) -> None:
    """Refuse a page with data past the end of the file, with too little of it or with none: tifffile shows zeros there.

    Raises:
        ImageReadError: In these cases.
    """
    position = stream.tell()
    length = stream.seek(0, 2)
    stream.seek(position)
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    if not segments or any(count == 0 or offset + count > length for offset, count in segments):
        raise ImageReadError("truncated TIFF file")
    width, height = (page.tilewidth, page.tilelength) if page.is_tiled else (page.imagewidth, page.rowsperstrip)
    planes = page.samplesperpixel if page.planarconfig == 2 else 1
    expected = ceil(page.imagewidth / width) * ceil(page.imagelength / height) * planes if width and height else 0
    if len(segments) < expected or not expected:
        raise ImageReadError(f"truncated TIFF file ({len(segments)} strips or tiles instead of {expected})")
    _check_density(page, segments, width, height, planes)


def check_jpegs(page: Any) -> None:
    """Refuse a page with a JPEG strip or tile that lacks pixels, which decoders fill with grey."""
    import imagecodecs

    handle = page.parent.filehandle
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False):
        handle.seek(offset)
        data = handle.read(count)
        layout = layout_of(data)
        if not layout.is_huffman:
            continue
        check_restarts(data, layout)
        shown, other = (
            imagecodecs.jpeg_decode(content, tables=page.jpegtables)
            for content in (data, with_other_bits(data, layout))
        )
        if not np.array_equal(shown, other):
            raise ImageReadError("damaged or truncated TIFF file (parts of its pixels are missing)")


def _check_density(page: Any, segments: list[tuple[int, int]], width: int, height: int, planes: int) -> None:
    densest = _DENSEST.get(int(page.compression))
    if densest is None:
        return
    bits = page.samplesperpixel // planes * (page.bitspersample if isinstance(page.bitspersample, int) else 8)
    largest = max(count for _, count in segments)
    if page.is_tiled:  # each is as large as the others, whatever it shows of the picture
        check_length(width, height, largest, 8 * densest / max(1, bits))
    total = sum(count for _, count in segments)
    check_length(page.imagewidth, page.imagelength * planes, total, 8 * densest / max(1, bits))
