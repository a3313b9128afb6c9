"""BMP by Pillow."""

from typing import BinaryIO

from upres.image.budget import Budget
from upres.image.codecs import decode_pillow
from upres.image.codecs.codec import Encoding
from upres.image.codecs.encode_pillow import common_options, image_of, image_of_few, save
from upres.image.fit import Ledger
from upres.image.formats import Format
from upres.image.picture import Picture


def decode(stream: BinaryIO, budget: Budget, *, only_first: bool) -> Picture:
    """The picture in a BMP file."""
    return decode_pillow.decode(stream, "bmp", budget, only_first=only_first, lossless=True)


def encode(picture: Picture, form: Format, encoding: Encoding, ledger: Ledger, stream: BinaryIO) -> None:  # noqa: ARG001
    """Write a picture that fits the format."""
    image = image_of_few(picture, form, encoding) or image_of(picture.frames[0])
    save([image], stream, "bmp", common_options(picture.metadata))
