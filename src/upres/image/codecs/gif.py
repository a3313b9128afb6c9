"""GIF: where its file ends, and its 256 colours."""

from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from upres.errors import ImageReadError
from upres.image.fit import Ledger
from upres.image.picture import Frame

if TYPE_CHECKING:
    from PIL import Image

_COLORS = 256
_LOST_COLORS = "colours (GIF holds 256 a frame)"
_LOST_ALPHA = "soft transparency (GIF is opaque or not)"


def check_whole(stream: BinaryIO) -> bool:
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


def indexed(frame: Frame, ledger: Ledger) -> "Image.Image":
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
