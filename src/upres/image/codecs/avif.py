"""AVIF: 8 bits by Pillow; 10 and 12 bits, and what loses nothing, by imagecodecs.

Pillow opens 10 and 12 bits as 8, without a word, and writes nothing but 8 bits in a way that loses some.
"""

import io
from dataclasses import replace
from typing import BinaryIO

import numpy as np

from upres.errors import ImageWriteError
from upres.image.budget import Budget, Cost
from upres.image.codecs import decode_pillow
from upres.image.codecs.arrays import frame_of, joined
from upres.image.codecs.avif_boxes import with_metadata
from upres.image.codecs.codec import Encoding
from upres.image.codecs.decode_pillow import opened, turned
from upres.image.codecs.encode_pillow import common_options, delays, exact_exif, image_of, save
from upres.image.fit import Ledger, shallow
from upres.image.formats import Format
from upres.image.metadata import collect_info
from upres.image.picture import Picture, Source
from upres.image.profiles import Space

# Speed 9 is four times as fast as 8 on photographs and its files are no larger.
_SPEED = 9
_COST = Cost(kept=8, working=16)
_QUALITY = 85
_LOSSLESS = 100
"""Quality at which libavif keeps every sample and does not turn RGB into YCC."""
_DEEP = 10
_RGB_MATRIX = b"\0\0"


def decode(stream: BinaryIO, budget: Budget, *, only_first: bool) -> Picture:
    """The picture in an AVIF file, ``uint16`` over its whole range where it holds more than 8 bits."""
    if _is_deep(stream):
        return _decode_deep(stream.read(), budget, only_first=only_first)
    lossless = _is_lossless(stream)
    return decode_pillow.decode(stream, "avif", budget, only_first=only_first, lossless=lossless)


def _is_lossless(stream: BinaryIO) -> bool:
    """Whether the samples are RGB itself, which encoders take where nothing shall be lost, and only there."""
    head = stream.read(16384)
    stream.seek(0)
    place = head.find(b"colrnclx")
    return place >= 0 and head[place + 12 : place + 14] == _RGB_MATRIX


def _is_deep(stream: BinaryIO) -> bool:
    """Whether the AV1 configuration box names more than 8 bits a sample."""
    head = stream.read(16384)
    stream.seek(0)
    place = head.find(b"av1C")
    return place >= 0 and bool(head[place + 6 : place + 7] and head[place + 6] & 0x40)


def _decode_deep(data: bytes, budget: Budget, *, only_first: bool) -> Picture:
    import imagecodecs

    with opened(io.BytesIO(data), "avif") as image:
        size, info, animated = image.size, dict(image.info), getattr(image, "n_frames", 1) > 1
    if animated and not only_first:
        picture = decode_pillow.decode(io.BytesIO(data), "avif", budget, only_first=False, lossless=False)
        return picture.noting("the animation was read in 8 bits, the file holds more")
    budget.spend(*size, cost=_COST)
    array = imagecodecs.avif_decode(data, index=0 if animated else None)
    bits = 12 if data[data.find(b"av1C") + 6] & 0x20 else 10
    frame = frame_of((array << (16 - bits)) | (array >> (2 * bits - 16)), None)
    mode: Space = "grey" if frame.pixels.ndim == 2 else "rgb"
    collected = collect_info(info, space=mode)
    return Picture(
        frames=(turned(frame, collected.orientation),),
        metadata=collected.metadata,
        source=Source(format="avif", mode=mode, bits=bits, lossless=_is_lossless(io.BytesIO(data))),
        notes=collected.notes,
    )


def encode(picture: Picture, form: Format, encoding: Encoding, ledger: Ledger, stream: BinaryIO) -> None:  # noqa: ARG001
    """Write a picture that fits the format, without chroma subsampling: ``uint16`` in 10 bits, animations in 8."""
    animated = len(picture.frames) > 1
    if animated and picture.pixels.dtype == np.uint16:
        ledger.lost.append("depth (an animated AVIF is written in 8 bits)")
        picture = picture.map(shallow)
    if animated and encoding.lossless:
        raise ImageWriteError("an animated AVIF cannot be written lossless; write PNG, WebP or JPEG XL")
    if encoding.lossless or picture.pixels.dtype == np.uint16:
        stream.write(_by_imagecodecs(picture, encoding))
        return
    metadata = picture.metadata
    options = common_options(metadata) | {
        "exif": metadata.exif and exact_exif(metadata.exif),
        "xmp": metadata.xmp,
        "quality": encoding.quality or _QUALITY,
        "speed": _SPEED,
    }
    if picture.pixels.ndim == 3:
        options["subsampling"] = "4:4:4"
    if animated:
        options["duration"] = delays(picture, 1)
    save([image_of(frame) for frame in picture.frames], stream, "avif", options)


def _by_imagecodecs(picture: Picture, encoding: Encoding) -> bytes:
    import imagecodecs

    frame, bits, layout = picture.frames[0], 8, "444"
    level = _LOSSLESS if encoding.lossless else min(encoding.quality or _QUALITY, _LOSSLESS - 1)
    if frame.pixels.ndim == 2:
        layout = "400"
        if not encoding.lossless:  # given grey, the library loses nothing, whatever the level
            frame = replace(frame, pixels=np.dstack([frame.pixels] * 3))
    array = joined(frame)
    if array.dtype == np.uint16:
        bits = _DEEP
        array = ((array.astype(np.uint32) * ((1 << bits) - 1) + 32767) // 65535).astype(np.uint16)
    data = bytes(imagecodecs.avif_encode(array, level, speed=_SPEED, bitspersample=bits, pixelformat=layout))
    metadata = picture.metadata
    return with_metadata(data, icc=metadata.icc, exif=metadata.exif, xmp=metadata.xmp)
