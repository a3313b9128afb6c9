"""The header of a JPEG XL codestream: size, depth, channels, colour, animation; and the header rewritten.

imagecodecs gives the pixels and nothing else, and says of every 16-bit picture that it writes that its values are
linear.

Reference: ISO/IEC 18181-1, annexes D and E.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from upres.errors import ImageReadError
from upres.image.codecs.jxl_bits import BitReader, BitWriter

MAGIC = b"\xff\x0a"
_RATIOS = ((1, 1), (6, 5), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_SIZE = ((9, 1), (13, 1), (18, 1), (30, 1))
_NAME = (0, (4, 0), (5, 16), (10, 48))
_COORDINATE = ((19, 0), (19, 2**19), (20, 2**20), (21, 2**21))
_RGB, _GREY, _XYB = 0, 1, 2
_CUSTOM = 2
_ALPHA, _SPOT, _CFA = 0, 2, 5
_WEIGHTS = (15, 55, 210)


@dataclass(kw_only=True)
class Color:
    """What the values mean, by the numbers of H.273 or by coordinates."""

    has_icc: bool = False
    grey: bool = False
    white: int | tuple[float, float] = 1
    primaries: int | tuple[float, ...] = 1
    transfer: int = 13
    gamma: float | None = None
    """Exponent of the encoding, below 1; in place of ``transfer``."""


@dataclass(kw_only=True)
class Animation:
    """How time is counted."""

    ticks_per_second: Fraction
    plays: int
    has_timecodes: bool


@dataclass(kw_only=True)
class Header:
    """What stands before the first frame; positions are bits of the codestream."""

    width: int
    height: int
    orientation: int = 1
    bits: int = 8
    is_float: bool = False
    color_channels: int = 3
    extra_channels: int = 0
    has_alpha: bool = False
    multiplied: bool = False
    """Whether alpha was multiplied into the colour."""
    xyb: bool = True
    color: Color
    animation: Animation | None = None
    preview: tuple[int, int] | None = None
    animation_at: tuple[int, int] = (0, 0)
    color_at: tuple[int, int] = (0, 0)
    """Empty where the header says "all as usual"."""
    end: int = 0
    """Where the profile begins if there is one; else what is left of the byte, and the first frame."""

    @property
    def frames_at(self) -> int:
        """Byte where the first frame begins, where there is no profile."""
        return (self.end + 7) // 8


def read_header(data: bytes) -> Header:
    """The header of a codestream.

    Raises:
        ImageReadError: If it ends early or makes no sense.
    """
    reader = BitReader(data)
    if reader.bits(16) != int.from_bytes(MAGIC, "little"):
        raise ImageReadError("damaged JPEG XL file (its codestream has no beginning)")
    height, width = _size(reader)
    header = Header(width=width, height=height, color=Color())
    if not reader.flag():
        _metadata(reader, header)
    _transform(reader, xyb=header.xyb)
    header.end = reader.position
    header.color_channels = 1 if header.color.grey else 3
    return header


def _metadata(reader: BitReader, header: Header) -> None:
    more = reader.flag()
    if more:
        header.orientation = reader.bits(3) + 1
        reader.optional(lambda: _size(reader))
        if reader.flag():
            header.preview = _preview(reader)
        start = reader.position
        if reader.flag():
            header.animation = _animation(reader)
        header.animation_at = start, reader.position
    header.bits, header.is_float = _depth(reader)
    reader.skip(1)
    header.extra_channels = reader.u32(0, 1, (4, 2), (12, 1))
    for _ in range(header.extra_channels):
        _extra_channel(reader, header)
    header.xyb = reader.flag()
    start = reader.position
    header.color = _color(reader)
    header.color_at = start, reader.position
    if more and not reader.flag():  # tone mapping
        reader.skip(16 + 16 + 1 + 16)
    reader.extensions()


def _size(reader: BitReader) -> tuple[int, int]:
    small = reader.flag()
    return _sides(reader, lambda: 8 * (reader.bits(5) + 1) if small else reader.u32(*_SIZE))


def _preview(reader: BitReader) -> tuple[int, int]:
    if reader.flag():
        return _sides(reader, lambda: 8 * reader.u32(16, 32, (5, 1), (9, 33)))
    return _sides(reader, lambda: reader.u32((6, 1), (8, 65), (10, 321), (12, 1345)))


def _sides(reader: BitReader, side: Callable[[], int]) -> tuple[int, int]:
    height = side()
    ratio = reader.bits(3)
    if ratio == 0:
        return height, side()
    above, below = _RATIOS[ratio - 1]
    return height, height * above // below


def _animation(reader: BitReader) -> Animation:
    ticks = reader.u32(100, 1000, (10, 1), (30, 1)), reader.u32(1, 1001, (8, 1), (10, 1))
    plays = reader.u32(0, (3, 0), (16, 0), (32, 0))
    return Animation(ticks_per_second=Fraction(*ticks), plays=plays, has_timecodes=reader.flag())


def _depth(reader: BitReader) -> tuple[int, bool]:
    if not reader.flag():
        return reader.u32(8, 10, 12, (6, 1)), False
    bits = reader.u32(32, 16, 24, (6, 1))
    reader.skip(4)
    return bits, True


def _extra_channel(reader: BitReader, header: Header) -> None:
    if reader.flag():
        header.has_alpha = True
        return
    kind = reader.enum()
    _depth(reader)
    reader.u32(0, 3, 4, (3, 1))
    reader.skip(8 * reader.u32(*_NAME))
    if kind == _ALPHA:
        multiplied = reader.flag()
        if not header.has_alpha:
            header.multiplied = multiplied
        header.has_alpha = True
    elif kind == _SPOT:
        reader.skip(4 * 16)
    elif kind == _CFA:
        reader.u32(1, (2, 0), (4, 3), (8, 19))


def _color(reader: BitReader) -> Color:
    if reader.flag():
        return Color()
    has_icc, space = reader.flag(), reader.enum()
    color = Color(has_icc=has_icc, grey=space == _GREY)
    if has_icc:
        return color
    if space != _XYB:
        color.white = reader.enum()
        if color.white == _CUSTOM:
            color.white = _coordinate(reader), _coordinate(reader)
    if space not in (_XYB, _GREY):
        color.primaries = reader.enum()
        if color.primaries == _CUSTOM:
            color.primaries = tuple(_coordinate(reader) for _ in range(6))
    if space != _XYB:
        if reader.flag():
            color.gamma = reader.bits(24) / 1e7
        else:
            color.transfer = reader.enum()
    reader.enum()
    return color


def _coordinate(reader: BitReader) -> float:
    value = reader.u32(*_COORDINATE)
    return (-(value + 1) // 2 if value & 1 else value // 2) / 1e6


def _transform(reader: BitReader, *, xyb: bool) -> None:
    if reader.flag():
        return
    if xyb and not reader.flag():
        reader.skip((9 + 3 + 3 + 1) * 16)
    mask = reader.bits(3)
    reader.skip(16 * sum(count for index, count in enumerate(_WEIGHTS) if mask >> index & 1))


def with_header(
    data: bytes,
    *,
    color: BitWriter | None = None,
    animation: BitWriter | None = None,
    icc: BitWriter | None = None,
    frames_at: int | None = None,
) -> bytes:
    """The codestream with other fields in its header.

    Args:
        data: The codestream; a profile in it is left out.
        color: The new colour field, as `color_field` makes it.
        animation: The new animation field, as `animation_field` makes it.
        icc: The encoded profile that ``color`` announces.
        frames_at: Byte where the frames begin; ``None`` where no profile lies between them and the header.
    """
    header = read_header(data)
    writer, done = BitWriter(), 0
    for new, (start, end) in ((animation, header.animation_at), (color, header.color_at)):
        if new is None:
            continue
        if start == end:
            raise ValueError("the header has no such field to replace")
        writer.copy(data, done, start)
        writer.append(new)
        done = end
    writer.copy(data, done, header.end)
    if icc is not None:
        writer.append(icc)
    return writer.padded() + data[header.frames_at if frames_at is None else frames_at :]


def color_field(*, grey: bool, icc: bool = False) -> BitWriter:
    """The field of sRGB's colours; or one that says that a profile follows."""
    writer = BitWriter()
    writer.bits(0, 1)
    writer.bits(icc, 1)
    writer.bits(_GREY if grey else _RGB, 2)
    if icc:
        return writer
    writer.bits(1, 2)  # D65
    if not grey:
        writer.bits(1, 2)
    writer.bits(0, 1)
    writer.bits(2 | (13 - 2) << 2, 6)  # the curve
    writer.bits(1, 2)  # relative colorimetric
    return writer


def animation_field(ticks_per_second: Fraction, plays: int) -> BitWriter:
    """The field of an animation: ticks of up to 2**30 over 1024 a second, and how often it plays; 0 is for ever."""
    writer = BitWriter()
    writer.bits(1, 1)
    writer.bits(3 | (ticks_per_second.numerator - 1) << 2, 32)
    writer.bits(3 | (ticks_per_second.denominator - 1) << 2, 12)
    writer.bits(3 | plays << 2, 34)
    writer.bits(0, 1)
    return writer
