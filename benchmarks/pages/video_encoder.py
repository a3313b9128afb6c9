"""What a whole run of `upres video` takes, beside its encoder alone on frames that are large already."""

import filecmp
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.films import Film, make_film
from benchmarks.pages.page import ROOT
from benchmarks.pages.tables import LEFT, RIGHT, machine_line, table
from upres.machine.others import all_seconds

LONG, SMALL, MIDDLE, LARGE = (
    Film(width=640, height=360, frames=400),
    Film(width=640, height=360, frames=240),
    Film(width=1280, height=720, frames=150),
    Film(width=1920, height=1080, frames=100),
)
"""Much longer than what encoders look ahead: what fills and empties them is a small part."""
_COMPILED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""An installed upres lies there compiled, and a checkout from its first start on, unless this variable forbids it."""


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """One film by one encoder."""

    film: Film
    codec: str
    preset: str


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What was seen of every contender, once."""

    seen: Mapping[str, tuple[float, float]]
    """Seconds and CPU seconds."""
    others: float
    """Cores that other processes kept busy meanwhile."""


ENCODED: Sequence[Encoded] = (
    *(Encoded(film=film, codec="x264", preset="veryfast") for film in (LONG, MIDDLE, LARGE)),
    *(Encoded(film=SMALL, codec="x264", preset=preset) for preset in ("medium", "slow")),
    Encoded(film=SMALL, codec="x265", preset="fast"),
    Encoded(film=SMALL, codec="av1", preset="8"),
)


def measure_encoders(photographs: Sequence[Path], chosen: Sequence[Encoded], repeats: int) -> Iterator[dict[str, Any]]:
    """A row for each encoder and film: whole run, encoder alone and the first frame alone, in turn.

    Raises:
        RuntimeError: If a process fails, or a run's file is not to the byte that of the encoder alone.
    """
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        for each in chosen:
            source = Path(name, f"{each.film.size}.{each.film.frames}.mkv")
            if not source.exists():
                make_film(each.film, photographs, source)
            yield _row(each, [_turn(each, source) for _ in range(repeats)])


def _turn(each: Encoded, source: Path) -> Turn:
    """Every contender once."""
    began, all_began, own_began = time.perf_counter(), all_seconds(), _own_seconds()
    seen = _seen(each, source)
    others = all_seconds() - all_began - _own_seconds() + own_began
    return Turn(seen=seen, others=max(0.0, others / (time.perf_counter() - began)))


def _own_seconds() -> float:
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in usage)


def _seen(each: Encoded, source: Path) -> dict[str, tuple[float, float]]:
    """Seconds and CPU seconds of each contender."""
    whole, alone = source.with_name("whole.mkv"), source.with_name("alone.mkv")
    alone.unlink(missing_ok=True)
    chosen = ("--codec", each.codec, "--preset", each.preset)
    command = [sys.executable, "-m", "upres", "video", str(source), "--overwrite", "--quiet", *chosen, "-o"]
    seen = {"run": _process([*command, str(whole)])}
    told = [sys.executable, "-m", "benchmarks.encoder_alone", str(source), *chosen]
    done = json.loads(subprocess.run(told, stdout=subprocess.PIPE, check=True, cwd=ROOT, env=_COMPILED).stdout)
    seen["alone"] = done["seconds"], done["cpu_seconds"]
    if not filecmp.cmp(whole, alone, shallow=False):
        raise RuntimeError(f"{each.codec} {each.preset}: the encoder alone made another file than the whole run")
    seen["first"] = _process([*command, str(source.with_name("first.mkv")), "--end", f"{0.5 / each.film.rate:.4f}"])
    return seen


def _process(command: Sequence[str]) -> tuple[float, float]:
    began = time.perf_counter()
    _, status, usage = os.wait4(os.posix_spawn(sys.executable, [*command], _COMPILED), 0)
    if status:
        raise RuntimeError(f"{' '.join(command)}: status {status}")
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime


def _row(each: Encoded, turns: Sequence[Turn]) -> dict[str, Any]:
    others = median(turn.others for turn in turns)
    row = asdict(each) | {"size": each.film.size, "runs": len(turns), "others": others}
    for contender in turns[0].seen:
        row[f"{contender}_seconds"] = median(turn.seen[contender][0] for turn in turns)
        row[f"{contender}_cpu_seconds"] = median(turn.seen[contender][1] for turn in turns)
    return row


def render_encoders(report: Mapping[str, Any]) -> str:
    """A line a film and encoder."""
    environment, rows = report["environment"], report["rows"]
    cores = environment["cores"]
    lines = []
    for row in rows:
        alone, frames = row["alone_seconds"], row["film"]["frames"]
        going = row["run_seconds"] - row["first_seconds"]
        going_alone = alone * (frames - 1) / frames
        lines.append(
            (
                row["size"],
                f"{row['codec']} {row['preset']}",
                f"{frames}",
                f"{alone:.2f}",
                f"{row['run_seconds']:.2f}",
                f"{row['first_seconds']:.2f}",
                f"{row['run_seconds'] / alone:.2f}",
                f"{going / going_alone:.2f}",
                f"{row['alone_cpu_seconds'] / alone:.2f}",
                f"{(row['run_cpu_seconds'] - row['first_cpu_seconds']) / cores / going_alone:.2f}",
                f"{row['others']:.2f}",
            )
        )
    columns = (
        "film", "encoder", "frames", "alone, s", "run, s", "first frame, s", "run / alone", "without the start",
        "cores, alone", "at best", "others' cores",
    )  # fmt: skip
    return f"""## Beside the encoder alone

The same films made by `upres video`, whole processes, and by its encoder alone: the same class with the same settings
and threads takes frames that lie in memory, large already, segment by segment. Both write the same file to the byte,
which is checked.
Medians of {rows[0]["runs"]} in turn, {cores} cores, {machine_line(environment)}.

"First frame" is a whole run that ends behind one frame: Python with its modules compiled, the look at the film, the
network's opening, the joining. "Without the start" is run / alone of what is left, as in long films. "Cores, alone" is
how many the encoder alone keeps busy. "At best" is what that part would take if its CPU seconds kept all cores busy, by
the time of the encoder alone: no order of the work can be faster than that, nor than 1. The last column says how many
cores other processes kept busy meanwhile: on an idle machine none, and where it is not near 0 all figures of the line
are too high, and "at best" is too low.

{table(columns, lines, (LEFT, LEFT, *[RIGHT] * 9))}
"""
