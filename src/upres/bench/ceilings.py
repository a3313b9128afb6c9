"""The machine's limits, measured in turns like any contender."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from upres.machine.ceilings import KEYS, measured

_OF_PRECISION = {"f32": "f32_gflops", "i16": "i16_gops", "int16": "i16_gops"}


@dataclass(frozen=True)
class Ceilings:
    """Measured limits, by name of `KEYS`."""

    limits: Mapping[str, float] = field(default_factory=dict)

    def operations(self, precision: str) -> float | None:
        """Billions of operations a second in this arithmetic; ``None`` where it was not measured."""
        return self.limits.get(_OF_PRECISION.get(precision, ""))

    def to_dict(self) -> dict[str, float | None]:
        """Every name of `KEYS`."""
        return {key: self.limits.get(key) for key in KEYS}


class CeilingsRunner:
    """Measures the limits turn by turn, like any contender, and keeps the best; lives in a worker process.

    Args:
        threads: That multiply and read at the same time.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._best: dict[str, float] = {}

    def turn(self, *, seconds: float, calls: int) -> list[float]:
        """Measure once, within about ``seconds``; the time taken in milliseconds."""
        del calls
        begin = time.perf_counter()
        # each of the three loops of the native module takes its own share of the time
        for key, value in measured(self._threads, seconds / 3).items():
            self._best[key] = max(value, self._best.get(key, 0.0))
        return [1e3 * (time.perf_counter() - begin)]

    def best(self) -> dict[str, float]:
        """The highest figure of each limit so far; empty where the native module was not built."""
        return self._best
