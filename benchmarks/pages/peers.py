"""What ships beside the other programs that run such networks, a section a machine.

``speed_peers_MACHINE.json`` holds what one machine measured; a machine that measures adds its own file.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.pages.page import RESULTS, Latency, Page, Settings, results, write_results
from benchmarks.pages.speed import latencies
from benchmarks.pages.tables import LEFT, RIGHT, ms, table
from upres.bench.report import describe
from upres.bench.speed import Contender, bench_speed, contenders
from upres.errors import UpresError
from upres.machine.cores import available_cores
from upres.machine.environment import environment
from upres.machine.names import ADD, label, name_of

PREFIX = "speed_peers_"
SMALL, FULL_HD, TWELVE_MEGAPIXELS = (640, 360), (1920, 1080), (4000, 3000)

_ENGINES = ("native", "openvino", "onnxruntime")
"""Of every matter; the others take minutes for twelve megapixels."""
_OURS = "native f32"
_INTEGERS = "native int16"
_COLUMNS = {
    "openvino f32": "OpenVINO",
    "openvino bf16": "bf16",
    "openvino int8": "8 bits",
    "onnxruntime f32": "ONNX Runtime",
    "torch f32": "PyTorch",
    "torch-compiled f32": "compiled",
    "ncnn f32": "ncnn",
}
"""Engine and precision of a row -> heading of its column."""


@dataclass(frozen=True, kw_only=True)
class Matter:
    """A network at a size, by several programs, by one thread and by all."""

    model: str
    size: tuple[int, int]
    """Of what comes out."""
    rounds: int = 6
    engines: Sequence[str] = (*_ENGINES, "torch", "torch-compiled", "ncnn")
    one_thread: bool = True


MATTERS: Sequence[Matter] = (
    Matter(model="rlfn_c32b6_clean_x2", size=SMALL),
    Matter(model="rlfn_c32b6_clean_x2", size=FULL_HD, rounds=4),
    Matter(model="rlfn_c32b6_clean_x2", size=TWELVE_MEGAPIXELS, rounds=3, engines=_ENGINES, one_thread=False),
    Matter(model="rlfn_c32b6_x4", size=(1280, 720)),
    Matter(model="rlfn_c32b6_x4", size=TWELVE_MEGAPIXELS, rounds=3, engines=_ENGINES, one_thread=False),
    Matter(model="plain_c32b6_light_x2", size=FULL_HD, rounds=4),
    Matter(model="espcn_d22s32_clean_x2", size=SMALL),
    Matter(model="espcn_d22s32_clean_x2", size=FULL_HD),
    Matter(model="espcn_d22s32_clean_x2", size=TWELVE_MEGAPIXELS, rounds=3, engines=_ENGINES, one_thread=False),
    Matter(model="espcn_x2", size=FULL_HD),
    Matter(model="esr_cnn_x2", size=FULL_HD),
    Matter(model="fsrcnn_x2", size=FULL_HD),
)

INTRODUCTION = """# Speed beside other programs

Written by `python -m benchmarks` from `benchmarks/results/speed_peers_*.json`, a file a machine. Milliseconds for one
picture in memory, floats in and out, medians of turns that every program takes one after the other, each in a process
of its own ([how](../reference/bench.md#how-it-is-measured)). In brackets how many times as long as our native engine a
program takes: above 1 ours is faster. All compute in float32 and make the same picture, but for the columns *bf16* and
*8 bits*, which OpenVINO offers and which change it. *compiled* is `torch.compile`; ncnn's faster arithmetics, by which
pixels are off by up to 31 levels, are left out. `rlfn_c32b6_clean_x2` is what `upres upscale` takes for a photograph,
`espcn_d22s32_clean_x2` what it takes with `--fast`, `plain_c32b6_light_x2` for a good JPEG; the others have names only.
*integers* is our own 16-bit arithmetic, for pictures of 8 bits from a megapixel on. A cell is empty where a program was
not asked, or could not: ncnn does not take eSR-CNN. [speed_avx2](../../benchmarks/results/speed_avx2.md) has our engine
and OpenVINO held to AVX2, which is what most processors have.
"""


def measure(settings: Settings) -> None:
    """Everything on this machine, which must be idle and have a name.

    Raises:
        SystemExit: If the machine has no name yet.
    """
    from benchmarks.peers import PeerRunner  # by PyTorch, which takes seconds to import

    del settings
    here = name_of(environment())
    if here is None:
        raise SystemExit(f"this machine has no name; `{ADD}` gives it one")
    reports = [
        bench_speed(list(_entrants(matter)), rounds=matter.rounds, runner=PeerRunner, on_skip=_tell)
        for matter in MATTERS
    ]
    rows = [row for report in reports for row in report.to_dict()["rows"]]
    write_results(f"{PREFIX}{here}", {"environment": reports[-1].to_dict()["environment"], "rows": rows})


def render(*reports: Mapping[str, Any]) -> str:
    """The Markdown page."""
    return "\n".join([INTRODUCTION, *(_section(report) for report in reports)])


def _entrants(matter: Matter) -> Iterator[Contender]:
    for threads in dict.fromkeys((1,) * matter.one_thread + (available_cores(),)):
        found = contenders([matter.model], matter.engines, [matter.size], threads=threads)
        yield from found
        if found[0].channels > 1:  # left alone, OpenVINO takes bfloat16 for these
            yield from contenders([matter.model], ("openvino",), [matter.size], threads=threads, precision="f32")


def _tell(contender: Contender, error: UpresError) -> None:
    print(f"skipped {contender.name} ({contender.precision}): {error}")


def _section(report: Mapping[str, Any]) -> str:
    found: dict[tuple[str, int, int, int, int], dict[str, float]] = {}
    for row in report["rows"]:
        key = (row["model"], row["scale"], row["width"], row["height"], row["threads"])
        found.setdefault(key, {})[f"{row['engine']} {row['precision']}"] = row["latency_ms_median"]
    shown = [column for column in _COLUMNS if any(column in times for times in found.values())]
    lines = []
    for (model, scale, width, height, threads), times in found.items():
        ours = times[_OURS]
        lines.append(
            (
                model,
                f"{width // scale}x{height // scale}",
                f"{width}x{height}",
                str(threads),
                f"**{ms(ours)}**",
                _cell(times.get(_INTEGERS), ours),
                *(_cell(times.get(column), ours) for column in shown),
            )
        )
    columns = ("network", "from", "to", "threads", "ours", "integers", *(_COLUMNS[column] for column in shown))
    align = (*[LEFT] * 3, *[RIGHT] * (len(columns) - 3))
    return f"## {label(report['environment'])}\n\n{describe(report['environment'])}\n\n{table(columns, lines, align)}\n"


def _cell(time: float | None, ours: float) -> str:
    return "" if time is None else f"{ms(time)} ({time / ours:.2f})"


def _latencies(*reports: Mapping[str, Any]) -> Iterator[Latency]:
    for report in reports:
        yield from latencies(report)


PAGES: Sequence[Page] = (
    Page(
        name="peers",
        target="docs/reports/speed.md",
        inputs=tuple(results(path.stem) for path in sorted(RESULTS.glob(f"{PREFIX}*.json"))),
        render=render,
        latencies=_latencies,
        measure={"peers": measure},
    ),
)
