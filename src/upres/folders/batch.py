"""Many pictures in one run: what is done already, what is to do, what went wrong."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from upres.errors import Hint, ImageReadError, ImageWriteError, OutputExistsError, UpresError
from upres.folders.jobs import STANDARD, Job
from upres.folders.journal import FILE_NAME, Entry, Journal, absolute
from upres.image.budget import COMMAND_MAX_PIXELS
from upres.image.formats import format_written, require_written
from upres.image.io import FORMATS, Picture, format_for, read, write
from upres.image.wishes import Colors
from upres.machine.digest import digest
from upres.machine.memory import peak_bytes
from upres.pipeline.plan import Plan
from upres.pipeline.render import Progress
from upres.upscaler import Upscaler


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """How inputs are read and outputs written; each as in `upres.image.io.read` and `write`."""

    format: str | None = None
    quality: int | None = None
    lossless: bool | None = None
    colors: Colors = "keep"
    background: tuple[int, int, int] | None = None
    """Behind transparent pixels in formats without alpha; ``None``: white, and a warning says so."""
    overwrite: bool = False
    max_pixels: int | None = COMMAND_MAX_PIXELS
    """Of an input, all its frames together."""


@dataclass(frozen=True, kw_only=True)
class FileReport:
    """What became of one picture."""

    input: str
    output: str | None
    model: str | None = None
    engine: str | None = None
    choice: str | None = None
    """``clean``, ``real``, ``strength 0.5`` or ``model``: which networks the picture got."""
    judged: Mapping[str, float | None] | None = None
    """What was found wrong with the picture; ``None`` where nobody looked."""
    reason: str = ""
    """Which of that decided, in words."""
    seconds: float = 0.0
    error: str | None = None
    hint: Hint | None = None
    """What to do about the error."""
    skipped: bool = False
    """True where the output was there already, made from the same source with the same options."""
    size: tuple[int, int] | None = None
    """Height and width of the output."""
    warnings: tuple[str, ...] = ()
    """What the output could not hold, or what else differs from what one might expect."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data: all but the hint; the size as ``width`` and ``height``."""
        data = asdict(self)
        del data["hint"]
        height, width = data.pop("size") or (None, None)
        return {**data, "seconds": round(self.seconds, 4), "width": width, "height": height}


class FolderRun:
    """Runs jobs one after the other and goes on past those that fail.

    Args:
        jobs: What to do. A picture that upres made from another one of these is left out.
        upscaler: Makes them larger.
        options: How outputs are written.
        source: Where a job without a source reads its picture.
        sink: Where a job without an output writes its picture.

    Raises:
        ValueError: If a job needs a source or a sink that is not there.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        upscaler: Upscaler,
        options: FileOptions,
        *,
        source: BinaryIO | None = None,
        sink: BinaryIO | None = None,
    ) -> None:
        if source is None and any(job.source is None for job in jobs):
            raise ValueError("a job without a source needs the run's")
        if sink is None and any(job.output is None for job in jobs):
            raise ValueError("a job without an output needs the run's sink")
        self._source, self._sink = source, sink
        self._journals: dict[Path, Journal] = {}
        self._upscaler = upscaler
        self._options = options
        self._taken: dict[Path, Path | None] = {}
        self._peak = 0
        sources = {absolute(job.source) for job in jobs if job.source is not None}
        self.jobs = [job for job in jobs if not self._made_from(job.source, sources)]

    def run(self, progress: Progress | None = None) -> Iterator[FileReport]:
        """Do the jobs; yields what became of each as soon as it is done. Failures are reports too.

        Args:
            progress: Called with the number of jobs done, fractions included.
        """
        for index, job in enumerate(self.jobs):
            start = time.perf_counter()
            share = None if progress is None else _offset(progress, index)
            try:
                report = self._do(job, share)
            except UpresError as error:
                report = {"error": str(error), "hint": error.hint}
            except OSError as error:
                report = {"error": str(error)}
            except MemoryError:
                report = {"error": f"{_name(job.source)}: not enough memory", "hint": Hint.LESS_MEMORY}
            if progress is not None:
                progress(index + 1)
            yield FileReport(
                input=_name(job.source),
                output=_name(job.output) if not report.get("error") else None,
                seconds=time.perf_counter() - start,
                **report,
            )

    def _do(self, job: Job, progress: Progress | None) -> dict[str, Any]:
        if job.output is not None:
            self._claim(job)
            if job.output.exists() and not self._options.overwrite:
                return {"skipped": True, "model": self._require_same(job).model}
        self._upscaler.prepare(job.source)
        limits = {"max_pixels": self._options.max_pixels, "max_memory": self._upscaler.max_memory}
        picture = read(self._read_source() if job.source is None else job.source, **limits)
        choice = self._upscaler.choose(picture)
        plan = self._upscaler.plan(picture.size, choice)
        name = self._format(job, picture)
        require_written(name, lossless=bool(self._options.lossless))
        _require_side(plan, name)
        made = self._upscaler.upscale_picture(picture, choice=choice, progress=progress)
        del picture  # the encoder needs the memory
        warnings = [*made.notes, *self._write(made, job.output, name), *self._over_limit()]
        warnings += self._upscaler.sessions.remarks(plan.steps, self._upscaler.settings)
        warnings += self._record(job, plan)
        return {
            "model": plan.model_name,
            "engine": self._upscaler.sessions.engines(plan.models, self._upscaler.settings),
            "choice": choice.name,
            "judged": None if choice.judged is None else choice.judged.to_dict(),
            "reason": choice.reason,
            "size": plan.size,
            "warnings": tuple(dict.fromkeys(warnings)),
        }

    def _read_source(self) -> bytes:
        assert self._source is not None
        return self._source.read()

    def _write(self, picture: Picture, output: Path | None, format: str) -> list[str]:  # noqa: A002
        options: dict[str, Any] = {
            "format": format,
            "quality": self._options.quality,
            "lossless": self._options.lossless,
            "colors": self._options.colors,
        }
        if self._options.background is not None:
            options["background"] = self._options.background
        if output is None:
            assert self._sink is not None
            report = write(picture, self._sink, **options)
            self._sink.flush()
        else:
            try:
                output.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ImageWriteError(f"{output.parent}: cannot make this folder ({error.strerror})") from error
            report = write(picture, output, **options)
        lost = [phrase for phrase in report.lost if self._options.background is None or "transparency" not in phrase]
        return [f"{report.format} cannot hold: {', '.join(lost)}"] * bool(lost) + list(report.warnings)

    def _over_limit(self) -> list[str]:
        """A warning where this picture took the process over the memory it should stay under."""
        limit, peak = self._upscaler.max_memory, peak_bytes()
        grown, self._peak = peak > self._peak, peak
        if limit is None or peak <= limit or not grown:
            return []
        return [f"took {peak / 2**20:.0f} MiB of memory, over the limit of {limit / 2**20:.0f} MiB"]

    def _format(self, job: Job, picture: Picture) -> str:
        """Format to write: as asked for, by the output's name, or that of the source."""
        if self._options.format is not None:
            return format_for(self._options.format)
        if job.output is not None:
            return format_for(job.output)
        return format_written(picture.source.format) if picture.source is not None else "png"

    def _claim(self, job: Job) -> None:
        """Keep the output from being the input, or that of two jobs."""
        assert job.output is not None
        output = absolute(job.output)
        if job.source is not None and output == absolute(job.source):
            raise OutputExistsError(f"{job.output} is the input itself; choose another output")
        if output in self._taken:
            raise OutputExistsError(f"{job.output} is the output of {_name(self._taken[output])} in this very run")
        self._taken[output] = job.source

    def _require_same(self, job: Job) -> Entry:
        """The entry of an output that is just what this job would make again; else an error that says why not."""
        assert job.output is not None
        entry = self._journal(job.output.parent).entry(job.output.name)
        if entry is None or job.source is None:
            problem = "exists"
        elif digest(job.output) != entry.output_sha256:
            problem = "was changed since upres made it"
        elif _digest_of_source(job.source) != entry.source_sha256:
            problem = f"was made from another picture, or from another version of {job.source}"
        elif dict(entry.options) != (options := self._all_options()):
            changes = (
                f"{key} {entry.options.get(key, 'default')}, now {options.get(key, 'default')}"
                for key in {**entry.options, **options}
                if entry.options.get(key) != options.get(key)
            )
            problem = f"was made with other options ({'; '.join(changes)})"
        else:
            return entry
        raise OutputExistsError(f"{job.output} {problem}", hint=Hint.OVERWRITE)

    def _record(self, job: Job, plan: Plan) -> list[str]:
        """Note a finished output; a warning where its folder's journal cannot be written."""
        if job.output is None or job.source is None:
            return []
        try:
            self._journal(job.output.parent).record(
                job.output,
                source=job.source,
                source_sha256=digest(job.source),
                model=plan.model_name,
                options=self._all_options(),
            )
        except OSError as error:
            path = job.output.parent / FILE_NAME
            return [f"{path}: cannot be written ({error.strerror}); a repeated run will not skip this picture"]
        return []

    def _made_from(self, source: Path | None, sources: set[Path]) -> bool:
        """Whether upres made this file from one of these."""
        if source is None:
            return False
        journal = self._journal(source.parent)
        entry = journal.made(source)
        return entry is not None and journal.source_of(entry) in sources - {absolute(source)}

    def _journal(self, folder: Path) -> Journal:
        if folder not in self._journals:
            self._journals[folder] = Journal(folder)
        return self._journals[folder]

    def _all_options(self) -> dict[str, str]:
        """All that decides the output's content besides the source, as text."""
        options = self._options
        quality = "default" if options.quality is None else str(options.quality)
        background = "default" if options.background is None else "#{:02x}{:02x}{:02x}".format(*options.background)
        name, weights = self._upscaler.model_identity()
        precision = self._upscaler.settings.precision
        return {
            "model": name,
            "weights": weights,
            "size": self._upscaler.request.label,
            "format": "as named" if options.format is None else format_for(options.format),
            "quality": quality,
            "background": background,
            **({} if precision == "auto" else {"precision": precision}),
            **({} if options.lossless is None else {"lossless": str(options.lossless)}),
            **({} if options.colors == "keep" else {"colors": options.colors}),
            **({} if self._upscaler.alpha == "bleed" else {"alpha": self._upscaler.alpha}),
        }


def _require_side(plan: Plan, format: str) -> None:  # noqa: A002
    """Refuse before the work what the format cannot hold after it."""
    limit = FORMATS[format].max_side
    if max(plan.size) > limit:
        raise ImageWriteError(
            f"the output would be {plan.size[1]}x{plan.size[0]}; {format} holds {limit} pixels a side",
            hint=Hint.OTHER_FORMAT,
        )


def _digest_of_source(source: Path) -> str:
    try:
        return digest(source)
    except OSError as error:
        raise ImageReadError(f"{source}: {error.strerror or error}") from error


def _name(path: Path | None) -> str:
    return STANDARD if path is None else str(path)


def _offset(progress: Progress, done: int) -> Progress:
    return lambda fraction: progress(done + fraction)
