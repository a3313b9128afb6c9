"""What a result's file is called."""

import hashlib
import os
import string
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from upres.errors import ImageWriteError, near_miss
from upres.image.formats import FORMATS, extensions, format_for, format_for_reading, sniff
from upres.image.sources import HEAD
from upres.machine.text import cut_bytes

if TYPE_CHECKING:
    from upres.image.samples import Size

NAME_BYTES = 255
"""How long a file's name may be on the usual file systems."""
FIELDS = ("stem", "suffix", "scale", "model", "width", "height")
"""What a pattern of names may hold: of the source its name without and its suffix (or that of the format) with the dot;
the number of times by which it grows, the networks, and the result's size in pixels."""


def output_beside(
    source: Path,
    label: str,
    format: str | None = None,  # noqa: A002
    *,
    content: Path | None = None,
) -> Path:
    """Where a result goes by default: ``photo_x2.jpg`` for ``photo.jpg``, with another suffix for another format.

    A name whose suffix is none that is written, as ``photo.mpo`` or ``photo``, gets that of the file's content. Of a
    name that is too long the stem is cut and gets a mark, by which it stays another one than others cut alike.

    Args:
        source: The picture that the result is made from.
        label: What the name says of the result, such as ``x2``.
        format: Name or alias of the result's format; ``None``: the source's, or what is written instead of it.
        content: The file that holds the picture, where it is not ``source``.

    Raises:
        ImageWriteError: If there is no such format.
    """
    ending = f"_{label}{_suffix(source, format, content or source)}"
    return source.with_name(_stem_fitting(source.stem, _bytes(ending)) + ending)


@dataclass(frozen=True)
class NamePattern:
    """A pattern that names results, such as ``{stem}_{scale}x{suffix}``; see `FIELDS`.

    Raises:
        ImageWriteError: If it is no such pattern.

    Example:
        >>> NamePattern("{stem}_big{suffix}").name(Path("a.jpg"), format="png")
        'a_big.png'
    """

    text: str

    def __post_init__(self) -> None:
        try:
            parts = list(string.Formatter().parse(self.text))
        except ValueError as error:
            raise ImageWriteError(f"the name pattern '{self.text}' cannot be read: {error}") from error
        for literal, name, specification, conversion in parts:
            if "/" in literal or "\\" in literal or "\0" in literal:
                raise ImageWriteError(f"the name pattern '{self.text}' names a folder; it is for names of files alone")
            if name is not None and (name not in FIELDS or specification or conversion):
                field = name + (f"!{conversion}" if conversion else "") + (f":{specification}" if specification else "")
                known = ", ".join(f"{{{each}}}" for each in FIELDS)
                raise ImageWriteError(f"no field '{{{field}}}' for names; there are {known}.{near_miss(name, FIELDS)}")
        literal, name, *_ = parts[-1] if parts else ("", None)
        if name != "suffix" and (name is not None or Path("x" + literal).suffix.lower() not in extensions()):
            raise ImageWriteError(f"the name pattern '{self.text}' must end in {{suffix}}, or in a suffix such as .png")

    @property
    def fields(self) -> frozenset[str]:
        """The fields that it holds."""
        return frozenset(name for _, name, _, _ in string.Formatter().parse(self.text) if name is not None)

    def name(
        self,
        source: Path,
        *,
        format: str | None = None,  # noqa: A002
        scale: float = 1,
        model: str = "",
        size: "Size" = (0, 0),
        content: Path | None = None,
    ) -> str:
        """The name for the result of a source; of one that is too long the source's stem is cut as by `output_beside`.

        Args:
            source: The picture that the result is made from.
            format: Name or alias of the result's format; ``None``: the source's.
            scale: Result's over source's size.
            model: Names of the networks.
            size: Height and width of the result.
            content: The file that holds the picture, where it is not ``source``.
        """
        suffix = _suffix(source, format, content or source)
        height, width = size
        values = {"suffix": suffix, "scale": f"{scale:.4g}", "model": model, "width": width, "height": height}
        rest = self._filled(stem="", **values)
        return self._filled(stem=_stem_fitting(source.stem, _bytes(rest)), **values)

    def _filled(self, **values: object) -> str:
        plain = {name: str(value).replace("/", "_").replace(os.sep, "_") for name, value in values.items()}
        return self.text.format(**plain)


def _suffix(source: Path, format: str | None, content: Path) -> str:  # noqa: A002
    suffix = source.suffix
    if format is None:
        named = format_for_reading(source.name)
        if named is None or suffix.lower() not in FORMATS[named].suffixes:
            named = _format_of(content)
        format = None if named is None else FORMATS[named].instead or named  # noqa: A001
    if format is not None and suffix.lower() not in FORMATS[format_for(format)].suffixes:
        suffix = FORMATS[format_for(format)].suffixes[0]
    return suffix


def _format_of(path: Path) -> str | None:
    """The format of a file by its content; ``None`` where it is no picture, or no file that can be looked into."""
    try:
        if not path.is_file():  # a pipe would wait, and what is read of it would be gone
            return None
        with path.open("rb") as stream:
            return sniff(stream.read(HEAD))
    except OSError:
        return None


def _stem_fitting(stem: str, others: int) -> str:
    """The stem, or of one too long a part with a mark of the whole, so that it fits beside so many other bytes."""
    if _bytes(stem) + others <= NAME_BYTES:
        return stem
    mark = f"~{hashlib.sha256(os.fsencode(stem)).hexdigest()[:8]}"
    return cut_bytes(stem, max(0, NAME_BYTES - others - len(mark))) + mark


def _bytes(text: str) -> int:
    return len(os.fsencode(text))
