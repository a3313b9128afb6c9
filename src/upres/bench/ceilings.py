"""What the machine could do at most: multiply-adds a second of each type, bytes a second from memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module

KEYS = ("f32_gflops", "bf16_gflops", "i16_gops", "i8_gops", "memory_gbs")
"""Names in a report; a multiply-add counts as two operations. ``None`` where it was not measured."""

_OF_PRECISION = {"f32": "f32_gflops", "bf16": "bf16_gflops", "i16": "i16_gops", "int16": "i16_gops", "int8": "i8_gops"}


@dataclass(frozen=True)
class Ceilings:
    """Measured limits, by name of `KEYS`."""

    limits: Mapping[str, float | None] = field(default_factory=dict)

    def multiply_adds(self, precision: str) -> float | None:
        """Billions of operations a second in this arithmetic; ``None`` where it was not measured."""
        return self.limits.get(_OF_PRECISION.get(precision, ""))

    def to_dict(self) -> dict[str, float | None]:
        """Every name of `KEYS`."""
        return {key: self.limits.get(key) for key in KEYS}


def measure_ceilings(*, threads: int) -> Ceilings:
    """The limits with this many threads, from the native module; nothing is known without it."""
    try:
        native = import_module("upres.engines.native")
    except ImportError:
        return Ceilings()
    measure = getattr(native, "measure_ceilings", None)
    return Ceilings(measure(threads=threads)) if measure is not None else Ceilings()
