"""Prefix codes of a JPEG XL codestream, as Brotli has them.

Reference: RFC 7932, sections 3.2, 3.4 and 3.5.
"""

from collections.abc import Sequence

from upres.errors import ImageReadError
from upres.image.codecs.jxl_bits import BitReader

_LONGEST = 15
_ORDER = (1, 2, 3, 4, 0, 5, 17, 6, 16, 7, 8, 9, 10, 11, 12, 13, 14, 15)
_LENGTH_LENGTHS = {0b00: 0, 0b10: 3, 0b01: 4}
_REPEAT, _ZEROS = 16, 17


class PrefixCode:
    """Symbols by the bits that stand for them.

    Args:
        lengths: Bits of each symbol, 0 for those that do not occur.

    Raises:
        ImageReadError: If there is no such code.
    """

    def __init__(self, lengths: Sequence[int]) -> None:
        used = sorted((length, symbol) for symbol, length in enumerate(lengths) if length)
        self._only = used[0][1] if len(used) == 1 else None
        if self._only is None and sum(1 << (_LONGEST - length) for length, _ in used) != 1 << _LONGEST:
            raise ImageReadError("damaged JPEG XL file (a code is not complete)")
        self._symbols: dict[tuple[int, int], int] = {}
        code, previous = 0, 0
        for length, symbol in used:
            code <<= length - previous
            self._symbols[length, code] = symbol
            code, previous = code + 1, length

    def symbol(self, reader: BitReader) -> int:
        """The next symbol."""
        if self._only is not None:
            return self._only
        code = 0
        for length in range(1, _LONGEST + 1):
            code = code << 1 | reader.bits(1)
            if (length, code) in self._symbols:
                return self._symbols[length, code]
        raise ImageReadError("damaged JPEG XL file (a code is not complete)")


def prefix_code(reader: BitReader, size: int) -> PrefixCode:
    """The code for an alphabet of this size."""
    if size == 1:
        return PrefixCode([1])
    kind = reader.bits(2)
    return _simple(reader, size) if kind == 1 else _by_lengths(reader, size, kind)


def _simple(reader: BitReader, size: int) -> PrefixCode:
    count = reader.bits(2) + 1
    symbols = [reader.bits((size - 1).bit_length()) for _ in range(count)]
    if len(set(symbols)) < count or max(symbols) >= size:
        raise ImageReadError("damaged JPEG XL file (a code names a symbol twice)")
    shape: tuple[int, ...] = ((1,), (1, 1), (1, 2, 2), (2, 2, 2, 2))[count - 1]
    if count == 4 and reader.flag():
        shape = (1, 2, 3, 3)
    lengths = [0] * size
    for symbol, length in zip(symbols, shape, strict=True):
        lengths[symbol] = length
    return PrefixCode(lengths)


def _by_lengths(reader: BitReader, size: int, skipped: int) -> PrefixCode:
    of_lengths, space = [0] * len(_ORDER), 32
    for place in _ORDER[skipped:]:
        length = _length_length(reader)
        of_lengths[place] = length
        if length:
            space -= 32 >> length
            if space <= 0:
                break
    return PrefixCode(_lengths(reader, PrefixCode(of_lengths), size))


def _length_length(reader: BitReader) -> int:
    bits = reader.bits(2)
    if bits in _LENGTH_LENGTHS:
        return _LENGTH_LENGTHS[bits]
    if not reader.flag():
        return 2
    return 5 if reader.flag() else 1


def _lengths(reader: BitReader, code: PrefixCode, size: int) -> list[int]:
    lengths: list[int] = []
    space, last, times, kind = 1 << _LONGEST, 8, 0, -1
    while len(lengths) < size and space > 0:
        symbol = code.symbol(reader)
        if symbol < _REPEAT:
            lengths.append(symbol)
            times, kind = 0, -1
            if symbol:
                last = symbol
                space -= 1 << (_LONGEST - symbol)
            continue
        bits = 2 if symbol == _REPEAT else 3
        before = times if kind == symbol else 0
        times = ((before - 2) << bits if before else 0) + reader.bits(bits) + 3
        kind = symbol
        value = last if symbol == _REPEAT else 0
        if len(lengths) + times - before > size:
            break
        lengths += [value] * (times - before)
        space -= (times - before) * ((1 << (_LONGEST - value)) if value else 0)
    if space != 0:
        raise ImageReadError("damaged JPEG XL file (a code is not complete)")
    return lengths
