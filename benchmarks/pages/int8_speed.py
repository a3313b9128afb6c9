"""How fast the 8-bit network's mixes are beside f32 and bf16."""

from dataclasses import replace

from benchmarks.pages.int8_parts import MIXES, MODEL, ROUNDS, SIZES, THREADS, TRAINED, graphs_of, record, stem
from benchmarks.pages.page import Settings
from upres.bench.speed import Contender, bench_speed, contenders
from upres.errors import UnsupportedModelError, UpresError
from upres.models.catalog import find


def measure_speed(settings: Settings) -> None:
    """Milliseconds a picture, the contenders in turns, each in a process of its own."""
    graphs, shipped = graphs_of(settings), str(find(MODEL).weights)
    known = [*(f"{mix}, calibrated" for mix in MIXES), TRAINED]
    names = [name for name in known if (graphs / f"{stem(name)}.int8.onnx").is_file()]
    runners = {"f32": (shipped, "f32"), "bf16": (shipped, "bf16")}
    runners |= {name: (str(graphs / f"{stem(name)}.safetensors"), "int8") for name in names}
    sizes = [(4 * width, 4 * height) for width, height in SIZES]
    entrants = [
        replace(entrant, model=name)
        for name, (source, precision) in runners.items()
        for entrant in contenders([source], ["openvino"], sizes, threads=THREADS, precision=precision)
    ]
    rows = bench_speed(entrants, rounds=ROUNDS, on_skip=_give_up).rows
    bf16 = {row.width: row.latency_ms_median for row in rows if row.model == "bf16"}
    record(
        "speed",
        [
            {
                "graph": row.model,
                "width": row.width // 4,
                "height": row.height // 4,
                "latency_ms_median": round(row.latency_ms_median, 3),
                "spread": round(row.spread, 4),
                "times_as_fast_as_bf16": round(bf16[row.width] / row.latency_ms_median, 4),
            }
            for row in rows
        ],
    )


def _give_up(contender: Contender, error: UpresError) -> None:
    raise UnsupportedModelError(f"{contender.name}: {error}") from error
