"""Tags of TIFF pages that are handed on as they are, or scaled with the picture; and those that are not, by name.

Reference: OGC GeoTIFF 1.1, sections 7.1 and 8; TIFF 6.0; OME-TIFF specification.
"""

import re
import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from upres.image.codecs.jpeg_segments import NOT_SQUARE
from upres.image.picture import Frame, Page, Tag

_DESCRIPTION = 270
_PIXEL_SCALE, _TIE_POINTS, _TRANSFORMATION, _GEO_KEYS = 33550, 33922, 34264, 34735
_GEO = frozenset({_PIXEL_SCALE, _TIE_POINTS, _TRANSFORMATION, _GEO_KEYS, 34736, 34737, 42112, 42113})
_RASTER_TYPE, _IS_POINT = 1025, 2
_IPTC, _PHOTOSHOP = 33723, 34377
_IPTC_RESOURCE = 0x0404
# Of pages after the first; the first one's are in its EXIF. Names, dates, people, page number.
_OF_LATER_PAGES = frozenset({269, _DESCRIPTION, 285, 297, 305, 306, 315, 316, 700, 33432})
# How pixels are stored, what others read, and what is in the EXIF of the first page.
_KNOWN = frozenset(
    {
        *(254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 269, 270, 271, 272, 273, 274, 277, 278, 279, 280, 281),
        *(282, 283, 284, 285, 286, 287, 288, 289, 290, 291, 292, 293, 296, 297, 301, 305, 306, 315, 316, 317, 318, 319),
        *(320, 321, 322, 323, 324, 325, 326, 327, 328, 332, 333, 334, 336, 337, 338, 339, 340, 341, 342, 347),
        *(*range(512, 522), 529, 530, 531, 532, 559, 700, 18246, 18249, 32934, 33421, 33422, 33432, _IPTC, _PHOTOSHOP),
        *(34665, 34675, 34853, *range(40091, 40096), 50838, *_GEO),
    }
)
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_NUMBERS = {3: "H", 4: "I", 8: "h", 9: "i", 11: "f", 12: "d"}
_SHAPE = b'{"shape": '
"""How tifffile begins the description of an array of another size."""
_NAMED = 6


def with_page(frame: Frame, page: Any, dpi: tuple[float, float] | None, *, first: bool) -> Frame:
    """The frame with what the file says of its page.

    Args:
        frame: The page's pixels, upright.
        page: The page, as tifffile has it.
        dpi: Its resolution as stored.
        first: Whether it is the first one, whose texts are in its EXIF.
    """
    turn = orientation(page)
    wanted = (_GEO if turn == 1 else frozenset()) | (frozenset() if first else _OF_LATER_PAGES)
    every = [_tag(page, tag) for tag in page.tags if tag.code in wanted or (first and _is_ome(tag))]
    tags = tuple(tag for tag in every if tag is not None)
    upright = (dpi[1], dpi[0]) if dpi and turn >= 5 else dpi
    size = frame.pixels.shape[0], frame.pixels.shape[1]
    return replace(frame, page=Page(size=size, dpi=upright, tags=tags, meaning=_meaning(tags)))


def orientation(page: Any) -> int:
    """How a page is turned, 1 to 8, by its own tag."""
    value = page.tags.valueof(274)
    return int(value) if value in range(1, 9) else 1


def left_out(pages: Sequence[Any]) -> list[str]:
    """A note of the tags that nobody here hands on."""
    found = dict.fromkeys(f"{tag.name} ({tag.code})" for page in pages for tag in page.tags if tag.code not in _KNOWN)
    turned = any(orientation(page) != 1 and any(tag.code in _GEO for tag in page.tags) for page in pages)
    notes = ["the georeference was left out, as the picture is turned"] if turned else []
    notes += [NOT_SQUARE] * any(_has_proportions_only(page) for page in pages)
    if not found:
        return notes
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return [*notes, f"TIFF tags left out: {', '.join([*found][:_NAMED])}{more}"]


def iptc_resources(page: Any, resources: bytes | None) -> bytes | None:
    """The Photoshop resources of a page, with the captions that it keeps in a tag of their own."""
    tag = page.tags.get(_IPTC)
    captions = None if tag is None else _bytes(page, tag)
    if not captions or (resources and captions_of(resources)):
        return resources
    padded = captions + bytes(len(captions) % 2)
    return (resources or b"") + b"8BIM" + struct.pack(">HHI", _IPTC_RESOURCE, 0, len(captions)) + padded


def captions_of(resources: bytes) -> bytes | None:
    """The IPTC captions in Photoshop resources."""
    place = 0
    while resources[place : place + 4] == b"8BIM" and place + 12 <= len(resources):
        code, name = struct.unpack_from(">HB", resources, place + 4)
        start = place + 6 + (1 + name + 1) // 2 * 2
        (size,) = struct.unpack_from(">I", resources.ljust(start + 4, b"\0"), start)
        if code == _IPTC_RESOURCE:
            return resources[start + 4 : start + 4 + size]
        place = start + 4 + size + size % 2
    return None


def scaled(page: Page, height: int, width: int, bits: int) -> tuple[Tag, ...]:
    """The tags for the same page in another size and depth: places on the earth and microscopes' sizes follow."""
    tags = {tag.code: tag for tag in page.tags}
    down, across = height / page.size[0], width / page.size[1]
    # Where a place is that of a pixel's centre, its corner lies half a pixel before it.
    shift = 0.5 if _is_point(tags.get(_GEO_KEYS)) else 0.0
    result = []
    for tag in page.tags:
        value = tag.value
        if isinstance(value, bytes):
            result.append(replace(tag, value=_ome(value, height, width, bits) if tag.code == _DESCRIPTION else value))
            continue
        if tag.code == _PIXEL_SCALE and len(value) >= 2:
            value = (value[0] / across, value[1] / down, *value[2:])
        elif tag.code == _TIE_POINTS:
            value = _tie_points(value, across, down, shift)
        elif tag.code == _TRANSFORMATION and len(value) == 16:
            value = _transformation(value, across, down, shift)
        result.append(replace(tag, value=value))
    return tuple(result)


def _has_proportions_only(page: Any) -> bool:
    across, down, unit = (page.tags.valueof(code) for code in (282, 283, 296))
    return unit is not None and int(unit) == 1 and across != down


def _meaning(tags: Sequence[Tag]) -> tuple[str, ...]:
    geo = any(tag.code in _GEO for tag in tags)
    ome = any(isinstance(tag.value, bytes) and _starts_ome(tag.value) for tag in tags)
    return ("georeference (GeoTIFF)",) * geo + ("OME-XML",) * ome


def is_ome(text: str) -> bool:
    """Whether a description is OME-XML, which repeats the sizes and the order of the pages."""
    return "<OME" in text[:2000]


def _is_ome(tag: Any) -> bool:
    return tag.code == _DESCRIPTION and isinstance(tag.value, str) and is_ome(tag.value)


def _starts_ome(value: bytes) -> bool:
    return b"<OME" in value[:2000]


def _tag(page: Any, tag: Any) -> Tag | None:
    kind, content = int(tag.dtype), _bytes(page, tag)
    if not content or content.startswith(_SHAPE):
        return None
    if kind in (1, 2, 6, 7):
        return Tag(code=tag.code, type=kind, value=content)
    if kind not in _NUMBERS:
        return None
    layout = f"{page.parent.byteorder}{tag.count}{_NUMBERS[kind]}"
    return Tag(code=tag.code, type=kind, value=struct.unpack(layout, content))


def _bytes(page: Any, tag: Any) -> bytes | None:
    """The value as it lies in the file."""
    size = tag.count * _SIZES.get(int(tag.dtype), 0)
    handle = page.parent.filehandle
    position = handle.tell()
    handle.seek(tag.valueoffset)
    content = bytes(handle.read(size))
    handle.seek(position)
    return content if len(content) == size else None


def _is_point(keys: Tag | None) -> bool:
    values = keys.value if keys is not None and not isinstance(keys.value, bytes) else ()
    return any(values[place : place + 4] == (_RASTER_TYPE, 0, 1, _IS_POINT) for place in range(4, len(values), 4))


def _tie_points(values: Sequence[float], across: float, down: float, shift: float) -> tuple[float, ...]:
    result = list(values)
    for place in range(0, len(result) - 5, 6):
        result[place] = (result[place] + shift) * across - shift
        result[place + 1] = (result[place + 1] + shift) * down - shift
    return tuple(result)


def _transformation(values: Sequence[float], across: float, down: float, shift: float) -> tuple[float, ...]:
    result = list(values)
    for row in range(0, 12, 4):
        result[row] = values[row] / across
        result[row + 1] = values[row + 1] / down
        result[row + 3] += values[row] * shift * (1 / across - 1) + values[row + 1] * shift * (1 / down - 1)
    return tuple(result)


def _ome(text: bytes, height: int, width: int, bits: int) -> bytes:
    """OME-XML with the size and depth of all planes set, and the physical size of a pixel scaled with them."""
    if not _starts_ome(text):
        return text
    result = re.sub(rb'(<Pixels\b[^>]*?\bType=")[^"]*"', b'\\g<1>uint%d"' % bits, text)
    result = re.sub(rb'\bSignificantBits="\d+"', b'SignificantBits="%d"' % bits, result)
    for axis, side in ((b"X", width), (b"Y", height)):
        found = re.search(rb'\bSize%s="(\d+)"' % axis, result)
        if found is None or int(found[1]) == 0:
            continue
        factor = int(found[1]) / side
        result = re.sub(rb'\bSize%s="\d+"' % axis, b'Size%s="%d"' % (axis, side), result)
        physical = rb'(\bPhysicalSize%s=")(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"' % axis
        pixel = re.search(physical, result)
        if pixel is not None:
            result = re.sub(physical, b'\\g<1>%.10g"' % (float(pixel[2]) * factor), result)
    return result
