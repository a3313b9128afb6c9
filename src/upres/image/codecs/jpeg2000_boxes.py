"""What stands in a JPEG 2000 file besides coded pixels: boxes, the header of the codestream, where its parts end.

Reference: ISO/IEC 15444-1, annexes A (codestream) and I (boxes); 15444-2, annex M (UUID boxes).
"""

import struct
from dataclasses import dataclass, field

from upres.errors import ImageReadError
from upres.image.codecs.boxes import boxes_of

SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"
CODESTREAM = b"\xff\x4f\xff\x51"
_PART, _DATA, _CODING, _END = 0xFF90, 0xFF93, 0xFF52, b"\xff\xd9"
_OWN_PRECINCTS = 1
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_EXIF = b"JpgTiffExif->JP2"
_ALPHA, _MULTIPLIED = 1, 2
_WHOLE = 0
_METRES_PER_INCH = 0.0254


@dataclass
class Boxes:
    """What the boxes of a file say."""

    codestream: bytes = b""
    icc: bytes | None = None
    space: int | None = None
    """Number of the colour space: 12 CMYK, 16 sRGB, 17 grey, 18 YCC."""
    palette: bool = False
    alpha: int | None = None
    """Which channel is alpha."""
    multiplied: bool = False
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None


@dataclass(frozen=True)
class Component:
    """One plane of a codestream."""

    bits: int
    signed: bool
    step: tuple[int, int]
    """Columns and rows of the picture to one sample."""


@dataclass
class Size:
    """What the codestream says of its picture."""

    width: int
    height: int
    tiles: int
    components: list[Component] = field(default_factory=list)


def read_boxes(data: bytes) -> Boxes:
    """The boxes of a file, or a codestream without any.

    Raises:
        ImageReadError: If one is cut short, or there is no codestream.
    """
    if data.startswith(CODESTREAM):
        return Boxes(codestream=data)
    found = Boxes()
    for name, content in boxes_of(data, form="JPEG 2000"):
        if name == b"jp2h":
            _header(content, found)
        elif name == b"uuid":
            _uuid(content, found)
        elif name == b"jp2c" and not found.codestream:
            found.codestream = content
    if not found.codestream:
        raise ImageReadError("truncated JPEG 2000 file")
    return found


def _header(data: bytes, found: Boxes) -> None:
    for name, content in boxes_of(data, form="JPEG 2000"):
        if name == b"colr" and found.icc is None and found.space is None:
            _space(content, found)
        elif name == b"pclr":
            found.palette = True
        elif name == b"cdef":
            for channel, kind, place in struct.iter_unpack(">HHH", content[2:]):
                if kind in (_ALPHA, _MULTIPLIED) and place == _WHOLE:
                    found.alpha, found.multiplied = channel, kind == _MULTIPLIED
        elif name == b"res ":
            for _, values in sorted(boxes_of(content, form="JPEG 2000")):  # as captured, before as displayed
                found.dpi = found.dpi or _dpi(values)


def _space(content: bytes, found: Boxes) -> None:
    if content[0] == 1:
        (found.space,) = struct.unpack_from(">I", content, 3)
    elif content[0] in (2, 3):
        found.icc = content[3:]


def _dpi(content: bytes) -> tuple[float, float] | None:
    above_y, below_y, above_x, below_x, power_y, power_x = struct.unpack_from(">HHHHbb", content)
    if not (above_x and above_y and below_x and below_y):
        return None
    return (
        above_x / below_x * 10.0**power_x * _METRES_PER_INCH,
        above_y / below_y * 10.0**power_y * _METRES_PER_INCH,
    )


def _uuid(content: bytes, found: Boxes) -> None:
    name, value = content[:16], content[16:]
    if name == _XMP:
        found.xmp = value
    elif name == _EXIF:
        found.exif = value


def read_size(data: bytes) -> Size:
    """Size and planes of a codestream.

    Raises:
        ImageReadError: If it is damaged.
    """
    try:
        width, height, left, top, across, down, tile_left, tile_top, count = struct.unpack_from(">8IH", data, 8)
        if not (across and down and tile_left <= left < width and tile_top <= top < height and 1 <= count <= 16384):
            raise ImageReadError("damaged JPEG 2000 file (its size)")
        tiles = -(-(width - tile_left) // across) * -(-(height - tile_top) // down)
        size = Size(width - left, height - top, tiles)
        for depth, across, down in struct.iter_unpack(">BBB", data[42 : 42 + 3 * count]):
            size.components.append(Component((depth & 127) + 1, bool(depth & 128), (across, down)))
    except struct.error:
        raise ImageReadError("truncated JPEG 2000 file") from None
    if len(size.components) < count:
        raise ImageReadError("truncated JPEG 2000 file")
    return size


def check_whole(data: bytes, size: Size) -> None:
    """Walk over the parts of a codestream: a decoder shows what there is of one that is cut, and makes room for all
    packets that its headers promise.

    Raises:
        ImageReadError: If a part is cut, a tile has none, the end mark is missing, or packets outnumber the bytes.
    """
    seen = set[int]()
    try:
        place = _check_header(data, 2, _PART, size)
        while struct.unpack_from(">H", data, place)[0] == _PART:
            tile, length = struct.unpack_from(">HI", data, place + 4)
            seen.add(tile)
            _check_header(data, place + 12, _DATA, size)
            if length == 0:  # up to the end mark
                length = len(data.rstrip(b"\0")) - len(_END) - place
            if length < 14:
                raise ImageReadError("damaged JPEG 2000 file (a part of a tile)")
            place += length
    except struct.error:
        raise ImageReadError("truncated JPEG 2000 file") from None
    if data[place : place + 2] != _END or seen != set(range(size.tiles)):
        raise ImageReadError("truncated JPEG 2000 file")


def _check_header(data: bytes, place: int, end: int, size: Size) -> int:
    """Walk over the segments of a header; where it ends."""
    while (marker := struct.unpack_from(">H", data, place)[0]) != end:
        if marker < 0xFF00:
            raise ImageReadError("damaged JPEG 2000 file (its header)")
        length = struct.unpack_from(">H", data, place + 2)[0]
        if marker == _CODING and _packets(data[place + 4 : place + 2 + length], size) > len(data):
            raise ImageReadError("damaged JPEG 2000 file (fewer bytes than packets)")
        place += 2 + length
    return place


def _packets(coding: bytes, size: Size) -> int:
    """At least how many packets a coding style makes: one for each layer, plane, resolution and precinct."""
    style, layers, levels = coding[0], int.from_bytes(coding[2:4], "big"), coding[5]
    count = 0
    for level in range(levels + 1):
        width, height = (-(-side >> (levels - level)) for side in (size.width, size.height))
        both = coding[10 + level] if style & _OWN_PRECINCTS else 0xFF
        count += -(-width >> (both & 15)) * -(-height >> (both >> 4))
    return layers * count * sum(part.step == (1, 1) for part in size.components)
