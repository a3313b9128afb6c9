"""PNG with 16 bits or animated, and AVIF with 10 or 12 bits: pixels by imagecodecs, metadata by Pillow.

Pillow opens a 16-bit RGB PNG and a 10-bit AVIF as 8 bits, without a word, and (version 13) composes APNG frames that
blend over one disposed of by restoring what was before it wrongly.
"""

import io
from typing import BinaryIO

import numpy as np

from upres.errors import ImageReadError
from upres.image.budget import Budget
from upres.image.codecs import png_chunks
from upres.image.codecs.decode_pillow import SPACES, opened, turned
from upres.image.codecs.decode_pillow import decode as decode_8_bit
from upres.image.metadata import collect_info
from upres.image.picture import Frame, Picture, Pixels, Source
from upres.image.profiles import Space

_MODES = {0: "grey", 2: "rgb", 3: "palette", 4: "grey", 6: "rgb"}  # by colour type


def decode(stream: BinaryIO, kind: str, budget: Budget, *, only_first: bool) -> Picture:
    """The picture in a PNG file, or in an AVIF file of more than 8 bits as ``uint16`` over its whole range."""
    return (_decode_png if kind == "png" else _decode_avif)(stream, budget, only_first=only_first)


def _decode_png(stream: BinaryIO, budget: Budget, *, only_first: bool) -> Picture:
    import imagecodecs

    data = stream.read()
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


def _decode_avif(stream: BinaryIO, budget: Budget, *, only_first: bool) -> Picture:
    import imagecodecs

    data = stream.read()
    with opened(io.BytesIO(data), "avif") as image:
        size, info, animated = image.size, dict(image.info), getattr(image, "n_frames", 1) > 1
    if animated and not only_first:
        picture = decode_8_bit(io.BytesIO(data), "avif", budget, only_first=False)
        return picture.noting("the animation was read in 8 bits, the file holds more")
    budget.spend(*size)
    array = imagecodecs.avif_decode(data, index=0 if animated else None)
    bits = _avif_bits(data)
    frame = frame_of((array << (16 - bits)) | (array >> (2 * bits - 16)), None)
    mode: Space = "grey" if frame.pixels.ndim == 2 else "rgb"
    collected = collect_info(info, space=mode)
    return Picture(
        frames=(turned(frame, collected.orientation),),
        metadata=collected.metadata,
        source=Source(format="avif", mode=mode, bits=bits, lossless=False),
        notes=collected.notes,
    )


def _avif_bits(data: bytes) -> int:
    return 12 if data[data.find(b"av1C") + 6] & 0x20 else 10


def frame_of(array: Pixels, duration_ms: float | None) -> Frame:
    """An array of 1 to 4 channels, ``(H, W)`` or ``(H, W, C)``, as colour and alpha."""
    channels = array.shape[2] if array.ndim == 3 else 1
    if channels in (1, 3):
        return Frame(pixels=array.reshape(array.shape[:2]) if channels == 1 else array, duration_ms=duration_ms)
    color = array[..., 0] if channels == 2 else array[..., :3]
    return Frame(
        pixels=np.ascontiguousarray(color), alpha=np.ascontiguousarray(array[..., -1]), duration_ms=duration_ms
    )
