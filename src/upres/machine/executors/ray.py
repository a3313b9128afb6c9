"""Commands on the machines of a Ray cluster, which share the folders that the commands name.

Ray chooses the machine and starts a command anew when its machine is lost. All else is the ledger's: Ray knows nothing
of what is done when its driver ends.
"""

import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from upres.machine.executors.cluster import join
from upres.machine.executors.local import LocalExecutor

_LOST = 1
"""Exit status of a command whose machines were lost again and again."""
_MOVES = 3
"""Lost machines after which a command has failed."""
_LOOK_S = 0.2


class RayExecutor:
    """Runs commands on a Ray cluster.

    Args:
        cores: Cores a command computes on.
        slots: Commands at a time; ``None`` for as many as the cluster's machines have cores for.
        nice: What their priority is lowered by.
        address: Of the cluster's head, ``host:port``; ``None`` starts a cluster on this machine.

    Raises:
        MissingExtraError: If Ray is not installed.
        ClusterError: If there is no cluster at the address.
    """

    def __init__(self, *, cores: int = 1, slots: int | None = None, nice: int = 10, address: str | None = None) -> None:
        self._ray = join(address)
        self._cores, self._slots, self._nice = cores, slots, nice
        options = {"num_cpus": cores, "max_retries": _MOVES, "scheduling_strategy": "SPREAD"}
        self._run = self._ray.remote(**options)(_run)

    @property
    def slots(self) -> int:
        """As many as the cluster has cores for now, if none were asked for."""
        if self._slots is not None:
            return self._slots
        return max(1, int(self._ray.cluster_resources().get("CPU", 0)) // self._cores)

    def start(self, command: Sequence[str], log: Path) -> "RayTask":
        """Hand a command to the cluster; by this machine's Python is meant that of the machine where it runs.

        Raises:
            OSError: If the folder of the log cannot be written.
        """
        program = None if command[0] == sys.executable else command[0]
        log.parent.mkdir(parents=True, exist_ok=True)
        stop = log.with_name(f"{log.name}.stop")
        stop.unlink(missing_ok=True)
        arguments = (program, list(command[1:]), str(log), str(stop), self._cores, self._nice)
        return RayTask(self._ray, self._run.remote(*arguments), stop)

    def close(self) -> None:
        """Leave the cluster, or end the one that was started."""
        self._ray.shutdown()


class RayTask:
    """A command somewhere in the cluster.

    Args:
        ray: The module.
        task: Of Ray, which runs the command.
        stop: File that asks for the command's end.
    """

    def __init__(self, ray: Any, task: Any, stop: Path) -> None:
        self._ray, self._task, self._stop = ray, task, stop

    def poll(self) -> int | None:
        """The exit status of the command; ``None`` while it runs or waits for a machine."""
        ready, _ = self._ray.wait([self._task], timeout=0)
        if not ready:
            return None
        self._stop.unlink(missing_ok=True)
        try:
            return int(self._ray.get(self._task))
        except self._ray.exceptions.RayError:
            return _LOST

    def stop(self) -> None:
        """Ask by a file, which the machine that runs the command looks for: Ray's own way to cancel gives no status."""
        self._stop.touch()

    def kill(self) -> None:
        """End the process that started the command, with which the command ends."""
        self._ray.cancel(self._task, force=True)
        self._stop.unlink(missing_ok=True)


def _run(program: str | None, arguments: Sequence[str], log: str, stop: str, cores: int, nice: int) -> int:
    """Run a command on this machine of the cluster; returns its exit status."""
    executor = LocalExecutor(cores=cores, slots=1, nice=nice)
    blocked = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # by Ray, and a process inherits it
    try:
        process = executor.start([program or sys.executable, *arguments], Path(log))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    asked = False
    while (status := process.poll()) is None:
        if not asked and Path(stop).exists():
            process.stop()
            asked = True
        time.sleep(_LOOK_S)
    return status
