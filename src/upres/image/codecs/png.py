"""PNG: 8 bits by Pillow; 16 bits and animations by imagecodecs, with the metadata by Pillow all the same.

Pillow opens a 16-bit RGB PNG as 8 bits, without a word, and (version 13) composes APNG frames that blend over one
disposed of by restoring what was before it wrongly.
"""

import io
from typing import Any, BinaryIO

import numpy as np

from upres.errors import ImageReadError
from upres.image.budget import Budget
from upres.image.codecs import decode_pillow, png_chunks
from upres.image.codecs.arrays import frame_of, joined
from upres.image.codecs.codec import Encoding
from upres.image.codecs.decode_pillow import SPACES, opened, turned
from upres.image.codecs.encode_pillow import common_options, durations_ms, image_of, image_of_few, save
from upres.image.fit import Ledger
from upres.image.formats import Format
from upres.image.metadata import collect_info
from upres.image.picture import Frame, Metadata, Picture, Source

_MODES = {0: "grey", 2: "rgb", 3: "palette", 4: "grey", 6: "rgb"}  # by colour type
# Level 6 takes a 12-megapixel photograph 13 s instead of 5.7 s and saves 10 % (2-core machine under load).
_LEVEL = 3


def decode(stream: BinaryIO, budget: Budget, *, only_first: bool) -> Picture:
    """The picture in a PNG file, ``uint16`` where it holds 16 bits."""
    if png_chunks.is_deep_or_animated(stream):
        return _decode_deep_or_animated(stream.read(), budget, only_first=only_first)
    return decode_pillow.decode(stream, "png", budget, only_first=only_first, lossless=True)


def _decode_deep_or_animated(data: bytes, budget: Budget, *, only_first: bool) -> Picture:
    import imagecodecs

    delays, starts_with_still = png_chunks.frame_delays_ms(data)
    animated = len(delays) > 1 and not only_first
    with opened(io.BytesIO(data), "png") as image:
        budget.spend(*image.size, frames=len(delays) if animated else 1)
    with opened(io.BytesIO(png_chunks.metadata_only(data)), "png") as stub:
        stub.load()
        info = dict(stub.info)
    if animated:
        arrays = list(imagecodecs.apng_decode(data))[0 if starts_with_still else 1 :]
        if len(arrays) != len(delays):
            raise ImageReadError(f"damaged PNG file ({len(arrays)} frames instead of {len(delays)})")
        frames = [frame_of(array, delay) for array, delay in zip(arrays, delays, strict=True)]
    else:
        frames = [frame_of(imagecodecs.png_decode(data), None)]
    mode, bits = _MODES[data[25]], data[24]
    collected = collect_info(info, space=SPACES[mode])
    notes = (
        ("the still picture for viewers without animation was left out",) if animated and not starts_with_still else ()
    )
    return Picture(
        frames=tuple(turned(frame, collected.orientation) for frame in frames),
        metadata=collected.metadata,
        source=Source(format="png", mode="1-bit" if mode == "grey" and bits == 1 else mode, bits=max(bits, 8)),
        loop=png_chunks.plays(data) if animated else 0,
        notes=(*collected.notes, *notes),
    )


def encode(picture: Picture, form: Format, encoding: Encoding, ledger: Ledger, stream: BinaryIO) -> None:  # noqa: ARG001
    """Write a picture that fits the format."""
    if picture.pixels.dtype == np.uint16:
        stream.write(_deep(picture))
        return
    options = _options(picture.metadata)
    if len(picture.frames) > 1:
        options |= {"duration": durations_ms(picture), "loop": picture.loop, "disposal": 0, "blend": 0}
    few = image_of_few(picture, form, encoding)
    save([image_of(frame) for frame in picture.frames] if few is None else [few], stream, "png", options)


def _options(metadata: Metadata) -> dict[str, Any]:
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    if metadata.xmp:
        text.add_itxt("XML:com.adobe.xmp", metadata.xmp.decode("utf-8", "replace"))
    for key, value in metadata.text:
        text.add_text(key, value)  # becomes iTXt where Latin-1 does not do
    return {**common_options(metadata), "pnginfo": text, "compress_level": _LEVEL}


def _deep(picture: Picture) -> bytes:
    """A 16-bit PNG: imagecodecs for the pixels, Pillow for the chunks around them."""
    import imagecodecs

    arrays = [joined(frame) for frame in picture.frames]
    if len(arrays) > 1:
        data = bytes(imagecodecs.apng_encode(np.stack(arrays), _LEVEL))
        data = png_chunks.with_delays(data, durations_ms(picture), picture.loop)
    else:
        data = bytes(imagecodecs.png_encode(arrays[0], _LEVEL))
    donor = io.BytesIO()
    stub = Frame(pixels=np.zeros((1, 1), np.uint8))
    save([image_of(stub)], donor, "png", _options(picture.metadata))
    return png_chunks.with_metadata(data, donor.getvalue())
