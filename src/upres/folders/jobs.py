"""Where the result of each picture goes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from upres.folders.find import STANDARD, is_folder
from upres.image.naming import NamePattern, output_beside
from upres.pipeline.sizes import SizeRequest


@dataclass(frozen=True, kw_only=True)
class Job:
    """One picture to make larger."""

    source: Path | None
    """``None``: standard input."""
    output: Path | None
    """``None``: standard output. With a ``pattern`` only its folder counts."""
    pattern: NamePattern | None = None
    """Names the output once the size of the picture is known."""


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
    several = len(pictures) > 1 or any(is_folder(item) for item in inputs)
    return several or is_folder(output) or output.endswith(("/", "\\"))


def plan_jobs(
    pictures: Iterable[tuple[str | Path, Path]],
    request: SizeRequest,
    *,
    label: str | None = None,
    output: str | None = None,
    into_folder: bool = False,
    format: str | None = None,  # noqa: A002
    pattern: NamePattern | None = None,
) -> list[Job]:
    """Where each picture's result goes.

    Args:
        pictures: What `find_pictures` found.
        request: Gives patterns of names their scale.
        label: The ending of the outputs' names; ``None``: that of the request.
        output: A file, a folder, ``-``, or ``None``: beside the source.
        into_folder: ``output`` is a folder; the pictures' places below it are kept.
        format: Format of the outputs; ``None``: that of the source.
        pattern: Names the outputs that go beside their sources or into a folder; ``None``: ``photo_x2.jpg``.
    """

    def beside(place: Path, source: Path | None) -> tuple[Path, NamePattern | None]:
        if pattern is None:
            return output_beside(place, label or request.label, format, content=source), None
        known = {"stem", "suffix", "scale"} if request.scale is not None else {"stem", "suffix"}
        if not pattern.fields <= known:
            return place, pattern
        name = pattern.name(place, format=format, scale=request.scale or 1, content=source)
        return place.with_name(name), None

    jobs = []
    for source, place in pictures:
        path = None if source == STANDARD else Path(source)
        if output == STANDARD or (output is None and path is None):
            jobs.append(Job(source=path, output=None))
        elif output is None:
            assert path is not None
            named, later = beside(path, path)
            jobs.append(Job(source=path, output=named, pattern=later))
        elif into_folder:
            named, later = beside(Path(output) / place, path)
            jobs.append(Job(source=path, output=named, pattern=later))
        else:
            jobs.append(Job(source=path, output=Path(output)))
    return jobs
