"""One worker on each machine of a Ray cluster, with all of its cores, which keeps what it has opened.

A task goes to the next worker that is free. When a worker is lost, with its machine or without, its task goes to
another one, and the worker begins anew where the machine is still there. Each task has one result, whatever a worker
that was thought to be lost may still do.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from upres.errors import ClusterError, Hint, UpresError
from upres.machine.executors.cluster import Node, joined, living, nodes_alike, on

MOST_TRIES = 3
"""Workers that a task may lose; and losses after which a machine that ends no task is left alone."""

Task = TypeVar("Task")
Result = TypeVar("Result")

Make = Callable[[int], Callable[[Task], Result]]
"""Called once on each machine, with the number of its cores; what comes back does the tasks there."""


class Lost:
    """In place of a result: every worker that had the task was lost."""


@dataclass(frozen=True)
class _Failure:
    """An error of a worker, on its way: errors with arguments of their own do not travel."""

    kind: type[UpresError]
    message: str
    hint: Hint | None

    @classmethod
    def of(cls, error: UpresError) -> "_Failure":
        return cls(type(error), str(error), error.hint)

    def error(self) -> UpresError:
        error = self.kind.__new__(self.kind)
        UpresError.__init__(error, self.message, hint=self.hint)
        return error


class _Worker:
    """On its machine."""

    def open(self, make: Make[Any, Any], cores: int, folder: str) -> _Failure | None:
        """Get ready, in the folder to which relative paths are relative, where the machine has it."""
        with suppress(OSError):
            os.chdir(folder)
        try:
            self._do = make(cores)
        except UpresError as error:
            return _Failure.of(error)
        return None

    def do(self, task: Any) -> Any:
        """The task's result."""
        try:
            return self._do(task)
        except UpresError as error:
            return _Failure.of(error)


@dataclass(eq=False)
class _Seat:
    """A worker as its driver sees it."""

    node: Node
    worker: Any
    pending: Any
    """What it is at; ``None`` where it has nothing to do."""
    task: Any = None
    """``None`` while it gets ready."""
    tries: int = 0
    """Workers that the task has lost."""
    losses: int = 0
    """Workers that the machine has lost since it ended a task."""


class Crew(Generic[Task, Result]):
    """The workers; see `crew_of`."""

    def __init__(self, ray: Any, nodes: Iterable[Node], make: Make[Task, Result]) -> None:
        self._ray, self._make = ray, make
        self._again = deque[tuple[Task, int]]()
        self._seats = [self._seat(node) for node in nodes]

    def results(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Result | Lost]]:
        """Do the tasks; yields each with its result, as they come.

        Args:
            tasks: Asked for the next one when a worker is free.

        Raises:
            UpresError: What a worker raised.
            ClusterError: If a worker cannot get ready, or none is left.
        """
        waiting = iter(tasks)
        while True:
            self._hand_out(waiting)
            if not any(seat.task is not None for seat in self._seats) and not self._again:
                if (task := next(waiting, None)) is None:
                    return
                self._again.append((task, 0))  # for the first who gets ready
            pending = {seat.pending: seat for seat in self._seats if seat.pending is not None}
            ready, _ = self._ray.wait(list(pending), num_returns=1)
            for each in ready:
                yield from self._ended(pending[each])

    def close(self) -> None:
        """End the workers where they stand."""
        for seat in self._seats:
            with suppress(self._ray.exceptions.RayError):
                self._ray.kill(seat.worker)

    def _hand_out(self, waiting: Iterator[Task]) -> None:
        for seat in self._seats:
            if seat.pending is None:
                task, tries = self._again.popleft() if self._again else (next(waiting, None), 0)
                if task is None:
                    return
                seat.task, seat.tries, seat.pending = task, tries, seat.worker.do.remote(task)

    def _ended(self, seat: _Seat) -> Iterator[tuple[Task, Result | Lost]]:
        """Note what a worker has come to, and yield it where that is a result."""
        exceptions, task = self._ray.exceptions, seat.task
        try:
            result = self._ray.get(seat.pending)
        except exceptions.RayTaskError:
            raise
        except exceptions.RayError:
            self._replace(seat)
            if task is None:
                return
            if seat.tries + 1 < MOST_TRIES:
                self._again.appendleft((task, seat.tries + 1))
                return
            result = Lost()
        else:
            seat.task = seat.pending = None
            if isinstance(result, _Failure):
                error = result.error()
                raise error if task is not None else ClusterError(f"{seat.node.name}: {error}", hint=error.hint)
            if task is None:
                return
            seat.losses = 0
        yield task, result

    def _replace(self, seat: _Seat) -> None:
        """Begin anew on the same machine, as long as that makes sense."""
        self._seats.remove(seat)
        self._ray.kill(seat.worker)  # what cannot be reached may still be at work
        if seat.losses + 1 < MOST_TRIES and seat.node.id in living(self._ray):
            self._seats.append(self._seat(seat.node, losses=seat.losses + 1))
        if not self._seats:
            raise ClusterError("every machine of the cluster was lost; what is done is kept: begin again to go on")

    def _seat(self, node: Node, losses: int = 0) -> _Seat:
        worker = self._ray.remote(num_cpus=node.cores)(_Worker).options(**on(node)).remote()
        return _Seat(node, worker, worker.open.remote(self._make, node.cores, str(Path.cwd())), losses=losses)


@contextmanager
def crew_of(
    address: str | None, make: Make[Task, Result], *, reads: Iterable[Path] = (), writes: Iterable[Path] = ()
) -> Iterator[Crew[Task, Result]]:
    """A worker on each machine of a cluster, as long as the block lasts.

    Args:
        address: Of the cluster's head, ``host:port``; ``None`` starts a cluster on this machine.
        make: See `Make`; it is sent to the machines, and so are tasks and results.
        reads: Folders that each machine must have at the same place.
        writes: Folders that must be the same ones on each machine.

    Raises:
        MissingExtraError: If Ray is not installed.
        ClusterError: If there is no cluster, or a machine of it is not as this one; see `nodes_alike`.
    """
    with joined(address) as ray:
        crew = Crew(ray, nodes_alike(ray, reads=reads, writes=writes), make)
        try:
            yield crew
        finally:
            crew.close()
