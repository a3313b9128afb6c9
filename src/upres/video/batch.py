"""Films and folders of films, one after the other: what is there already is skipped, as with pictures."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any

from upres.errors import UpresError
from upres.folders.find import PassedOver, find_pictures
from upres.folders.jobs import Job, goes_into_folder
from upres.folders.outputs import Outputs, digest_of_source
from upres.image.naming import NAME_BYTES
from upres.machine.text import cut_bytes
from upres.upscaler import Upscaler
from upres.video.containers import CONTAINERS
from upres.video.plan import VideoPlan, Wishes
from upres.video.report import InterruptedRun, Progress, VideoReport
from upres.video.run import VideoRun, chosen_networks
from upres.video.segments import discard

SUFFIXES = frozenset(
    {suffix for container in CONTAINERS for suffix in container.suffixes}
    | {".avi", ".ts", ".m2ts", ".mts", ".mpg", ".mpeg", ".vob", ".flv", ".wmv", ".asf", ".3gp", ".ogv", ".dv", ".y4m"}
) - {".mka"}
"""Of files that are taken of folders; a GIF in a folder is a picture."""


@dataclass(frozen=True, kw_only=True)
class _Task:
    source: Path
    output: Path | None
    """``None``: named by the plan, in ``folder``."""
    folder: Path
    place: Path


def _is_program_text(path: Path) -> bool:
    """Whether a file of a folder is TypeScript, not a transport stream, whose packets each begin with a G."""
    if path.suffix.lower() != ".ts":
        return False
    with suppress(OSError), path.open("rb") as stream:
        beginning = stream.read(5)
        return b"G" not in (beginning[:1], beginning[4:])
    return False


class VideoBatch:
    """Makes films larger and goes on past those that fail.

    Args:
        inputs: Films and folders.
        wishes: What was asked for.
        networks: Arguments of `Upscaler` that choose networks and how they are run.
        output: A file, a folder or ``None``: beside each source.
        suffix: Of the results, which chooses the container; ``None``: as fits each source.
        recursive: Look into folders of folders.
        include: As for `find_pictures`.
        exclude: As for `find_pictures`.
        overwrite: Replace what is there.
    """

    def __init__(
        self,
        inputs: Iterable[str],
        wishes: Wishes,
        networks: Mapping[str, Any],
        *,
        output: str | None = None,
        suffix: str | None = None,
        recursive: bool = True,
        include: list[str] | None = None,
        exclude: list[str] | None = None,
        overwrite: bool = False,
    ) -> None:
        self._wishes, self._networks, self._overwrite, self._suffix = wishes, dict(networks), overwrite, suffix
        seen = PassedOver(sought="film")
        named = list(inputs)
        found = find_pictures(
            named,
            recursive=recursive,
            include=include or [],
            exclude=exclude or [],
            suffixes=SUFFIXES,
            passed_over=seen,
        )
        explicit = set(map(Path, named))
        found = [each for each in found if Path(each[0]) in explicit or not _is_program_text(Path(each[0]))]
        into = goes_into_folder(output, named, found)
        tasks = [self._task(Path(source), place, output, into=into) for source, place in found]
        self._outputs = Outputs(self._settings, overwrite=overwrite)
        jobs = [Job(source=task.source, output=task.output or task.folder / task.source.name) for task in tasks]
        kept, left_out = self._outputs.without_own(jobs)
        self._outputs.prepare(kept)
        sources = {job.source for job in kept}
        self.tasks = [task for task in tasks if task.source in sources]
        self.notes = [*seen.notes(), *left_out, *self._outputs.problems()]
        """A sentence for each thing that was left out or passed over."""
        self.problems = seen.problems

    def run(
        self,
        progress: Callable[[Path, Progress], None] | None = None,
        stop: Event | None = None,
        planned: Callable[[Path, VideoPlan], None] | None = None,
    ) -> Iterator[VideoReport]:
        """Do them; yields what became of each, failures too.

        Args:
            progress: Told after each frame.
            stop: Set by who wants the run to end.
            planned: Told how a film will be made, before its first frame.

        Raises:
            InterruptedRun: If it was stopped.
        """
        for task in self.tasks:
            try:
                yield self._one(task, progress, stop, planned)
            except InterruptedRun:
                raise
            except UpresError as error:
                named = str(error) if task.source.name in str(error) else f"{task.source}: {error}"
                yield VideoReport(input=str(task.source), output=None, error=named, hint=error.hint)
            if stop is not None and stop.is_set():
                raise InterruptedRun("stopped between two films; the same command goes on from there")

    def _one(
        self,
        task: _Task,
        progress: Callable[[Path, Progress], None] | None,
        stop: Event | None,
        planned: Callable[[Path, VideoPlan], None] | None,
    ) -> VideoReport:
        named = task.output or (Path(f"x{self._suffix}") if self._suffix else None)
        run = VideoRun(task.source, self._wishes, self._networks, output=named)
        output = task.output or self._named(task, run)
        digest = digest_of_source(task.source)
        self._outputs.claim(task.source, output)
        entry = self._outputs.up_to_date(task.source, digest, output)
        if entry is not None:
            discard(output)
            return VideoReport(input=str(task.source), output=str(output), model=entry.model, skipped=True)
        output.parent.mkdir(parents=True, exist_ok=True)
        if planned is not None:
            planned(task.source, run.plan)
        notes = list[str]()

        def note(hidden: Path) -> None:
            if digest is not None:
                model = run.enlarger.network
                notes.extend(self._outputs.note(task.source, digest, output, content=hidden, model=model))

        told = None if progress is None else lambda now: progress(task.source, now)
        report = run.make(output, overwrite=self._overwrite, progress=told, stop=stop, ready=note)
        return replace(report, warnings=(*report.warnings, *notes), found=(*report.found, *notes))

    def _task(self, source: Path, place: Path, output: str | None, *, into: bool) -> _Task:
        if output is None:
            return _Task(source=source, output=None, folder=source.parent, place=Path(source.name))
        if into:
            return _Task(source=source, output=None, folder=(Path(output) / place).parent, place=place)
        return _Task(source=source, output=Path(output), folder=Path(output).parent, place=place)

    def _named(self, task: _Task, run: VideoRun) -> Path:
        ending = f"_{self._wishes.request.label}{self._suffix or run.suffix}"
        return task.folder / (cut_bytes(task.source.stem, NAME_BYTES - len(ending) - len("..upres")) + ending)

    def _settings(self) -> Mapping[str, str]:
        """All that decides an output's content besides the source, as text."""
        wishes, request = self._wishes, self._wishes.request
        upscaler = Upscaler(
            request.scale,
            width=request.width,
            height=request.height,
            fit=request.fit,
            **chosen_networks(self._networks),
        )
        model, weights = upscaler.model_identity()
        told = {
            "codec": wishes.codec,
            "crf": wishes.crf,
            "preset": wishes.preset,
            "lossless": wishes.lossless or None,
            "deinterlace": wishes.deinterlace or None,
            "steady": wishes.steady or None,
            "siting": wishes.siting,
            "color": wishes.color,
            "start": wishes.start or None,
            "end": wishes.end,
        }
        chosen = {name: str(value) for name, value in told.items() if value is not None}
        return {"model": model, "weights": weights, "size": request.label, **chosen}
