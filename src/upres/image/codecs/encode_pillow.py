"""Pictures to PNG, JPEG, WebP, AVIF, BMP and GIF."""

import io
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from upres.image.codecs import png_chunks
from upres.image.codecs.encoding import Encoding
from upres.image.fit import Ledger
from upres.image.formats import Format
from upres.image.picture import Frame, Metadata, Picture, Pixels

if TYPE_CHECKING:
    from PIL import Image

_PLUGINS = {
    "jpeg": "JpegImagePlugin",
    "png": "PngImagePlugin",
    "webp": "WebPImagePlugin",
    "avif": "AvifImagePlugin",
    "bmp": "BmpImagePlugin",
    "gif": "GifImagePlugin",
}
# Level 6 takes a 12-megapixel photograph 13 s instead of 5.7 s and saves 10 % (2-core machine under load).
_PNG_LEVEL = 3
# AVIF speed 9 is four times as fast as 8 on photographs and its files are no larger.
_AVIF_SPEED = 9


def encode(picture: Picture, form: Format, encoding: Encoding, ledger: Ledger, stream: BinaryIO) -> None:
    """Write a picture that fits the format."""
    if picture.pixels.dtype == np.uint16:
        stream.write(_deep_png(picture))
        return
    options = _options(picture.metadata, form.name, encoding)
    if form.name == "avif" and picture.pixels.ndim == 3:
        options["subsampling"] = "4:4:4"
    if form.name == "gif":
        from upres.image.codecs.gif import indexed

        images = [indexed(frame, ledger) for frame in picture.frames]
    else:
        images = [_image(frame) for frame in picture.frames]
    if len(images) > 1:
        options |= _animation_options(picture, form.name)
        options |= {"save_all": True, "append_images": images[1:]}
    _save(images[0], stream, form.name, options)


def _save(image: "Image.Image", stream: BinaryIO, name: str, options: dict[str, Any]) -> None:
    from importlib import import_module

    import_module(f"PIL.{_PLUGINS[name]}")
    image.save(stream, format=name, **{key: value for key, value in options.items() if value is not None})


def _image(frame: Frame) -> "Image.Image":
    from PIL import Image

    image = Image.fromarray(frame.pixels)
    if frame.alpha is not None:
        image.putalpha(Image.fromarray(frame.alpha))
    return image


def _options(metadata: Metadata, name: str, encoding: Encoding) -> dict[str, Any]:
    """What Pillow's ``save`` is told."""
    options: dict[str, Any] = {"icc_profile": metadata.icc, "exif": metadata.exif, "dpi": metadata.dpi}
    if name == "jpeg":
        options |= _jpeg_options(metadata, encoding)
    elif name == "png":
        options |= {"pnginfo": _png_text(metadata), "compress_level": _PNG_LEVEL}
    elif name == "webp":
        # Lossless WebP takes quality as effort; exact keeps the colour under transparent pixels.
        lossless = {"lossless": True, "quality": 75, "exact": True}
        options |= {"xmp": metadata.xmp} | (lossless if encoding.lossless else {"quality": encoding.quality or 95})
    elif name == "avif":
        options |= {"xmp": metadata.xmp, "quality": encoding.quality or 85, "speed": _AVIF_SPEED}
    elif name == "gif":
        options |= {"comment": _comment(metadata), "optimize": False}
    return options


def _jpeg_options(metadata: Metadata, encoding: Encoding) -> dict[str, Any]:
    extra = b""
    if metadata.iptc:
        content = b"Photoshop 3.0\0" + metadata.iptc
        extra = b"\xff\xed" + (len(content) + 2).to_bytes(2, "big") + content
    return {
        "quality": encoding.quality or 95,
        "subsampling": 0,
        "exif": metadata.exif and b"Exif\0\0" + metadata.exif,
        "xmp": metadata.xmp,
        "extra": extra,
        "comment": _comment(metadata),
    }


def _comment(metadata: Metadata) -> bytes | None:
    return metadata.text[0][1].encode() if metadata.text else None


def _png_text(metadata: Metadata) -> Any:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    if metadata.xmp:
        info.add_itxt("XML:com.adobe.xmp", metadata.xmp.decode("utf-8", "replace"))
    for key, value in metadata.text:
        info.add_text(key, value)  # becomes iTXt where Latin-1 does not do
    return info


def _animation_options(picture: Picture, name: str) -> dict[str, Any]:
    durations = [frame.duration_ms or 0.0 for frame in picture.frames]
    if name == "png":
        return {"duration": durations, "loop": picture.loop, "disposal": 0, "blend": 0}
    whole = [round(duration) for duration in durations]
    if name == "gif":
        # A GIF counts repetitions after the first showing; without a count it plays once.
        loop = None if picture.loop == 1 else max(picture.loop - 1, 0)
        return {"duration": whole, "loop": loop, "disposal": 2 if picture.alpha is not None else 0}
    # libwebp blends small changes between frames away unless it is told to keep every frame as it is.
    return {"duration": whole, "loop": picture.loop, "minimize_size": False}


def _deep_png(picture: Picture) -> bytes:
    """A 16-bit PNG: imagecodecs for the pixels, Pillow for the chunks around them."""
    import imagecodecs

    arrays = [_joined(frame) for frame in picture.frames]
    if len(arrays) > 1:
        data = bytes(imagecodecs.apng_encode(np.stack(arrays), _PNG_LEVEL))
        data = png_chunks.with_delays(data, [frame.duration_ms or 0.0 for frame in picture.frames], picture.loop)
    else:
        data = bytes(imagecodecs.png_encode(arrays[0], _PNG_LEVEL))
    donor = io.BytesIO()
    stub = Frame(pixels=np.zeros((1, 1), np.uint8))
    _save(_image(stub), donor, "png", _options(picture.metadata, "png", Encoding()))
    return png_chunks.with_metadata(data, donor.getvalue())


def _joined(frame: Frame) -> Pixels:
    return frame.pixels if frame.alpha is None else np.dstack([frame.pixels, frame.alpha])
