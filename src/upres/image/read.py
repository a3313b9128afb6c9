"""Files and bytes to pictures: what a file is by its content, and one clear line where it is no good."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from upres.errors import ImageError, ImageReadError, ImageTooLargeError, UpresError
from upres.image.budget import DEFAULT_MAX_PIXELS, Budget
from upres.image.codecs.codec import codec_of
from upres.image.colorimetry import with_named_colors
from upres.image.foreign import camera_raw
from upres.image.formats import FORMATS, describe, format_for_reading, sniff
from upres.image.picture import Picture, Pixels

PictureSource = str | Path | bytes | bytearray | memoryview | BinaryIO

_HEAD = 64


def read(source: PictureSource, *, max_pixels: int | None = DEFAULT_MAX_PIXELS) -> Picture:
    """The picture in a file, in bytes, or in an open binary stream (read to its end).

    The content decides the format, whatever the name says. Pixels come upright: an EXIF orientation is applied and set
    to 1. Palettes become RGB, 1-bit pictures grey, CMYK and Lab sRGB (by the embedded profile); RGB and grey keep their
    profile and their values. Animations give all frames, composed; TIFF documents give all pages.

    Args:
        source: Path, content, or stream.
        max_pixels: Limit for all frames together; ``None`` for no limit.

    Raises:
        ImageReadError: If the file is missing, empty, truncated, damaged or not a picture of a known format.
        ImageTooLargeError: If it is over ``max_pixels``; nothing is decoded then.
        MissingExtraError: If it is HEIC and the ``heif`` extra is not installed.

    Example:
        >>> picture = read("IMG_1.jpg")  # doctest: +SKIP
        >>> picture.pixels.shape, picture.metadata.dpi  # doctest: +SKIP
        ((3024, 4032, 3), (72.0, 72.0))
    """
    return _read(source, max_pixels=max_pixels, only_first=False)


def read_pixels(path: PictureSource, *, max_pixels: int | None = DEFAULT_MAX_PIXELS) -> Pixels:
    """Colour of a file's first frame, upright and without alpha, for training and evaluation.

    Returns:
        ``(H, W)`` grey or ``(H, W, 3)`` RGB; ``uint8``, or ``uint16`` where the file holds more than 8 bits.

    Raises:
        ImageError: As `read`.
    """
    return _read(path, max_pixels=max_pixels, only_first=True).pixels


def _read(source: PictureSource, *, max_pixels: int | None, only_first: bool) -> Picture:
    name = str(source) if isinstance(source, str | Path) else _stream_name(source)
    try:
        with _opened(source) as stream:
            return _decode(stream, name, Budget(max_pixels), only_first=only_first)
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


@contextmanager
def _opened(source: PictureSource) -> Iterator[BinaryIO]:
    if isinstance(source, str | Path):
        with Path(source).open("rb") as stream:
            yield stream
    elif isinstance(source, bytes | bytearray | memoryview):
        yield io.BytesIO(source)
    else:
        yield io.BytesIO(source.read())


def _decode(stream: BinaryIO, name: str, budget: Budget, *, only_first: bool) -> Picture:
    head = stream.read(_HEAD)
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
        picture = codec_of(FORMATS[kind]).decode(stream, budget, only_first=only_first)
        picture = picture if only_first else with_named_colors(picture, stream, kind)
    except (UpresError, MemoryError):
        raise
    except Exception as error:  # decoders meet hostile bytes in ways that no list of exceptions covers
        reason = str(error).strip().splitlines()
        detail = f" ({reason[0][:120]})" if reason else ""
        raise ImageReadError(f"damaged or truncated {kind.upper()} file{detail}") from error
    expected = format_for_reading(name)
    if expected is not None and expected != kind:
        suffix = FORMATS[kind].suffixes[0]
        note = f"the file is named like {expected.upper()} but holds {kind.upper()} ({suffix})"
        picture = picture.noting(note)
    return picture
