"""What codecs by way of Pillow share in writing."""

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO

from upres.image.codecs.codec import Encoding
from upres.image.formats import FORMATS, Format
from upres.image.palette import bilevel, has_palette, indexed, is_bilevel
from upres.image.picture import Frame, Metadata, Picture

if TYPE_CHECKING:
    from PIL import Image


def save(images: Sequence["Image.Image"], stream: BinaryIO, kind: str, options: dict[str, Any]) -> None:
    """Write one image, or several as an animation, with what Pillow's ``save`` is told; ``None`` is left out."""
    if len(images) > 1:
        options = options | {"save_all": True, "append_images": images[1:]}
    _save(images[0], stream, kind, options)


def _save(image: "Image.Image", stream: BinaryIO, kind: str, options: dict[str, Any]) -> None:
    import_module(FORMATS[kind].plugin.partition(":")[0])
    image.save(stream, format=kind, **{key: value for key, value in options.items() if value is not None})


def image_of(frame: Frame) -> "Image.Image":
    """An 8-bit frame as Pillow's image."""
    from PIL import Image

    image = Image.fromarray(frame.pixels)
    if frame.alpha is not None:
        image.putalpha(Image.fromarray(frame.alpha))
    return image


def image_of_few(picture: Picture, form: Format, encoding: Encoding) -> "Image.Image | None":
    """A still picture of 1 bit or with a palette, where its file was one and it can be one again."""
    from PIL import Image

    if encoding.colors == "full" or len(picture.frames) > 1:
        return None
    if is_bilevel(picture):
        return Image.fromarray(bilevel(picture.frames[0]))
    few = indexed(picture.frames[0]) if has_palette(picture, form) else None
    if few is None:
        return None
    image = Image.fromarray(few.index, "P")
    image.putpalette(few.colors.tobytes(), "RGBA" if few.colors.shape[1] == 4 else "RGB")
    return image


def common_options(metadata: Metadata) -> dict[str, Any]:
    """Metadata under the names that Pillow has for it in most formats."""
    return {"icc_profile": metadata.icc, "exif": metadata.exif, "dpi": metadata.dpi}


def comment(metadata: Metadata) -> bytes | None:
    """The comment of formats that hold one."""
    return metadata.text[0][1].encode() if metadata.text else None


def durations_ms(picture: Picture) -> list[float]:
    """How long each frame is shown, in milliseconds."""
    return [frame.duration_ms or 0.0 for frame in picture.frames]
