"""GIF files walked through block by block, before Pillow makes a canvas of what they say.

Pillow shows the frames before a break, lets a frame that leaves the canvas enlarge it, passes over bytes that begin no
block, and loses its place behind an extension without content. It is given the blocks that were understood here.

Reference: GIF89a specification, appendices B and F.
"""

from typing import NamedTuple

from upres.errors import ImageReadError
from upres.image.budget import Budget, Cost, check_length

_COMMENT, _APPLICATION = 0xFE, 0xFF
_SCREEN = 13
# Pixels that one byte can stand for: of all strings in a full table the longest, 3839 pixels, in 12 bits.
_DENSEST = 2560
_COST = Cost(kept=4, working=10)


class _Chain(NamedTuple):
    """Blocks one after the other, up to an empty one."""

    end: int
    length: int
    """Bytes in them."""
    blocks: int


def whole_blocks(data: bytes, budget: Budget, *, only_first: bool) -> tuple[bytes, bool]:
    """The file without anything that is no block, and whether it has its end mark.

    Args:
        data: The file.
        budget: Told the size of the canvas at each frame.
        only_first: Whether the first frame is enough.

    Raises:
        ImageReadError: If it breaks off inside a block, or a frame has too little data for its size.
        ImageTooLargeError: If it is over the budget.
    """
    position = _SCREEN + _table(_taken(data, 10, 3)[0])
    pieces = [_taken(data, 0, position)]
    canvas, frames = _size(data, 6), 0
    while (kind := data[position : position + 1]) in (b"!", b",", b"\0") and kind:
        start = position
        if kind == b"\0":  # some encoders leave it behind
            position += 1
            continue
        if kind == b"!":
            chain = _chain(data, start + 2)
            if _is_understood(data, start, chain.blocks):
                pieces.append(data[start : chain.end])
        else:
            flags = _taken(data, start + 9, 1)[0]
            chain = _chain(data, start + 11 + _table(flags))
            (left, top), frame = _size(data, start + 1), _size(data, start + 5)
            check_length(*frame, chain.length, _DENSEST)
            canvas = max(canvas[0], left + frame[0]), max(canvas[1], top + frame[1])
            frames += 1
            if frames == 1 or not only_first:
                budget.spend(*canvas, cost=_COST)
                check_length(*canvas, len(data), _DENSEST)
            pieces.append(data[start : chain.end])
        position = chain.end
    return b"".join([*pieces, b";"]), kind == b";"


def _is_understood(data: bytes, start: int, count: int) -> bool:
    """Whether an extension has the blocks that Pillow takes for granted."""
    label = data[start + 1]
    if label == _COMMENT:
        return True
    return count >= (2 if label == _APPLICATION and data[start + 3 : start + 14] == b"NETSCAPE2.0" else 1)


def _chain(data: bytes, start: int) -> _Chain:
    position, length, count = start, 0, 0
    while size := _taken(data, position, 1)[0]:
        _taken(data, position + 1, size)
        position, length, count = position + 1 + size, length + size, count + 1
    return _Chain(position + 1, length, count)


def _table(flags: int) -> int:
    """Bytes of the colour table that flags announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _size(data: bytes, start: int) -> tuple[int, int]:
    content = _taken(data, start, 4)
    return int.from_bytes(content[:2], "little"), int.from_bytes(content[2:], "little")


def _taken(data: bytes, start: int, count: int) -> bytes:
    content = data[start : start + count]
    if len(content) < count:
        raise ImageReadError("truncated GIF file")
    return content
