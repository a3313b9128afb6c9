"""Which RGB network ships: quality after a short training against milliseconds in OpenVINO.

Speed does not depend on the weights, so untrained networks are timed.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.pages import studies, trunk
from benchmarks.pages.page import Latency, Page, Settings, measured_here, results, write_results
from benchmarks.pages.tables import RIGHT, machine_line, pm, table
from upres.bench.speed import Contender, bench_speed, contenders
from upres.errors import UpresError
from upres.lab.checkpoint import build, describe, save
from upres.lab.export.onnx import export
from upres.lab.studies.choice import STUDY
from upres.lab.studies.summary import markdown
from upres.lab.training.form import deployable
from upres.machine.names import name_of

WIDTH, HEIGHT, THREADS, ROUNDS = 320, 180, 2, 15
ARITHMETIC = {"bf16": "bf16", "f32": "f32", "f32, AVX2": "f32"}
"""Column -> precision asked of OpenVINO."""
FOLDED = {"c32b6_ecb": "c32b6", "span32_plain": "span32"}
"""Rows that are another row's network when they are used, and as fast."""
SHIPPED = {"c32b6": "rlfn_c32b6_x4"}
"""Row -> the network that ships in its shape."""


def measure_speed(settings: Settings) -> None:
    """Milliseconds of every candidate in every arithmetic, on an otherwise idle machine."""
    del settings
    with tempfile.TemporaryDirectory() as folder:
        graphs = dict(_exported(Path(folder)))
        rows = [*_timed(graphs, ("bf16", "f32"))]
        with _avx2_only():
            rows += _timed(graphs, ("f32, AVX2",))
    write_results("choice_speed", measured_here(rows))


def _exported(folder: Path) -> Iterator[tuple[str, Path]]:
    for row, recipe in zip(STUDY.rows, STUDY.recipes(), strict=False):  # the first seed's
        if row.label in FOLDED:
            continue
        path = folder / f"{row.label}.safetensors"
        network, spec = deployable(build(recipe.spec()), recipe.spec())
        save(path, network, describe(network, spec, name=row.label))
        export(network, path.with_suffix(".onnx"), weights=path)
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

Written by `python -m benchmarks` from `benchmarks/results/choice.json`, which `upres train choice` makes, and
`choice_speed.json`. One picture of {width}x{height} to x4, OpenVINO {openvino}, {threads} threads, {machine},
each candidate in a process of its own, in turns; ± is the distance between the quartiles.
"""


TRUNK = """
## The trunk that comes next

For an engine that runs 3x3 convolutions by minimal filtering, whole strips depth first, RLFN's 1x1 convolutions and its
attention are a third of the time. The candidate default is `plain_c32b6`: 3x3 convolutions, local skips, the nearest
pixel added at the end, and one gate a block, `x + (f + x) clip(f / 4, -1/2, 1/2)` with `f` the block's last
convolution. It sees 21 pixels far, so bands of it are exact.

Runs of 600 to 900 steps took about the same CPU time on one core, and so did the two long ones, three times as much;
those of 300 steps compare forms of SOAP. Two seeds of the plain trunk differ by 0.08 dB and two of the one with the
hard gate as well: between networks with one seed that much says nothing.

* The hard gate gains 0.07 dB, with either seed. SPAN's own loses 1.9: it weighs the skip as well, which SPAN's
  concatenation makes up for and a sum does not. Beside the skip it is as good as the hard one, which needs no
  exponential.
* RLFN is 0.6 dB behind the plain trunk without a gate after the short time, and 0.10 after the long one (35.928 at step
  2500 of 2700, which is 400 s). How both end after fifty times as many steps is open; the RLFN that ships has 36.835 dB
  after 33 500.
* Expanded convolutions, with which SPAN gained at x4, are 0.3 dB behind the plain ones after as many steps (300), and
  each step takes longer. SPAN itself is 0.8 behind after the same time.
* SiLU is 1.6 dB behind leaky ReLU: near zero, where features of inputs in [0, 1] are, it is a straight line.
* 48 channels and 4 blocks are 0.14 behind and would take 1.4 times as long natively, by count.

Native milliseconds, from prototypes with random weights: at as many 3x3 layers of 32 channels as RLFN, SPAN takes 0.89
of its time and plain blocks 0.85 (AVX-512) or 0.76 to 0.80 (AVX2). What the gate takes there is not measured; it is
four operations a value in a pass that stores the block anyway. Per native millisecond that leaves the plain trunk ahead
of every other row, with its gate or without.

`benchmarks/results/trunk.json` is made by `python -m benchmarks measure choice --part trunk --runs RUNS`, from runs of
`upres train` whose recipes stand in it.
"""


def render(quality: Mapping[str, Any], speed: Mapping[str, Any], trunks: Mapping[str, Any]) -> str:
    """The Markdown page."""
    machine, times = speed["environment"], {(row["label"], row["arithmetic"]): row for row in speed["rows"]}
    introduction = INTRODUCTION.format(
        width=WIDTH,
        height=HEIGHT,
        openvino=machine["versions"]["openvino"],
        threads=THREADS,
        machine=machine_line(machine),
    )
    lines = [
        (
            row["says"],
            *(pm(times[FOLDED.get(row["label"], row["label"]), column]) for column in ARITHMETIC),
            f"{row['mean_db']:.3f}",
        )
        for row in quality["rows"]
    ]
    comparison = table(("", *(f"{column}, ms" for column in ARITHMETIC), "PSNR"), lines, align=RIGHT)
    trainings = f"The trainings; CPU ms are those of eager PyTorch, {machine_line(quality['environment'])}:"
    return "\n".join([introduction, comparison, "", trainings, "", markdown(quality), TRUNK, trunk.render(trunks)])


def latencies(quality: Mapping[str, Any], speed: Mapping[str, Any], trunks: Mapping[str, Any]) -> Iterator[Latency]:
    """Of the candidates in OpenVINO and of their trainings' networks in eager PyTorch."""
    del trunks  # steps of a training, not latencies
    yield from studies.latencies(quality)
    for row in speed["rows"]:
        yield Latency(
            machine=name_of(speed["environment"]),
            model=SHIPPED.get(row["label"], row["label"]),
            engine="openvino",
            arithmetic=row["arithmetic"],
            width=4 * WIDTH,
            height=4 * HEIGHT,
            threads=THREADS,
            ms=row["latency_ms_median"],
        )


PAGES: Sequence[Page] = (
    Page(
        name="choice",
        target="docs/reports/choice.md",
        inputs=(results("choice"), results("choice_speed"), results("trunk")),
        render=render,
        latencies=latencies,
        measure={"speed": measure_speed, "trunk": trunk.measure},
        command="upres train choice --data ../shared/data/train --out RUNS",
    ),
)
