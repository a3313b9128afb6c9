"""A profile, EXIF and XMP put into an AVIF file that imagecodecs has written, which takes none.

Reference: ISO/IEC 14496-12, section 8.11 (items); ISO/IEC 23008-12, section 6 and annex A (EXIF and XMP as items).
"""

import struct
from collections.abc import Iterator

Box = tuple[bytes, bytes]
"""Its name and its content."""

_FULL = 4
"""Bytes of version and flags."""
_PRIMARY = 1
_XMP_TYPE = b"application/rdf+xml"


def with_metadata(data: bytes, *, icc: bytes | None, exif: bytes | None, xmp: bytes | None) -> bytes:
    """The file with what is given.

    Args:
        data: A still picture as libavif lays it out: ``ftyp``, ``meta``, ``mdat``; the first item is the picture.
        icc: Profile.
        exif: Block from its TIFF header on.
        xmp: Packet.

    Raises:
        ValueError: If it is laid out otherwise.
    """
    items = [(b"Exif", bytes(4) + exif, b"")] if exif else []
    items += [(b"mime", xmp, _XMP_TYPE + b"\0")] if xmp else []
    if not items and icc is None:
        return data
    (_, kind), (_, meta), (_, content) = _parts(data)
    parts = dict(_boxes(meta[_FULL:]))
    count = int.from_bytes(parts[b"iinf"][_FULL : _FULL + 2], "big")
    first = count + 1
    if icc is not None:
        parts[b"iprp"] = _with_profile(parts[b"iprp"], icc)
    if items:
        parts[b"iinf"] = _with_names(parts[b"iinf"], items, first)
        links = [_box(b"cdsc", struct.pack(">HHH", first + index, 1, _PRIMARY)) for index in range(len(items))]
        parts[b"iref"] = parts.get(b"iref", bytes(_FULL)) + b"".join(links)
    lengths = [len(value) for _, value, _ in items]
    sizes = sum(len(value) + 8 for name, value in parts.items() if name != b"iloc")
    places = parts[b"iloc"]
    grown = _FULL + sizes + 8 + len(places) + 14 * len(items) - len(meta)
    parts[b"iloc"] = _with_places(places, lengths, first, moved=grown, end=len(data) + grown)
    new_meta = meta[:_FULL] + b"".join(_box(name, value) for name, value in parts.items())
    extra = b"".join(value for _, value, _ in items)
    return _box(b"ftyp", kind) + _box(b"meta", new_meta) + _box(b"mdat", content + extra)


def _parts(data: bytes) -> list[Box]:
    found = list(_boxes(data))
    if [name for name, _ in found] != [b"ftyp", b"meta", b"mdat"]:
        raise ValueError(f"expected ftyp, meta and mdat, got {[name for name, _ in found]}")
    return found


def _boxes(data: bytes) -> Iterator[Box]:
    place = 0
    while place < len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        if size < 8:
            raise ValueError(f"expected a box of 8 bytes or more, got {size}")
        yield data[place + 4 : place + 8], data[place + 8 : place + size]
        place += size


def _box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, name) + content


def _with_profile(content: bytes, icc: bytes) -> bytes:
    """Properties with one more, which belongs to the picture."""
    parts = dict(_boxes(content))
    number = len(list(_boxes(parts[b"ipco"]))) + 1
    parts[b"ipco"] += _box(b"colr", b"prof" + icc)
    links = bytearray(parts[b"ipma"])
    place = _FULL + 4
    item, count = struct.unpack_from(">HB", links, place)
    if item != _PRIMARY or any(links[:_FULL]) or number > 127:
        raise ValueError("expected the picture's properties first, in the short form")
    links[place + 2] += 1
    links[place + 3 + count : place + 3 + count] = bytes([number])
    return b"".join(_box(name, bytes(links) if name == b"ipma" else value) for name, value in parts.items())


def _with_names(content: bytes, items: list[tuple[bytes, bytes, bytes]], first: int) -> bytes:
    """The list of items with further ones."""
    count = int.from_bytes(content[_FULL : _FULL + 2], "big") + len(items)
    names = [
        _box(b"infe", struct.pack(">IHH4s", 2 << 24, first + index, 0, kind) + b"\0" + media)
        for index, (kind, _, media) in enumerate(items)
    ]
    return content[:_FULL] + struct.pack(">H", count) + content[_FULL + 2 :] + b"".join(names)


def _with_places(content: bytes, lengths: list[int], first: int, *, moved: int, end: int) -> bytes:
    """Where the items lie, those there were moved by some bytes, the further ones from ``end`` on."""
    if content[: _FULL + 2] != b"\0\0\0\0\x44\0":
        raise ValueError("expected places of four bytes")
    (count,) = struct.unpack_from(">H", content, _FULL + 2)
    result = content[: _FULL + 2] + struct.pack(">H", count + len(lengths))
    for entry in range(_FULL + 4, len(content), 14):
        item, source, extents, offset, length = struct.unpack_from(">HHHII", content, entry)
        if extents != 1:
            raise ValueError(f"expected items in one piece, got {extents}")
        result += struct.pack(">HHHII", item, source, 1, offset + moved, length)
    for index, length in enumerate(lengths):
        result += struct.pack(">HHHII", first + index, 0, 1, end, length)
        end += length
    return result
