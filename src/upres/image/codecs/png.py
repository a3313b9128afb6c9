"""PNG: palettes and 8 bits are read by Pillow, 16 bits and animations by imagecodecs; pixels are written by
`upres.image.codecs.encode_png`, palettes and all metadata by Pillow.

Pillow opens a 16-bit RGB PNG as 8 bits, without a word, and (version 13) composes APNG frames that blend over one
disposed of by restoring what was before it wrongly.
"""

import io
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from upres.errors import ImageReadError
from upres.image.budget import USUAL, Budget, Cost, check_length
from upres.image.codecs import png_animation, png_checks, png_chunks
from upres.image.codecs.arrays import frame_of, joined
from upres.image.codecs.codec import Encoding
from upres.image.codecs.decode_pillow import SPACES, frame_of_image, opened, picture_of, turned
from upres.image.codecs.encode_apng import animation
from upres.image.codecs.encode_pillow import common_options, image_of, image_of_few, save
from upres.image.codecs.encode_png import pixel_chunks
from upres.image.codecs.png_chunks import Chunk
from upres.image.fit import Ledger
from upres.image.formats import Format
from upres.image.metadata import collect_info
from upres.image.picture import Frame, Metadata, Picture, Pixels, Source

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

_MODES = {0: "grey", 2: "rgb", 3: "palette", 4: "grey", 6: "rgb"}  # by colour type
_LEVEL = 3  # of what has a palette
# imagecodecs keeps every frame, composed, in a list and then in one array (measured: 8 bytes a pixel in RGB).
_ANIMATION = Cost(kept=8)


def decode(stream: BinaryIO, budget: Budget, *, only_first: bool) -> Picture:
    """The picture in a PNG file, ``uint16`` where it holds 16 bits."""
    data = stream.read()
    found, left_out = png_checks.checked_chunks(data)
    header = png_checks.header_of(found)
    _spend(budget, header, found, only_first=only_first)
    parts = [content for name, content in found if name == b"IDAT"]
    check_length(header.width, header.height, sum(map(len, parts)), 8 * png_checks.DENSEST)
    png_checks.check_pixels(parts, header, header.width, header.height, interlaced=header.interlaced)
    animated = png_animation.frames_of(found, header) > 1 and not only_first
    if animated or header.depth == 16:
        picture = _decode_deep_or_animated(found, header, animated=animated)
    else:
        still = io.BytesIO(png_chunks.join(png_animation.without_animation(found)))
        with opened(still, "png") as image:
            picture = picture_of(image, "png", iter([_loaded(image)]), lossless=True)
    return picture.noting(*left_out)


def _spend(budget: Budget, header: png_checks.Header, found: list[png_chunks.Chunk], *, only_first: bool) -> None:
    """Ask for the canvas and every frame of an animation, as many as there are and as the file says."""
    budget.check(header.width, header.height)
    names = [name for name, _ in found]
    frames = 1 if only_first or b"acTL" not in names else max(1, names.count(b"fcTL"))
    budget.spend(header.width, header.height, frames, cost=USUAL if frames == 1 else _ANIMATION)


def _loaded(image: "ImageFile") -> Frame:
    image.load()
    return frame_of_image(image, None)


def _decode_deep_or_animated(found: list[png_chunks.Chunk], header: png_checks.Header, *, animated: bool) -> Picture:
    import imagecodecs

    data = png_chunks.join(found)
    delays, starts_with_still = png_chunks.frame_delays_ms(data)
    with opened(io.BytesIO(png_chunks.metadata_only(data)), "png") as stub:
        stub.load()
        info = dict(stub.info)
    if animated:
        arrays = list(imagecodecs.apng_decode(png_checks.only_pixels(found)))[0 if starts_with_still else 1 :]
        if len(arrays) != len(delays):
            raise ImageReadError(f"damaged PNG file ({len(arrays)} frames instead of {len(delays)})")
        frames = [frame_of(array, delay) for array, delay in zip(arrays, delays, strict=True)]
    else:
        frames = [frame_of(_deep_still(png_animation.without_animation(found), header), None)]
    mode, bits = _MODES[header.color], header.depth
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


def _deep_still(found: list[png_chunks.Chunk], header: png_checks.Header) -> Pixels:
    """A 16-bit picture; an interlaced one pass by pass, because libpng complains on the terminal otherwise."""
    import imagecodecs

    if not header.interlaced:
        whole: Pixels = imagecodecs.png_decode(png_checks.only_pixels(found))
        return whole
    parts: list[Pixels] = [imagecodecs.png_decode(data) for data in png_checks.pass_files(found)]
    result = np.zeros((header.height, header.width, *parts[0].shape[2:]), parts[0].dtype)
    places = (place for place in png_checks.PASSES if place[0] < header.width and place[1] < header.height)
    for (left, top, across, down), part in zip(places, parts, strict=True):
        result[top::down, left::across] = part
    return result


def encode(picture: Picture, form: Format, encoding: Encoding, ledger: Ledger, stream: BinaryIO) -> None:  # noqa: ARG001
    """Write a picture that fits the format."""
    few = image_of_few(picture, form, encoding) if picture.pixels.dtype == np.uint8 else None
    if few is not None:
        save([few], stream, "png", _options(picture.metadata))
        return
    parts = _chunks(picture, encoding.threads)
    png_chunks.write(chain([next(parts)], _metadata(picture.metadata), parts), stream)


def _chunks(picture: Picture, threads: int | None) -> Iterator[Chunk]:
    if len(picture.frames) > 1:
        yield from animation(picture.frames, picture.loop, threads)
        return
    header, contents = pixel_chunks(joined(picture.frames[0]), threads)
    yield b"IHDR", header
    for content in contents:
        yield b"IDAT", content
    yield b"IEND", b""


def _metadata(metadata: Metadata) -> list[Chunk]:
    """As Pillow writes it beside one pixel."""
    donor = io.BytesIO()
    save([image_of(Frame(pixels=np.zeros((1, 1), np.uint8)))], donor, "png", _options(metadata))
    return png_chunks.metadata_of(donor.getvalue())


def _options(metadata: Metadata) -> dict[str, Any]:
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    if metadata.xmp:
        text.add_itxt("XML:com.adobe.xmp", metadata.xmp.decode("utf-8", "replace"))
    for key, value in metadata.text:
        text.add_text(key, _plain(value))  # becomes iTXt where Latin-1 does not do
    return {**common_options(metadata), "pnginfo": text, "compress_level": _LEVEL}


def _plain(text: str) -> str:
    """A comment as PNG may hold it: bytes that are not UTF-8 become Latin-1, which has them all, and no zeros."""
    content = text.encode("utf-8", "surrogateescape").strip(b"\0").replace(b"\0", b" ")
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")
