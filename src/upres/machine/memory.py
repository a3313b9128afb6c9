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
