"""Entropy-coded numbers of a JPEG XL codestream: profiles and the order of a frame's parts are written so.

Pixels are never decoded here; that is imagecodecs' work.

Reference: ISO/IEC 18181-1, annex C; RFC 7932, sections 3.4 and 3.5 (prefix codes).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from upres.errors import ImageReadError
from upres.image.codecs.jxl_bits import BitReader
from upres.image.codecs.jxl_prefix import prefix_code

_RANGE_BITS = 12
_RANGE = 1 << _RANGE_BITS
_FINAL_STATE = 0x130000
_WINDOW = 1 << 20
_REPEAT = 13
# Of the bits of a logarithm, lowest first: three bits, four bits, or up to seven where the lowest four are 0001.
_LOGARITHMS_3 = {0b000: 10, 0b010: 7, 0b100: 6, 0b101: 8, 0b110: 9}
_LOGARITHMS_4 = {0b0011: 3, 0b0111: 5, 0b1001: 4, 0b1011: 1, 0b1111: 2}
_LOGARITHMS_LONG = (0, 11)


def damaged(what: str) -> ImageReadError:
    """The error for a codestream that cannot be right."""
    return ImageReadError(f"damaged JPEG XL file ({what})")


@dataclass(frozen=True)
class _Hybrid:
    """How a symbol and the bits behind it make a number."""

    split_exponent: int
    high_bits: int
    low_bits: int

    @classmethod
    def read(cls, reader: BitReader, alphabet_bits: int) -> "_Hybrid":
        split = reader.bits(alphabet_bits.bit_length())
        if split == alphabet_bits:
            return cls(split, 0, 0)
        high = reader.bits(split.bit_length())
        if high > split:
            raise damaged("its numbers have no form")
        low = reader.bits((split - high).bit_length())
        if split > alphabet_bits or high + low > split:
            raise damaged("its numbers have no form")
        return cls(split, high, low)

    def number(self, reader: BitReader, symbol: int) -> int:
        if symbol < 1 << self.split_exponent:
            return symbol
        kept = self.high_bits + self.low_bits
        count = self.split_exponent - kept + ((symbol - (1 << self.split_exponent)) >> kept)
        if count > 32:
            raise damaged("its numbers are too large")
        low = symbol & ((1 << self.low_bits) - 1)
        high = ((symbol >> self.low_bits) & ((1 << self.high_bits) - 1)) | 1 << self.high_bits
        return ((high << count | reader.bits(count)) << self.low_bits) | low


class Numbers:
    """A stream of numbers whose distributions depend on a context.

    Args:
        reader: At the beginning of its description.
        contexts: How many contexts there are.
        may_copy: Whether it may repeat what it gave before.
    """

    def __init__(self, reader: BitReader, contexts: int, *, may_copy: bool = True) -> None:
        self._reader = reader
        self._copies = reader.flag()
        if self._copies and not may_copy:
            raise damaged("a map repeats itself")
        if self._copies:
            self._first_copy = reader.u32(224, 512, 4096, (15, 8))
            self._least_length = reader.u32(3, 4, (2, 5), (8, 9))
            self._length_form = _Hybrid.read(reader, 8)
            contexts += 1
        self._clusters = _clusters(reader, contexts) if contexts > 1 else [0]
        count = max(self._clusters) + 1
        by_prefix = reader.flag()
        bits = 15 if by_prefix else reader.bits(2) + 5
        self._forms = [_Hybrid.read(reader, bits) for _ in range(count)]
        self._symbol = self._prefix_symbols(count) if by_prefix else self._ranged_symbols(count, bits)
        self._state = None if by_prefix else reader.bits(32)
        self._given: list[int] = []
        self._left, self._from = 0, 0

    def next(self, context: int) -> int:
        """The next number.

        Raises:
            ImageReadError: If the data ends or makes no sense.
        """
        if self._left == 0:
            cluster = self._clusters[context]
            symbol = self._symbol(cluster)
            if not self._copies or symbol < self._first_copy:
                value = self._forms[cluster].number(self._reader, symbol)
                if self._copies:
                    self._given.append(value)
                return value
            self._begin_copy(symbol - self._first_copy)
        self._left -= 1
        value = self._given[self._from] if self._from < len(self._given) else 0
        self._from += 1
        self._given.append(value)
        return value

    def finish(self) -> None:
        """Check that it ends as it must.

        Raises:
            ImageReadError: If it does not.
        """
        if self._state not in (None, _FINAL_STATE):
            raise damaged("a sum is wrong")

    def _begin_copy(self, symbol: int) -> None:
        self._left = self._length_form.number(self._reader, symbol) + self._least_length
        cluster = self._clusters[-1]
        distance = self._forms[cluster].number(self._reader, self._symbol(cluster)) + 1
        self._from = len(self._given) - min(distance, len(self._given), _WINDOW)

    def _prefix_symbols(self, count: int) -> Callable[[int], int]:
        reader = self._reader
        sizes = []
        for _ in range(count):
            bits = reader.bits(4) if reader.flag() else None
            sizes.append(1 if bits is None else 1 + (1 << bits) + reader.bits(bits))
        codes = [prefix_code(reader, size) for size in sizes]
        return lambda cluster: codes[cluster].symbol(reader)

    def _ranged_symbols(self, count: int, bits: int) -> Callable[[int], int]:
        reader = self._reader
        tables = [_Table(_distribution(reader, 1 << bits), bits) for _ in range(count)]

        def symbol(cluster: int) -> int:
            state = self._state or 0
            found, offset, share = tables[cluster].look_up(state & (_RANGE - 1))
            state = share * (state >> _RANGE_BITS) + offset
            if state < 1 << 16:
                state = state << 16 | reader.bits(16)
            self._state = state
            return found

        return symbol


def _clusters(reader: BitReader, contexts: int) -> list[int]:
    """Which distribution each context has."""
    if reader.flag():
        bits = reader.bits(2)
        return [reader.bits(bits) for _ in range(contexts)]
    moves_to_front = reader.flag()
    numbers = Numbers(reader, 1, may_copy=contexts > 2)
    result = [numbers.next(0) for _ in range(contexts)]
    numbers.finish()
    if max(result) > 255:
        raise damaged("a map has too many parts")
    if moves_to_front:
        order = list(range(256))
        for index, place in enumerate(result):
            result[index] = order.pop(place)
            order.insert(0, result[index])
    return result


def _small(reader: BitReader) -> int:
    if not reader.flag():
        return 0
    bits = reader.bits(3)
    return (1 << bits) + reader.bits(bits)


def _distribution(reader: BitReader, most: int) -> list[int]:
    """The share of each symbol, of 4096 in all."""
    if reader.flag():
        first = [_small(reader) for _ in range(reader.bits(1) + 1)]
        share = reader.bits(_RANGE_BITS) if len(first) == 2 else _RANGE
        shares = dict(zip(first, (share, _RANGE - share), strict=False))
        result = [shares.get(symbol, 0) for symbol in range(max(first) + 1)]
    elif reader.flag():
        size = _small(reader) + 1
        result = [_RANGE // size + (symbol < _RANGE % size) for symbol in range(size)]
    else:
        result = _by_logarithms(reader)
    if len(result) > most or sum(result) != _RANGE:
        raise damaged("its shares are not those of a whole")
    return result


def _by_logarithms(reader: BitReader) -> list[int]:
    width = 0
    while width < 3 and reader.flag():
        width += 1
    precision = (reader.bits(width) | 1 << width) - 1
    size = _small(reader) + 3
    logarithms: list[tuple[int, int]] = []  # logarithm and 0, or 0 and how often the share before comes again
    while sum(max(1, times) for _, times in logarithms) < size:
        logarithm = _logarithm(reader)
        logarithms.append((0, _small(reader) + 4) if logarithm == _REPEAT else (logarithm, 0))
    largest = max(logarithm for logarithm, _ in logarithms)
    result: list[int] = []
    omitted = None
    for logarithm, times in logarithms:
        if times:
            if omitted is not None and omitted == len(result) - 1:
                raise damaged("a share is repeated before it is known")
            result += [result[-1] if result else 0] * times
        elif logarithm == largest and omitted is None:
            omitted = len(result)
            result.append(0)
        else:
            result.append(_share(reader, logarithm, precision))
    if omitted is None or len(result) != size or sum(result) >= _RANGE:
        raise damaged("its shares are not those of a whole")
    result[omitted] = _RANGE - sum(result)
    return result


def _logarithm(reader: BitReader) -> int:
    bits = reader.bits(3)
    if bits in _LOGARITHMS_3:
        return _LOGARITHMS_3[bits]
    bits |= reader.bits(1) << 3
    if bits in _LOGARITHMS_4:
        return _LOGARITHMS_4[bits]
    for value in _LOGARITHMS_LONG:
        if reader.flag():
            return value
    return 12 + reader.bits(1)


def _share(reader: BitReader, logarithm: int, precision: int) -> int:
    if logarithm < 2:
        return logarithm
    bits = logarithm - 1
    known = max(0, min(bits, precision - ((_RANGE_BITS - bits) >> 1)))
    return (1 << bits) + (reader.bits(known) << (bits - known))


class _Table:
    """Symbols by where a state falls, in one step."""

    def __init__(self, shares: Sequence[int], bits: int) -> None:
        size = 1 << bits
        self._shares = [*shares, *([0] * (size - len(shares)))]
        self._entry_bits = _RANGE_BITS - bits
        entry = 1 << self._entry_bits
        self._cutoff = list(self._shares)
        self._other, self._offset = list(range(size)), [0] * size
        if max(shares) == _RANGE:
            only = self._shares.index(_RANGE)
            self._cutoff, self._other = [0] * size, [only] * size
            self._offset = [entry * index for index in range(size)]
            return
        over = [index for index, share in enumerate(self._shares) if share > entry]
        under = [index for index, share in enumerate(self._shares) if share < entry]
        while over:
            rich, poor = over.pop(), under.pop()
            self._cutoff[rich] -= entry - self._cutoff[poor]
            self._other[poor], self._offset[poor] = rich, self._cutoff[rich] - self._cutoff[poor]
            if self._cutoff[rich] < entry:
                under.append(rich)
            elif self._cutoff[rich] > entry:
                over.append(rich)

    def look_up(self, value: int) -> tuple[int, int, int]:
        """Symbol, offset within its share, and the share."""
        index, place = value >> self._entry_bits, value & ((1 << self._entry_bits) - 1)
        if place >= self._cutoff[index]:
            index, place = self._other[index], self._offset[index] + place
        return index, place, self._shares[index]
