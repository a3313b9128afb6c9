"""JPEG by Pillow, inks included."""

from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from upres.image.budget import Budget
from upres.image.codecs import jpeg_segments
from upres.image.codecs.codec import Encoding
from upres.image.codecs.decode_pillow import cmyk_to_rgb, collect_image, frames_of, opened, picture_of, turned
from upres.image.codecs.encode_pillow import comments, common_options, image_of, save
from upres.image.fit import Ledger
from upres.image.formats import Format
from upres.image.picture import Frame, Picture, Source

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile


_MARKER = 65533
"""Most bytes in a segment."""


def decode(stream: BinaryIO, budget: Budget, *, only_first: bool) -> Picture:
    """The picture in a JPEG file; inks become sRGB."""
    with opened(stream, "jpeg") as image:
        if image.mode == "CMYK":
            budget.spend(*image.size)
            picture = _from_cmyk(image)
        else:
            picture = picture_of(image, "jpeg", frames_of(image, budget, only_first=only_first), lossless=False)
        if "mp" in image.info:
            picture = picture.noting("further pictures in the file (preview, gain map or depth) were left out")
    return picture


def _from_cmyk(image: "ImageFile") -> Picture:
    ink = np.array(image)
    if "adobe" not in image.info:
        # Pillow inverts all CMYK JPEGs, as Adobe wrote them; those without Adobe's marker hold inks as they are.
        ink = 255 - ink
    collected = collect_image(image, "cmyk")
    pixels, note, icc = cmyk_to_rgb(ink, collected.metadata.icc)
    return Picture(
        frames=(turned(Frame(pixels=pixels), collected.orientation),),
        metadata=replace(collected.metadata, icc=icc),
        source=Source(format="jpeg", mode="cmyk", lossless=False),
        notes=(*collected.notes, note),
    )


def encode(picture: Picture, form: Format, encoding: Encoding, ledger: Ledger, stream: BinaryIO) -> None:  # noqa: ARG001
    """Write a picture that fits the format, without chroma subsampling."""
    metadata = picture.metadata
    extra = jpeg_segments.segment(0xED, b"Photoshop 3.0\0" + metadata.iptc) if metadata.iptc else b""
    extra += jpeg_segments.extended_segments(metadata.xmp_extended or b"")
    texts = [text for text in comments(metadata) if len(text) <= _MARKER]
    if len(texts) < len(metadata.text):
        ledger.lost.append("comments over 64 kB")
    extra += b"".join(jpeg_segments.segment(0xFE, text) for text in texts)
    options = common_options(metadata) | {
        "quality": encoding.quality or 95,
        "subsampling": 0,
        "exif": metadata.exif and b"Exif\0\0" + metadata.exif,
        "xmp": metadata.xmp,
        "extra": extra,
    }
    save([image_of(picture.frames[0])], stream, "jpeg", options)
