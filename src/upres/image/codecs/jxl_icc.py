"""The colour profile inside a JPEG XL codestream: entropy-coded, and before that predicted from what profiles share.

Reference: ISO/IEC 18181-1, annex E.4.
"""

from collections.abc import Callable, Iterator

from upres.image.codecs.jxl_bits import BitReader
from upres.image.codecs.jxl_entropy import Numbers, damaged

_MOST = 1 << 20
"""Above nearly any profile, and some ten seconds of work; one of 360 kB takes 3.5."""
_HEADER = 128
_CONTEXTS = 41
_TAGS = b"cprtwtptbkptrXYZgXYZbXYZkXYZrTRCgTRCbTRCkTRCchaddescchrmdmnddmddlumi"
_TYPES = b"XYZ desctextmlucparacurvsf32gbd "
_OF_20_BYTES = frozenset({b"rXYZ", b"gXYZ", b"bXYZ", b"kXYZ", b"wtpt", b"bkpt", b"lumi"})
_INSERT, _PAIRS, _QUADS, _PREDICT, _POINT, _FIRST_TYPE = 1, 2, 3, 4, 10, 16
_MAKERS = {b"A": b"APPL", b"M": b"MSFT", b"SG": b"SGI ", b"SU": b"SUNW"}


def read_icc(data: bytes, position: int) -> tuple[bytes, int]:
    """The profile that begins at a bit of a codestream, and the bit where it ends.

    Raises:
        ImageReadError: If it is damaged.
    """
    reader = BitReader(data, position)
    size = reader.u64()
    if size > _MOST:
        raise damaged(f"a colour profile of {size} bytes")
    numbers = Numbers(reader, _CONTEXTS)
    encoded = bytearray()
    for index in range(size):
        context = 0 if index <= _HEADER else 1 + _kind(encoded[-1]) + 8 * _kind_before(encoded[-2])
        value = numbers.next(context)
        if value > 255:
            raise damaged("its colour profile")
        encoded.append(value)
    numbers.finish()
    try:
        return _Unpredicted(bytes(encoded)).profile(), reader.position
    except (IndexError, StopIteration):
        raise damaged("its colour profile") from None


def _kind(byte: int) -> int:
    if chr(byte).isalpha() and byte < 128:
        return 0
    if byte in b"0123456789.,":
        return 1
    if byte < 2:
        return 2 + byte
    if byte < 16:
        return 4
    return 6 if byte == 255 else 5 if byte > 240 else 7


def _kind_before(byte: int) -> int:
    kind = _kind(byte)
    return kind if kind < 2 else 2 if byte < 16 else 3 if byte > 240 else 4


class _Unpredicted:
    """A profile from its commands and what they take."""

    def __init__(self, encoded: bytes) -> None:
        self._encoded = encoded
        self._position = 0
        self._size, length = self._number(), self._number()
        self._commands = self._position
        self._position += length
        self._end = self._position
        if self._size > _MOST or self._end > len(encoded):
            raise damaged("its colour profile")
        self._result = bytearray()

    def profile(self) -> bytes:
        self._header()
        if len(self._result) < self._size:
            self._tags()
            self._content()
        if len(self._result) != self._size or self._position != len(self._encoded):
            raise damaged("its colour profile")
        return bytes(self._result)

    def _number(self) -> int:
        """A number of the data, seven bits a byte."""
        value, self._position = self._number_at(self._position)
        return value

    def _number_at(self, place: int) -> tuple[int, int]:
        value = 0
        for shift in range(0, 63, 7):
            byte = self._encoded[place]
            place += 1
            value |= (byte & 127) << shift
            if byte < 128:
                break
        return value, place

    def _command(self) -> int:
        if self._commands >= self._end:
            raise damaged("its colour profile")
        self._commands += 1
        return self._encoded[self._commands - 1]

    def _argument(self) -> int:
        value, self._commands = self._number_at(self._commands)
        return value

    def _take(self, count: int) -> bytes:
        if self._position + count > len(self._encoded):
            raise damaged("its colour profile")
        self._position += count
        return self._encoded[self._position - count : self._position]

    def _header(self) -> None:
        guess = bytearray(_HEADER)
        guess[:4] = self._size.to_bytes(4, "big")
        guess[8] = 4
        guess[12:24] = b"mntrRGB XYZ "
        guess[36:40] = b"acsp"
        guess[68:80] = bytes((0, 0, 246, 214, 0, 1, 0, 0, 0, 0, 211, 45))
        for index in range(min(_HEADER, self._size)):
            if index == 8:
                guess[80:84] = self._result[4:8]
            elif index in (41, 42):
                maker = _MAKERS.get(bytes(self._result[40:index]))
                guess[40:44] = maker or guess[40:44]
            self._result.append((guess[index] + self._take(1)[0]) & 255)

    def _tags(self) -> None:
        count = self._argument()
        if count == 0:
            return
        count -= 1
        self._result += count.to_bytes(4, "big")
        start, size = _HEADER + 12 * count, 0
        while self._commands < self._end and (command := self._command()) & 63:
            kind = command & 63
            tag = self._take(4) if kind == 1 else {2: b"rTRC", 3: b"rXYZ"}.get(kind) or _four(_TAGS, kind - 4)
            start = self._argument() if command & 64 else start + size
            size = 20 if tag in _OF_20_BYTES else size
            size = self._argument() if command & 128 else size
            self._tag(tag, start, size)
            if kind == 2:
                self._tag(b"gTRC", start, size)
                self._tag(b"bTRC", start, size)
            elif kind == 3:
                self._tag(b"gXYZ", start + size, size)
                self._tag(b"bXYZ", start + 2 * size, size)

    def _tag(self, name: bytes, start: int, size: int) -> None:
        if max(start, size) >= 1 << 32 or len(self._result) > self._size:
            raise damaged("its colour profile")
        self._result += name + start.to_bytes(4, "big") + size.to_bytes(4, "big")

    def _content(self) -> None:
        plain: dict[int, Callable[[], bytes]] = {
            _INSERT: lambda: self._take(self._argument()),
            _PAIRS: lambda: _shuffled(self._take(self._argument()), 2),
            _QUADS: lambda: _shuffled(self._take(self._argument()), 4),
            _POINT: lambda: b"XYZ " + bytes(4) + self._take(12),
        }
        while self._commands < self._end:
            command = self._command()
            if command == _PREDICT:
                self._predict()
            elif command in plain:
                self._result += plain[command]()
            else:
                self._result += _four(_TYPES, command - _FIRST_TYPE) + bytes(4)
            if len(self._result) > self._size:
                raise damaged("its colour profile")

    def _predict(self) -> None:
        flags = self._command()
        width, order = (flags & 3) + 1, flags >> 2 & 3
        stride = self._argument() if flags & 16 else width
        if width == 3 or order == 3 or stride < width or 4 * stride >= len(self._result):
            raise damaged("its colour profile")
        rest = self._take(self._argument())
        start = len(self._result)
        if width > 1:
            rest = _shuffled(rest, width)
        for index, byte in enumerate(rest):
            place = start + index - index % width
            one, two, three = (
                int.from_bytes(self._result[place - back * stride : place - back * stride + width], "big")
                for back in (1, 2, 3)
            )
            guess = (one, 2 * one - two, 3 * one - 3 * two + three)[order]
            self._result.append((byte + (guess >> 8 * (width - 1 - index % width))) & 255)


def _four(table: bytes, index: int) -> bytes:
    if not 0 <= index < len(table) // 4:
        raise damaged("its colour profile")
    return table[4 * index : 4 * index + 4]


def _shuffled(data: bytes, width: int) -> bytes:
    """Bytes that were sorted by their place in words of this width, as words."""
    rows = -(-len(data) // width)
    return bytes(_interleaved(data, rows))


def _interleaved(data: bytes, rows: int) -> Iterator[int]:
    for first in range(rows):
        yield from data[first::rows]
