"""How much memory this process takes."""

import os
import sys
from pathlib import Path

_USUAL = 150 * 2**20
"""What Python with an engine takes, where the system does not tell."""


def resident_bytes() -> int:
    """Memory of this process now, in bytes."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return _USUAL
    return pages * os.sysconf("SC_PAGE_SIZE")


def peak_bytes() -> int:
    """The most memory this process ever took, in bytes; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count what the process was before it became this program
        high_water = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(high_water.split()[1]) * 1024
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def available_bytes() -> int | None:
    """Memory that programs can still take without others being pushed out, in bytes; ``None`` where nobody tells.

    The least of what the machine has, what the control group of this process has left (containers), and what the
    address space limit of this process leaves.
    """
    known = [room for room in (_free_of_machine(), _free_of_group(), _free_address_space()) if room is not None]
    return max(0, min(known)) if known else None


def _free_of_machine() -> int | None:
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _free_of_group() -> int | None:
    """What is left of the limit of the control group, in either version of the interface."""
    for limit, usage, stat, cache in (
        ("memory.max", "memory.current", "memory.stat", "inactive_file"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat", "total_inactive_file"),
    ):
        group = "/sys/fs/cgroup/"
        most, taken = _lines(group + limit)[:1], _lines(group + usage)[:1]
        if not most or not taken or not most[0].isdigit():
            continue
        dropped = [line.split()[1] for line in _lines(group + stat) if line.split()[:1] == [cache]]
        return int(most[0]) - int(taken[0]) + sum(map(int, dropped))
    return None


def _free_address_space() -> int | None:
    if sys.platform == "win32":
        return None
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    size = _lines("/proc/self/statm")[:1]
    if limit == resource.RLIM_INFINITY or not size:
        return None
    return limit - int(size[0].split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
