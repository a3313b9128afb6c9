"""WebP by Pillow, with or without loss."""

from typing import BinaryIO

from upres.errors import ImageReadError
from upres.image.budget import Budget
from upres.image.codecs import decode_pillow
from upres.image.codecs.codec import Encoding
from upres.image.codecs.encode_pillow import common_options, delays, image_of, save
from upres.image.fit import Ledger
from upres.image.formats import Format
from upres.image.picture import Picture


def decode(stream: BinaryIO, budget: Budget, *, only_first: bool) -> Picture:
    """The picture in a WebP file."""
    _check(stream, budget)
    lossless = b"VP8L" in stream.read(4096)
    stream.seek(0)
    return decode_pillow.decode(stream, "webp", budget, only_first=only_first, lossless=lossless)


def _check(stream: BinaryIO, budget: Budget) -> None:
    """Refuse what libwebp, which opens the canvas and shows what there is of it, does not."""
    head = stream.read(30)
    length = stream.seek(0, 2)
    stream.seek(0)
    if length < int.from_bytes(head[4:8], "little") + 8:
        raise ImageReadError("truncated WEBP file")
    if head[12:16] == b"VP8X":
        budget.check(int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1)


def encode(picture: Picture, form: Format, encoding: Encoding, ledger: Ledger, stream: BinaryIO) -> None:  # noqa: ARG001
    """Write a picture that fits the format."""
    options = common_options(picture.metadata) | {"xmp": picture.metadata.xmp}
    if encoding.lossless:
        # Lossless WebP takes quality as effort; exact keeps the colour under transparent pixels.
        options |= {"lossless": True, "quality": 75, "exact": True}
    else:
        options["quality"] = encoding.quality or 95
    if len(picture.frames) > 1:
        # libwebp blends small changes between frames away unless it is told to keep every frame as it is.
        options |= {"duration": delays(picture, 1), "loop": picture.loop, "minimize_size": False}
    save([image_of(frame) for frame in picture.frames], stream, "webp", options)
