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
    from PIL import Image

    import_module(FORMATS[kind].plugin.partition(":")[0])
    given = {key: value for key, value in options.items() if value is not None}
    if "save_all" in given:
        image.save(stream, format=kind, **given)
        return
    # what `Image.save` does, but for the import of five formats, which takes 4 ms
    image.load()
    image.encoderinfo, image.encoderconfig = given, ()
    Image.SAVE[kind.upper()](image, stream, "")


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


def exact_exif(block: bytes) -> "Image.Exif":
    """An EXIF block for encoders that would parse it and write it anew, which loses what Pillow does not know."""
    from PIL import Image

    class Exact(Image.Exif):
        def __bool__(self) -> bool:  # without parsed tags it would count as empty and be left out
            return True

        def tobytes(self, offset: int = 8) -> bytes:  # noqa: ARG002
            return block

    return Exact()


def comments(metadata: Metadata) -> list[bytes]:
    """The comments, for formats whose comments have no keyword."""
    return [text.encode("utf-8", "surrogateescape") for _, text in metadata.text]


def delays(picture: Picture, unit_ms: int) -> list[int]:
    """How long each frame is shown, in whole units; what rounding takes from one frame the following ones get back."""
    result, passed, shown = list[int](), 0.0, 0
    for frame in picture.frames:
        passed += (frame.duration_ms or 0.0) / unit_ms
        result.append(max(round(passed) - shown, 0))
        shown += result[-1]
    return result
