"""Which pictures the named files and folders hold, and what was seen there and not taken."""

import fnmatch
import os
import stat
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from upres.errors import DataError
from upres.image.io import extensions

STANDARD = "-"
"""In place of a path: standard input or output."""


@dataclass
class PassedOver:
    """What a search saw in folders and did not take."""

    sought: str = "picture"
    """What the search is for, in a word."""
    problems: list[str] = field(default_factory=list)
    """A sentence for each thing that should have been looked at and could not."""
    links: Counter[Path] = field(default_factory=Counter)
    """Input -> links to folders below it, which are not followed."""
    unknown: dict[Path, Counter[str]] = field(default_factory=dict)
    """Input -> suffixes of files in folders below it that hold no picture, and how often there."""

    def notes(self) -> list[str]:
        """A sentence for each input of which something was left out."""
        return [self._note(folder) for folder in sorted({*self.links, *self.unknown})]

    def _note(self, folder: Path) -> str:
        parts, suffixes = [], self.unknown.get(folder, Counter())
        if count := suffixes.total():
            kinds = [suffix or "no suffix" for suffix, _ in suffixes.most_common()]
            named = ", ".join(kinds[:5]) + ", ..." * (len(kinds) > 5)
            parts.append(f"{count} file{'s' * (count > 1)} of other kinds ({named}) in folders without a {self.sought}")
        if count := self.links[folder]:
            parts.append(f"{count} link{'s' * (count > 1)} to folders")
        return f"{folder}: left out {' and '.join(parts)}"


def find_pictures(
    inputs: Iterable[str | Path],
    *,
    recursive: bool = True,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    suffixes: Collection[str] | None = None,
    passed_over: PassedOver | None = None,
) -> list[tuple[str | Path, Path]]:
    """Every picture that the inputs name, with its place below the folder it was found in.

    A folder's hidden files are passed over, and those of no known suffix unless ``include`` names them. Of what is no
    file, links to folders are not followed; pipes, sockets and devices are left out.

    Args:
        inputs: Files, folders and ``-``; what does not exist is kept for the run to report.
        recursive: Look into folders of folders.
        include: Globs; of a folder's files only those are taken of which one matches name or place.
        exclude: Globs; files or folders that one matches are left out.
        suffixes: Of the files that are taken of a folder; ``None``: those of pictures.
        passed_over: Is told what was seen and not taken.

    Returns:
        Pairs of path (or ``-``) and relative place, in the order of the inputs, folders sorted, no file twice.

    Raises:
        DataError: If an input is an empty text, which as a path would be the current folder.
    """
    found: dict[str | Path, tuple[str | Path, Path]] = {}
    seen = PassedOver() if passed_over is None else passed_over
    known = extensions() if suffixes is None else suffixes

    def take(path: str | Path, place: Path) -> None:
        found.setdefault(STANDARD if path == STANDARD else Path(path).absolute(), (path, place))

    for item in inputs:
        path = Path(item)
        if str(item) == STANDARD:
            take(STANDARD, Path("stdin"))
        elif item == "":
            raise DataError("expected the names of files and folders, got an empty one; the current folder is '.'")
        elif is_folder(path):
            for inside in _Search(path, recursive, include, exclude, known, seen).pictures():
                take(inside, inside.relative_to(path))
        else:
            take(path, Path(path.name))
    return list(found.values())


def is_folder(path: str | Path) -> bool:
    """Whether it is a folder, or a link to one; False too for what may not be looked at, or has no possible name."""
    try:
        return Path(path).is_dir()
    except OSError:
        return False


class _Search:
    """One folder, looked through."""

    def __init__(
        self,
        folder: Path,
        recursive: bool,
        include: Sequence[str],
        exclude: Sequence[str],
        suffixes: Collection[str],
        seen: PassedOver,
    ) -> None:
        self._folder, self._recursive, self._include, self._exclude = folder, recursive, include, exclude
        self._suffixes, self._seen = suffixes, seen

    def pictures(self) -> Iterator[Path]:
        """The pictures, in order; none of a whole disk, which nobody means and which is written beside."""
        whole = self._folder.resolve()
        if whole == Path(whole.anchor):
            self._seen.problems.append(f"{self._folder}: left out, it is a whole disk; name the folders that are meant")
            return
        for current, folders, files in os.walk(self._folder, onerror=self._cannot_list):
            here = Path(current)
            folders[:] = sorted(name for name in folders if self._enters(here / name))
            shown = [here / name for name in sorted(files) if not name.startswith(".")]
            offered = [path for path in shown if not self._matches(path, self._exclude)]
            pictures = [path for path in offered if self._wanted(path)]
            yield from (path for path in pictures if self._is_file(path))
            if offered and not pictures and not self._include:
                self._seen.unknown.setdefault(self._folder, Counter()).update(path.suffix.lower() for path in offered)

    def _enters(self, folder: Path) -> bool:
        if not self._recursive or folder.name.startswith(".") or self._matches(folder, self._exclude):
            return False
        try:
            linked = folder.is_symlink()
        except OSError:  # listing it says why
            return True
        if linked:
            self._seen.links[self._folder] += 1
        return not linked

    def _wanted(self, path: Path) -> bool:
        return self._matches(path, self._include) if self._include else path.suffix.lower() in self._suffixes

    def _is_file(self, path: Path) -> bool:
        """Whether it can be read like one; what cannot even be looked at is left for the run to report."""
        try:
            mode = path.stat().st_mode
        except OSError:
            return True
        if not stat.S_ISREG(mode):
            self._seen.problems.append(f"{path}: left out, it is {_kind(mode)} and no file")
        return stat.S_ISREG(mode)

    def _cannot_list(self, error: OSError) -> None:
        name = str(error.filename)
        shown = name if len(name) <= 200 else f"{name[:100]} ... {name[-80:]}"
        self._seen.problems.append(f"{shown}: this folder cannot be listed ({error.strerror})")

    def _matches(self, path: Path, globs: Sequence[str]) -> bool:
        place = path.relative_to(self._folder).as_posix()
        return any(fnmatch.fnmatch(path.name, glob) or fnmatch.fnmatch(place, glob) for glob in globs)


def _kind(mode: int) -> str:
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
    return kinds.get(stat.S_IFMT(mode), "something else")
