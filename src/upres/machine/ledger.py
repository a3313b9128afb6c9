"""Jobs in a folder that workers on several machines share: who does what, what is done, and what failed.

``jobs.jsonl`` lists the jobs and never changes. Everything that happens to a job is a new file in ``ledger``, made
whole by one worker alone; no file is changed or removed, so there is nothing to lock, and whoever is killed at any
moment leaves a ledger that is right:

* ``NAME.N.claim``: a worker took the job for the N-th time. The time of the file is the worker's heartbeat.
* ``NAME.N.freed``: the worker gave the job back, for instance because it was told to stop.
* ``NAME.N.failed``: the N-th try failed, and why.
* ``NAME.done``: the job is done. The first result counts; there is never a second one.

A claim without an end whose worker has ended, or has given no sign for minutes, is lost, and the job is free again: the
next claim has the next number, which two workers cannot both make. Heartbeats are compared by the clock of the machine
that keeps the folder.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from upres.errors import LedgerError
from upres.machine.atomic import create_text, write_text
from upres.machine.owner import Owner, this_process

TRIES = 3
"""Failures after which a job is not tried again."""
STALE_S = 300.0
"""Seconds without a heartbeat after which a claim is lost."""

State = Literal["waiting", "ready", "running", "done", "failed"]
"""``waiting`` for what it needs; ``ready`` to be claimed, at first or again."""

_NAME = re.compile(r"\w[\w+-]*(\.[\w+-]+)*", re.ASCII)
_JOBS = "jobs.jsonl"
_MARKS = "ledger"
_CLOCK = ".clock"


@dataclass(frozen=True, kw_only=True)
class Job:
    """Something to do once."""

    name: str
    """Of letters, digits, ``_``, ``+``, ``-`` and single dots, as it becomes part of file names."""
    work: Mapping[str, Any]
    """What to do, for whoever does it: JSON-ready data."""
    needs: tuple[str, ...] = ()
    """Jobs that are done before; they stand earlier in the list."""
    cost_s: float = 1.0
    """Seconds that it will take, by the plan."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A job that this process took."""

    job: Job
    number: int
    """The how manieth time that the job was taken, from 1."""
    owner: Owner


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where all jobs stand."""

    states: Mapping[str, State]
    """By name, in the order of the list."""
    hosts: Mapping[str, str]
    """Of jobs that run, the machine."""
    eta_s: float | None
    """Seconds until all that can be done is done, by the pace so far; ``None`` where nothing runs or is left."""

    def count(self, *states: State) -> int:
        """How many jobs are in one of these states."""
        return sum(state in states for state in self.states.values())

    def to_dict(self) -> dict[str, Any]:
        """The counts as JSON-ready data; ``waiting`` are all that nobody has begun or that are free again."""
        return {
            "jobs": len(self.states),
            "done": self.count("done"),
            "running": self.count("running"),
            "failed": self.count("failed"),
            "waiting": self.count("waiting", "ready"),
            "eta_s": self.eta_s,
        }


class Ledger:
    """The jobs of a folder.

    Args:
        folder: One that `create` made.
        stale_s: Seconds without a heartbeat after which a claim is lost; the same for all workers.

    Raises:
        LedgerError: If the folder holds no jobs, or they cannot be read.
    """

    def __init__(self, folder: str | Path, *, stale_s: float = STALE_S) -> None:
        self.folder, self.stale_s = Path(folder), stale_s
        self._marks = self.folder / _MARKS
        self.jobs = _read_jobs(self.folder / _JOBS)

    @classmethod
    def create(cls, folder: str | Path, jobs: Sequence[Job]) -> "Ledger":
        """A ledger of these jobs; where the folder holds one of the same jobs already, that one.

        Raises:
            LedgerError: If the folder holds other jobs, or the jobs do not fit together.
            OutputError: If the folder cannot be written.
        """
        _require_sound(jobs)
        folder = Path(folder)
        text = "".join(json.dumps(_to_dict(job)) + "\n" for job in jobs)
        path = folder / _JOBS
        if not path.exists():
            write_text(folder / _MARKS / _CLOCK, "")
            write_text(path, text)
        elif path.read_text() != text:
            raise LedgerError(f"{folder} holds the jobs of another plan; choose another folder")
        return cls(folder)

    def claim(self) -> Claim | None:
        """The first job of the list that is ready, now this process's own; ``None`` where none is.

        Raises:
            OutputError: If the folder cannot be written.
        """
        marks, owner = self._read_marks(), this_process()
        for job in self.jobs:
            if self._state(job, marks) != "ready":
                continue
            claim = Claim(job=job, number=marks[job.name].claims + 1, owner=owner)
            if not create_text(self._path(claim, "claim"), json.dumps(owner.to_dict()) + "\n"):
                continue  # somebody was faster
            if self._done(job.name).exists():  # a worker that was held to be lost came to its end after all
                self.free(claim)
                continue
            return claim
        return None

    def beat(self, claim: Claim) -> bool:
        """Give a sign of life; returns whether the job is still this claim's to do.

        Raises:
            OSError: If the claim's file cannot be touched.
        """
        later = self._path(Claim(job=claim.job, number=claim.number + 1, owner=claim.owner), "claim")
        if later.exists() or self._done(claim.job.name).exists():
            return False
        os.utime(self._path(claim, "claim"))
        return True

    def finish(self, claim: Claim, result: Mapping[str, Any], *, seconds: float) -> bool:
        """Note that a job is done.

        Args:
            claim: Of the job.
            result: What came of it, JSON-ready.
            seconds: What it took.

        Returns:
            Whether this result counts; not where somebody else has finished the job.

        Raises:
            OutputError: If the folder cannot be written.
        """
        content = {"owner": claim.owner.to_dict(), "try": claim.number, "seconds": seconds, "result": result}
        return create_text(self._done(claim.job.name), json.dumps(content) + "\n")

    def fail(self, claim: Claim, error: str, *, log: Sequence[str] = ()) -> None:
        """Note that a try failed: why, and the last lines of what it said.

        Raises:
            OutputError: If the folder cannot be written.
        """
        content = {"owner": claim.owner.to_dict(), "error": error, "log": list(log)}
        create_text(self._path(claim, "failed"), json.dumps(content) + "\n")

    def free(self, claim: Claim) -> None:
        """Give a job back, which is no failure of the job.

        Raises:
            OutputError: If the folder cannot be written.
        """
        create_text(self._path(claim, "freed"), "")

    def forgive(self) -> tuple[str, ...]:
        """Let jobs that failed be tried again; returns their names.

        Raises:
            OutputError: If the folder cannot be written.
        """
        marks = self._read_marks()
        failed = tuple(job.name for job in self.jobs if self._state(job, marks) == "failed")
        for name in failed:
            for number in marks[name].failed:
                create_text(self._marks / f"{name}.{number}.forgiven", "")
        return failed

    def result(self, name: str) -> Mapping[str, Any] | None:
        """What came of a job; ``None`` where the job is not done.

        Raises:
            LedgerError: If the file of its result is damaged.
        """
        content = _content(self._done(name))
        return None if content is None else content["result"]

    def failure(self, name: str) -> Mapping[str, Any] | None:
        """The last failure of a job, ``error`` and ``log``; ``None`` where it has none.

        Raises:
            LedgerError: If the file of the failure is damaged.
        """
        numbers = self._read_marks()[name].failed
        return _content(self._marks / f"{name}.{max(numbers)}.failed") if numbers else None

    def standing(self) -> Standing:
        """Where all jobs stand.

        Raises:
            LedgerError: If a result is damaged.
        """
        marks = self._read_marks()
        states = self._states(marks)
        hosts = {name: self._host(name, marks[name].claims) for name, state in states.items() if state == "running"}
        return Standing(states=states, hosts=hosts, eta_s=self._eta_s(states))

    def pending(self) -> bool:
        """Whether a job runs, here or elsewhere, or could."""
        return any(state in ("ready", "running") for state in self._states(self._read_marks()).values())

    def _states(self, marks: "_AllMarks") -> dict[str, State]:
        return {job.name: self._state(job, marks) for job in self.jobs}

    def _state(self, job: Job, marks: "_AllMarks") -> State:
        mark = marks[job.name]
        if mark.done:
            return "done"
        if len(mark.failed - mark.forgiven) >= TRIES:
            return "failed"
        if mark.claims and mark.claims not in mark.failed | mark.freed and not self._lost(job.name, mark.claims, marks):
            return "running"
        return "ready" if all(marks[name].done for name in job.needs) else "waiting"

    def _lost(self, name: str, number: int, marks: "_AllMarks") -> bool:
        path = self._marks / f"{name}.{number}.claim"
        try:
            owner, beat = Owner.from_dict(json.loads(path.read_text())), path.stat().st_mtime
        except (OSError, ValueError):  # a damaged disk, and nobody who could be asked
            return True
        return (owner is not None and owner.ended) or marks.now() - beat > self.stale_s

    def _host(self, name: str, number: int) -> str:
        owner = Owner.from_dict(_content(self._marks / f"{name}.{number}.claim"))
        return "" if owner is None else owner.host

    def _eta_s(self, states: Mapping[str, State]) -> float | None:
        running = sum(state == "running" for state in states.values())
        stuck = _stuck(self.jobs, states)
        left = sum(
            job.cost_s for job in self.jobs if states[job.name] not in ("done", "failed") and job.name not in stuck
        )
        if not running or not left:
            return None
        spent = expected = 0.0
        for job in self.jobs:
            if states[job.name] == "done" and (content := _content(self._done(job.name))) is not None:
                spent, expected = spent + content["seconds"], expected + job.cost_s
        return round(left * (spent / expected if spent and expected else 1.0) / running, 1)

    def _path(self, claim: Claim, kind: str) -> Path:
        return self._marks / f"{claim.job.name}.{claim.number}.{kind}"

    def _done(self, name: str) -> Path:
        return self._marks / f"{name}.done"

    def _read_marks(self) -> "_AllMarks":
        marks = _AllMarks(self._now)
        for entry in os.scandir(self._marks):
            marks.take(entry.name)
        return marks

    def _now(self) -> float:
        """The time by the clock that sets the times of this folder's files."""
        clock = self._marks / _CLOCK
        os.utime(clock)
        return clock.stat().st_mtime


@dataclass
class _Marks:
    """What the names of files say of one job."""

    claims: int = 0
    failed: set[int] = field(default_factory=set)
    freed: set[int] = field(default_factory=set)
    forgiven: set[int] = field(default_factory=set)
    done: bool = False


class _AllMarks:
    """The marks of all jobs, by name, as they were at one look."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._time = clock, 0.0
        self._found: dict[str, _Marks] = {}

    def __getitem__(self, name: str) -> _Marks:
        return self._found.setdefault(name, _Marks())

    def now(self) -> float:
        """The time of the look, asked for when it is needed."""
        self._time = self._time or self._clock()
        return self._time

    def take(self, file: str) -> None:
        """Take the name of a file in; hidden files and others that mean nothing are passed over."""
        name, _, kind = file.rpartition(".")
        if kind == "done" and name:
            self[name].done = True
            return
        name, _, number = name.rpartition(".")
        if not name or not number.isdecimal():
            return
        if kind == "claim":
            self[name].claims = max(self[name].claims, int(number))
        elif kind in ("failed", "freed", "forgiven"):
            getattr(self[name], kind).add(int(number))


def _stuck(jobs: Iterable[Job], states: Mapping[str, State]) -> set[str]:
    """The jobs that wait for one that failed, at any remove."""
    stuck: set[str] = set()
    for job in jobs:
        if any(states[name] == "failed" or name in stuck for name in job.needs):
            stuck.add(job.name)
    return stuck


def _require_sound(jobs: Sequence[Job]) -> None:
    earlier: set[str] = set()
    for job in jobs:
        if not _NAME.fullmatch(job.name):
            raise LedgerError(f"'{job.name}' cannot be a job's name; use letters, digits, _, +, - and single dots")
        if job.name in earlier:
            raise LedgerError(f"two jobs are called {job.name}; give each a name of its own")
        if missing := [name for name in job.needs if name not in earlier]:
            raise LedgerError(f"{job.name} needs {missing[0]}, which no job before it is called; list that one first")
        earlier.add(job.name)
    if not earlier:
        raise LedgerError("there is nothing to do; expected at least one job")


def _to_dict(job: Job) -> dict[str, Any]:
    return {"name": job.name, "needs": list(job.needs), "cost_s": job.cost_s, "work": job.work}


def _read_jobs(path: Path) -> tuple[Job, ...]:
    try:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        return tuple(Job(**{**line, "needs": tuple(line["needs"])}) for line in lines)
    except FileNotFoundError:
        raise LedgerError(f"{path.parent}: no folder of jobs; make a plan in it first") from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise LedgerError(
            f"{path}: not a readable list of jobs ({error}); make the plan anew in another folder"
        ) from error


def _content(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise LedgerError(f"{path}: damaged ({error}); remove it, and the job is done once more") from error
