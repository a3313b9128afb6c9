"""Every executor by its name."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from upres.machine.executors.executor import Executor
from upres.machine.executors.local import LocalExecutor
from upres.machine.executors.ray import RayExecutor


@contextmanager
def opened(
    name: str,
    *,
    cores: int = 1,
    slots: int | None = None,
    nice: int = 10,
    address: str | None = None,
    preload: Sequence[str] = (),
) -> Iterator[Executor]:
    """An executor as long as the block lasts.

    Args:
        name: ``local`` or ``ray``.
        cores: Cores a command computes on.
        slots: Commands at a time; ``None`` for as many as there are cores for.
        nice: What their priority is lowered by.
        address: ``ray``: of the head of a cluster; ``None`` starts one on this machine.
        preload: ``local``: modules that the commands import, see `LocalExecutor`.

    Raises:
        MissingExtraError: If Ray is not installed.
        ClusterError: If there is no cluster at the address.
        ValueError: If there is no executor of that name.
    """
    if name == "local":
        yield LocalExecutor(cores=cores, slots=slots, nice=nice, preload=preload)
        return
    if name != "ray":
        raise ValueError(f"executors are local and ray, not {name}")
    executor = RayExecutor(cores=cores, slots=slots, nice=nice, address=address)
    try:
        yield executor
    finally:
        executor.close()
