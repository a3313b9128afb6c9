"""The blocks of a GIF file.

Reference: GIF89a specification, sections 17 to 27; Netscape's application extension for the number of repetitions.
"""

import io
import struct

import numpy as np

from upres.image.codecs.changes import Box
from upres.image.codecs.gif_palette import Colors, Index

END = b";"


def screen(height: int, width: int, colors: Colors) -> bytes:
    """The head of a file, with its palette."""
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0xF0 | _table_bits(colors), 0, 0) + _table(colors)


def repetitions(count: int) -> bytes:
    """How often an animation is repeated after the first showing; 0 is for ever."""
    return b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", count) + b"\0"


def comment(text: bytes) -> bytes:
    """A comment."""
    return b"!\xfe" + b"".join(_sub_blocks(text)) + b"\0"


def control(*, delay: int, disposal: int, transparent: int | None) -> bytes:
    """What stands before a frame: its delay in hundredths of a second, and the index that leaves what is there."""
    flags = disposal << 2 | (transparent is not None)
    return b"!\xf9\x04" + struct.pack("<BHB", flags, delay, transparent or 0) + b"\0"


def frame(index: Index, box: Box, colors: Colors | None) -> bytes:
    """The pixels of a rectangle, with a palette of their own or by that of the file.

    Args:
        index: ``(H, W)`` of the rectangle.
        box: Where it lies.
        colors: Its palette.
    """
    place = struct.pack("<HHHH", box[2], box[0], box[3] - box[2], box[1] - box[0])
    flags, table = (0, b"") if colors is None else (0x80 | _table_bits(colors), _table(colors))
    return b"," + place + bytes([flags]) + table + _compressed(index)


def _compressed(index: Index) -> bytes:
    """The data of a frame as Pillow's encoder makes it, out of a file of its own."""
    from PIL import Image

    image, stream = Image.fromarray(np.ascontiguousarray(index)), io.BytesIO()
    image.save(stream, format="gif", optimize=False, interlace=False)
    data = stream.getvalue()
    start = 13 + 3 * 256
    while data[start : start + 1] == b"!":
        start += 2
        while size := data[start]:
            start += size + 1
        start += 1
    return data[start + 10 : -1]


def _sub_blocks(data: bytes) -> list[bytes]:
    return [bytes([len(data[start : start + 255])]) + data[start : start + 255] for start in range(0, len(data), 255)]


def _table_bits(colors: Colors) -> int:
    """Bits of an index, less one, as the format counts them."""
    return max((len(colors) - 1).bit_length(), 1) - 1


def _table(colors: Colors) -> bytes:
    return colors.tobytes().ljust(3 << (_table_bits(colors) + 1), b"\0")
