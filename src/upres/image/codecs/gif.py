"""GIF: read by Pillow, with care for where its file ends and for its frames; written by `encode_gif`."""

import io
from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, BinaryIO

from upres.image.budget import Budget
from upres.image.codecs.decode_pillow import frame_of_image, opened, picture_of
from upres.image.codecs.encode_gif import encode
from upres.image.codecs.gif_checks import whole_blocks
from upres.image.picture import Frame, Picture

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

__all__ = ["decode", "encode"]


def decode(stream: BinaryIO, budget: Budget, *, only_first: bool) -> Picture:
    """The picture in a GIF file."""
    data, has_end = whole_blocks(stream.read(), budget, only_first=only_first)
    with opened(io.BytesIO(data), "gif") as image:
        frames = _frames(image, only_first=only_first)
        picture = picture_of(image, "gif", frames, lossless=True, plays=_plays)
    return picture if has_end else picture.noting("the file lacks its end mark; frames may be missing")


def _frames(image: "ImageFile", *, only_first: bool) -> Iterator[Frame]:
    """Every frame, composed; a file must be walked through to know how many it has."""
    for index in count():
        if index:
            # Pillow lets a frame that names no disposal inherit the one before it; it means "leave it".
            image.disposal_method = 0  # type: ignore[attr-defined]
        try:
            image.seek(index)
        except EOFError:
            return
        image.load()
        yield frame_of_image(image, None if only_first else float(image.info.get("duration", 0)))
        if only_first:
            return


def _plays(image: "ImageFile") -> int:
    """How often an animation plays: a GIF counts repetitions after the first showing, without a count there is none."""
    repeats = image.info.get("loop")
    return 1 if repeats is None else 0 if repeats == 0 else int(repeats) + 1
