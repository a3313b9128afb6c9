"""Commands as processes of this machine, each with its share of the cores."""

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from upres.machine.cores import available_cores
from upres.machine.executors.executor import Running
from upres.machine.executors.lifeline import with_lifeline
from upres.machine.executors.warm import WarmProcess, can_fork

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""What libraries ask how many threads to start."""


class LocalExecutor:
    """Runs commands on this machine, below the priority of what people wait for.

    Args:
        cores: Cores a command computes on.
        slots: Commands at a time; ``None`` for as many as the machine has cores for.
        nice: What their priority is lowered by.
        preload: Modules that the commands import; where the system allows it, they are imported once for all.
    """

    def __init__(
        self, *, cores: int = 1, slots: int | None = None, nice: int = 10, preload: Sequence[str] = ()
    ) -> None:
        self.slots = max(1, available_cores() // cores) if slots is None else slots
        self._cores, self._nice, self._preload = cores, nice, preload

    def start(self, command: Sequence[str], log: Path) -> Running:
        """Start a command in a session of its own, so that Ctrl-C at the terminal reaches the driver alone.

        Raises:
            OSError: If the log cannot be written or the program is not there.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        threads = dict.fromkeys(_THREADS, str(self._cores))
        with log.open("ab") as output:
            if self._preload and can_fork(command, threads):
                return WarmProcess(command, log, preload=self._preload, environment=threads, nice=self._nice)
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=with_lifeline({**os.environ, **threads}),
                start_new_session=True,
            )
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, process.pid, os.getpriority(os.PRIO_PROCESS, 0) + self._nice)
        return LocalProcess(process)


class LocalProcess:
    """A process of this machine and those that it starts."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def poll(self) -> int | None:
        """The exit status, minus a signal's number where one ended the process; ``None`` while it runs."""
        status = self._process.poll()
        if status is not None and self._process.stdin is not None:
            self._process.stdin.close()
        return status

    def stop(self) -> None:
        """Send SIGINT."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """End the process and its children, and wait until it is gone."""
        if self._process.poll() is None:
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)  # its session's number is its own
            else:
                self._process.kill()
            self._process.wait()
        self.poll()
