"""What a codec is, and where a format's is found."""

from dataclasses import dataclass
from importlib import import_module
from typing import BinaryIO, Protocol, cast

from upres.image.budget import Budget
from upres.image.fit import Ledger
from upres.image.formats import Format
from upres.image.picture import Picture
from upres.image.wishes import Colors


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """What the caller asked of an encoder."""

    quality: int | None = None
    """1 to 100, or ``None`` for the format's own default here."""
    lossless: bool = False
    """Without loss, in formats that are so on request."""
    colors: Colors = "keep"
    threads: int | None = None
    """Processor threads, of encoders that use more than one; ``None``: all."""


class Codec(Protocol):
    """A module of this room: the way into and out of one format."""

    def decode(self, stream: BinaryIO, budget: Budget, *, only_first: bool) -> Picture:
        """The picture in a file that begins as the format does.

        Args:
            stream: The whole file, at its beginning.
            budget: Told the size of each frame before it is decoded.
            only_first: Whether the first frame is enough.

        Raises:
            ImageReadError: If the file is truncated or damaged. Any other exception is taken for that, too.
        """

    def encode(self, picture: Picture, form: Format, encoding: Encoding, ledger: Ledger, stream: BinaryIO) -> None:
        """Write a picture that `upres.image.fit.fit` has made fit the format; missing where a format is only read.

        Args:
            picture: Without anything that ``form`` says the format cannot hold.
            form: The format's row.
            encoding: Quality, loss and threads.
            ledger: Told what cannot be kept all the same.
            stream: Empty and seekable.
        """


def codec_of(form: Format) -> Codec:
    """The codec that the format's row names, imported now where it was not yet."""
    return cast(Codec, import_module(form.codec))
