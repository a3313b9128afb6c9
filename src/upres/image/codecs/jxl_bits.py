"""Bits of a JPEG XL codestream, the lowest of each byte first.

Reference: ISO/IEC 18181-1, annex B.
"""

from collections.abc import Callable

from upres.errors import ImageReadError

Choice = int | tuple[int, int]
"""A value, or the number of bits that follow and what is added to them."""


class BitReader:
    """Reads values from bytes.

    Args:
        data: The codestream.
        position: Bit to begin with.
    """

    def __init__(self, data: bytes, position: int = 0) -> None:
        self.data = data
        self.position = position

    def bits(self, count: int) -> int:
        """The next bits as a number.

        Raises:
            ImageReadError: If the data ends before.
        """
        end = self.position + count
        if end > 8 * len(self.data):
            raise ImageReadError("truncated JPEG XL file")
        window = int.from_bytes(self.data[self.position >> 3 : (end + 7) >> 3], "little")
        value = (window >> (self.position & 7)) & ((1 << count) - 1)
        self.position = end
        return value

    def flag(self) -> bool:
        """The next bit."""
        return self.bits(1) == 1

    def u32(self, *choices: Choice) -> int:
        """One of four distributions, which two bits choose."""
        choice = choices[self.bits(2)]
        return choice if isinstance(choice, int) else self.bits(choice[0]) + choice[1]

    def u64(self) -> int:
        """A number of up to 64 bits, short where it is small."""
        kind = self.bits(2)
        if kind < 3:
            return self.bits(4 * kind) + (0, 1, 17)[kind]
        value, shift = self.bits(12), 12
        while self.flag():
            if shift == 60:
                return value | self.bits(4) << shift
            value |= self.bits(8) << shift
            shift += 8
        return value

    def enum(self) -> int:
        """A number of a table of the standard."""
        return self.u32(0, 1, (4, 2), (6, 18))

    def optional(self, read: Callable[[], object]) -> None:
        """Pass over a field that a bit before it says is there."""
        if self.flag():
            read()

    def extensions(self) -> None:
        """Pass over what later editions of the standard may add at the end of a bundle."""
        mask = self.u64()
        self.skip(sum([self.u64() for _ in range(mask.bit_count())]))

    def skip(self, count: int) -> None:
        """Pass over bits."""
        if self.position + count > 8 * len(self.data):
            raise ImageReadError("truncated JPEG XL file")
        self.position += count

    def to_byte(self) -> None:
        """Pass over what is left of the byte."""
        self.skip(-self.position % 8)


class BitWriter:
    """Collects values as bits."""

    def __init__(self) -> None:
        self._value = 0
        self._count = 0

    def bits(self, value: int, count: int) -> None:
        """Append a number."""
        self._value |= value << self._count
        self._count += count

    def copy(self, data: bytes, start: int, end: int) -> None:
        """Append the bits of other data from one position to another."""
        self.bits(BitReader(data, start).bits(end - start), end - start)

    def append(self, other: "BitWriter") -> None:
        """Append what another one has collected."""
        self.bits(other._value, other._count)

    def padded(self) -> bytes:
        """All of it, with zeros up to a whole byte."""
        return self._value.to_bytes((self._count + 7) // 8, "little")
