"""What other processes take of the processor meanwhile, where Linux tells."""

import os
import time
from pathlib import Path

_STAT = Path("/proc/stat")
_EVERY_SECONDS = 0.25


def all_seconds() -> float:
    """CPU seconds of all processes since the machine's start; 0 where no Linux tells."""
    try:
        told = _STAT.read_text()
    except OSError:
        return 0.0
    user, nice, system, _, _, *interrupts = map(int, told.splitlines()[0].split()[1:8])
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


class Others:
    """How many cores other processes keep busy, looked at four times a second at most."""

    def __init__(self) -> None:
        self._at, self._seconds = time.monotonic(), all_seconds() - time.process_time()
        self._busy_cores: float | None = None

    @property
    def busy_cores(self) -> float | None:
        """Between the last two looks; ``None`` before the second one, and where no Linux tells."""
        now = time.monotonic()
        if now - self._at >= _EVERY_SECONDS and (everything := all_seconds()):
            seconds = everything - time.process_time()
            self._busy_cores = max(0.0, seconds - self._seconds) / (now - self._at)
            self._at, self._seconds = now, seconds
        return self._busy_cores
