"""Latency and memory of a sweep's finished networks on this machine, some of them and bicubic in turn.

What was measured is kept in the sweep's folder, a file a machine and number of threads, after every group: a run that
was stopped goes on with the networks that are left.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

from upres.bench.speed import Contender, bench_speed, contenders
from upres.errors import LedgerError, UpresError
from upres.lab.studies.sweep.job import run_folder, with_graph
from upres.lab.studies.sweep.speeds import Speed, read_speeds, speeds_file
from upres.lab.training.recipe import Recipe
from upres.machine.atomic import write_text
from upres.machine.environment import environment
from upres.machine.ledger import Job, Ledger
from upres.machine.names import label

SIZE = (1920, 1080)
"""Width and height of what comes out, as the pool's authors measure."""
_GROUP = 8
_BICUBIC = "pillow"


def measure_speed(
    ledger: Ledger,
    *,
    threads: int,
    rounds: int = 5,
    seconds: float = 0.2,
    only: Sequence[str] = (),
    progress: Callable[[int, int], object] | None = None,
) -> int:
    """Measure the finished networks that were not measured yet on this machine with so many threads.

    Each network gets a graph beside its weights, so that any engine may run it; the fastest that does is taken.

    Args:
        ledger: Of the sweep.
        threads: Of every network.
        rounds: Turns of each.
        seconds: Length of a turn.
        only: Names; empty for all.
        progress: Told after each group how many are measured, and of how many.

    Returns:
        How many were measured by this call.

    Raises:
        LedgerError: If no job is finished, or a name is of no finished job.
        EngineError: If a network cannot run here.
    """
    done = [job for job in ledger.jobs if ledger.result(job.name) is not None]
    if not done:
        raise LedgerError(f"{ledger.folder}: no network of it is finished yet")
    if unknown := [name for name in only if name not in {job.name for job in done}]:
        raise LedgerError(f"no finished job is called '{unknown[0]}'; one is called {done[0].name}")
    machine = label(environment())
    path = speeds_file(ledger, machine, threads)
    path.parent.mkdir(exist_ok=True)
    rows = read_speeds(path)
    measured = {row.name for row in rows}
    left = [job for job in done if job.name not in measured and (not only or job.name in only)]
    total, count = len(rows) + len(left), len(left)
    for group in _groups(left):
        rows += _measured(ledger, group, machine=machine, threads=threads, rounds=rounds, seconds=seconds)
        write_text(path, "".join(json.dumps(asdict(row)) + "\n" for row in rows))
        if progress is not None:
            progress(len(rows), total)
    return count


def _groups(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Some jobs of one scale at a time."""
    by_scale: dict[int, list[Job]] = {}
    for job in jobs:
        by_scale.setdefault(_scale(job), []).append(job)
    for alike in by_scale.values():
        for start in range(0, len(alike), _GROUP):
            yield alike[start : start + _GROUP]


def _scale(job: Job) -> int:
    return int(job.work["bicubic"]) if _is_bicubic(job) else Recipe.from_dict(job.work["recipe"]).spec().scale


def _is_bicubic(job: Job) -> bool:
    return "bicubic" in job.work


def _measured(
    ledger: Ledger, group: Sequence[Job], *, machine: str, threads: int, rounds: int, seconds: float
) -> list[Speed]:
    """A row each, of networks of one scale that take turns with bicubic interpolation."""
    width, height = SIZE
    plain = Contender(
        model="bicubic", engine=_BICUBIC, scale=_scale(group[0]), width=width, height=height, threads=threads
    )
    networks = {job.name: with_graph(run_folder(ledger.folder, job)) for job in group if not _is_bicubic(job)}
    entrants = contenders(list(map(str, networks.values())), ["auto"], [SIZE], threads=threads)
    *rows, bicubic = bench_speed([*entrants, plain], rounds=rounds, seconds=seconds, on_skip=_refuse).rows
    found = dict(zip(networks, rows, strict=True))
    return [
        Speed(
            name=job.name,
            machine=machine,
            threads=threads,
            engine=row.engine,
            precision=row.precision,
            latency_ms=row.latency_ms_median,
            spread=row.spread,
            memory_mib=row.memory_mib,
            bicubic_ms=bicubic.latency_ms_median,
        )
        for job in group
        for row in (found.get(job.name, bicubic),)
    ]


def _refuse(_: Contender, error: UpresError) -> None:
    """A network that cannot run has no place in a table of latencies."""
    raise error
