"""EXIF blocks: read and rewritten where they lie.

They are patched in place instead of being parsed and written anew: maker notes hold offsets that break when
anything moves, and most of their tags are known to nobody.

Reference: CIPA DC-008 (Exif 3.0), section 4.6; TIFF 6.0, section 2.
"""

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

ByteOrder = Literal["<", ">"]

_ORIENTATION = 0x0112
_SIZE_TAGS = {0x0100: 0, 0x0101: 1, 0xA002: 0, 0xA003: 1}  # tag -> 0 for width, 1 for height
_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128
_THUMBNAIL_OFFSET, _THUMBNAIL_LENGTH = 0x0201, 0x0202
_EXIF_IFD = 0x8769
_DIRECTORIES = frozenset({_EXIF_IFD, 0x8825, 0xA005})
_SHORT, _LONG = 3, 4
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}  # bytes a value, by type
_MAX_ENTRIES = 1000


@dataclass(frozen=True)
class _Entry:
    position: int
    tag: int
    type: int
    count: int


@dataclass(frozen=True)
class Moved:
    """An EXIF block made ready to lie inside a TIFF file."""

    data: bytes
    entries: list[bytes]
    """The 12-byte entries of its first directory, without those whose values lie outside the block."""


class ExifBlock:
    """An EXIF block that can be asked and patched.

    Args:
        data: The block, with or without the ``Exif`` prefix that JPEG puts before its TIFF header.

    Raises:
        ValueError: If it is no TIFF structure.
    """

    def __init__(self, data: bytes) -> None:
        while data.startswith(b"Exif\0\0"):
            data = data[6:]
        if data[:4] not in (b"II*\0", b"MM\0*"):
            raise ValueError("no TIFF header")
        self.order: ByteOrder = "<" if data[:2] == b"II" else ">"
        self._data = bytearray(data)
        self._start = self._unpack("I", 4)
        self._entries = {entry.tag: entry for entry in self._walk(self._start)}

    def __bytes__(self) -> bytes:
        return bytes(self._data)

    @property
    def orientation(self) -> int | None:
        """How the pixels must be turned, 1 to 8, or ``None`` where the block does not say."""
        entry = self._entries.get(_ORIENTATION)
        value = self._integer(entry) if entry else None
        return value if value in range(1, 9) else None

    @property
    def dpi(self) -> tuple[float, float] | None:
        """Dots per inch, horizontal and vertical."""
        unit = self._entries.get(_RESOLUTION_UNIT)
        factor = {2: 1.0, 3: 2.54}.get(self._integer(unit) if unit else 2)
        values = [self._rational(self._entries.get(tag)) for tag in (_X_RESOLUTION, _Y_RESOLUTION)]
        if factor is None or not values[0] or not values[1]:
            return None
        return values[0] * factor, values[1] * factor

    def set_upright(self) -> None:
        """Set the orientation to 1 and cut off the thumbnail, which shows the picture as it was."""
        entry = self._entries.get(_ORIENTATION)
        if entry:
            self._set_integer(entry, 1)
        self._cut_thumbnail()

    def set_size(self, width: int, height: int) -> None:
        """Set the tags that repeat the picture's size, where there are any."""
        entries = dict(self._entries)
        pointer = self._entries.get(_EXIF_IFD)
        if pointer:
            with suppress(ValueError):  # a broken directory further in is handed on as it is
                entries |= {entry.tag: entry for entry in self._walk(self._integer(pointer))}
        for tag, axis in _SIZE_TAGS.items():
            if tag in entries:
                self._set_integer(entries[tag], (width, height)[axis])

    def moved(self, place: int) -> "Moved":
        """The block as it must read to lie at ``place`` of a TIFF file: every offset counts from the file's start.

        An entry whose value lies outside the block is left without values: it would point into the pixels.
        """
        moved = ExifBlock(bytes(self))
        queue, seen = [self._start], set[int]()
        while queue:
            directory = queue.pop()
            if directory in seen:
                continue
            seen.add(directory)
            try:
                entries = list(self._walk(directory))
            except ValueError:
                continue
            for entry in entries:
                if entry.tag in _DIRECTORIES:
                    queue.append(self._integer(entry))
                size = entry.count * _SIZES.get(entry.type, 1)
                offset = self._unpack("I", entry.position + 8)
                if offset + size > len(self._data) and (size > 4 or entry.tag in _DIRECTORIES):
                    struct.pack_into(self.order + "II", moved._data, entry.position + 4, 0, 0)
                elif size > 4 or entry.tag in _DIRECTORIES:
                    struct.pack_into(self.order + "I", moved._data, entry.position + 8, offset + place)
        main = [bytes(moved._data[entry.position : entry.position + 12]) for entry in self._entries.values()]
        return Moved(bytes(moved._data), [entry for entry in main if any(entry[4:8])])

    def _unpack(self, kind: str, position: int) -> int:
        try:
            return int(struct.unpack_from(self.order + kind, self._data, position)[0])
        except struct.error:
            raise ValueError("it ends too early") from None

    def _walk(self, offset: int) -> Iterator[_Entry]:
        count = self._unpack("H", offset)
        if count > _MAX_ENTRIES:
            raise ValueError(f"{count} entries")
        if offset + 2 + 12 * count > len(self._data):
            raise ValueError("it ends too early")
        for position in range(offset + 2, offset + 2 + 12 * count, 12):
            kind, number = self._unpack("H", position + 2), self._unpack("I", position + 4)
            yield _Entry(position, self._unpack("H", position), kind, number)

    def _integer(self, entry: _Entry) -> int:
        return self._unpack("H" if entry.type == _SHORT else "I", entry.position + 8)

    def _rational(self, entry: _Entry | None) -> float:
        if entry is None or entry.count != 1 or entry.type not in (5, 10):
            return 0.0
        offset = self._unpack("I", entry.position + 8)
        above, below = self._unpack("I", offset), self._unpack("I", offset + 4)
        return above / below if below else 0.0

    def _set_integer(self, entry: _Entry, value: int) -> None:
        kind = _LONG if value > 0xFFFF else _SHORT
        packed = struct.pack(self.order + ("I" if kind == _LONG else "H"), value).ljust(4, b"\0")
        struct.pack_into(self.order + "HI4s", self._data, entry.position + 2, kind, 1, packed)

    def _cut_thumbnail(self) -> None:
        pointer = self._start + 2 + 12 * len(self._entries)
        try:
            offset = self._unpack("I", pointer)
            if offset == 0:
                return
            entries = {entry.tag: entry for entry in self._walk(offset)}
        except ValueError:
            return  # a block that ends after its first directory is common and says all we need
        struct.pack_into(self.order + "I", self._data, pointer, 0)
        if _THUMBNAIL_OFFSET not in entries or _THUMBNAIL_LENGTH not in entries:
            return
        start = self._integer(entries[_THUMBNAIL_OFFSET])
        end = start + self._integer(entries[_THUMBNAIL_LENGTH])
        if offset < start and end >= len(self._data):
            del self._data[start:]
        elif offset < start:
            self._data[start:end] = bytes(min(end, len(self._data)) - start)


def exif_with_dpi(dpi: tuple[float, float]) -> bytes:
    """An EXIF block that says nothing but the resolution, for formats that have no other place for it."""
    order, entries, values = "<", 3, b""
    table = struct.pack(order + "H", entries)
    heap = 8 + 2 + 12 * entries + 4
    for tag, value in zip((_X_RESOLUTION, _Y_RESOLUTION), dpi, strict=True):
        table += struct.pack(order + "HHII", tag, 5, 1, heap + len(values))
        values += struct.pack(order + "II", round(value * 1000), 1000)
    table += struct.pack(order + "HHIHH", _RESOLUTION_UNIT, _SHORT, 1, 2, 0)
    return b"II*\0" + struct.pack(order + "I", 8) + table + bytes(4) + values
