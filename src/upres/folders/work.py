"""One picture of a run on its way: read, made larger, written. Each part may run beside that of another picture."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

from upres.errors import Hint, ImageTooLargeError, ImageWriteError, UpresError
from upres.folders.find import STANDARD
from upres.folders.jobs import Job
from upres.folders.memory import make_room, require_room
from upres.folders.outputs import Outputs, digest_of_source
from upres.folders.reports import FileOptions, FileReport
from upres.image.formats import format_written, require_written, sniff
from upres.image.io import FORMATS, Picture, format_for, read, write
from upres.image.picture import WriteReport
from upres.image.sources import HEAD, MAX_STREAM_BYTES
from upres.image.write import is_as_wished, write_as_it_is
from upres.machine.atomic import Ready
from upres.machine.memory import peak_bytes
from upres.pipeline.choose import Choice
from upres.pipeline.plan import Plan
from upres.pipeline.render import Progress
from upres.upscaler import Upscaler

Turn = Callable[[], None]
"""Waits until all works before this one are done; raises where the run was given up meanwhile."""
_CHUNK_BYTES = 2**20


class _MadeMeanwhileError(UpresError):
    """Another run made just this output while this one was at it."""


class Work:
    """One picture of a run. `begin`, `compute` and `finish` follow each other and never raise but for interrupts.

    Args:
        job: The picture and where the result goes.
        upscaler: Makes it larger.
        options: How outputs are written.
        outputs: Those of the run.
        source: Where a job without a source reads its picture.
        sink: Where a job without an output writes it.
    """

    def __init__(
        self,
        job: Job,
        upscaler: Upscaler,
        options: FileOptions,
        outputs: Outputs,
        *,
        source: BinaryIO | None,
        sink: BinaryIO | None,
    ) -> None:
        self.job = job
        self._upscaler, self._options, self._outputs = upscaler, options, outputs
        self._source, self._sink = source, sink
        self._output = job.output
        self._source_sha256: str | None = None
        self._picture: Picture | None = None
        self._choice: Choice | None = None
        self._plan: Plan | None = None
        self._content: Path | bytearray | None = None
        self._format = ""
        self._seconds = 0.0
        self._found: dict[str, Any] = {}
        self._warnings: list[str] = []
        self.nbytes = 0
        """What the picture takes as read and as made; 0 where nothing is to be done."""

    @property
    def report(self) -> FileReport:
        """What became of it."""
        failed = "error" in self._found
        return FileReport(
            input=_name(self.job.source),
            output=None if failed else _name(self._output),
            seconds=self._seconds,
            warnings=() if failed else tuple(dict.fromkeys(self._warnings)),
            **self._found,
        )

    def may_replace(self, path: str) -> bool:
        """Whether it may write to the file of that path, links followed."""
        if self.job.output is None or not self._options.overwrite:
            return False
        return self.job.pattern is not None or os.path.realpath(self.job.output) == path

    def begin(self) -> None:
        """See whether there is anything to do, and read the picture."""
        with self._caught():
            if self.job.source is not None and self._output is not None:
                self._source_sha256 = digest_of_source(self.job.source)
            if self.job.pattern is None and self._is_there():
                return
            self._upscaler.prepare(self.job.source)
            limits = {"max_pixels": self._options.max_pixels, "max_memory": self._upscaler.max_memory}
            content = self._read_source() if self.job.source is None else self.job.source
            picture = read(content, **limits)
            self._choice = self._upscaler.choose(picture)
            plan = self._upscaler.plan(picture.size, self._choice)
            if self.job.pattern is not None:
                self._output = self._named(picture, plan)
                if self._is_there():
                    return
            self._format = self._format_for(picture)
            require_written(self._format, lossless=bool(self._options.lossless))
            self._content = self._kept(picture, plan, content)
            if self._content is None:
                _require_side(plan, self._format)
                with self._named_in_errors():
                    require_room(picture, plan, self._format, self._upscaler.max_memory)
            growth = 1 + prod(plan.size) / prod(picture.size)
            self._picture, self._plan = picture, plan
            self.nbytes = round(sum(frame.pixels.nbytes for frame in picture.frames) * growth)

    def compute(self, progress: Progress | None) -> None:
        """Make it larger, if it could be read."""
        with self._caught():
            if self._picture is None or self._plan is None:
                return
            self._warnings += () if self._choice is None else self._choice.left
            if self._content is not None:
                return
            picture, self._picture = self._picture, None
            with self._named_in_errors():
                made = self._upscaler.upscale_picture(picture, choice=self._choice, progress=progress)
            del picture  # the encoder needs the memory
            self._warnings += made.notes
            sessions, settings = self._upscaler.sessions, self._upscaler.settings
            self._warnings += sessions.remarks(self._plan.models, settings)
            self._found["engine"] = sessions.engines(self._plan.models, settings)
            self._picture = made

    def finish(self, turn: Turn) -> None:
        """Write it, if it could be made."""
        with self._caught():
            if self._picture is None or self._plan is None:
                return
            made, self._picture = self._picture, None
            if self._content is None:
                make_room(made, self._format, self._upscaler)
            try:
                self._warnings += self._write(made, turn)
            except _MadeMeanwhileError:
                self._found = {"skipped": True, "model": self._upscaler.name_of(self._plan)}
                return
            self._found |= {"model": self._upscaler.name_of(self._plan), "size": self._plan.size}
            self._found["steps"] = self._plan.described()
            if self._choice is not None:
                judged = None if self._choice.judged is None else self._choice.judged.to_dict()
                self._found |= {"choice": self._choice.name, "judged": judged, "reason": self._choice.reason}

    def note_memory(self, before: int) -> int:
        """Warn where the process was taken over its limit since its peak was ``before``; its peak now, in bytes."""
        limit, peak = self._upscaler.max_memory, peak_bytes()
        if limit is not None and peak > max(limit, before) and "size" in self._found:
            self._warnings.append(f"took {peak / 2**20:.0f} MiB of memory, over the limit of {limit / 2**20:.0f} MiB")
        return peak

    @contextmanager
    def _caught(self) -> Iterator[None]:
        """Failures of one picture are its report, whatever they are."""
        start = time.perf_counter()
        try:
            yield
        except UpresError as error:
            self._fail(str(error), error.hint)
        except OSError as error:
            self._fail(str(error))
        except MemoryError:
            self._fail(f"{_name(self.job.source)}: not enough memory", Hint.LESS_MEMORY)
        except Exception as error:  # no file may take the others with it
            said = (str(error).strip().splitlines() or ["no message"])[0][:200]
            name, kind = _name(self.job.source), type(error).__name__
            self._fail(f"{name}: failed in a way that upres does not know ({kind}: {said}); please report it")
        finally:
            self._seconds += time.perf_counter() - start

    @contextmanager
    def _named_in_errors(self) -> Iterator[None]:
        """Say of a picture that is too large which one it is."""
        try:
            yield
        except ImageTooLargeError as error:
            raise ImageTooLargeError(f"{_name(self.job.source)}: {error}", hint=error.hint) from error

    def _fail(self, error: str, hint: Hint | None = None) -> None:
        self._picture = None
        self.nbytes = 0
        self._found = {"error": error, "hint": hint}

    def _is_there(self) -> bool:
        """Claim the output; whether the file there is just what would be made."""
        if self._output is None:
            return False
        self._outputs.claim(self.job.source, self._output)
        entry = self._outputs.up_to_date(self.job.source, self._source_sha256, self._output)
        if entry is not None:
            self._found = {"skipped": True, "model": entry.model}
        return entry is not None

    def _kept(self, picture: Picture, plan: Plan, content: Path | bytearray) -> Path | bytearray | None:
        """The picture's file, where nothing is to be done and the file is what is asked for: no encoding is better.

        A pipe cannot be read twice.
        """
        options = self._options
        wishes: dict[str, Any] = {"quality": options.quality, "lossless": options.lossless, "colors": options.colors}
        if not self._upscaler.leaves(plan) or not is_as_wished(picture, self._format, **wishes):
            return None
        return content if isinstance(content, bytearray) or content.is_file() else None

    def _named(self, picture: Picture, plan: Plan) -> Path:
        assert self.job.pattern is not None
        assert self.job.output is not None
        form = self._options.format
        scale = self._upscaler.request.scale or plan.size[1] / picture.size[1]
        model = "-".join(self._upscaler.name_of(plan).replace(",", "").split())
        name = self.job.pattern.name(self.job.output, format=form, scale=scale, model=model, size=plan.size)
        return self.job.output.with_name(name)

    def _read_source(self) -> bytearray:
        """Standard input; of what is no picture no more than shows that it is none."""
        assert self._source is not None
        content = bytearray(self._source.read(HEAD))
        if sniff(bytes(content)) is None:
            return content
        most = min(self._upscaler.max_memory or MAX_STREAM_BYTES, MAX_STREAM_BYTES)
        while chunk := self._source.read(_CHUNK_BYTES):
            content += chunk
            if len(content) > most:
                raise ImageTooLargeError(
                    f"{STANDARD}: more than {most >> 20} MiB come from standard input; save and name a file"
                )
        return content

    def _format_for(self, picture: Picture) -> str:
        """Format to write: as asked for, by the output's name, or that of the source."""
        if self._options.format is not None:
            return format_for(self._options.format)
        if self._output is not None:
            return format_for(self._output)
        return format_written(picture.source.format) if picture.source is not None else "png"

    def _write(self, picture: Picture, turn: Turn) -> list[str]:
        noted: list[str] = []
        if self._output is None:
            assert self._sink is not None
            report = self._put(picture, self._sink)
            self._sink.flush()
        else:
            try:
                self._output.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ImageWriteError(f"{self._output.parent}: cannot make this folder ({error.strerror})") from error
            report = self._put(picture, self._output, ready=lambda hidden: self._ready(hidden, turn, noted))
        if report is None:
            return noted
        lost = [phrase for phrase in report.lost if self._options.background is None or "transparency" not in phrase]
        return [f"{report.format} cannot hold: {', '.join(lost)}"] * bool(lost) + list(report.warnings) + noted

    def _put(self, picture: Picture, target: Path | BinaryIO, ready: Ready | None = None) -> WriteReport | None:
        """Write the picture; ``None`` where its file is written as it is."""
        if self._content is not None:
            write_as_it_is(self._content, target, ready=ready)
            return None
        wanted = self._options
        background = {} if wanted.background is None else {"background": wanted.background}
        return write(
            picture,
            target,
            format=self._format,
            quality=wanted.quality,
            lossless=wanted.lossless,
            colors=wanted.colors,
            threads=self._upscaler.settings.threads,
            ready=ready,
            **background,
        )

    def _ready(self, hidden: Path, turn: Turn, noted: list[str], /) -> Path | None:
        """What is to be done between the last byte of an output and its taking its place; another place, if any."""
        turn()
        source, output, plan = self.job.source, self._output, self._plan
        assert output is not None
        assert plan is not None
        if self._outputs.up_to_date(source, self._source_sha256, output) is not None:
            raise _MadeMeanwhileError
        if source is None or self._source_sha256 is None:
            return None
        self._date(hidden)
        noted += self._outputs.note(
            source, self._source_sha256, output, content=hidden, model=self._upscaler.name_of(plan)
        )
        return None

    def _date(self, hidden: Path) -> None:
        if self._options.keep_date and self.job.source is not None:
            os.utime(hidden, ns=(time.time_ns(), self.job.source.stat().st_mtime_ns))


def _require_side(plan: Plan, format: str) -> None:  # noqa: A002
    """Refuse before the work what the format cannot hold after it."""
    limit = FORMATS[format].max_side
    if max(plan.size) > limit:
        raise ImageWriteError(
            f"the output would be {plan.size[1]}x{plan.size[0]}; {format} holds {limit} pixels a side",
            hint=Hint.OTHER_FORMAT,
        )


def _name(path: Path | None) -> str:
    return STANDARD if path is None else str(path)
