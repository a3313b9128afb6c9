"""Memory of the running process, from the operating system."""

import sys
from contextlib import suppress
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def resident_mib() -> float:
    """Memory that the process holds now, in MiB."""
    return _status_mib("VmRSS") if _STATUS.exists() else peak_resident_mib()


def peak_resident_mib() -> float:
    """Most memory that the process held since `reset_peak`, in MiB; since its start where nothing resets it."""
    if _STATUS.exists():
        return _status_mib("VmHWM")
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def reset_peak() -> None:
    """Begin a new peak where the system can (Linux); elsewhere a process is as old as its peak."""
    with suppress(OSError):
        _CLEAR.write_text("5")


def _status_mib(field: str) -> float:
    for line in _STATUS.read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 2**10
    raise RuntimeError(f"{_STATUS} has no {field}")
