"""Many pictures in one run, one beside the other where that saves time, told of in their order."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from threading import Event
from typing import TYPE_CHECKING, BinaryIO

from upres.errors import UpresError
from upres.folders.jobs import Job
from upres.folders.outputs import Outputs, settings_of
from upres.folders.reports import FileOptions, FileReport
from upres.folders.work import Work
from upres.machine.cores import available_cores
from upres.pipeline.render import Progress
from upres.upscaler import Upscaler

if TYPE_CHECKING:
    from concurrent.futures import Future

AHEAD_FILES = 2
"""Pictures read while another one is made larger."""
AHEAD_FILE_BYTES = 2**20
"""Files larger than that are not read ahead: their pictures may be so large that two must not be in memory."""
BEHIND_BYTES = 64 * 2**20
"""What the pictures that are being written, and the one that is made larger, may take before and after. A larger one
has the process for itself."""


class FolderRun:
    """Runs jobs and goes on past those that fail.

    Small pictures overlap: the next ones are read and those before are written while one is made larger. Outputs, their
    notes and reports come in the jobs' order, and are those of one picture after the other. With a limit of memory one
    picture is in memory at a time.

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
        self._upscaler, self._options = upscaler, options
        self._outputs = Outputs(lambda: settings_of(upscaler, options), overwrite=options.overwrite)
        self.jobs, left_out = self._outputs.without_own(jobs)
        self._outputs.prepare(self.jobs)
        self.notes = [*left_out, *self._outputs.problems()]
        """A sentence for each thing that was left out or passed over."""

    def run(self, progress: Progress | None = None) -> Generator[FileReport, None, None]:
        """Do the jobs; yields what became of each, in their order, as soon as it is done. Failures are reports too.

        Args:
            progress: Called with the number of jobs done, fractions included.
        """
        peak, shown = 0, Shown(progress)
        for index, work in enumerate(self._works(shown)):
            if not self._overlaps:
                peak = work.note_memory(peak)
            shown.reached(index + 1)
            yield work.report

    @property
    def _overlaps(self) -> bool:
        return len(self.jobs) > 1 and self._upscaler.max_memory is None and self._threads > 1

    @property
    def _threads(self) -> int:
        return self._upscaler.settings.threads or available_cores()

    def _works(self, shown: "Shown") -> Iterator[Work]:
        works = [
            Work(job, self._upscaler, self._options, self._outputs, source=self._source, sink=self._sink)
            for job in self.jobs
        ]
        if self._overlaps:
            yield from _Overlap(works, writers=min(self._threads, 8)).done(shown)
            return
        for index, work in enumerate(works):
            work.begin()
            work.compute(shown.of(index))
            work.finish(lambda: None)
            yield work


class _GivenUpError(UpresError):
    """The run ends early: what is not yet in its place stays away."""


class _Overlap:
    """Works side by side: one thread reads ahead, several write behind, the caller's runs the networks between."""

    def __init__(self, works: Sequence[Work], *, writers: int) -> None:
        from concurrent.futures import ThreadPoolExecutor  # a single picture does without

        self._waiting = deque(works)
        self._current: list[Work] = []
        self._begun: deque[tuple[Work, Future[None]]] = deque()
        self._behind: deque[tuple[Work, Future[None]]] = deque()
        self._reader, self._writers = ThreadPoolExecutor(1), ThreadPoolExecutor(writers)
        self._given_up = Event()
        self._last_done = Event()
        self._last_done.set()

    def done(self, shown: "Shown") -> Iterator[Work]:
        """The works in order, each as soon as it is done."""
        try:
            index = 0
            while self._waiting or self._begun:
                if not self._begun and self._depends(self._waiting[0]):
                    yield from self._drained(0)
                work = self._next()
                self._current = [work]
                yield from self._drained(BEHIND_BYTES - work.nbytes)
                self._read_ahead()
                work.compute(shown.of(index))
                self._write(work)
                self._current = []
                index += 1
                yield from self._finished()
            yield from self._drained(0)
        finally:
            self._given_up.set()
            for pool in (self._reader, self._writers):
                pool.shutdown(cancel_futures=True)

    def _next(self) -> Work:
        """The next work, begun."""
        if not self._begun:
            work = self._waiting.popleft()
            self._begun.append((work, self._reader.submit(work.begin)))
        work, future = self._begun.popleft()
        future.result()
        return work

    def _read_ahead(self) -> None:
        while self._waiting and len(self._begun) < AHEAD_FILES and self._may_be_early(self._waiting[0]):
            work = self._waiting.popleft()
            self._begun.append((work, self._reader.submit(work.begin)))

    def _may_be_early(self, work: Work) -> bool:
        source = work.job.source
        try:
            return source is not None and source.stat().st_size <= AHEAD_FILE_BYTES and not self._depends(work)
        except OSError:
            return False

    def _depends(self, work: Work) -> bool:
        """Whether its source is what a work that is not done yet may write."""
        if work.job.source is None:
            return False
        path = os.path.realpath(work.job.source)
        on_their_way = [each for each, _ in (*self._behind, *self._begun)]
        return any(each.may_replace(path) for each in (*on_their_way, *self._current))

    def _write(self, work: Work) -> None:
        before, done = self._last_done, Event()
        self._last_done = done
        self._behind.append((work, self._writers.submit(self._finish, work, before, done)))

    def _finish(self, work: Work, before: Event, done: Event) -> None:
        def turn() -> None:
            before.wait()
            if self._given_up.is_set():
                raise _GivenUpError

        try:
            work.finish(turn)
            before.wait()
        finally:
            done.set()

    def _finished(self) -> Iterator[Work]:
        """Works that are written, from the first on."""
        while self._behind and self._behind[0][1].done():
            yield self._written()

    def _drained(self, most_bytes: int) -> Iterator[Work]:
        """Works until those not written yet take no more than so many bytes; at 0 all of them."""
        while self._behind and (most_bytes <= 0 or sum(work.nbytes for work, _ in self._behind) > most_bytes):
            yield self._written()

    def _written(self) -> Work:
        work, future = self._behind.popleft()
        future.result()
        return work


class Shown:
    """Progress that never goes back, though several pictures are on their way."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress, self._most = progress, 0.0

    def reached(self, done: float) -> None:
        """So many jobs are done."""
        if self._progress is not None and done > self._most:
            self._most = done
            self._progress(done)

    def of(self, index: int) -> Callable[[float], None] | None:
        """What the job of that index tells its fraction."""
        return None if self._progress is None else lambda fraction: self.reached(index + fraction)
