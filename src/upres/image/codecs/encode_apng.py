"""APNG, written: every frame after the first one as the rectangle that changed, its delay as a fraction.

Reference: PNG specification (third edition), sections 4.9 and 11.3.4.
"""

import struct
from collections.abc import Sequence
from fractions import Fraction

from upres.image.codecs.arrays import alike
from upres.image.codecs.changes import changed_box
from upres.image.codecs.encode_png import pixel_chunks
from upres.image.codecs.png_chunks import Chunk
from upres.image.picture import Frame

_MOST = 0xFFFF
_KEEP, _REPLACE = 0, 0  # what is shown stays for the next frame, which replaces the pixels of its rectangle


def animation(frames: Sequence[Frame], plays: int, threads: int | None = None) -> list[Chunk]:
    """The chunks of a PNG file of several frames of one size and depth, the header first, without metadata.

    Args:
        frames: 8 or 16 bits, with their delays.
        plays: How often they are shown; 0 is for ever.
        threads: Processor threads; ``None``: all.
    """
    arrays = alike(frames)
    height, width = arrays[0].shape[:2]
    parts, before, number = list[Chunk](), None, 0
    for frame, array in zip(frames, arrays, strict=True):
        top, bottom, left, right = (0, height, 0, width) if before is None else changed_box(before, array)
        piece = array[top:bottom, left:right]
        delay = delay_fraction(frame.duration_ms or 0.0)
        where = struct.pack(">IIIII", number, piece.shape[1], piece.shape[0], left, top)
        control = where + struct.pack(">HHBB", delay.numerator, delay.denominator, _KEEP, _REPLACE)
        header, contents = pixel_chunks(piece, threads)
        data = list(contents)
        number += 1
        if before is None:
            parts += [(b"IHDR", header), (b"acTL", struct.pack(">II", len(frames), plays)), (b"fcTL", control)]
            parts += [(b"IDAT", part) for part in data]
        else:
            parts.append((b"fcTL", control))
            parts += [(b"fdAT", struct.pack(">I", number + index) + part) for index, part in enumerate(data)]
            number += len(data)
        before = array
    return [*parts, (b"IEND", b"")]


def delay_fraction(delay_ms: float) -> Fraction:
    """Seconds of a delay as the fraction that PNG holds: 16 bits above and below the line.

    Example:
        >>> delay_fraction(1000 / 60)
        Fraction(1, 60)
    """
    seconds = delay_ms / 1000
    return Fraction(seconds).limit_denominator(int(min(_MOST, max(_MOST / seconds, 1))) if seconds else 1)
