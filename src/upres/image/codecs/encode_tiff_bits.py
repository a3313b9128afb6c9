"""TIFF pages of 1 bit a pixel, which tifffile does not pack: as a fax where the source was one, else by deflate.

Reference: TIFF 6.0, sections 2, 3 and 11.
"""

import io
import struct
import zlib
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from upres.image.picture import Metadata

_SHORT, _LONG, _RATIONAL, _UNDEFINED, _BYTE = 3, 4, 5, 7, 1
_DEFLATE, _FAX = 8, 4
_BLACK_IS_ZERO = 1
_XMP, _IPTC, _ICC = 700, 34377, 34675
_INCH = 2

Tag = tuple[int, int, int, bytes]
"""Number, type, count and value."""


def write_pages(
    stream: BinaryIO, pages: Sequence[NDArray[np.bool_]], metadata: Metadata, *, fax: bool, order: str
) -> None:
    """Write a TIFF whose pages are white where the arrays ``(H, W)`` are true.

    Args:
        stream: Empty and seekable.
        pages: At least one.
        metadata: ICC, XMP, IPTC and resolution go to every page.
        fax: Code them as Group 4, else by deflate.
        order: ``<`` or ``>``.
    """
    stream.write((b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 0))
    link = 4
    for page in pages:
        photometric, data = _fax(page) if fax else (_BLACK_IS_ZERO, zlib.compress(np.packbits(page, axis=1).tobytes()))
        place = stream.seek(0, 2)
        stream.write(data + bytes(len(data) % 2))
        tags = _tags(page, metadata, photometric, _FAX if fax else _DEFLATE, (place, len(data)), order)
        directory = stream.seek(0, 2)
        stream.write(_directory(tags, directory, order))
        stream.seek(link)
        stream.write(struct.pack(order + "I", directory))
        link = directory + 2 + 12 * len(tags)
    stream.seek(0, 2)


def _fax(page: NDArray[np.bool_]) -> tuple[int, bytes]:
    """How libtiff, by way of Pillow, codes a page: what 0 means, and the bytes."""
    import tifffile
    from PIL import Image, TiffImagePlugin

    whole = io.BytesIO()
    rows = {TiffImagePlugin.ROWSPERSTRIP: page.shape[0]}
    Image.fromarray(page).save(whole, "TIFF", compression="group4", tiffinfo=rows)
    whole.seek(0)
    with tifffile.TiffFile(whole) as tiff:
        found = tiff.pages.first
        if len(found.dataoffsets) != 1 or found.fillorder != 1:
            raise ValueError("expected one strip, the highest bit first")
        start = found.dataoffsets[0]
        return int(found.photometric), whole.getvalue()[start : start + found.databytecounts[0]]


def _tags(
    page: NDArray[np.bool_], metadata: Metadata, photometric: int, compression: int, strip: tuple[int, int], order: str
) -> list[Tag]:
    height, width = page.shape

    def numbers(tag: int, kind: int, *values: int) -> Tag:
        letter = {_SHORT: "H", _LONG: "I", _RATIONAL: "II"}[kind]
        return tag, kind, 1, struct.pack(order + letter, *values)

    tags = [
        numbers(256, _LONG, width),
        numbers(257, _LONG, height),
        numbers(258, _SHORT, 1),
        numbers(259, _SHORT, compression),
        numbers(262, _SHORT, photometric),
        numbers(273, _LONG, strip[0]),
        numbers(277, _SHORT, 1),
        numbers(278, _LONG, height),
        numbers(279, _LONG, strip[1]),
    ]
    if metadata.dpi:
        across, down = (round(value * 1000) for value in metadata.dpi)
        tags += [
            numbers(282, _RATIONAL, across, 1000),
            numbers(283, _RATIONAL, down, 1000),
            numbers(296, _SHORT, _INCH),
        ]
    blocks = ((_XMP, _BYTE, metadata.xmp), (_IPTC, _BYTE, metadata.iptc), (_ICC, _UNDEFINED, metadata.icc))
    tags += [(tag, kind, len(value), value) for tag, kind, value in blocks if value]
    return sorted(tags)


def _directory(tags: list[Tag], place: int, order: str) -> bytes:
    """A directory without a successor, and behind it the values that do not fit in."""
    table, heap = struct.pack(order + "H", len(tags)), b""
    start = place + 2 + 12 * len(tags) + 4
    for tag, kind, count, value in tags:
        table += struct.pack(order + "HHI", tag, kind, count)
        if len(value) <= 4:
            table += value.ljust(4, b"\0")
        else:
            table += struct.pack(order + "I", start + len(heap))
            heap += value + bytes(len(value) % 2)
    return table + bytes(4) + heap
