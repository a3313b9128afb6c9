"""GIF: read by Pillow, with care for where its file ends and for its frames; written by `encode_gif`."""

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, BinaryIO

from upres.errors import ImageReadError
from upres.image.budget import Budget
from upres.image.codecs.decode_pillow import frame_of_image, opened, picture_of
from upres.image.codecs.encode_gif import encode
from upres.image.picture import Frame, Picture

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

__all__ = ["decode", "encode"]


def decode(stream: BinaryIO, budget: Budget, *, only_first: bool) -> Picture:
    """The picture in a GIF file."""
    has_end = _check_whole(stream)
    with opened(stream, "gif") as image:
        frames = _frames(image, budget, only_first=only_first)
        picture = picture_of(image, "gif", frames, lossless=True, plays=_plays)
    return picture if has_end else picture.noting("the file lacks its end mark; frames may be missing")


def _frames(image: "ImageFile", budget: Budget, *, only_first: bool) -> Iterator[Frame]:
    """Every frame, composed; a file must be walked through to know how many it has."""
    for index in count():
        if index:
            # Pillow lets a frame that names no disposal inherit the one before it; it means "leave it".
            image.disposal_method = 0  # type: ignore[attr-defined]
        try:
            image.seek(index)
        except EOFError:
            return
        budget.spend(*image.size)
        image.load()
        yield frame_of_image(image, None if only_first else float(image.info.get("duration", 0)))
        if only_first:
            return


def _plays(image: "ImageFile") -> int:
    """How often an animation plays: a GIF counts repetitions after the first showing, without a count there is none."""
    repeats = image.info.get("loop")
    return 1 if repeats is None else 0 if repeats == 0 else int(repeats) + 1


def _check_whole(stream: BinaryIO) -> bool:
    """Refuse a file that breaks off inside a block, where Pillow shows the frames before it.

    Returns:
        Whether the file has its end mark.

    Reference: GIF89a specification, appendix B.
    """
    stream.seek(0)
    screen = stream.read(13)
    if len(screen) == 13 and screen[10] & 0x80:
        stream.seek(3 << ((screen[10] & 7) + 1), 1)
    while (kind := stream.read(1)) in (b"!", b","):
        if kind == b"!":
            stream.seek(1, 1)
        else:
            flags = _take(stream, 9)[8]
            if flags & 0x80:
                stream.seek(3 << ((flags & 7) + 1), 1)
            stream.seek(1, 1)
        while size := _take(stream, 1)[0]:
            _take(stream, size)
    stream.seek(0)
    return kind == b";"


def _take(stream: BinaryIO, count: int) -> bytes:
    content = stream.read(count)
    if len(content) < count:
        raise ImageReadError("truncated GIF file")
    return content
