"""AVIF: 8 bits by Pillow; 10 and 12 bits by imagecodecs, because Pillow opens them as 8 bits, without a word."""

import io
from typing import BinaryIO

from upres.image.budget import Budget, Cost
from upres.image.codecs import decode_pillow
from upres.image.codecs.arrays import frame_of
from upres.image.codecs.codec import Encoding
from upres.image.codecs.decode_pillow import opened, turned
from upres.image.codecs.encode_pillow import common_options, delays, exact_exif, image_of, save
from upres.image.fit import Ledger
from upres.image.formats import Format
from upres.image.metadata import collect_info
from upres.image.picture import Picture, Source
from upres.image.profiles import Space

# Speed 9 is four times as fast as 8 on photographs and its files are no larger.
_SPEED = 9
_DEEP = Cost(kept=8, working=16)


def decode(stream: BinaryIO, budget: Budget, *, only_first: bool) -> Picture:
    """The picture in an AVIF file, ``uint16`` over its whole range where it holds more than 8 bits."""
    if _is_deep(stream):
        return _decode_deep(stream.read(), budget, only_first=only_first)
    return decode_pillow.decode(stream, "avif", budget, only_first=only_first, lossless=False)


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
    budget.spend(*size, cost=_DEEP)
    array = imagecodecs.avif_decode(data, index=0 if animated else None)
    bits = 12 if data[data.find(b"av1C") + 6] & 0x20 else 10
    frame = frame_of((array << (16 - bits)) | (array >> (2 * bits - 16)), None)
    mode: Space = "grey" if frame.pixels.ndim == 2 else "rgb"
    collected = collect_info(info, space=mode)
    return Picture(
        frames=(turned(frame, collected.orientation),),
        metadata=collected.metadata,
        source=Source(format="avif", mode=mode, bits=bits, lossless=False),
        notes=collected.notes,
    )


def encode(picture: Picture, form: Format, encoding: Encoding, ledger: Ledger, stream: BinaryIO) -> None:  # noqa: ARG001
    """Write a picture that fits the format, in 8 bits and without chroma subsampling."""
    metadata = picture.metadata
    options = common_options(metadata) | {
        "exif": metadata.exif and exact_exif(metadata.exif),
        "xmp": metadata.xmp,
        "quality": encoding.quality or 85,
        "speed": _SPEED,
    }
    if picture.pixels.ndim == 3:
        options["subsampling"] = "4:4:4"
    if len(picture.frames) > 1:
        options["duration"] = delays(picture, 1)
    save([image_of(frame) for frame in picture.frames], stream, "avif", options)
