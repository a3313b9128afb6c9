"""What codecs by way of Pillow share in reading: everything with 8 bits a sample."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from upres.image.budget import Budget, pillow_limit_lifted
from upres.image.formats import FORMATS
from upres.image.metadata import Collected, collect_info
from upres.image.picture import Frame, Picture, Pixels, Source
from upres.image.profiles import Space, profile_name, srgb_profile, to_srgb

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

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
    module, name = FORMATS[kind].plugin.split(":")
    plugin = getattr(import_module(module), name)
    with pillow_limit_lifted(), plugin(stream) as image:  # leaves a stream open that it was given
        yield image


def decode(stream: BinaryIO, kind: str, budget: Budget, *, only_first: bool, lossless: bool) -> Picture:
    """The picture in a file that Pillow understands as it is, in 8 bits."""
    with opened(stream, kind) as image:
        budget.spend(*image.size, frames=1 if only_first else getattr(image, "n_frames", 1))
        return picture_of(image, kind, frames_of(image, only_first=only_first), lossless=lossless)


def picture_of(
    image: "ImageFile",
    kind: str,
    frames: Iterator[Frame],
    *,
    lossless: bool,
    plays: "Callable[[ImageFile], int]" = lambda image: int(image.info.get("loop", 0)),
) -> Picture:
    """All that an open file holds.

    Args:
        image: Any mode but CMYK and Lab.
        kind: Name of the format.
        frames: Its frames as they lie in the file.
        lossless: Whether the file's compression kept everything.
        plays: How often an animation plays; 0 is for ever.
    """
    mode = _MODES.get(image.mode, "rgb")  # before a frame is loaded, which may change it
    every = list(frames)
    collected = collect_image(image, SPACES[mode])
    return Picture(
        frames=_equal_alpha([turned(frame, collected.orientation) for frame in every]),
        metadata=collected.metadata,
        source=Source(format=kind, mode=mode, lossless=lossless),
        loop=plays(image) if len(every) > 1 else 0,
        notes=collected.notes,
    )


def frames_of(image: "ImageFile", *, only_first: bool) -> Iterator[Frame]:
    """Every frame, composed, as it lies in the file."""
    count = 1 if only_first else getattr(image, "n_frames", 1)
    if count == 1:
        image.load()
        yield frame_of_image(image, None)
        return
    for index in range(count):
        image.seek(index)
        image.load()
        yield frame_of_image(image, float(image.info.get("duration", 0)))


def frame_of_image(image: Any, duration_ms: float | None) -> Frame:
    """The frame that an image of Pillow's shows now."""
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


def cmyk_to_rgb(ink: Pixels, icc: bytes | None) -> tuple[Pixels, str, bytes]:
    """Inks as sRGB, the sentence that says so, and the profile the result has."""
    pixels, used = to_srgb(ink, "cmyk", icc)
    how = f"by its profile '{profile_name(icc)}'" if used and icc else "as plain complements: it has no usable profile"
    return pixels, f"CMYK was converted to sRGB {how}", srgb_profile()


def collect_image(image: "ImageFile", space: Space) -> Collected:
    """The metadata of an open file whose frames are loaded."""
    applied: list[tuple[str, bytes]] = getattr(image, "applist", [])
    parts = [data for marker, data in applied if marker == "APP13" and data.startswith(b"Photoshop 3.0\0")]
    return collect_info(image.info, space=space, iptc=b"".join(part[14:] for part in parts) or None)
