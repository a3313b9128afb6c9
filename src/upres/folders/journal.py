"""What upres made in a folder, so that a repeated run does only what is new.

Every folder with outputs holds ``.upres.jsonl``, one JSON line an output, appended once the file is in place: outputs
stay free of our marks, whatever their format, folders can be moved and copied, and an interrupted run loses nothing.
A later line about the same file replaces an earlier one; lines that cannot be read are passed over.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from upres.machine.digest import digest

FILE_NAME = ".upres.jsonl"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """How one output came about."""

    output: str
    """File name, in the journal's folder."""
    output_sha256: str
    source: str
    """Path from the journal's folder, with forward slashes."""
    source_sha256: str
    model: str
    """Names of the networks that were used."""
    options: Mapping[str, str]
    """Everything that the output's content depends on besides the source: model, its weights, size, format ..."""


class Journal:
    """The outputs of one folder.

    Example:
        >>> Journal(Path("holiday")).entry("photo_x2.jpg") is None
        True
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._entries = _read(folder / FILE_NAME)

    def entry(self, name: str) -> Entry | None:
        """What is known about the output of that name."""
        return self._entries.get(name)

    def made(self, path: Path) -> Entry | None:
        """The entry of a file in this folder, if its content is still what upres wrote."""
        entry = self._entries.get(path.name)
        return entry if entry is not None and path.is_file() and digest(path) == entry.output_sha256 else None

    def source_of(self, entry: Entry) -> Path:
        """Absolute path of the picture that an output was made from."""
        return absolute(self.folder / entry.source)

    def record(self, output: Path, *, source: Path, source_sha256: str, model: str, options: Mapping[str, str]) -> None:
        """Note a finished output of this folder.

        Raises:
            OSError: If the folder cannot be written.
        """
        entry = Entry(
            output=output.name,
            output_sha256=digest(output),
            source=_relative(source, self.folder),
            source_sha256=source_sha256,
            model=model,
            options=options,
        )
        with (self.folder / FILE_NAME).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(entry), sort_keys=True) + "\n")
        self._entries[entry.output] = entry


def absolute(path: Path) -> Path:
    """The path from the root on, without ``..``; links are not followed."""
    return Path(os.path.normpath(path.absolute()))


def _read(path: Path) -> dict[str, Entry]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    entries = {}
    for line in lines:
        try:
            fields = json.loads(line)
            if "recipe" in fields:  # what journals called the options at first
                fields["options"] = fields.pop("recipe")
            entry = Entry(**fields)
        except (ValueError, TypeError, AttributeError):
            continue
        entries[entry.output] = entry
    return entries


def _relative(source: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(source.absolute(), folder.absolute())).as_posix()
    except ValueError:  # another drive, on Windows
        return source.absolute().as_posix()
