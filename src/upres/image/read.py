"""Files and bytes to pictures: what a file is by its content, and one clear line where it is no good."""

from pathlib import Path
from typing import BinaryIO

from upres.errors import ImageError, ImageReadError, ImageTooLargeError, UpresError
from upres.image.budget import DEFAULT_MAX_PIXELS, Budget
from upres.image.codecs.codec import codec_of
from upres.image.codecs.leftovers import with_leftovers
from upres.image.colorimetry import with_named_colors
from upres.image.foreign import camera_raw
from upres.image.formats import FORMATS, describe, misnamed, sniff
from upres.image.picture import Picture, Pixels
from upres.image.sources import HEAD, PictureSource, opened
from upres.machine.quiet import quiet_libraries

_REASON = 120


def read(
    source: PictureSource, *, max_pixels: int | None = DEFAULT_MAX_PIXELS, max_memory: int | None = None
) -> Picture:
    """The picture in a file, in a pipe, in bytes, or in an open binary stream (read to its end).

    The content decides the format, whatever the name says. Pixels come upright: an EXIF orientation is applied and set
    to 1. Palettes become RGB, 1-bit pictures grey, CMYK and Lab sRGB (by the embedded profile); RGB and grey keep their
    profile and their values. Animations give all frames, composed; TIFF documents give all pages. What C libraries
    would write to the terminal meanwhile is dropped.

    Args:
        source: Path, content, or stream.
        max_pixels: Limit for all frames together; ``None`` for no limit.
        max_memory: Bytes that decoding may take; ``None``: as many as are free.

    Raises:
        ImageReadError: If the file is missing, empty, truncated, damaged, too short for its size, not a picture of a
            known format, or no file.
        ImageTooLargeError: If it is over ``max_pixels`` or ``max_memory``; nothing is decoded then.
        MissingExtraError: If it is HEIC and the ``heif`` extra is not installed.

    Example:
        >>> picture = read("IMG_1.jpg")  # doctest: +SKIP
        >>> picture.pixels.shape, picture.metadata.dpi  # doctest: +SKIP
        ((3024, 4032, 3), (72.0, 72.0))
    """
    return _read(source, max_pixels=max_pixels, max_memory=max_memory, only_first=False)


def read_pixels(path: PictureSource, *, max_pixels: int | None = DEFAULT_MAX_PIXELS) -> Pixels:
    """Colour of a file's first frame, upright and without alpha, for training and evaluation.

    Returns:
        ``(H, W)`` grey or ``(H, W, 3)`` RGB; ``uint8``, or ``uint16`` where the file holds more than 8 bits.

    Raises:
        ImageError: As `read`.
    """
    return _read(path, max_pixels=max_pixels, max_memory=None, only_first=True).pixels


def _read(source: PictureSource, *, max_pixels: int | None, max_memory: int | None, only_first: bool) -> Picture:
    name = str(source) if isinstance(source, str | Path) else _stream_name(source)
    try:
        with opened(source) as stream:
            length = stream.seek(0, 2)
            stream.seek(0)
            budget = Budget(max_pixels, max_memory=max_memory, length=length)
            return _decode(stream, name, budget, only_first=only_first)
    except ImageError as error:
        raise type(error)(f"{name}: {error}") from error
    except UpresError:
        raise
    except MemoryError as error:
        raise ImageTooLargeError(f"{name}: there is not enough memory to decode it") from error
    except IsADirectoryError as error:
        raise ImageReadError(f"{name}: is a folder, not a file") from error
    except OSError as error:
        raise ImageReadError(f"{name}: {error.strerror or error}") from error


def _stream_name(source: object) -> str:
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else "input"


def _decode(stream: BinaryIO, name: str, budget: Budget, *, only_first: bool) -> Picture:
    head = stream.read(HEAD)
    stream.seek(0)
    if not head:
        raise ImageReadError("is empty")
    raw = camera_raw(head, name)
    if raw is not None:
        raise ImageReadError(f"not a picture that upres reads: it is {raw}")
    kind = sniff(head, name)
    if kind is None:
        raise ImageReadError(f"not a picture that upres reads: {describe(head, name)}")
    try:
        with quiet_libraries():
            picture = codec_of(FORMATS[kind]).decode(stream, budget, only_first=only_first)
        if not only_first:
            picture = with_leftovers(with_named_colors(picture, stream, kind), stream, kind)
    except (UpresError, MemoryError):
        raise
    except Exception as error:  # decoders meet hostile bytes in ways that no list of exceptions covers
        reason = str(error).strip().splitlines()
        detail = f" ({reason[0][:_REASON]})" if reason else ""
        raise ImageReadError(f"damaged or truncated {kind.upper()} file{detail}") from error
    note = misnamed(name, kind)
    return picture if note is None else picture.noting(note)
