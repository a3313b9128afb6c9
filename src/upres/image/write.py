"""Pictures to files."""

import io
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, get_args

from upres.errors import ImageWriteError, UpresError
from upres.image.codecs.codec import Encoding, codec_of
from upres.image.fit import Background, Ledger, fit
from upres.image.formats import FORMATS, Format, format_for, format_written, misnamed, require_written
from upres.image.picture import Picture, WriteReport
from upres.image.wishes import Colors
from upres.machine.atomic import Ready, atomic_file


def write(
    picture: Picture,
    target: str | Path | BinaryIO,
    *,
    format: str | None = None,  # noqa: A002
    quality: int | None = None,
    lossless: bool | None = None,
    background: Background | None = None,
    colors: Colors = "keep",
    threads: int | None = None,
    ready: Ready | None = None,
) -> WriteReport:
    """Write a picture to a file, whole or not at all, or to an open binary stream.

    Args:
        picture: ``uint16`` is written with 16 bits where the format has them.
        target: Path, replaced if it is there; or a stream, which stays open.
        format: Name of the format; by default what the path's suffix says, and for a stream the source's format.
        quality: 1 to 100. By default JPEG 95 (always 4:4:4), WebP 95, AVIF 85 (4:4:4), HEIF 90.
        lossless: For WebP, AVIF and JPEG XL: keep every sample; by default where the source was a lossless file of the
            same format.
        background: Red, green, blue (0 to 255) under transparent pixels in formats without alpha; white by default.
        colors: ``keep``: what comes from a file of 1 bit a pixel becomes one again (in PNG, TIFF, BMP and PPM), by a
            threshold at half of white; what had a palette gets one again in the same format (PNG, TIFF, BMP), where
            that does not show. ``full``: neither.
        threads: Processor threads of encoders that use more than one; ``None``: all. Their number changes no byte.
        ready: For paths: called with the whole file before it takes its place, as `upres.machine.atomic.atomic_file`
            says.

    Returns:
        What was written, and what the format could not hold.

    Raises:
        ImageWriteError: If the format cannot hold the picture or the file cannot be written; nothing is left then.
        MissingExtraError: If it is HEIC and the ``heif`` extra is not installed.
        ValueError: If ``background`` or ``colors`` is something else.

    Example:
        >>> report = write(read("scan.tif"), "scan.jpg", background=(0, 0, 0))  # doctest: +SKIP
        >>> report.lost  # doctest: +SKIP
        ('depth (JPEG is written in 8 bits)',)
    """
    if colors not in get_args(Colors):
        raise ValueError(f"colors must be one of {', '.join(get_args(Colors))}, got {colors!r}")
    if background is not None and not _is_color(background):
        raise ValueError(f"background: expected red, green and blue from 0 to 255, got {background!r}")
    form = FORMATS[_format_name(picture, target, format)]
    require_written(form.name, lossless=bool(lossless))
    ledger = Ledger()
    if isinstance(target, str | Path) and (note := misnamed(Path(target).name, form.name)) is not None:
        ledger.warnings.append(note)
    encoding = replace(_encoding(picture, form, ledger, quality, lossless), colors=colors, threads=threads)
    try:
        fitted = fit(picture, form, ledger, background=background)
        count = _write(lambda stream: _encode(fitted, form, encoding, ledger, stream), target, ready)
    except UpresError as error:
        if isinstance(target, str | Path) and isinstance(error, ImageWriteError):
            raise ImageWriteError(f"{target}: {error}") from error
        raise
    except OSError as error:
        if not isinstance(target, str | Path):  # a closed pipe is the command's to handle
            raise
        raise ImageWriteError(f"{target}: cannot be written: {error.strerror or error}") from error
    return WriteReport(
        format=form.name,
        bytes_written=count,
        lost=tuple(ledger.lost),
        warnings=tuple(dict.fromkeys((*picture.notes, *ledger.warnings))),
    )


def _is_color(given: object) -> bool:
    return isinstance(given, Sequence) and len(given) == 3 and all(each in range(256) for each in given)


def is_as_wished(
    picture: Picture,
    format: str,  # noqa: A002
    *,
    quality: int | None,
    lossless: bool | None,
    colors: Colors,
) -> bool:
    """Whether the file that a picture was read from is what `write` is asked for, and better than a new encoding."""
    same = picture.source is not None and picture.source.format == format
    return same and (quality, lossless, colors) == (None, None, "keep")


def write_as_it_is(
    content: Path | bytes | bytearray, target: str | Path | BinaryIO, *, ready: Ready | None = None
) -> None:
    """Write a picture's file once more, to the byte.

    Args:
        content: The file, or what it holds.
        target: As for `write`.
        ready: Likewise.

    Raises:
        ImageWriteError: If the file cannot be read or written; nothing is left then.
    """
    try:
        with content.open("rb") if isinstance(content, Path) else io.BytesIO(content) as source:
            if not isinstance(target, str | Path):
                shutil.copyfileobj(source, target)
                return
            with atomic_file(target, ready=ready) as stream:
                shutil.copyfileobj(source, stream)
    except OSError as error:
        if not isinstance(target, str | Path):
            raise
        raise ImageWriteError(f"{target}: cannot be written: {error.strerror or error}") from error


def _format_name(picture: Picture, target: str | Path | BinaryIO, wanted: str | None) -> str:
    if wanted is not None:
        return format_for(wanted)
    if isinstance(target, str | Path):
        return format_for(target)
    return format_written(picture.source.format) if picture.source else "png"


def _encoding(picture: Picture, form: Format, ledger: Ledger, quality: int | None, lossless: bool | None) -> Encoding:
    if quality is not None and not 1 <= quality <= 100:
        raise ImageWriteError(f"quality must be from 1 to 100, got {quality}")
    if lossless is None:
        source = picture.source
        same = source is not None and source.format == form.name and source.lossless
        lossless = quality is None and form.lossless == "on request" and same
    if quality is not None and (not form.has_quality or lossless):
        ledger.warnings.append(f"quality has no effect on lossless {form.name.upper()}")
    return Encoding(quality=quality, lossless=lossless)


def _encode(picture: Picture, form: Format, encoding: Encoding, ledger: Ledger, stream: BinaryIO) -> None:
    try:
        codec_of(form).encode(picture, form, encoding, ledger, stream)
    except (UpresError, MemoryError):
        raise
    except Exception as error:  # encoders refuse what a file's sender wrote in ways that no list of exceptions covers
        if isinstance(error, OSError) and error.errno is not None:  # the disk's, not the encoder's
            raise
        reason = str(error).strip().splitlines()
        detail = f" ({reason[0][:120]})" if reason else ""
        message = f"the {form.name.upper()} encoder refuses the picture{detail}; write another format"
        raise ImageWriteError(message) from error


def _write(encode: Callable[[BinaryIO], None], target: str | Path | BinaryIO, ready: Ready | None) -> int:
    if isinstance(target, str | Path):
        with atomic_file(target, ready=ready) as stream:
            encode(stream)
            return stream.seek(0, 2)
    buffer = io.BytesIO()  # pipes cannot seek and a failing encoder must not have sent half a file
    encode(buffer)
    target.write(buffer.getbuffer())
    return buffer.tell()
