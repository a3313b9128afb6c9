"""What a result's file is called."""

from pathlib import Path

from upres.image.formats import FORMATS, format_for, format_for_reading


def output_beside(source: Path, label: str, format: str | None = None) -> Path:  # noqa: A002
    """Where a result goes by default: ``photo_x2.jpg`` for ``photo.jpg``, with another suffix for another format.

    Args:
        source: The picture that the result is made from.
        label: What the name says of the result, such as ``x2``.
        format: Name or alias of the result's format; ``None``: the source's, or what is written instead of it.

    Raises:
        ImageWriteError: If there is no such format.
    """
    suffix = source.suffix
    named = format_for_reading(source.name)
    if format is None and named is not None and FORMATS[named].instead is not None:
        format = FORMATS[named].instead  # noqa: A001
    if format is not None and suffix.lower() not in FORMATS[format_for(format)].suffixes:
        suffix = FORMATS[format_for(format)].suffixes[0]
    return source.with_name(f"{source.stem}_{label}{suffix}")
