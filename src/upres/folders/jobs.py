"""Which pictures a run works on, and where each result goes."""

import fnmatch
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from upres.image.io import extensions
from upres.image.naming import output_beside
from upres.pipeline.sizes import SizeRequest

STANDARD = "-"
"""In place of a path: standard input or output."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One picture to make larger."""

    source: Path | None
    """``None``: standard input."""
    output: Path | None
    """``None``: standard output."""


def find_pictures(
    inputs: Iterable[str | Path], *, recursive: bool = True, include: Sequence[str] = (), exclude: Sequence[str] = ()
) -> list[tuple[str | Path, Path]]:
    """Every picture that the inputs name, with its place below the folder it was found in.

    A folder's hidden files are passed over, and those of no known suffix unless ``include`` names them.

    Args:
        inputs: Files, folders and ``-``; what does not exist is kept for the run to report.
        recursive: Look into folders of folders.
        include: Globs; of a folder's files only those are taken of which one matches name or place.
        exclude: Globs; files or folders that one matches are left out.

    Returns:
        Pairs of path (or ``-``) and relative place, in the order of the inputs, folders sorted, no file twice.
    """
    found: dict[str | Path, Path] = {}
    for item in inputs:
        path = Path(item)
        if str(item) == STANDARD:
            found.setdefault(STANDARD, Path("stdin"))
        elif path.is_dir():
            for inside in _walk(path, recursive, include, exclude):
                found.setdefault(inside, inside.relative_to(path))
        else:
            found.setdefault(path, Path(path.name))
    return list(found.items())


def goes_into_folder(
    output: str | None, inputs: Iterable[str | Path], pictures: Sequence[tuple[str | Path, Path]]
) -> bool:
    """Whether ``output`` names a folder: one that exists, ends in a slash or is to take several pictures.

    Args:
        output: As for `plan_jobs`.
        inputs: As for `find_pictures`; the pictures of a folder go into a folder, however many there are.
        pictures: What `find_pictures` found.
    """
    if output in (None, STANDARD):
        return False
    several = len(pictures) > 1 or any(Path(item).is_dir() for item in inputs)
    return several or Path(output).is_dir() or output.endswith(("/", "\\"))


def plan_jobs(
    pictures: Iterable[tuple[str | Path, Path]],
    request: SizeRequest,
    *,
    output: str | None = None,
    into_folder: bool = False,
    format: str | None = None,  # noqa: A002
) -> list[Job]:
    """Where each picture's result goes.

    Args:
        pictures: What `find_pictures` found.
        request: Gives the outputs' names their ending.
        output: A file, a folder, ``-``, or ``None``: beside the source.
        into_folder: ``output`` is a folder; the pictures' places below it are kept.
        format: Format of the outputs; ``None``: that of the source.
    """
    jobs = []
    for source, place in pictures:
        path = None if source == STANDARD else Path(source)
        if output == STANDARD or (output is None and path is None):
            jobs.append(Job(source=path, output=None))
        elif output is None:
            assert path is not None
            jobs.append(Job(source=path, output=output_beside(path, request.label, format)))
        elif into_folder:
            jobs.append(
                Job(source=path, output=output_beside(Path(output) / place, request.label, format, content=path))
            )
        else:
            jobs.append(Job(source=path, output=Path(output)))
    return jobs


def _walk(folder: Path, recursive: bool, include: Sequence[str], exclude: Sequence[str]) -> Iterator[Path]:
    for current, folders, files in os.walk(folder):
        here = Path(current)
        folders[:] = sorted(
            name
            for name in folders
            if recursive and not name.startswith(".") and not _matches(here / name, folder, exclude)
        )
        for name in sorted(files):
            path = here / name
            wanted = _matches(path, folder, include) if include else path.suffix.lower() in extensions()
            if wanted and not name.startswith(".") and not _matches(path, folder, exclude):
                yield path


def _matches(path: Path, folder: Path, globs: Sequence[str]) -> bool:
    place = path.relative_to(folder).as_posix()
    return any(fnmatch.fnmatch(path.name, glob) or fnmatch.fnmatch(place, glob) for glob in globs)
