"""A Ray cluster: joining it, its machines, and whether what they would make is what this machine makes."""

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from upres.errors import ClusterError, Hint, MissingExtraError
from upres.machine.atomic import hidden_mark

PACKAGES = ("upres", "numpy", "pillow", "openvino", "onnxruntime")
"""Of other versions of these, or without some, a machine may make other bytes."""

_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing here calls home
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # or it would print to standard output that a machine was lost
    "RAY_worker_niceness": "0",  # on a cluster of this machine, where else workers wait for whatever runs
}
"""Read when Ray is imported."""
_ANSWER_S = 10.0
"""Seconds in which a head that is there takes a connection; Ray itself tries for minutes before it gives up."""
_LOOK_S = 300.0
"""Seconds in which a machine, however busy, has started a process and looked."""
_STORE_BYTES = 2**27
"""Of shared memory, for a cluster on this machine: nothing is passed through it but tasks and what became of them."""

_Look = tuple[Mapping[str, str | None], Sequence[str]]
"""Versions of `PACKAGES`, and which of some folders and files are not there."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """A machine of a cluster."""

    id: str
    """Ray's name of it."""
    name: str
    """For people."""
    cores: int
    """Those that Ray may give away."""


def join(address: str | None) -> Any:
    """The module of Ray, connected to a cluster; ``shutdown()`` leaves it.

    Args:
        address: Of the cluster's head, ``host:port``; ``None`` starts a cluster on this machine.

    Raises:
        MissingExtraError: If Ray is not installed.
        ClusterError: If there is no cluster at the address, or one of another Ray or Python.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        ray: Any = import_module("ray")
    except ModuleNotFoundError as error:
        raise MissingExtraError("the executor ray", "cluster") from error
    logging.getLogger("ray").setLevel(logging.ERROR)
    if address is not None:
        _require_answer(address)
    here = {} if address else {"include_dashboard": False, "object_store_memory": _STORE_BYTES}
    try:
        with _signals_kept():
            # without an address RAY_ADDRESS would count, and somebody else's cluster be joined
            ray.init(address=address or "local", log_to_driver=False, configure_logging=False, **here)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        said = " ".join(str(error).split())
        raise ClusterError(f"{address or 'this machine'}: no cluster can be used here ({said})") from error
    return ray


@contextmanager
def joined(address: str | None) -> Iterator[Any]:
    """As `join`, as long as the block lasts."""
    ray = join(address)
    try:
        yield ray
    finally:
        ray.shutdown()


def nodes_alike(ray: Any, *, reads: Iterable[Path] = (), writes: Iterable[Path] = ()) -> list[Node]:
    """The machines of the cluster that have cores to give, all of which would do what this one does.

    Args:
        ray: As `join` gives it.
        reads: Folders that each must have at the same place.
        writes: Folders that must be the same ones on each.

    Raises:
        ClusterError: If a machine has other versions, or lacks a path; it says which. Or if there is none.
    """
    nodes = _nodes(ray)
    with ExitStack() as marks:
        marked = {str(folder): marks.enter_context(hidden_mark(folder)) for folder in dict.fromkeys(writes)}
        folders = [*(str(folder) for folder in dict.fromkeys(reads)), *marked]
        shown = {str(mark): folder for folder, mark in marked.items() if mark is not None}
        looks = _looks(ray, nodes, folders, list(shown))
    here, _ = _look_of()(PACKAGES, [], [])
    for node, (versions, missing) in looks:
        _require_versions(node, versions, here)
        for path in missing:
            if path in shown:
                raise ClusterError(
                    f"{node.name}: {shown[path]} is another folder there; it must be the same one on every machine"
                )
            raise ClusterError(f"{node.name}: no folder {path} there; it must lie at the same place on every machine")
    if not looks:
        raise ClusterError("the cluster has no machine with a core to give; expected at least one")
    return [node for node, _ in looks]


def living(ray: Any) -> set[str]:
    """Ray's names of the machines that the cluster has now."""
    return {str(node["NodeID"]) for node in ray.nodes() if node["Alive"]}


def on(node: Node) -> dict[str, Any]:
    """Options that have Ray run something on this machine and on no other."""
    strategies = import_module("ray.util.scheduling_strategies")
    return {"scheduling_strategy": strategies.NodeAffinitySchedulingStrategy(node_id=node.id, soft=False)}


def _nodes(ray: Any) -> list[Node]:
    found = [
        Node(
            id=str(node["NodeID"]),
            name=f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})",
            cores=int(node["Resources"].get("CPU", 0)),
        )
        for node in ray.nodes()
        if node["Alive"]
    ]
    return [node for node in found if node.cores]


def _looks(ray: Any, nodes: Sequence[Node], *places: Sequence[str]) -> list[tuple[Node, _Look]]:
    """What each machine has; machines that are lost meanwhile are left out."""
    look = ray.remote(num_cpus=0, max_retries=0)(_look_of())
    tasks = [look.options(**on(node)).remote(PACKAGES, *places) for node in nodes]
    found = list[tuple[Node, _Look]]()
    for node, task in zip(nodes, tasks, strict=True):
        try:
            found.append((node, ray.get(task, timeout=_LOOK_S)))
        except ray.exceptions.GetTimeoutError as error:
            raise ClusterError(f"{node.name}: no answer in {_LOOK_S:.0f} s; look at that machine") from error
        except ray.exceptions.RayError as error:
            if node.id in living(ray):
                said = " ".join(str(error).split())
                raise ClusterError(f"{node.name}: cannot run anything ({said})") from error
    return found


def _look_of() -> Callable[[Sequence[str], Sequence[str], Sequence[str]], _Look]:
    """A function that Ray sends as it stands, since the other machine may have no upres or another one."""

    def look(packages: Sequence[str], folders: Sequence[str], files: Sequence[str]) -> _Look:
        from importlib.metadata import PackageNotFoundError, version
        from pathlib import Path

        versions: dict[str, str | None] = {}
        for package in packages:
            try:
                versions[package] = version(package)
            except PackageNotFoundError:
                versions[package] = None
        missing = [path for path in folders if not Path(path).is_dir()]
        return versions, missing + [path for path in files if not Path(path).exists()]

    return look


def _require_versions(node: Node, versions: Mapping[str, str | None], here: Mapping[str, str | None]) -> None:
    others = [
        f"{package} {versions[package] or 'is missing'}, here {mine or 'it is not installed'}"
        for package, mine in here.items()
        if versions[package] != mine
    ]
    if others:
        raise ClusterError(f"{node.name}: {'; '.join(others)}; install the same versions on every machine")


def _require_answer(address: str) -> None:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in address:
        raise ClusterError(f"{address}: expected an address such as 10.0.0.1:6379")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_S).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ClusterError(f"{address}: no cluster answers there ({reason})", hint=Hint.START_A_CLUSTER) from error


@contextmanager
def _signals_kept() -> Iterator[None]:
    """SIGTERM goes on to mean what it did: Ray makes of it an exit of its own."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
