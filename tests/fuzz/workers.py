"""The processes that fuzz."""

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

_FORGETTING = ("sh", "-c", '"$0" "$@"; exit $?')
"""A process begins with the peak memory of the one that started it, as Linux counts; a shell between has little."""
_SPARE_S = 60


def run_worker(command: Sequence[str], seconds: float, log: Path) -> int:
    """Run a command with its own account of memory, and end it a minute after the time that it was given.

    Args:
        command: What to run, from the root of the repository.
        seconds: How long it means to take.
        log: File for what it prints.

    Returns:
        Its exit status.
    """
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*_FORGETTING, *command],
            stdout=stream,
            stderr=stream,
            cwd=Path(__file__).resolve().parents[2],
            start_new_session=True,
        )
        try:
            return process.wait(seconds + _SPARE_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return process.wait()
