"""Protocol buffers, field by field: all that is needed to read an ``.onnx`` file with neither onnx nor protobuf."""

from collections.abc import Iterator

from upres.errors import GraphError, Hint

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""How a field is written."""


def integers(value: int | memoryview) -> list[int]:
    """One signed number, or several that are packed."""
    if isinstance(value, int):
        return [_signed(value)]
    numbers, at = [], 0
    while at < len(value):
        number, at = _varint(value, at)
        numbers.append(_signed(number))
    return numbers


def _signed(number: int) -> int:
    return number - 2**64 if number >= 2**63 else number


def text(value: int | memoryview) -> str:
    """What a field of text says."""
    return bytes(message(value)).decode("utf-8", "replace")


def message(value: int | memoryview) -> memoryview:
    """The bytes of a field that holds some.

    Raises:
        GraphError: If it is a number.
    """
    if isinstance(value, int):
        raise damaged()
    return value


def fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field of a message."""
    return ((number, value) for _, _, number, value in spans(data))


def spans(data: memoryview) -> Iterator[tuple[int, int, int, int | memoryview]]:
    """Start, end, number and value of each field of a message.

    Raises:
        GraphError: If a field goes beyond the end, or is of a kind that ONNX does not write.
    """
    at, end = 0, len(data)
    while at < end:
        start = at
        key, at = _varint(data, at)
        value: int | memoryview
        if key & 7 == VARINT:
            value, at = _varint(data, at)
        else:
            if key & 7 == BYTES:
                length, at = _varint(data, at)
            elif key & 7 in (FIXED32, FIXED64):
                length = 4 if key & 7 == FIXED32 else 8
            else:
                raise damaged()
            value, at = data[at : at + length], at + length
        if at > end:
            raise damaged()
        yield start, at, key >> 3, value


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    if at < len(data) and (byte := data[at]) < 128:  # as nearly all are
        return byte, at + 1
    number = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
    raise damaged()


def written(number: int, value: bytes) -> bytes:
    """A field of bytes."""
    length, rest = bytearray(), len(value)
    while rest > 127:
        length.append(rest & 127 | 128)
        rest >>= 7
    length.append(rest)
    return bytes((number << 3 | BYTES, *length)) + value


def damaged() -> GraphError:
    """What reading a file raises where it ends too early, or holds something else."""
    return GraphError("it is damaged, or no ONNX file", hint=Hint.REMAKE_GRAPH)
