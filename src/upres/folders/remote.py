"""Many pictures on the machines of a cluster, which share the folders; told of as in a run on one machine.

A machine reads, makes and writes a picture, as a hidden file beside its output. The driver gives the file its place,
after a line in the journal: so each output is written once, whatever becomes of machines, and the journals have one
writer.
"""

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from upres.errors import Hint, ModelError, OutputExistsError, UpresError
from upres.folders.batch import FolderRun, Shown
from upres.folders.find import is_folder
from upres.folders.jobs import Job
from upres.folders.outputs import Outputs, remove_parts, settings_of
from upres.folders.reports import FileOptions, FileReport
from upres.folders.work import Work
from upres.machine.atomic import take_place
from upres.machine.cores import available_cores
from upres.machine.digest import digest
from upres.machine.executors.crew import MOST_TRIES, Lost, crew_of
from upres.pipeline.render import Progress
from upres.upscaler import Upscaler

MakeUpscaler = Callable[..., Upscaler]
"""Called without arguments here, and with ``threads`` on machines that may not use all of their cores."""


@dataclass(frozen=True, kw_only=True)
class _Task:
    index: int
    job: Job


@dataclass(frozen=True, kw_only=True)
class _Made:
    """What a machine made of a picture."""

    report: FileReport
    output: Path | None
    source_sha256: str | None
    output_sha256: str = ""
    hidden: Path | None = None
    """Is to take the output's place; ``None`` where nothing is."""


class RemoteRun(FolderRun):
    """Runs jobs on the machines of a cluster, one picture at a time on each, and goes on past those that fail.

    Outputs have the bytes of those of a `FolderRun`. They take their places as they come; reports come in the jobs'
    order. A picture whose machine is lost is made by another one.

    Args:
        jobs: What to do, all of it with files. A picture that upres made from another one of these is left out.
        make: Makes the upscaler, here and on the machines; it is sent there.
        options: How outputs are written.
        address: Of the cluster's head, ``host:port``; ``None`` starts a cluster on this machine.

    Raises:
        ValueError: If a job has no source or no output.
    """

    def __init__(
        self, jobs: Sequence[Job], make: MakeUpscaler, options: FileOptions, *, address: str | None = None
    ) -> None:
        upscaler = make()
        super().__init__(jobs, upscaler, options)
        self._make, self._address = _Maker(make, options, settings_of(upscaler, options)), address
        self._sources = {os.path.realpath(job.source) for job in self.jobs if job.source is not None}

    def run(self, progress: Progress | None = None) -> Generator[FileReport, None, None]:
        """Do the jobs; yields what became of each, in their order. Failures are reports too.

        Args:
            progress: Called with the number of jobs done.

        Raises:
            MissingExtraError: If Ray is not installed.
            ClusterError: If there is no cluster, a machine is not as this one, or all of them are lost.
        """
        try:
            yield from self._reports(Shown(progress))
        finally:  # lost machines leave parts, and so do those whose run ends early
            remove_parts(self.jobs)

    def _reports(self, shown: Shown) -> Iterator[FileReport]:
        reports, held = dict[int, FileReport](), dict[int, _Made]()
        done = 0
        with crew_of(self._address, self._make, reads=self._folders_read(), writes=self._folders_written()) as crew:
            for task, made in crew.results(self._tasks(reports)):
                if isinstance(made, Lost):
                    reason = f"{task.job.source}: {MOST_TRIES} workers were lost over it"
                    reports[task.index] = _failed(task.job, reason, Hint.LESS_MEMORY)
                elif task.job.pattern is not None:
                    held[task.index] = made  # of two outputs of one name the first one counts
                else:
                    reports[task.index] = self._settled(task.job, made)
                shown.reached(done + len(reports) + len(held))
                for report in self._in_order(done, reports, held):
                    done += 1
                    yield report
        shown.reached(len(self.jobs))
        yield from self._in_order(done, reports, held)

    def _in_order(self, done: int, reports: dict[int, FileReport], held: dict[int, _Made]) -> Iterator[FileReport]:
        """The reports from the one of that index on, as far as they are known."""
        while True:
            if done in held:
                reports[done] = self._settled(self.jobs[done], held.pop(done))
            if done not in reports:
                return
            yield reports.pop(done)
            done += 1

    def _tasks(self, reports: dict[int, FileReport]) -> Iterator[_Task]:
        """What is to be sent; jobs whose outputs are not to be had are reported instead."""
        for index, job in enumerate(self.jobs):
            try:
                if job.pattern is None:
                    self._claim(job, job.output)
            except UpresError as error:
                reports[index] = _failed(job, str(error), error.hint)
            else:
                yield _Task(index=index, job=job)

    def _claim(self, job: Job, output: Path | None) -> None:
        assert output is not None
        self._outputs.claim(job.source, output)
        if self._options.overwrite and os.path.realpath(output) in self._sources:
            raise OutputExistsError(
                f"{output} is a picture of this run, which another machine may be reading; choose another output"
            )

    def _settled(self, job: Job, made: _Made) -> FileReport:
        """Give an output its place; what became of it."""
        try:
            if job.pattern is not None and made.output is not None:
                self._claim(job, made.output)
            return made.report if made.hidden is None else self._placed(job, made, made.hidden)
        except UpresError as error:
            return _failed(job, str(error), error.hint, seconds=made.report.seconds)
        except OSError as error:
            reason = f"{made.output}: cannot be written: {error.strerror or error}"
            return _failed(job, reason, seconds=made.report.seconds)
        finally:
            if made.hidden is not None:
                made.hidden.unlink(missing_ok=True)

    def _placed(self, job: Job, made: _Made, hidden: Path) -> FileReport:
        assert job.source is not None
        assert made.output is not None
        if self._outputs.up_to_date(job.source, made.source_sha256, made.output) is not None:
            report = made.report
            return FileReport(
                input=report.input,
                output=report.output,
                model=report.model,
                seconds=report.seconds,
                warnings=report.warnings,
                skipped=True,
            )
        noted = list[str]()
        if made.source_sha256 is not None:
            noted = self._outputs.note(
                job.source,
                made.source_sha256,
                made.output,
                content=hidden,
                output_sha256=made.output_sha256,
                model=made.report.model or "",
            )
        take_place(hidden, made.output)
        return replace(made.report, warnings=tuple(dict.fromkeys([*made.report.warnings, *noted])))

    def _folders_read(self) -> Iterable[Path]:
        """What the machines must have, relative paths and those from the root on."""
        paths = [path for job in self.jobs for path in (job.source, job.output) if path is not None]
        relative = [] if all(path.is_absolute() for path in paths) else [Path.cwd()]
        folders = {job.source.parent.absolute() for job in self.jobs if job.source is not None}
        return [*relative, *sorted(folder for folder in folders if is_folder(folder))]

    def _folders_written(self) -> Iterable[Path]:
        """Of each folder of outputs what is there of it now."""
        folders = {job.output.parent.absolute() for job in self.jobs if job.output is not None}
        return sorted({next(each for each in (folder, *folder.parents) if each.is_dir()) for folder in folders})


@dataclass(frozen=True)
class _Maker:
    """Gets a machine ready to make pictures."""

    make: MakeUpscaler
    options: FileOptions
    settings: Mapping[str, str]
    """All that decides an output's content, on the driver."""

    def __call__(self, cores: int) -> "_Painter":
        upscaler = self.make()
        if upscaler.settings.threads is None and cores < available_cores():
            upscaler = self.make(threads=cores)
        for key, found in settings_of(upscaler, self.options).items():
            if found != (wanted := self.settings.get(key)):
                raise ModelError(f"{key} {found} there, {wanted} here; install the same on every machine")
        return _Painter(upscaler, self.options)


class _Painter:
    """Makes pictures, on a machine of the cluster."""

    def __init__(self, upscaler: Upscaler, options: FileOptions) -> None:
        self._upscaler, self._options = upscaler, options
        self._outputs = _Looked(lambda: settings_of(upscaler, options), overwrite=options.overwrite)
        self._peak = 0

    def __call__(self, task: _Task) -> _Made:
        work = _HiddenWork(task.job, self._upscaler, self._options, self._outputs, source=None, sink=None)
        work.begin()
        work.compute(None)
        work.finish(lambda: None)
        self._peak = work.note_memory(self._peak)
        return work.made


class _Looked(Outputs):
    """Outputs that are looked at: who may write them is the driver's to say."""

    def claim(self, source: Path | None, output: Path) -> None:
        """Nothing."""


class _HiddenWork(Work):
    """A work whose output stays a hidden file."""

    _hidden: Path | None = None
    _sha256 = ""

    @property
    def made(self) -> _Made:
        """What is left to the driver."""
        return _Made(
            report=self.report,
            output=self._output,
            source_sha256=self._source_sha256,
            output_sha256=self._sha256,
            hidden=None if "error" in self._found else self._hidden,
        )

    def _ready(self, hidden: Path, *_: object) -> Path | None:
        if self._source_sha256 is not None:
            self._date(hidden)
        self._hidden, self._sha256 = hidden, digest(hidden)
        return hidden


def _failed(job: Job, error: str, hint: Hint | None = None, *, seconds: float = 0.0) -> FileReport:
    return FileReport(input=str(job.source), output=None, error=error, hint=hint, seconds=seconds)
