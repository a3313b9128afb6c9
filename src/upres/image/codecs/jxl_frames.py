"""The frames of a JPEG XL codestream: how many are shown, and for how long, without decoding one.

imagecodecs composes frames but does not say how long they are shown, and makes room for as many as there are.

Reference: ISO/IEC 18181-1, annexes C (table of contents) and F (frame header).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from upres.image.codecs.jxl_bits import BitReader, BitWriter
from upres.image.codecs.jxl_entropy import Numbers, damaged
from upres.image.codecs.jxl_header import Header

_NAME = (0, (4, 0), (5, 16), (10, 48))
_UPSAMPLING = (1, 2, 4, 8)
_CROP = ((8, 0), (11, 256), (14, 2304), (30, 18688))
_SECTION = ((10, 0), (14, 1024), (22, 17408), (30, 4211712))
_REGULAR, _DC, _REFERENCE = 0, 1, 2
_USES_DC_FRAME = 0x20
_REPLACE, _BLEND, _ADD_BY_ALPHA, _MULTIPLY = 0, 2, 3, 4


@dataclass(kw_only=True)
class FrameHeader:
    """What a frame says about itself."""

    kind: int = _REGULAR
    modular: bool = False
    flags: int = 0
    upsampling: int = 1
    group_shift: int = 1
    passes: int = 1
    dc_level: int = 0
    width: int = 0
    height: int = 0
    full: bool = True
    """Whether it covers the picture."""
    replaces: bool = True
    duration: int = 0
    is_last: bool = True
    start: int = 0
    """Bits of the codestream: where the frame begins, where its duration lies (empty where there is none), where the
    sizes of its parts begin; and the byte where it ends."""
    duration_at: tuple[int, int] = (0, 0)
    sizes_at: int = 0
    end: int = 0

    @property
    def shown(self) -> bool:
        """Whether a viewer stops at it; others are layers of the next one."""
        return self.kind not in (_DC, _REFERENCE) and (self.is_last or self.duration > 0)

    def sections(self) -> int:
        """How many parts its table of contents lists."""
        shrink = self.upsampling << (3 * self.dc_level)
        width, height = -(-self.width // shrink), -(-self.height // shrink)
        side = 128 << self.group_shift if self.modular else 256
        groups = -(-width // side) * -(-height // side)
        if groups == 1 and self.passes == 1:
            return 1
        coarse = -(-width // (8 * side)) * -(-height // (8 * side))
        return 2 + coarse + groups * self.passes


def frames(data: bytes, header: Header, start: int) -> Iterator[FrameHeader]:
    """Every frame from a byte of the codestream on, layers and hidden ones included.

    A frame is given before the codestream is known to hold all of it.

    Raises:
        ImageReadError: If the codestream ends before its last frame does.
    """
    reader = BitReader(data, 8 * start)
    if header.preview is not None:
        _pass_over(reader, _frame(reader, header, header.preview))
    while True:
        frame = _frame(reader, header, (header.height, header.width))
        yield frame
        _pass_over(reader, frame)
        if frame.is_last and frame.kind not in (_DC, _REFERENCE):
            return


def _pass_over(reader: BitReader, frame: FrameHeader) -> None:
    count = frame.sections()
    if count > 8 * len(reader.data):
        raise damaged("a frame has more parts than the file has bits")
    if reader.flag():
        _permutation(reader, count)
    frame.sizes_at = reader.position
    reader.to_byte()
    sizes = sum([reader.u32(*_SECTION) for _ in range(count)])
    reader.to_byte()
    reader.skip(8 * sizes)
    frame.end = reader.position // 8


def _permutation(reader: BitReader, count: int) -> None:
    """Pass over the order in which the parts of a frame lie."""
    numbers = Numbers(reader, 8)
    moved = numbers.next(min(7, count.bit_length()))
    if moved > count:
        raise damaged("a frame has no order")
    last = 0
    for _ in range(moved):
        last = numbers.next(min(7, last.bit_length()))
    numbers.finish()


def _frame(reader: BitReader, header: Header, size: tuple[int, int]) -> FrameHeader:
    frame = FrameHeader(height=size[0], width=size[1], start=reader.position)
    if reader.flag():
        return frame
    frame.kind, frame.modular, frame.flags = reader.bits(2), reader.flag(), reader.u64()
    _coding(reader, header, frame)
    if frame.kind == _DC:
        frame.dc_level = reader.bits(2) + 1
    else:
        _crop(reader, frame)
    frame.is_last = False
    if frame.kind not in (_DC, _REFERENCE):
        _showing(reader, header, frame)
    saved_as = reader.bits(2) if frame.kind != _DC and not frame.is_last else 0
    referable = frame.kind != _DC and not frame.is_last and (frame.duration == 0 or saved_as != 0)
    if frame.kind == _REFERENCE or (referable and frame.full and frame.replaces):
        reader.skip(1)
    reader.skip(8 * reader.u32(*_NAME))
    _filters(reader, modular=frame.modular)
    reader.extensions()
    return frame


def _coding(reader: BitReader, header: Header, frame: FrameHeader) -> None:
    ycbcr = not header.xyb and reader.flag()
    if not frame.flags & _USES_DC_FRAME:
        if ycbcr:
            reader.skip(3 * 2)
        frame.upsampling = reader.u32(*_UPSAMPLING)
        for _ in range(header.extra_channels):
            reader.u32(*_UPSAMPLING)
    if frame.modular:
        frame.group_shift = reader.bits(2)
    elif header.xyb:
        reader.skip(3 + 3)
    if frame.kind == _REFERENCE:
        return
    frame.passes = reader.u32(1, 2, 3, (3, 4))
    if frame.passes > 1:
        steps = reader.u32(0, 1, 2, (1, 3))
        reader.skip(2 * (frame.passes - 1))
        for _ in range(steps):
            reader.u32(1, 2, 4, 8)
        for _ in range(steps):
            reader.u32(0, 1, 2, (3, 0))


def _crop(reader: BitReader, frame: FrameHeader) -> None:
    if not reader.flag():
        return
    left = top = 0
    canvas = frame.width, frame.height
    if frame.kind != _REFERENCE:
        left, top = _signed(reader.u32(*_CROP)), _signed(reader.u32(*_CROP))
    frame.width, frame.height = reader.u32(*_CROP), reader.u32(*_CROP)
    covers = left <= 0 and top <= 0 and left + frame.width >= canvas[0] and top + frame.height >= canvas[1]
    frame.full = frame.kind == _REFERENCE or covers


def _signed(value: int) -> int:
    return -(value + 1) // 2 if value & 1 else value // 2


def _showing(reader: BitReader, header: Header, frame: FrameHeader) -> None:
    frame.replaces = _blending(reader, header, full=frame.full) == _REPLACE
    for _ in range(header.extra_channels):
        _blending(reader, header, full=frame.full)
    if header.animation is not None:
        start = reader.position
        frame.duration = reader.u32(0, 1, (8, 0), (32, 0))
        frame.duration_at = start, reader.position
        if header.animation.has_timecodes:
            reader.skip(32)
    frame.is_last = reader.flag()


def _blending(reader: BitReader, header: Header, *, full: bool) -> int:
    mode = reader.u32(0, 1, 2, (2, 3))
    by_alpha = header.extra_channels > 0 and mode in (_BLEND, _ADD_BY_ALPHA)
    if by_alpha:
        reader.u32(0, 1, 2, (3, 3))
    if by_alpha or mode == _MULTIPLY:
        reader.skip(1)
    if mode != _REPLACE or not full:
        reader.skip(2)
    return mode


def _filters(reader: BitReader, *, modular: bool) -> None:
    if reader.flag():
        return
    if reader.flag() and reader.flag():  # smoothing, with weights of its own
        reader.skip(6 * 16)
    if reader.bits(2):  # passes of the edge-preserving filter
        if not modular:
            reader.optional(lambda: reader.skip(8 * 16))
        reader.optional(lambda: reader.skip(5 * 16))
        reader.optional(lambda: reader.skip((3 if modular else 4) * 16))
        if modular:
            reader.skip(16)
    reader.extensions()


def with_durations(data: bytes, header: Header, durations: Iterable[int]) -> bytes:
    """The codestream, without a profile, with other durations of its shown frames, in ticks."""
    pieces, rest = [data[: header.frames_at]], iter(durations)
    for frame in list(frames(data, header, header.frames_at)):
        start, end = frame.duration_at
        if start == end:
            raise ValueError("a frame has no duration to replace")
        writer = BitWriter()
        writer.copy(data, frame.start, start)
        writer.bits(3 | next(rest) << 2, 34)
        writer.copy(data, end, frame.sizes_at)
        pieces += [writer.padded(), data[(frame.sizes_at + 7) // 8 : frame.end]]
    return b"".join(pieces)
