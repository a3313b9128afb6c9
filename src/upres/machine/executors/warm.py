"""Commands as forks of a process that has imported what they need: a job that imports torch saves seconds of its start.

The process that forks is `multiprocessing`'s fork server. It computes nothing, so no thread runs in it that a fork
would lose, and it ends with the driver.
"""

import multiprocessing
import os
import runpy
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from upres.machine.variables import in_environment

_started_in: dict[str, str] = {}
"""What the fork server found in its environment; empty before it was started."""


def can_fork(command: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether `WarmProcess` runs a command: ``python -m MODULE`` of this Python, on a system where forking is safe.

    A process has one fork server, so another environment than that of its first command needs an ordinary start.
    """
    same = not _started_in or dict(environment) == _started_in
    return sys.platform == "linux" and tuple(command[:2]) == (sys.executable, "-m") and same


class WarmProcess:
    """A command that `can_fork`, in a session of its own.

    Args:
        command: Program, ``-m``, module and its arguments.
        log: File to which all that it says is added.
        preload: Modules that the fork server imports before the first command; one that is not there is left out.
        environment: Variables that libraries look for while they are imported.
        nice: What the command's priority is lowered by.
    """

    def __init__(
        self, command: Sequence[str], log: Path, *, preload: Sequence[str], environment: Mapping[str, str], nice: int
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(preload))
        self._process = context.Process(target=_run, args=(command[2], list(command[3:]), str(log), nice))
        _started_in.update(environment)
        with in_environment(environment):
            self._process.start()

    def poll(self) -> int | None:
        """The exit status, minus a signal's number where one ended the process; ``None`` while it runs."""
        return self._process.exitcode

    def stop(self) -> None:
        """Send SIGINT."""
        if self._process.exitcode is None and self._process.pid is not None:
            os.kill(self._process.pid, signal.SIGINT)

    def kill(self) -> None:
        """End the process and its children, and wait until it is gone."""
        if self._process.exitcode is None and self._process.pid is not None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)  # its session's number is its own
            except ProcessLookupError:  # it has no session yet, or has just ended
                self._process.kill()
            self._process.join()


def _run(module: str, arguments: list[str], log: str, nice: int) -> None:
    """The fork: what ``python -m module arguments`` does."""
    os.setsid()
    os.nice(nice)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.close(output)
    threading.Thread(target=_end_with_driver, daemon=True).start()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _end_with_driver() -> None:
    driver = multiprocessing.parent_process()
    assert driver is not None
    driver.join()
    os._exit(1)
