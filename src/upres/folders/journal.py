"""What upres made in a folder, so that a repeated run does only what is new.

Every folder with outputs holds ``.upres.jsonl``, one JSON line an output: outputs stay free of our marks, whatever
their format, folders can be moved and copied, and an interrupted run loses nothing. A line holds the digest of the
output and is written just before the whole file takes its place, so that a file that is there has its line, whenever
the process is killed; a line whose output never came says nothing about what is there instead.

A journal may come with a downloaded folder: lines that are not as upres writes them are passed over with a word, and a
link, a pipe or anything else that is no regular file is neither read nor written.
"""

import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO

from upres.machine.digest import digest

FILE_NAME = ".upres.jsonl"
_LONGEST_LINE = 2**16
_MOST_BYTES = 2**28
"""Of a longer journal the end counts: some half a million outputs."""


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
        self.path = folder / FILE_NAME
        self._state: object = None
        self._content = _Content()
        self.refresh()

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for each thing about the journal that cannot be used."""
        return tuple(f"{self.path}: {problem}" for problem in self._content.problems)

    def refresh(self) -> None:
        """Read the journal again if it is another one by now: another run may work on this folder."""
        state = _state(self.path)
        if state != self._state:
            self._state, self._content = state, _read(self.path)

    def entry(self, name: str) -> Entry | None:
        """What was noted last about the output of that name."""
        entries = self._content.entries.get(name)
        return None if entries is None else next(reversed(entries.values()))

    def made(self, path: Path) -> Entry | None:
        """The entry of a file in this folder, if its content is still what upres wrote.

        Raises:
            OSError: If the file cannot be read.
        """
        entries = self._content.entries.get(path.name)
        return entries.get(digest(path)) if entries and path.is_file() else None

    def source_of(self, entry: Entry) -> Path:
        """Absolute path of the picture that an output was made from."""
        return absolute(self.folder / entry.source)

    def record(
        self,
        output: Path,
        *,
        source: Path,
        source_sha256: str,
        model: str,
        options: Mapping[str, str],
        content: Path | None = None,
        output_sha256: str | None = None,
    ) -> None:
        """Note an output of this folder.

        Args:
            output: Where it is, or will be at once.
            source: The picture that it was made from.
            source_sha256: The digest of that.
            model: Names of the networks.
            options: All else that its content depends on.
            content: A file with the output's bytes, where the output is not there yet.
            output_sha256: The digest of these, where it is known.

        Raises:
            OSError: If the journal cannot be written.
        """
        entry = Entry(
            output=output.name,
            output_sha256=output_sha256 or digest(output if content is None else content),
            source=_relative(source, self.folder),
            source_sha256=source_sha256,
            model=model,
            options=options,
        )
        line = (json.dumps(asdict(entry), sort_keys=True) + "\n").encode()
        with _opened(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT) as file:
            # What was torn by a power cut must not take this line with it.
            file.write(line if _ends_a_line(file) else b"\n" + line)
        self._content.add(entry)


def absolute(path: Path) -> Path:
    """The path from the root on, without ``..``; links are not followed."""
    return Path(os.path.normpath(path.absolute()))


@dataclass
class _Content:
    """What a journal says."""

    entries: dict[str, dict[str, Entry]] = field(default_factory=dict)
    """By name and digest of the output, the last line last: one that is to be replaced counts until it is."""
    problems: list[str] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        """Take a line in."""
        of_name = self.entries.setdefault(entry.output, {})
        of_name.pop(entry.output_sha256, None)
        of_name[entry.output_sha256] = entry


def _read(path: Path) -> _Content:
    content, strange = _Content(), 0
    options: dict[tuple[tuple[str, str], ...], Mapping[str, str]] = {}  # one object for all lines with the same
    try:
        with _opened(path, os.O_RDONLY) as file:
            if (skipped := os.fstat(file.fileno()).st_size - _MOST_BYTES) > 0:
                file.seek(skipped)
                content.problems.append(f"only its last {_MOST_BYTES >> 20} MiB are read")
            for line in _lines(file):
                entry = _entry(line, options)
                if entry is None:
                    strange += 1
                else:
                    content.add(entry)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        content.problems.append(f"passed over ({error.strerror})")
    if strange:
        content.problems.append(f"{strange} line{'s' * (strange > 1)} passed over, not as upres writes them")
    return content


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines that are not blank; of one that is too long its beginning."""
    while line := file.readline(_LONGEST_LINE):
        rest = line
        while not rest.endswith(b"\n") and (rest := file.readline(_LONGEST_LINE)):
            pass
        if line.strip():
            yield line


def _entry(line: bytes, known: dict[tuple[tuple[str, str], ...], Mapping[str, str]]) -> Entry | None:
    """A line of a journal; ``None`` where it is not one: a user may have edited it, a disk may have lost a part."""
    try:
        fields = json.loads(line)
        if "recipe" in fields:  # what journals called the options at first
            fields["options"] = fields.pop("recipe")
        entry = Entry(**fields)
        texts = [value for name, value in fields.items() if name != "options"] + list(entry.options.values())
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    if not all(isinstance(text, str) for text in texts) or "\0" in entry.source:
        return None
    options = known.setdefault(tuple(entry.options.items()), entry.options)
    return Entry(**{**fields, "options": options})


def _state(path: Path) -> object:
    """What changes when somebody writes the file."""
    try:
        status = path.lstat()
    except OSError as error:
        return error.errno
    return status.st_ino, status.st_size, status.st_mtime_ns


def _opened(path: Path, flags: int) -> BinaryIO:
    """A regular file; a link is none, and opening a pipe must not wait for whoever is at its other end.

    Raises:
        OSError: With a ``strerror`` that says what is wrong.
    """
    try:
        _require_regular(path.lstat().st_mode)
    except FileNotFoundError:
        if not flags & os.O_CREAT:
            raise
    further = ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY", "O_CLOEXEC")
    descriptor = os.open(path, flags | sum(getattr(os, name, 0) for name in further), 0o666)
    try:
        _require_regular(os.fstat(descriptor).st_mode)
        return os.fdopen(descriptor, "r+b") if flags & os.O_RDWR else os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _require_regular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise OSError(22, "is a link" if stat.S_ISLNK(mode) else "is no regular file")


def _ends_a_line(file: BinaryIO) -> bool:
    if not file.seek(0, os.SEEK_END):
        return True
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def _relative(source: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(source.absolute(), folder.absolute())).as_posix()
    except ValueError:  # another drive, on Windows
        return source.absolute().as_posix()
