"""WebP by Pillow, with or without loss."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from upres.errors import ImageReadError
from upres.image.budget import WITHOUT_LENGTH, Budget, Cost, check_length
from upres.image.codecs import decode_pillow
from upres.image.codecs.arrays import frame_of
from upres.image.codecs.codec import Encoding
from upres.image.codecs.decode_pillow import opened, picture_of
from upres.image.codecs.encode_pillow import common_options, delays, image_of, save
from upres.image.fit import Ledger
from upres.image.formats import Format
from upres.image.picture import Picture

# Pixels that one byte can stand for with loss: a macroblock of 16x16 takes 3.4 bits at least, for a prediction of its
# luma and one of its chroma, whose probabilities are fixed. Without loss, 38 bytes hold any flat picture.
_DENSEST = 640
_STILL = Cost(kept=4, working=4, densest=WITHOUT_LENGTH)
_ANIMATION = Cost(kept=4, working=26)


def decode(stream: BinaryIO, budget: Budget, *, only_first: bool) -> Picture:
    """The picture in a WebP file."""
    import imagecodecs

    data = stream.read()
    layout = _layout_of(data)
    frames = 1 if only_first else max(1, layout.frames)
    budget.spend(*layout.canvas, frames, cost=_STILL if layout.frames == 0 else _ANIMATION)
    with opened(io.BytesIO(data), "webp") as image:
        if image.size != layout.canvas:
            raise ImageReadError("damaged WEBP file (it has two sizes)")
        if layout.frames:
            shown = decode_pillow.frames_of(image, only_first=only_first)
        else:  # at a quarter of the time and an eighth of the memory that Pillow's animation decoder takes
            shown = iter([frame_of(imagecodecs.webp_decode(data), None)])
        return picture_of(image, "webp", shown, lossless=layout.lossless)


@dataclass
class _Layout:
    canvas: tuple[int, int] = (0, 0)
    """Width and height."""
    frames: int = 0
    """Of an animation; 0 in a still picture."""
    lossless: bool = False


def _layout_of(data: bytes) -> _Layout:
    """What the chunks of a file say.

    Raises:
        ImageReadError: If they break off, or hold too little for their size: libwebp opens the canvas at once, and
            shows what there is of it.
    """
    end = int.from_bytes(data[4:8], "little") + 8
    if len(data) < end:
        raise ImageReadError("truncated WEBP file")
    layout = _Layout()
    for name, start, size in _chunks(data, 12, end):
        if name == b"VP8X":
            layout.canvas = _three(data, start + 4) + 1, _three(data, start + 7) + 1
        elif name == b"ANMF":
            layout.frames += 1
            for inner, begin, length in _chunks(data, start + 16, start + size):
                _check_pixels(data, inner, begin, length)
                layout.lossless |= inner == b"VP8L"
        elif name in (b"VP8 ", b"VP8L") and not layout.frames:
            layout.lossless |= name == b"VP8L"
            own = _check_pixels(data, name, start, size)
            layout.canvas = max(layout.canvas[0], own[0]), max(layout.canvas[1], own[1])
    return layout


def _chunks(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, place and length of each chunk."""
    while start + 8 <= end:
        size = int.from_bytes(data[start + 4 : start + 8], "little")
        if start + 8 + size > end:
            raise ImageReadError("truncated WEBP file")
        yield data[start : start + 4], start + 8, size
        start += 8 + size + size % 2


def _check_pixels(data: bytes, name: bytes, start: int, length: int) -> tuple[int, int]:
    """Width and height of compressed pixels, 0 where a chunk holds none."""
    if name == b"VP8L" and length >= 5:
        packed = int.from_bytes(data[start + 1 : start + 5], "little")
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    if name == b"VP8 " and length >= 10:
        size = tuple(int.from_bytes(data[place : place + 2], "little") & 0x3FFF for place in (start + 6, start + 8))
        check_length(size[0], size[1], length, _DENSEST)
        return size[0], size[1]
    return 0, 0


def _three(data: bytes, start: int) -> int:
    return int.from_bytes(data[start : start + 3], "little")


def encode(picture: Picture, form: Format, encoding: Encoding, ledger: Ledger, stream: BinaryIO) -> None:  # noqa: ARG001
    """Write a picture that fits the format."""
    options = common_options(picture.metadata) | {"xmp": picture.metadata.xmp}
    if encoding.lossless:
        # Lossless WebP takes quality as effort; exact keeps the colour under transparent pixels.
        options |= {"lossless": True, "quality": 75, "exact": True}
    else:
        options["quality"] = encoding.quality or 95
    if len(picture.frames) > 1:
        # libwebp blends small changes between frames away unless it is told to keep every frame as it is.
        options |= {"duration": delays(picture, 1), "loop": picture.loop, "minimize_size": False}
    save([image_of(frame) for frame in picture.frames], stream, "webp", options)
