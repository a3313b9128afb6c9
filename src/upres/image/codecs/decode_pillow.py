"""Pictures by way of Pillow: everything with 8 bits a sample."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from upres.errors import ImageReadError
from upres.image.budget import Budget, pillow_limit_lifted
from upres.image.codecs.gif import check_whole
from upres.image.metadata import Collected, collect_info
from upres.image.picture import Frame, Picture, Pixels, Source
from upres.image.profiles import Space, profile_name, srgb_profile, to_srgb

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

_PLUGINS = {
    "jpeg": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "png": ("PIL.PngImagePlugin", "PngImageFile"),
    "webp": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "avif": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "bmp": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "gif": ("PIL.GifImagePlugin", "GifImageFile"),
    "tiff": ("PIL.TiffImagePlugin", "TiffImageFile"),
}
_ENDLESS = 2**31
_MODES = {"1": "1-bit", "P": "palette", "PA": "palette", "L": "grey", "LA": "grey", "CMYK": "cmyk"}
SPACES: dict[str, Space] = {
    "1-bit": "grey",
    "palette": "rgb",
    "grey": "grey",
    "rgb": "rgb",
    "cmyk": "cmyk",
    "lab": "lab",
}
"""What the channels of a `Source.mode` are."""


@contextmanager
def opened(stream: BinaryIO, kind: str) -> "Iterator[ImageFile]":
    """Pillow's image of a file whose format is known: its plugin alone is imported, and Pillow's limit is lifted."""
    module, name = _PLUGINS[kind]
    plugin = getattr(import_module(module), name)
    with pillow_limit_lifted(), plugin(stream) as image:  # leaves a stream open that it was given
        yield image


def decode(stream: BinaryIO, kind: str, budget: Budget, *, only_first: bool) -> Picture:
    """The picture in a JPEG, PNG, WebP, AVIF, BMP or GIF file, in 8 bits."""
    if kind == "webp":
        _check_webp(stream, budget)
    has_end = kind != "gif" or check_whole(stream)
    with opened(stream, kind) as image:
        mode = _MODES.get(image.mode, "rgb")
        if mode == "cmyk":
            budget.spend(*image.size)
            return _from_cmyk(image, kind)
        frames = list(_frames(image, kind, budget, only_first=only_first))
        collected = _collect(image, SPACES[mode])
        loop = _loop(image, kind) if len(frames) > 1 else 0
        notes = (*collected.notes, *_left_behind(image, kind))
        notes = notes if has_end else (*notes, "the file lacks its end mark; frames may be missing")
    return Picture(
        frames=_equal_alpha([turned(frame, collected.orientation) for frame in frames]),
        metadata=collected.metadata,
        source=Source(format=kind, mode=mode, lossless=_is_lossless(stream, kind)),
        loop=loop,
        notes=notes,
    )


def _frames(image: "ImageFile", kind: str, budget: Budget, *, only_first: bool) -> Iterator[Frame]:
    """Every frame, composed, as it lies in the file."""
    # A GIF must be walked through to know how many it has.
    count = _ENDLESS if kind == "gif" else getattr(image, "n_frames", 1)
    if only_first or count == 1:
        budget.spend(*image.size)
        image.load()
        yield _frame(image, None)
        return
    if kind != "gif":
        budget.spend(*image.size, frames=count)
    for index in range(count):
        if kind == "gif" and index:
            # Pillow lets a frame that names no disposal inherit the one before it; it means "leave it".
            image.disposal_method = 0  # type: ignore[attr-defined]
        try:
            image.seek(index)
        except EOFError:
            if kind != "gif":
                raise
            return
        if kind == "gif":
            budget.spend(*image.size)
        image.load()
        yield _frame(image, float(image.info.get("duration", 0)))


def _frame(image: Any, duration_ms: float | None) -> Frame:
    pixels, alpha = split(image)
    return Frame(pixels=pixels, alpha=alpha, duration_ms=duration_ms)


def split(image: Any) -> tuple[Pixels, Pixels | None]:
    """Colour and alpha of a Pillow image of any 8-bit mode but CMYK and Lab, each an array of its own."""
    mode = image.mode
    grey = mode in ("1", "L", "LA", "La")
    if mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("LA" if grey else "RGBA")
        return _array(image.convert("L" if grey else "RGB")), _array(image.getchannel("A"))
    target = "L" if grey else "RGB"
    return _array(image if mode == target else image.convert(target)), None


def _array(image: Any) -> Pixels:
    # A copy, because arrays on top of Pillow's bytes are read-only and PyTorch warns of those.
    return np.array(image)


def turned(frame: Frame, orientation: int) -> Frame:
    """The frame as an EXIF orientation of 1 to 8 wants it shown."""
    if orientation == 1:
        return frame
    alpha = None if frame.alpha is None else _turn(frame.alpha, orientation)
    return replace(frame, pixels=_turn(frame.pixels, orientation), alpha=alpha)


def _turn(array: Pixels, orientation: int) -> Pixels:
    items = array
    if array.ndim == 3:  # moving whole pixels is faster than moving samples
        items = array.view(np.dtype((np.void, array.itemsize * array.shape[2])))[..., 0]
    if orientation >= 5:
        items = items.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        items = items[:, ::-1]
    if orientation in (3, 4, 7, 8):
        items = items[::-1]
    return np.ascontiguousarray(items).view(array.dtype).reshape(*items.shape, *array.shape[2:])


def _equal_alpha(frames: list[Frame]) -> tuple[Frame, ...]:
    """In an animation all frames have alpha or none has, and none has where all of it is opaque."""
    if len(frames) == 1:
        return tuple(frames)
    if all(frame.alpha is None or bool((frame.alpha == 255).all()) for frame in frames):
        return tuple(replace(frame, alpha=None) for frame in frames)
    return tuple(
        frame if frame.alpha is not None else replace(frame, alpha=np.full(frame.pixels.shape[:2], 255, np.uint8))
        for frame in frames
    )


def _from_cmyk(image: "ImageFile", kind: str) -> Picture:
    ink = np.array(image)
    if kind == "jpeg" and "adobe" not in image.info:
        # Pillow inverts all CMYK JPEGs, as Adobe wrote them; those without Adobe's marker hold inks as they are.
        ink = 255 - ink
    collected = _collect(image, "cmyk")
    pixels, note, icc = cmyk_to_rgb(ink, collected.metadata.icc)
    return Picture(
        frames=(turned(Frame(pixels=pixels), collected.orientation),),
        metadata=replace(collected.metadata, icc=icc),
        source=Source(format=kind, mode="cmyk", lossless=False),
        notes=(*collected.notes, note, *_left_behind(image, kind)),
    )


def cmyk_to_rgb(ink: Pixels, icc: bytes | None) -> tuple[Pixels, str, bytes]:
    """Inks as sRGB, the sentence that says so, and the profile the result has."""
    pixels, used = to_srgb(ink, "cmyk", icc)
    how = f"by its profile '{profile_name(icc)}'" if used and icc else "as plain complements: it has no usable profile"
    return pixels, f"CMYK was converted to sRGB {how}", srgb_profile()


def _collect(image: "ImageFile", space: Space) -> Collected:
    applied: list[tuple[str, bytes]] = getattr(image, "applist", [])
    parts = [data for marker, data in applied if marker == "APP13" and data.startswith(b"Photoshop 3.0\0")]
    return collect_info(image.info, space=space, iptc=b"".join(part[14:] for part in parts) or None)


def _left_behind(image: "ImageFile", kind: str) -> Iterator[str]:
    if kind == "jpeg" and "mp" in image.info:
        yield "further pictures in the file (preview, gain map or depth) were left out"


def _loop(image: "ImageFile", kind: str) -> int:
    """How often an animation plays; 0 is for ever."""
    if kind != "gif":
        return int(image.info.get("loop", 0))
    # A GIF counts repetitions after the first showing, and plays once where it does not say.
    repeats = image.info.get("loop")
    return 1 if repeats is None else 0 if repeats == 0 else int(repeats) + 1


def _is_lossless(stream: BinaryIO, kind: str) -> bool:
    if kind != "webp":
        return kind in ("png", "bmp", "gif", "tiff")
    stream.seek(0)
    return b"VP8L" in stream.read(4096)


def _check_webp(stream: BinaryIO, budget: Budget) -> None:
    """Refuse what libwebp, which opens the canvas and shows what there is of it, does not."""
    head = stream.read(30)
    length = stream.seek(0, 2)
    stream.seek(0)
    if length < int.from_bytes(head[4:8], "little") + 8:
        raise ImageReadError("truncated WEBP file")
    if head[12:16] == b"VP8X":
        budget.check(int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1)
