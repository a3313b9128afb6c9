"""GIF by Pillow, with care for where its file ends, for its frames and for its 256 colours."""

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from upres.errors import ImageReadError
from upres.image.budget import Budget
from upres.image.codecs.codec import Encoding
from upres.image.codecs.decode_pillow import frame_of_image, opened, picture_of
from upres.image.codecs.encode_pillow import comment, common_options, delays, save
from upres.image.fit import Ledger
from upres.image.formats import Format
from upres.image.picture import Frame, Picture

if TYPE_CHECKING:
    from PIL import Image
    from PIL.ImageFile import ImageFile

_COLORS = 256
_LOST_COLORS = "colours (GIF holds 256 a frame)"
_LOST_ALPHA = "soft transparency (GIF is opaque or not)"


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


def encode(picture: Picture, form: Format, encoding: Encoding, ledger: Ledger, stream: BinaryIO) -> None:  # noqa: ARG001
    """Write a picture that fits the format."""
    options = common_options(picture.metadata) | {"comment": comment(picture.metadata), "optimize": False}
    if len(picture.frames) > 1:
        options |= {
            "duration": [10 * delay for delay in delays(picture, 10)],
            "loop": None if picture.loop == 1 else max(picture.loop - 1, 0),
            "disposal": 2 if picture.alpha is not None else 0,
        }
    save([_indexed(frame, ledger) for frame in picture.frames], stream, "gif", options)


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


def _indexed(frame: Frame, ledger: Ledger) -> "Image.Image":
    """An 8-bit frame as a palette image: its colours exactly where they are few enough, else the best and dithered."""
    from PIL import Image

    image: Image.Image = Image.fromarray(frame.pixels).convert("RGB")
    room = _COLORS if frame.alpha is None else _COLORS - 1
    exact = image.getcolors(room) is not None
    result = image.quantize(room, method=Image.Quantize.MEDIANCUT)
    if not exact:
        _enter(ledger, _LOST_COLORS)
        result = image.quantize(palette=result, dither=Image.Dither.FLOYDSTEINBERG)
    if frame.alpha is None:
        return result
    if bool(((frame.alpha > 0) & (frame.alpha < 255)).any()):
        _enter(ledger, _LOST_ALPHA)
    index = np.array(result)
    index[frame.alpha < 128] = _COLORS - 1
    palette = (result.getpalette() or [])[: 3 * room]
    shown = Image.fromarray(index, "P")
    shown.putpalette(palette + [0] * (3 * _COLORS - len(palette)))
    shown.info["transparency"] = _COLORS - 1
    return shown


def _enter(ledger: Ledger, loss: str) -> None:
    if loss not in ledger.lost:
        ledger.lost.append(loss)
