"""What 8-bit arithmetic costs in quality and gains in speed, layer by layer: ``docs/reports/int8.md``.

    upres train rlfn_c32b6_int8_x4 --data ../shared/data/train --out runs/int8/trained
    python benchmarks/int8.py quality ../shared runs/int8    # graphs of every mix into runs/int8, their PSNR
    python benchmarks/int8.py speed runs/int8                # their speed, on an otherwise idle machine
    python benchmarks/int8.py layers ../shared               # each convolution alone in 8 bits, ten minutes
    python benchmarks/int8.py nncf ../shared runs/int8       # the same by NNCF, if it is installed

Each writes its part of ``results/int8.json``, and the page anew (``page`` does that alone). A graph that holds
both bars goes into the package by ``upres export runs/int8/trained/best.safetensors -o src/upres/models/weights``.
"""

import hashlib
import json
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from upres.bench.speed import Contender, bench_speed, contenders
from upres.engines.engine import Session
from upres.engines.select import open_session
from upres.engines.torch import TorchSession
from upres.errors import UnsupportedModelError, UpresError
from upres.evaluation import evaluate, load_pairs
from upres.lab.checkpoint import load
from upres.lab.compress.quantize.calibration import picture_batches, quantize
from upres.lab.compress.quantize.network import quantized_layers, suitable_layers
from upres.lab.export.int8 import export_int8
from upres.machine.environment import environment
from upres.models.catalog import Model, find

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "int8.json"
PAGE = ROOT / "docs" / "reports" / "int8.md"
MODEL = "rlfn_c32b6_x4"
SETS = ("Set5", "Set14")
SIZES = ((320, 180), (256, 256), (640, 360))
ROUNDS = 20
THREADS = 2

MIXES: dict[str, Callable[[str], bool]] = {
    "body": lambda name: name.endswith(("conv1", "conv2", "conv3")),
    "body, tail": lambda name: name.endswith(("conv1", "conv2", "conv3", "body_conv")) or name.startswith("upsampler"),
    "body, fusion, tail": lambda name: "attention" not in name and name != "head",
    "every convolution": lambda name: bool(name),
}
"""Name -> whether a convolution is in 8 bits; the second is what `suitable_layers` chooses."""

TRAINED = "body, tail, trained"

Scores = dict[str, float]


def quality(shared: Path, runs: Path) -> None:
    """PSNR of float, of every calibrated mix, and of the trained network."""
    data, model = _data(shared), find(MODEL)
    graphs = runs / "graphs"
    graphs.mkdir(parents=True, exist_ok=True)
    rows = [
        {"graph": precision, **_psnr(_engine(model, precision), data), "sha256": digest(model.graph)}
        for precision in ("f32", "bf16")
    ]
    for mix, chosen in MIXES.items():
        network, _ = load(model.weights)
        layers = [name for name in _convolutions(network) if chosen(name)]
        quantize(network, shared / "data" / "train", layers=layers)
        try:
            rows.append(_exported(network, f"{mix}, calibrated", graphs, data))
        except UnsupportedModelError as error:
            print(f"{mix}, left out: {error}", file=sys.stderr)
    trained = runs / "trained" / "best.safetensors"
    if trained.is_file():
        network, card = load(trained)
        steps = card.training["steps"]
        rows.append({**_exported(network, TRAINED, graphs, data), "steps": steps})
        for layer in quantized_layers(network).values():
            layer.quantizing = False
        rows.append({"graph": "the trained network in f32", **_psnr(TorchSession(network), data)})
    _record("quality", rows)


def speed(runs: Path) -> None:
    """Milliseconds a picture, the contenders in turns, each in a process of its own."""
    graphs, shipped = runs / "graphs", str(find(MODEL).weights)
    known = [*(f"{mix}, calibrated" for mix in MIXES), TRAINED]
    names = [name for name in known if (graphs / f"{_stem(name)}.int8.onnx").is_file()]
    runners = {"f32": (shipped, "f32"), "bf16": (shipped, "bf16")}
    runners |= {name: (str(graphs / f"{_stem(name)}.safetensors"), "int8") for name in names}
    sizes = [(4 * width, 4 * height) for width, height in SIZES]
    entrants = [
        replace(entrant, model=name)
        for name, (source, precision) in runners.items()
        for entrant in contenders([source], ["openvino"], sizes, threads=THREADS, precision=precision)
    ]
    rows = bench_speed(entrants, rounds=ROUNDS, on_skip=_give_up).rows
    bf16 = {row.width: row.latency_ms_median for row in rows if row.model == "bf16"}
    _record(
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


def layers(shared: Path) -> None:
    """What one convolution alone in 8 bits loses."""
    data = _data(shared)
    network, _ = load(find(MODEL).weights)
    quantize(network, shared / "data" / "train", layers=list(_convolutions(network)))
    quantized = quantized_layers(network)
    for layer in quantized.values():
        layer.quantizing = False
    exact, rows = _psnr(TorchSession(network), data), []
    for name, layer in quantized.items():
        layer.quantizing = True
        found = _psnr(TorchSession(network), data)
        rows.append({"layer": name, **{key: exact[key] - found[key] for key in SETS}})
        layer.quantizing = False
    _record("layers", rows, exact)


def nncf(shared: Path, runs: Path) -> None:
    """NNCF's post-training quantisation, by its defaults and told to leave alone what we leave alone."""
    import nncf as toolkit
    import openvino

    core, data, graph, rows = openvino.Core(), _data(shared), find(MODEL).graph, []
    exact = _psnr(_engine(find(MODEL), "f32"), data)
    network, _ = load(find(MODEL).weights)
    suitable = [f"/{name.replace('.', '/')}" for name in suitable_layers(network)]
    batches = picture_batches(shared / "data" / "train", scale=4, color_mode="rgb")
    samples = toolkit.Dataset([crop[None] for batch in batches for crop in batch.numpy()])
    for name, options in _nncf_options(toolkit, core.read_model(graph), suitable).items():
        made = toolkit.quantize(core.read_model(graph), samples, subset_size=64, **options)
        path = runs / "graphs" / f"{_stem(name)}.xml"
        openvino.save_model(made, path, compress_to_fp16=False)
        for shapes in ("fixed size", "free size"):
            run = _openvino_graph(core, path, fixed=shapes == "fixed size")
            rows.append({"graph": f"{name}, {shapes}", **_psnr(run, data)})
    _record("nncf", rows, exact)


def _nncf_options(toolkit: Any, graph: Any, suitable: Sequence[str]) -> dict[str, dict[str, Any]]:
    mixed = toolkit.QuantizationPreset.MIXED
    others = [
        node.get_friendly_name()
        for node in graph.get_ops()
        if node.get_type_name() == "Convolution" and not _is_one_of(node.get_friendly_name(), suitable)
    ]
    rest = toolkit.IgnoredScope(
        names=others, types=["Multiply", "Interpolate", "Sigmoid", "MaxPool", "Add"], validate=False
    )
    return {
        "NNCF, performance": {"preset": toolkit.QuantizationPreset.PERFORMANCE},
        "NNCF, mixed": {"preset": mixed},
        "NNCF, mixed, body and tail": {"preset": mixed, "ignored_scope": rest},
        "NNCF, mixed, body and tail, accurate bias": {
            "preset": mixed,
            "ignored_scope": rest,
            "fast_bias_correction": False,
        },
    }


def _is_one_of(node: str, suitable: Sequence[str]) -> bool:
    dotted = node.replace("/", ".")
    return any(f".{name.strip('/').replace('/', '.')}.Conv" in dotted for name in suitable)


def _openvino_graph(core: Any, path: Path, *, fixed: bool) -> Callable[[Any], Any]:
    compiled: dict[Any, Any] = {}

    def run(batch: Any) -> Any:
        key = batch.shape if fixed else None
        if key not in compiled:
            graph = core.read_model(path)
            if fixed:
                graph.reshape(list(batch.shape))
            compiled[key] = core.compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "bf16"})
        return np.array(compiled[key](batch)[0])

    return run


def _exported(network: nn.Module, name: str, folder: Path, data: Any) -> dict[str, Any]:
    """Write the graph beside a copy of the float weights, as it would lie in the package, and measure it so."""
    weights = folder / f"{_stem(name)}.safetensors"
    shutil.copy(find(MODEL).weights, weights)
    export_int8(network, weights.with_suffix(".int8.onnx"))
    scores = _psnr(_engine(find(weights), "int8"), data)
    return {
        "graph": name,
        "layers": len(quantized_layers(network)),
        **scores,
        "sha256": digest(weights.with_suffix(".int8.onnx")),
    }


def digest(path: Path) -> str:
    """Of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _engine(model: Model, precision: str) -> Session:
    return open_session(model, engine="openvino", threads=THREADS, precision=precision)


def _convolutions(network: nn.Module) -> list[str]:
    return [name for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d)]


def _data(shared: Path) -> dict[str, Any]:
    return {name: load_pairs(shared / "data" / "test" / name, 4) for name in SETS}


def _psnr(run: Callable[[Any], Any], data: dict[str, Any]) -> Scores:
    reports = {name: evaluate(run, data[name], scale=4, color_mode="rgb", protocol="paper") for name in SETS}
    return {name: round(report.psnr_db, 4) for name, report in reports.items()}


def _stem(name: str) -> str:
    return name.replace(",", "").replace(" ", "_")


def _read() -> dict[str, Any]:
    return json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}


def _record(part: str, rows: list[dict[str, Any]], exact: Scores | None = None) -> None:
    """Keep the rows of a part and, where they are distances, the scores in floats that they are measured from."""
    found = _read() | {part: rows, "model": MODEL}
    if exact is not None:
        found["exact"] = {**found.get("exact", {}), part: exact}
    found["environment"] = {**found.get("environment", {}), part: environment()}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    PAGE.write_text(page(found))


INTRODUCTION = """# 8-bit networks

Written by `python benchmarks/int8.py` from `benchmarks/results/int8.json`; PSNR in dB by protocol `paper`.

The shipped RGB network at x4 with its wide 3x3 convolutions in 8 bits: inputs as unsigned bytes between two limits of
each layer (asymmetric, as what follows a leaky ReLU is almost one-sided), weights as signed bytes with a scale for each
output channel, and everything else in bf16. That is what VNNI multiplies.

```
upres train rlfn_c32b6_int8_x4 --data photos/ --out runs/int8/trained     # calibrates, then trains on with rounding
upres export runs/int8/trained/best.safetensors -o models/                # models/rlfn_c32b6_x4.int8.onnx
upres export rlfn_c32b6_x4 --int8 photos/ -o models/                      # without training: a few seconds
upres upscale photo.jpg --scale 4 --precision int8
upres evaluate models/rlfn_c32b6_x4.safetensors --data Set5 --engine openvino --precision int8
```

The engine takes the graph where `NAME.int8.onnx` lies beside `NAME.safetensors` and `precision="int8"` is asked for. It
compiles it for each size of picture: free sizes give back a good part of the gain, and OpenVINO 2026.4 computes some
int8 graphs (NNCF's below) worse with them. The first picture of a size waits some tenths of a second for that.
"""


def page(found: dict[str, Any]) -> str:
    """The Markdown page."""
    sections = {"quality": _quality_page, "speed": _speed_page, "layers": _layers_page, "nncf": _nncf_page}
    parts = [make(found) for part, make in sections.items() if {part, "quality"} <= found.keys()]
    return "\n".join([INTRODUCTION, *parts])


_QUALITY = """## Quality

`calibrated` is post-training quantisation: limits that cut off 0.005 % of what a layer sees at either side, on 64
crops. `trained` goes on from there in the project's loop: rounding passes gradients straight through, limits are
learned with the weights (`lab/quantization/network.py`). The engine computes; in brackets the distance to f32.
"""
_SPEED = """## Speed

Median milliseconds for a picture of that size going in, ± the distance between the quartiles, {threads} threads,
{cpu}, OpenVINO {openvino}, contenders in turns, each in a process of its own; in brackets how many times as fast as
bf16. All are compiled for the size, as the engine does from the third picture of a size on.
"""
_LAYERS = """## Layer by layer

Thousandths of a dB lost on Set5 / Set14 with that convolution alone in 8 bits, calibrated, the rest in f32; a column a
block. The weights that shipped when this was measured: {exact} dB in f32.
"""
_NNCF = """## NNCF

NNCF's post-training quantisation on the same 64 crops. Left alone it also rounds what is added and multiplied between
the convolutions; kept to the same convolutions it still loses more than ours. It is no dependency. The weights that
shipped when this was measured: {exact} dB in f32, from which the distances are.
"""


def _quality_page(found: dict[str, Any]) -> str:
    exact = found["quality"][0]
    lines = [
        _QUALITY,
        *_table(
            ("graph", "layers in 8 bits", *SETS),
            ((row["graph"], str(row.get("layers", 0)), *_scores(row, exact)) for row in found["quality"]),
            align="--:",
        ),
    ]
    trained = [row["steps"] for row in found["quality"] if "steps" in row]
    if trained:
        lines.append(f"\nTrained for {trained[0]} steps.")
    return "\n".join(lines) + "\n"


def _speed_page(found: dict[str, Any]) -> str:
    machine = found["environment"]["speed"]
    sizes = list(dict.fromkeys((row["width"], row["height"]) for row in found["speed"]))
    cells = {(row["graph"], row["width"], row["height"]): row for row in found["speed"]}
    lines = [
        _SPEED.format(threads=THREADS, cpu=machine["cpu"], openvino=machine["versions"]["openvino"]),
        *_table(
            ("graph", *(f"{width}x{height}" for width, height in sizes)),
            (
                (name, *(_timed(cells[name, *size]) for size in sizes))
                for name in dict.fromkeys(row["graph"] for row in found["speed"])
            ),
        ),
    ]
    return "\n".join(lines) + "\n"


def _layers_page(found: dict[str, Any]) -> str:
    lost, exact = {row["layer"]: row for row in found["layers"]}, found["exact"]["layers"]
    blocks = sorted({name.split(".")[1] for name in lost if name.startswith("blocks.")})
    kinds = list(dict.fromkeys(name.split(".", 2)[2] for name in lost if name.startswith("blocks.")))
    lines = [
        _LAYERS.format(exact=_both(exact)),
        *_table(
            ("convolution", *(str(int(block) + 1) for block in blocks)),
            ((kind, *(_lost(lost[f"blocks.{block}.{kind}"]) for block in blocks)) for kind in kinds),
        ),
        "",
        *_table(
            ("outside the blocks", "lost"),
            ((name, _lost(row)) for name, row in lost.items() if not name.startswith("blocks.")),
        ),
    ]
    return "\n".join(lines) + "\n"


def _nncf_page(found: dict[str, Any]) -> str:
    exact = found["exact"]["nncf"]
    lines = [
        _NNCF.format(exact=_both(exact)),
        *_table(("graph", *SETS), ((row["graph"], *_scores(row, exact)) for row in found["nncf"]), align="--:"),
    ]
    return "\n".join(lines) + "\n"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], align: str = "---") -> Iterator[str]:
    """The lines of a table; ``align`` is that of every column but the first."""
    yield f"| {' | '.join(columns)} |"
    yield f"|---|{f'{align}|' * (len(columns) - 1)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _scores(row: dict[str, Any], exact: dict[str, Any]) -> list[str]:
    if row is exact:
        return [f"{row[name]:.3f}" for name in SETS]
    return [f"{row[name]:.3f} ({row[name] - exact[name]:+.3f})" for name in SETS]


def _both(scores: Scores) -> str:
    return " / ".join(f"{scores[name]:.3f}" for name in SETS)


def _timed(row: dict[str, Any]) -> str:
    return f"{row['latency_ms_median']:.1f} ± {row['spread']:.0%} ({row['times_as_fast_as_bf16']:.2f})"


def _lost(row: dict[str, Any]) -> str:
    return " / ".join(f"{round(row[name] * 1000) + 0}" for name in SETS)


def rewrite() -> None:
    """Write the page from what the results file holds."""
    PAGE.write_text(page(_read()))


if __name__ == "__main__":
    command, *folders = sys.argv[1:]
    commands = {"quality": quality, "speed": speed, "layers": layers, "nncf": nncf, "page": rewrite}
    commands[command](*map(Path, folders))
