"""What the machine could do at most: multiply-adds a second of each type, bytes a second from memory.

The loops that measure this are in the native engine's module, which is compiled and imports nothing of this package.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

KEYS = ("f32_gflops", "i16_gops", "memory_gbs")
"""Names in a report; a multiply-add counts as two operations. ``None`` where it could not be measured."""

_TURNS, _SECONDS = 2, 0.1
_PROGRAM = "import json; from upres.machine.ceilings import measured; print(json.dumps(measured(*{arguments})))"


@cache
def ceilings(threads: int) -> Mapping[str, float | None]:
    """The limits of so many threads, measured once in a process of its own; every name of `KEYS`.

    The loops read 256 MiB a thread, and the pool of threads stays: neither belongs into a process that is measured.
    It takes about a second.
    """
    command = [sys.executable, "-c", _PROGRAM.format(arguments=(threads, _SECONDS, _TURNS))]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        found: dict[str, Any] = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        found = {}
    return {key: found.get(key) for key in KEYS}


def measured(threads: int, seconds: float, turns: int = 1) -> dict[str, float]:
    """The best of some turns in this process, ``seconds`` for each limit; empty without the native module."""
    native = native_module()
    if native is None:
        return {}
    rounds = [_named(native.ceilings(threads=threads, seconds=seconds)) for _ in range(turns)]
    return {key: max(each[key] for each in rounds) for key in KEYS}


def native_module() -> ModuleType | None:
    """The compiled kernels, which know how to measure; ``None`` where they were not built."""
    try:
        return import_module("upres.engines._native")
    except ImportError:
        return None


def _named(rates: Mapping[str, float]) -> dict[str, float]:
    return {
        "f32_gflops": 2 * rates["float32_gmac_per_second"],
        "i16_gops": 2 * rates["int16_gmac_per_second"],
        "memory_gbs": rates["memory_read_gb_per_second"],
    }
