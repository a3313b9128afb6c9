"""A contender's memory: its process's peak since a moment, in MiB."""

from contextlib import suppress
from pathlib import Path

from upres.machine.memory import peak_bytes, resident_bytes

_CLEAR = Path("/proc/self/clear_refs")


def resident_mib() -> float:
    """Memory that the process holds now."""
    return resident_bytes() / 2**20


def peak_resident_mib() -> float:
    """Most memory that the process held since `reset_peak`; since its start where nothing resets it."""
    return peak_bytes() / 2**20


def reset_peak() -> None:
    """Begin a new peak where the system can (Linux); elsewhere a process is as old as its peak."""
    with suppress(OSError):
        _CLEAR.write_text("5")
