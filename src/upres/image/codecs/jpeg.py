"""JPEG by Pillow, inks included."""

import io
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from upres.errors import ImageReadError
from upres.image.budget import WITHOUT_LENGTH, Budget, Cost, check_length
from upres.image.codecs import jpeg_segments
from upres.image.codecs.codec import Encoding
from upres.image.codecs.decode_pillow import cmyk_to_rgb, collect_image, frame_of_image, opened, picture_of, turned
from upres.image.codecs.encode_pillow import comments, common_options, image_of, save
from upres.image.codecs.jpeg_checks import Layout, check_restarts, layout_of, with_metadata_of, with_other_bits
from upres.image.fit import Ledger
from upres.image.formats import Format
from upres.image.jpeg_quality import quality_of_file
from upres.image.picture import Frame, Picture, Pixels, Source
from upres.image.profiles import Space

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

_BAND = 256
_MISSING = "damaged or truncated JPEG file (parts of its pixels are missing)"
_MARKER = 65533
"""Most bytes in a segment."""


def decode(stream: BinaryIO, budget: Budget, *, only_first: bool) -> Picture:  # noqa: ARG001
    """The picture in a JPEG file, ``uint16`` where it holds 12 bits; inks become sRGB."""
    data = stream.read()
    layout = layout_of(data)
    progressive = 6.0 if len(layout.scans) > 1 else 0.0
    budget.spend(layout.width, layout.height, cost=Cost(working=8 + progressive, densest=WITHOUT_LENGTH))
    check_length(layout.width, layout.height, len(data), layout.densest)
    check_restarts(data, layout)
    if layout.bits > 8:
        return _deep(data, layout)
    with opened(io.BytesIO(data), "jpeg") as image:
        if image.size != (layout.width, layout.height):
            raise ImageReadError("damaged JPEG file (it has two sizes)")
        image.load()
        if layout.is_huffman:
            _require_all_pixels(image, with_other_bits(data, layout))
        if image.mode == "CMYK":
            picture = _from_cmyk(image)
        else:
            picture = picture_of(image, "jpeg", iter([frame_of_image(image, None)]), lossless=False)
        picture = replace(
            picture, source=picture.source and replace(picture.source, jpeg_quality=quality_of_file(data))
        )
        if "mp" in image.info:
            picture = picture.noting("further pictures in the file (preview, gain map or depth) were left out")
    return picture


def _require_all_pixels(image: "ImageFile", data: bytes) -> None:
    """Refuse a picture that other bits behind its scans change: it has too few of its own."""
    width, height = image.size
    with opened(io.BytesIO(data), "jpeg") as other:
        other.load()
        for top in range(0, height, _BAND):
            band = (0, top, width, min(top + _BAND, height))
            if image.crop(band).tobytes() != other.crop(band).tobytes():
                raise ImageReadError(_MISSING)


def _deep(data: bytes, layout: Layout) -> Picture:
    """A picture of 12 bits, which Pillow refuses; its metadata by Pillow all the same."""
    import imagecodecs

    array: Pixels = imagecodecs.jpeg_decode(data)
    if layout.is_huffman and not np.array_equal(array, imagecodecs.jpeg_decode(with_other_bits(data, layout))):
        raise ImageReadError(_MISSING)
    if array.dtype != np.uint16 or not (array.ndim == 2 or array.shape[2] == 3):
        raise ImageReadError(f"a JPEG file of {layout.bits} bits and {len(layout.sampling)} inks; convert it to 8 bits")
    full = (array << (16 - layout.bits)) | (array >> (2 * layout.bits - 16))
    mode: Space = "grey" if array.ndim == 2 else "rgb"
    with opened(io.BytesIO(with_metadata_of(data, _pixel())), "jpeg") as stub:
        collected = collect_image(stub, mode)
    return Picture(
        frames=(turned(Frame(pixels=full), collected.orientation),),
        metadata=collected.metadata,
        source=Source(format="jpeg", mode=mode, bits=layout.bits, lossless=False),
        notes=collected.notes,
    )


def _pixel() -> bytes:
    stream = io.BytesIO()
    save([image_of(Frame(pixels=np.zeros((1, 1), np.uint8)))], stream, "jpeg", {})
    return stream.getvalue()


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
