"""Jobs of a ledger handed to an executor, until all are done, or somebody wants them to stop."""

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from upres.machine.executors.executor import Executor, Running
from upres.machine.ledger import Claim, Job, Ledger

LOG_LINES = 20
"""Lines that the ledger keeps of what a failed try said."""
BEAT_S = 30.0
"""Seconds between heartbeats."""

_LOOK_S = 0.1
_WAIT_S = 3.0
"""Between looks at a ledger in which nothing was ready."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """How a job is done."""

    arguments: Sequence[str]
    """Program and arguments; exit status 0 says that the result is there."""
    log: Path
    result: Path
    """File of JSON that the program writes."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened to a job."""

    kind: Literal["begun", "done", "failed", "freed", "taken over"]
    job: str
    says: str = ""
    """Of a failure."""


Tell = Callable[[Event], object]


def drive(
    ledger: Ledger, executor: Executor, command: Callable[[Job], Command], *, tell: Tell, beat_s: float = BEAT_S
) -> bool:
    """Do a ledger's jobs, also those that become ready while other workers do theirs.

    The first Ctrl-C or SIGTERM stops handing out and asks the jobs to save and end, which then are free again; the
    second one kills them.

    Args:
        ledger: Whose jobs are done.
        executor: Where.
        command: Of a job.
        tell: Told what happens.
        beat_s: Seconds between heartbeats, far fewer than those after which the ledger holds a claim to be lost.

    Returns:
        Whether the end was reached: nothing runs anywhere or could; not where it was stopped.

    Raises:
        OutputError: If the ledger cannot be written; the jobs are killed, as after any error.
        LedgerError: If the ledger is damaged.
        OSError: If a command cannot be started or the ledger cannot be read.
    """
    driver = _Driver(ledger, executor, command, tell, beat_s)
    with _signals() as signals:
        try:
            while driver.step(stops=signals.count):
                time.sleep(_LOOK_S)
        finally:
            driver.kill()
    return not signals.count


@dataclass
class _Signals:
    count: int = 0


@contextmanager
def _signals() -> Iterator[_Signals]:
    """Counts SIGINT and SIGTERM instead of obeying; only in the main thread, which alone may say so."""
    signals = _Signals()
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return

    def note(*_: object) -> None:
        signals.count += 1

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass(kw_only=True)
class _Try:
    claim: Claim
    running: Running
    command: Command
    began: float


class _Driver:
    def __init__(
        self, ledger: Ledger, executor: Executor, command: Callable[[Job], Command], tell: Tell, beat_s: float
    ) -> None:
        self.ledger, self.executor, self.command, self.tell, self.beat_s = ledger, executor, command, tell, beat_s
        self.tries: list[_Try] = []
        self.beaten = self.looked = float("-inf")
        self.stopping = False

    def step(self, *, stops: int) -> bool:
        """See what has ended, begin what can begin; returns whether there is more to come."""
        if stops and not self.stopping:
            self.stopping = True
            for each in self.tries:
                each.running.stop()
        if stops > 1:
            self.kill()
        self._collect()
        self._beat()
        if self.stopping:
            return bool(self.tries)
        return self._hand_out() or bool(self.tries)

    def kill(self) -> None:
        """Kill what runs, and give the jobs back."""
        tries, self.tries = self.tries, []
        for each in tries:
            each.running.kill()
        for each in tries:  # which may not be possible any more
            self._free(each)

    def _collect(self) -> None:
        for each in list(self.tries):
            status = each.running.poll()
            if status is not None:
                self.tries.remove(each)
                self.looked = float("-inf")  # others may be ready now
                self._end(each, status)

    def _end(self, each: _Try, status: int) -> None:
        result = _read_result(each.command.result) if status == 0 else None
        if result is not None:
            self.ledger.finish(each.claim, result, seconds=round(time.monotonic() - each.began, 1))
            self.tell(Event(kind="done", job=each.claim.job.name))
        elif self.stopping:
            self._free(each)
        else:
            log = last_lines(each.command.log, LOG_LINES)
            error = _says(status, each.command.result)
            self.ledger.fail(each.claim, error, log=log)
            self.tell(Event(kind="failed", job=each.claim.job.name, says=": ".join([error, *log[-1:]])))

    def _beat(self) -> None:
        if time.monotonic() - self.beaten < self.beat_s:
            return
        self.beaten = time.monotonic()
        for each in list(self.tries):
            if not self.ledger.beat(each.claim):
                self.tries.remove(each)
                each.running.kill()
                self.tell(Event(kind="taken over", job=each.claim.job.name))

    def _hand_out(self) -> bool:
        """Begin as much as there is room for; returns whether something runs, here or elsewhere."""
        if time.monotonic() - self.looked < _WAIT_S:
            return True
        while len(self.tries) < self.executor.slots:
            claim = self.ledger.claim()
            if claim is None:
                self.looked = time.monotonic()
                return self.ledger.pending()
            self._begin(claim)
        return True

    def _begin(self, claim: Claim) -> None:
        try:
            command = self.command(claim.job)
            command.result.unlink(missing_ok=True)
            running = self.executor.start(command.arguments, command.log)
        except BaseException:
            self.ledger.free(claim)
            raise
        self.tries.append(_Try(claim=claim, running=running, command=command, began=time.monotonic()))
        self.tell(Event(kind="begun", job=claim.job.name))

    def _free(self, each: _Try) -> None:
        self.ledger.free(each.claim)
        self.tell(Event(kind="freed", job=each.claim.job.name))


def last_lines(path: Path, count: int) -> list[str]:
    """The last lines of a text file that say something, without what a progress bar has overwritten."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 2**16))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    lines = (line.rstrip().rpartition("\r")[2] for line in text.split("\n"))
    return [line for line in lines if line.strip()][-count:]


def _read_result(path: Path) -> dict[str, Any] | None:
    try:
        result = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return result if isinstance(result, dict) else None


def _says(status: int, result: Path) -> str:
    if status == 0:
        return f"ended well, and {result.name} is not there or cannot be read"
    return f"ended by signal {-status}" if status < 0 else f"ended with status {status}"
