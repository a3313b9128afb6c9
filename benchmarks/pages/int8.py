"""What 8-bit arithmetic costs in quality and gains in speed, layer by layer: the page of ``results/int8.json``."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.pages import int8_nncf, int8_scores, int8_speed
from benchmarks.pages.int8_parts import MODEL, SETS, THREADS, Scores
from benchmarks.pages.page import Latency, Page, results
from benchmarks.pages.tables import RIGHT, distance, machine_line, pm, table
from upres.machine.names import name_of

INTRODUCTION = """# 8-bit networks

Written by `python -m benchmarks` from `benchmarks/results/int8.json`; PSNR in dB by protocol `paper`.

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


def render(found: Mapping[str, Any]) -> str:
    """The Markdown page, as far as its parts were measured."""
    sections = {"quality": _quality_page, "speed": _speed_page, "layers": _layers_page, "nncf": _nncf_page}
    parts = [make(found) for part, make in sections.items() if {part, "quality"} <= found.keys()]
    return "\n".join([INTRODUCTION, *parts])


def latencies(found: Mapping[str, Any]) -> Iterator[Latency]:
    """Of the speed part; the graphs in floats are the shipped network's."""
    floats = ("f32", "bf16")
    for row in found.get("speed", ()):
        shipped = row["graph"] in floats
        yield Latency(
            machine=name_of(found["environment"]["speed"]),
            model=MODEL if shipped else row["graph"],
            engine="openvino",
            arithmetic=row["graph"] if shipped else "int8",
            width=4 * row["width"],
            height=4 * row["height"],
            threads=THREADS,
            ms=row["latency_ms_median"],
        )


_QUALITY = """## Quality

`calibrated` is post-training quantisation: limits that cut off 0.005 % of what a layer sees at either side, on 64
crops. `trained` goes on from there in the project's loop: rounding passes gradients straight through, limits are
learned with the weights (`lab/compress/quantize/network.py`). The engine computes, on
{machine}; in brackets the distance to f32.
"""
_SPEED = """## Speed

Median milliseconds for a picture of that size going in, ± the distance between the quartiles, {threads} threads,
{machine}, OpenVINO {openvino}, contenders in turns, each in a process of its own; in brackets how many
times as fast as bf16. All are compiled for the size, as the engine does from the third picture of a size on.
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


def _quality_page(found: Mapping[str, Any]) -> str:
    exact = found["quality"][0]
    rows = [(row["graph"], str(row.get("layers", 0)), *_scores(row, exact)) for row in found["quality"]]
    steps = [row["steps"] for row in found["quality"] if "steps" in row]
    trained = f"\n\nTrained for {steps[0]} steps." if steps else ""
    says = _QUALITY.format(machine=machine_line(found["environment"]["quality"]))
    return f"{says}\n{table(('graph', 'layers in 8 bits', *SETS), rows, align=RIGHT)}{trained}\n"


def _speed_page(found: Mapping[str, Any]) -> str:
    machine = found["environment"]["speed"]
    sizes = list(dict.fromkeys((row["width"], row["height"]) for row in found["speed"]))
    cells = {(row["graph"], row["width"], row["height"]): row for row in found["speed"]}
    rows = [
        (name, *(_timed(cells[name, *size]) for size in sizes))
        for name in dict.fromkeys(row["graph"] for row in found["speed"])
    ]
    says = _SPEED.format(threads=THREADS, machine=machine_line(machine), openvino=machine["versions"]["openvino"])
    return f"{says}\n{table(('graph', *(f'{width}x{height}' for width, height in sizes)), rows)}\n"


def _layers_page(found: Mapping[str, Any]) -> str:
    lost = {row["layer"]: row for row in found["layers"]}
    blocks = sorted({name.split(".")[1] for name in lost if name.startswith("blocks.")})
    kinds = list(dict.fromkeys(name.split(".", 2)[2] for name in lost if name.startswith("blocks.")))
    inside = table(
        ("convolution", *(str(int(block) + 1) for block in blocks)),
        [(kind, *(_lost(lost[f"blocks.{block}.{kind}"]) for block in blocks)) for kind in kinds],
    )
    outside = table(
        ("outside the blocks", "lost"),
        [(name, _lost(row)) for name, row in lost.items() if not name.startswith("blocks.")],
    )
    return f"{_LAYERS.format(exact=_both(found['exact']['layers']))}\n{inside}\n\n{outside}\n"


def _nncf_page(found: Mapping[str, Any]) -> str:
    exact = found["exact"]["nncf"]
    rows = [(row["graph"], *_scores(row, exact)) for row in found["nncf"]]
    return f"{_NNCF.format(exact=_both(exact))}\n{table(('graph', *SETS), rows, align=RIGHT)}\n"


def _scores(row: Mapping[str, Any], exact: Mapping[str, Any]) -> list[str]:
    return [distance(row[name], None if row is exact else exact[name], 3) for name in SETS]


def _both(scores: Scores) -> str:
    return " / ".join(f"{scores[name]:.3f}" for name in SETS)


def _timed(row: Mapping[str, Any]) -> str:
    return f"{pm(row)} ({row['times_as_fast_as_bf16']:.2f})"


def _lost(row: Mapping[str, Any]) -> str:
    return " / ".join(f"{round(row[name] * 1000) + 0}" for name in SETS)


PAGES: Sequence[Page] = (
    Page(
        name="int8",
        target="docs/reports/int8.md",
        inputs=(results("int8"),),
        render=render,
        latencies=latencies,
        measure={
            "quality": int8_scores.measure_quality,
            "speed": int8_speed.measure_speed,
            "layers": int8_scores.measure_layers,
            "nncf": int8_nncf.measure_nncf,
        },
    ),
)
