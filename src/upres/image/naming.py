"""What a result's file is called."""

from pathlib import Path

from upres.image.formats import FORMATS, format_for, format_for_reading, sniff

_HEAD = 64


def output_beside(
    source: Path,
    label: str,
    format: str | None = None,  # noqa: A002
    *,
    content: Path | None = None,
) -> Path:
    """Where a result goes by default: ``photo_x2.jpg`` for ``photo.jpg``, with another suffix for another format.

    A name whose suffix is none that is written, as ``photo.mpo`` or ``photo``, gets that of the file's content.

    Args:
        source: The picture that the result is made from.
        label: What the name says of the result, such as ``x2``.
        format: Name or alias of the result's format; ``None``: the source's, or what is written instead of it.
        content: The file that holds the picture, where it is not ``source``.

    Raises:
        ImageWriteError: If there is no such format.
    """
    suffix = source.suffix
    if format is None:
        named = format_for_reading(source.name)
        if named is None or suffix.lower() not in FORMATS[named].suffixes:
            named = _format_of(content or source)
        format = None if named is None else FORMATS[named].instead or named  # noqa: A001
    if format is not None and suffix.lower() not in FORMATS[format_for(format)].suffixes:
        suffix = FORMATS[format_for(format)].suffixes[0]
    return source.with_name(f"{source.stem}_{label}{suffix}")


def _format_of(path: Path) -> str | None:
    """The format of a file by its content; ``None`` where it is no picture, or no file that can be looked into."""
    try:
        if not path.is_file():  # a pipe would wait, and what is read of it would be gone
            return None
        with path.open("rb") as stream:
            return sniff(stream.read(_HEAD))
    except OSError:
        return None
