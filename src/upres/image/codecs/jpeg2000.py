"""JPEG 2000, read only: planes by imagecodecs, which keeps 16 bits; palettes, YCC and coarser chroma by Pillow.

imagecodecs is given the bare codestream, because it would convert the colours by a profile without a word.
"""

import io
from dataclasses import replace
from typing import BinaryIO

import numpy as np

from upres.errors import ImageReadError
from upres.image.budget import Budget
from upres.image.codecs import decode_pillow
from upres.image.codecs.arrays import frame_of
from upres.image.codecs.decode_pillow import cmyk_to_rgb, turned
from upres.image.codecs.jpeg2000_boxes import Boxes, Component, check_whole, read_boxes, read_size
from upres.image.codecs.tiff_samples import stretched, unmultiplied
from upres.image.metadata import collect
from upres.image.picture import Frame, Picture, Pixels, Source
from upres.image.profiles import Space, profile_space

_CMYK, _YCC = 12, 18
_PART_BYTES = 14
"""Least bytes of a tile."""
_REVERSIBLE = 1


def decode(stream: BinaryIO, budget: Budget, *, only_first: bool) -> Picture:  # noqa: ARG001
    """The picture in a JPEG 2000 file, ``uint16`` where it holds more than 8 bits."""
    data = stream.read()
    boxes = read_boxes(data)
    size = read_size(boxes.codestream)
    budget.spend(size.width, size.height)
    if size.tiles * _PART_BYTES > len(boxes.codestream):
        raise ImageReadError("truncated JPEG 2000 file")
    check_whole(boxes.codestream, size)
    if any(part.signed for part in size.components):
        raise ImageReadError("a JPEG 2000 picture of signed samples; convert it to unsigned ones")
    lossless = _is_lossless(boxes.codestream)
    plain = Component(size.components[0].bits, signed=False, step=(1, 1))
    simple = not boxes.palette and boxes.space != _YCC and all(part == plain for part in size.components)
    if simple and len(size.components) <= 5:
        return _decode_planes(boxes, plain.bits, lossless=lossless)
    if max(part.bits for part in size.components) > 8 or len(size.components) > 4:
        raise ImageReadError("a JPEG 2000 picture whose planes differ in size or depth, or are too many")
    with decode_pillow.opened(io.BytesIO(data), "jp2") as image:
        image.load()
        pixels, alpha = decode_pillow.split(image)
    return _picture(Frame(pixels=pixels, alpha=alpha), boxes, 8, lossless=lossless)


def _decode_planes(boxes: Boxes, bits: int, *, lossless: bool) -> Picture:
    import imagecodecs

    if bits > 16:
        raise ImageReadError(f"a JPEG 2000 picture of {bits} bits a sample; convert it to 16")
    array = imagecodecs.jpeg2k_decode(boxes.codestream)
    samples = stretched(array if array.ndim == 3 else array[..., None], bits)
    if boxes.space == _CMYK or (boxes.icc is not None and profile_space(boxes.icc) == "cmyk"):
        return _of_inks(samples, boxes, bits, lossless=lossless)
    count = samples.shape[2]
    if boxes.alpha is not None and count in (2, 4) and boxes.alpha != count - 1:
        samples = np.concatenate([np.delete(samples, boxes.alpha, 2), samples[..., [boxes.alpha]]], axis=2)
    frame = frame_of(samples[..., :4], None)
    if boxes.multiplied and frame.alpha is not None:
        color = frame.pixels if frame.pixels.ndim == 3 else frame.pixels[..., None]
        frame = replace(frame, pixels=unmultiplied(color, frame.alpha).reshape(frame.pixels.shape))
    return _picture(frame, boxes, bits, lossless=lossless)


def _of_inks(samples: Pixels, boxes: Boxes, bits: int, *, lossless: bool) -> Picture:
    if samples.shape[2] < 4:
        raise ImageReadError("damaged JPEG 2000 file (inks are missing)")
    pixels, note, icc = cmyk_to_rgb(np.ascontiguousarray(samples[..., :4]), boxes.icc)
    picture = _picture(Frame(pixels=pixels), replace(boxes, icc=icc), bits, lossless=lossless)
    source = picture.source and replace(picture.source, mode="cmyk")
    return replace(picture, source=source).noting(note)


def _picture(frame: Frame, boxes: Boxes, bits: int, *, lossless: bool) -> Picture:
    space: Space = "grey" if frame.pixels.ndim == 2 else "rgb"
    collected = collect(space=space, icc=boxes.icc, exif=boxes.exif, xmp=boxes.xmp, dpi=boxes.dpi)
    mode = "palette" if boxes.palette else space
    return Picture(
        frames=(turned(frame, collected.orientation),),
        metadata=collected.metadata,
        source=Source(format="jp2", mode=mode, bits=max(bits, 8), lossless=lossless),
        notes=collected.notes,
    )


def _is_lossless(codestream: bytes) -> bool:
    """Whether the transform is one that loses nothing; what was cut off behind it nobody can tell."""
    place = codestream.find(b"\xff\x52", 0, 4096)
    return place >= 0 and codestream[place + 13 : place + 14] == bytes([_REVERSIBLE])
