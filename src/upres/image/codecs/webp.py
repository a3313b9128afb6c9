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
    return decode_pillow.decode(stream, "webp", budget, only_first=only_first, lossless=_is_lossless(stream))


def _is_lossless(stream: BinaryIO) -> bool:
    """Whether the chunk that holds the first picture is one without loss; profiles of any length stand before it."""
    stream.seek(12)
    name = b""
    while name not in (b"VP8 ", b"VP8L") and len(head := stream.read(8)) == 8:
        name, size = head[:4], int.from_bytes(head[4:], "little")
        stream.seek(16 if name == b"ANMF" else 0 if name in (b"VP8 ", b"VP8L") else size + size % 2, 1)
    stream.seek(0)
    return name == b"VP8L"


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
