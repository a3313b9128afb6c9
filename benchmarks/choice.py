"""Which RGB network ships: quality after a short training against milliseconds in OpenVINO, ``docs/reports/choice.md``.

    upres train choice --data ../shared/data/train --out RUNS     # benchmarks/results/choice.json
    python benchmarks/choice.py speed                             # how fast each is, on an otherwise idle machine
    python benchmarks/choice.py page                              # the page alone

Speed does not depend on the weights, so untrained networks are timed.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from upres.bench.speed import Contender, bench_speed, contenders
from upres.errors import UpresError
from upres.lab.checkpoint import build, describe, save
from upres.lab.export.onnx import export
from upres.lab.studies.choice import STUDY
from upres.lab.studies.summary import markdown
from upres.lab.training.form import deployable
from upres.machine.environment import environment

ROOT = Path(__file__).resolve().parents[1]
QUALITY = ROOT / "benchmarks" / "results" / "choice.json"
SPEED = ROOT / "benchmarks" / "results" / "choice_speed.json"
PAGE = ROOT / "docs" / "reports" / "choice.md"
WIDTH, HEIGHT, THREADS, ROUNDS = 320, 180, 2, 15
ARITHMETIC = {"bf16": "bf16", "f32": "f32", "f32, AVX2": "f32"}
"""Column -> precision asked of OpenVINO."""
FOLDED = {"c32b6_ecb": "c32b6", "span32_plain": "span32"}
"""Rows that are another row's network when they are used, and as fast."""


def speed() -> None:
    """Milliseconds of every candidate in every arithmetic."""
    with tempfile.TemporaryDirectory() as folder:
        graphs = dict(_exported(Path(folder)))
        rows = [*_timed(graphs, ("bf16", "f32"))]
        with _avx2_only():
            rows += _timed(graphs, ("f32, AVX2",))
    SPEED.write_text(json.dumps({"environment": environment(), "rows": rows}, indent=1) + "\n")
    rewrite()


def rewrite() -> None:
    """Write the page from the results files."""
    PAGE.write_text(page())


def _exported(folder: Path) -> Iterator[tuple[str, Path]]:
    for row, recipe in zip(STUDY.rows, STUDY.recipes(), strict=False):  # the first seed's
        if row.label in FOLDED:
            continue
        path = folder / f"{row.label}.safetensors"
        network, spec = deployable(build(recipe.spec()), recipe.spec())
        save(path, network, describe(network, spec, name=row.label))
        export(network, path.with_suffix(".onnx"))
        yield row.label, path


def _timed(graphs: dict[str, Path], columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    size = (4 * WIDTH, 4 * HEIGHT)
    entrants = {
        (label, column): entrant
        for label, path in graphs.items()
        for column in columns
        for entrant in contenders([str(path)], ["openvino"], [size], threads=THREADS, precision=ARITHMETIC[column])
    }
    rows = bench_speed(list(entrants.values()), rounds=ROUNDS, on_skip=_give_up).rows
    for (label, column), row in zip(entrants, rows, strict=True):
        yield {
            "label": label,
            "arithmetic": column,
            "latency_ms_median": round(row.latency_ms_median, 3),
            "spread": round(row.spread, 4),
        }


def _give_up(contender: Contender, error: UpresError) -> None:
    raise RuntimeError(f"{contender.name}: {error}") from error


@contextmanager
def _avx2_only() -> Iterator[None]:
    """Let the convolutions of processes that begin now use no more than AVX2."""
    os.environ["ONEDNN_MAX_CPU_ISA"] = "AVX2"
    try:
        yield
    finally:
        del os.environ["ONEDNN_MAX_CPU_ISA"]


INTRODUCTION = """# Which RGB network ships

RLFN with 32 channels and 6 blocks, `rlfn_c32b6`. Candidates are compared by quality after the same short training and
by milliseconds in the engine that users get, with bf16, with f32, and with convolutions held to AVX2.

24 channels take four fifths of the time of 32 for far less, 48 channels buy their gain with time, 4 blocks instead of 6
lose little so early. SPAN is no slower than RLFN, sees only its neighbourhood (bands of it are exact), and is ahead
after as many steps if its convolutions are expanded while they train, not if they are plain; expanded, its steps take
longer. RLFN gained nothing by being expanded. All this is one seed, and which is ahead after fifty times as many steps
is open; what ships was trained long before SPAN was measured.

Written by `python benchmarks/choice.py` from `benchmarks/results/choice.json`, which `upres train choice` makes, and
`choice_speed.json`. One picture of {width}x{height} to x4, OpenVINO {openvino}, {threads} threads, {cpu},
each candidate in a process of its own, in turns; ± is the distance between the quartiles.
"""


def page() -> str:
    """The Markdown page."""
    quality, found = json.loads(QUALITY.read_text()), json.loads(SPEED.read_text())
    machine, times = found["environment"], {(row["label"], row["arithmetic"]): row for row in found["rows"]}
    introduction = INTRODUCTION.format(
        width=WIDTH, height=HEIGHT, openvino=machine["versions"]["openvino"], threads=THREADS, cpu=machine["cpu"]
    )
    lines = [
        introduction,
        f"| | {' | '.join(f'{column}, ms' for column in ARITHMETIC)} | PSNR |",
        f"|---|{'--:|' * (len(ARITHMETIC) + 1)}",
    ]
    for row in quality["rows"]:
        label = FOLDED.get(row["label"], row["label"])
        cells = [_cell(times[label, column]) for column in ARITHMETIC]
        lines.append(f"| {row['says']} | {' | '.join(cells)} | {row['mean_db']:.3f} |")
    return "\n".join([*lines, "", "The trainings; CPU ms are those of eager PyTorch:", "", markdown(quality)])


def _cell(row: dict[str, Any]) -> str:
    return f"{row['latency_ms_median']:.1f} ± {row['spread']:.0%}"


if __name__ == "__main__":
    {"speed": speed, "page": rewrite}[sys.argv[1]]()
