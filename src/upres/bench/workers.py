"""Contenders in processes of their own, driven in turn.

Each contender lives alone in a process: its memory is its own, its thread pool does not share a process with another
engine's, and it starts with the allocator's stock settings. The driver gives every worker a short turn, round after
round, so that whatever else slows the machine down slows all of them.
"""

import multiprocessing
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Protocol, Self

from upres.errors import EngineError, UpresError
from upres.machine.variables import in_environment

SETTLE_SECONDS = 0.01
"""Pause between two turns: thread pools spin for some milliseconds after their last call."""


class Runner(Protocol):
    """What a factory given to `Worker` returns, for `drive` to use."""

    def turn(self, *, seconds: float, calls: int) -> list[float]:
        """Latencies in milliseconds of at least one and at most ``calls`` calls, begun within ``seconds``."""
        ...


def timed_turn(call: Callable[[], object], *, seconds: float, calls: int) -> list[float]:
    """One untimed call to bring the caches back, then timed ones; their latencies in milliseconds.

    Args:
        call: What to time.
        seconds: No call begins later than this after the first timed one.
        calls: Most timed calls.
    """
    call()
    latencies: list[float] = []
    end = time.perf_counter() + seconds
    while not latencies or (len(latencies) < calls and time.perf_counter() < end):
        begin = time.perf_counter_ns()
        call()
        latencies.append((time.perf_counter_ns() - begin) / 1e6)
    return latencies


class Worker:
    """An object that lives in a new process; its methods are called through a pipe.

    Args:
        factory: Makes the object there; importable and, like ``arguments``, picklable.
        arguments: For the factory.
        threads: Size of the OpenMP pools of that process.
        name: For messages.

    Raises:
        UpresError: From the constructor or `call`, if one was raised in the process.
        EngineError: If anything else was raised there, or the process died.
    """

    def __init__(self, factory: Callable[..., object], *arguments: object, threads: int, name: str) -> None:
        self.name = name
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, factory, arguments), daemon=True)
        with in_environment({"OMP_NUM_THREADS": str(threads)}, without="MALLOC_"):
            self._process.start()
        theirs.close()
        try:
            self._answer()
        except BaseException:
            self.close()
            raise

    def call(self, method: str, **arguments: object) -> Any:
        """What the object's method returns."""
        try:
            self._pipe.send((method, arguments))
        except OSError as error:
            raise self._died() from error
        return self._answer()

    def close(self) -> None:
        """End the process."""
        with suppress(OSError):
            self._pipe.send(None)
        self._pipe.close()
        self._process.join(timeout=5)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _answer(self) -> Any:
        try:
            outcome, value = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise self._died() from error
        if outcome == "returned":
            return value
        kind, message, hint = value
        if issubclass(kind, UpresError):
            raised: UpresError = kind.__new__(kind)  # its constructor may want more than the message
            raised.args, raised.hint = (message,), hint
            raise raised
        raise EngineError(f"{self.name}: {kind.__name__}: {message}")

    def _died(self) -> EngineError:
        self._process.join(timeout=5)
        return EngineError(f"{self.name}: its process died with exit code {self._process.exitcode}")


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What a contender's latencies say."""

    median_ms: float
    min_ms: float
    spread: float
    """Distance between the quartiles, as a fraction of the median."""
    samples: int

    @classmethod
    def of(cls, latencies: Sequence[float]) -> Self:
        """The timing of these latencies in milliseconds."""
        median = statistics.median(latencies)
        low, _, high = statistics.quantiles(latencies, n=4, method="inclusive") if len(latencies) > 1 else (median,) * 3
        return cls(
            median_ms=median,
            min_ms=min(latencies),
            spread=(high - low) / median if median else 0.0,
            samples=len(latencies),
        )


def drive(
    workers: Sequence[Worker],
    *,
    rounds: int,
    warmup: int = 1,
    seconds: float = 0.2,
    calls: int = 20,
    progress: Callable[[], object] | None = None,
) -> list[list[float]]:
    """Latencies in milliseconds of each worker's `Runner`, from turns taken one after the other.

    Args:
        workers: The contenders.
        rounds: Turns of each; every second round goes backwards, so that nobody always follows the same neighbour.
        warmup: Rounds before these whose latencies are thrown away.
        seconds: Length of a turn.
        calls: Most timed calls of a turn.
        progress: Called after every turn.
    """
    latencies: list[list[float]] = [[] for _ in workers]
    for number in range(-warmup, rounds):
        order = range(len(workers)) if number % 2 == 0 else reversed(range(len(workers)))
        for index in order:
            taken = workers[index].call("turn", seconds=seconds, calls=calls)
            if number >= 0:
                latencies[index] += taken
            if progress is not None:
                progress()
            time.sleep(SETTLE_SECONDS)
    return latencies


def _serve(pipe: Connection, factory: Callable[..., object], arguments: tuple[object, ...]) -> None:
    """The process's whole life: make the object, answer calls until the pipe closes."""
    target: object = None
    message: tuple[str, dict[str, object]] | None = ("", {})
    while message is not None:
        method, keywords = message
        try:
            value = getattr(target, method)(**keywords) if method else None
            target = target if method else factory(*arguments)
            answer: tuple[str, object] = ("returned", value)
        except Exception as error:
            answer = ("raised", (_public_kind(error), str(error), getattr(error, "hint", None)))
        try:
            pipe.send(answer)
            message = pipe.recv()
        except (EOFError, OSError):
            return


def _public_kind(error: Exception) -> type[Exception]:
    """The error's class where the other process can import it, else a plain one."""
    kind = type(error)
    return kind if kind.__module__.startswith(("upres.", "builtins")) else RuntimeError
