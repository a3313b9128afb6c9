"""What ghosts cost and save in milliseconds: EDSR plain, with ghosts, folded, and with what competes with them.

Networks are freshly initialised: what they compute takes as long as what trained ones do. Half of the maps of every
block's convolutions are ghosts, moved by one column. The contenders of one width run in turns, each in a process of its
own, on every engine, in f32.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.pages.page import Latency, Page, Settings, results, write_results
from benchmarks.pages.tables import LEFT, RIGHT, machine_line, pm, table
from upres.bench.speed import Contender, bench_speed, contenders
from upres.errors import UnsupportedModelError, UpresError
from upres.lab.checkpoint import build, describe, parameter_count, save
from upres.lab.complexity import measure as count
from upres.lab.compress.fold import fold
from upres.lab.compress.ghost.convert import convert
from upres.lab.compress.ghost.layer import ghost_layers
from upres.lab.compress.prune.operation import prune
from upres.lab.compress.separable import separate
from upres.lab.export.onnx import export
from upres.machine.cores import available_cores
from upres.models.card import ModelSpec

SIZES: Mapping[int, tuple[int, int]] = {32: (640, 360), 64: (640, 360), 256: (160, 96)}
"""Channels -> width and height of what comes out."""
BLOCKS, ROUNDS = 8, 10
ENGINES = ("openvino", "onnxruntime", "torch")
KINDS: Mapping[str, str] = {
    "plain": "every map computed",
    "ghost": "half of the maps copied, channels put back into their order",
    "in_order": "the same, channels in the order of computed and copied",
    "folded": "copies folded into the second convolution of each block",
    "depthwise": "depthwise 3x3 filters in place of copies, channels put back into their order",
    "pruned": "half of the inner width of each block gone: as many multiply-adds as `ghost`",
    "separable": "depthwise separable convolutions in the blocks",
}

INTRODUCTION = """# Ghosts in milliseconds

Written by `python -m benchmarks measure ghost` from `benchmarks/results/ghost_speed.json`. EDSR x2 with {blocks}
blocks, half of the maps of the blocks ghosts, offset of one column. Median latency in ms of one picture and distance
between the quartiles; each contender in a process of its own, all of one width in turns, turns each: {rounds}, threads:
{threads}, f32, on {machine}. Before it began, {load:.1f} processes were running or waiting there.{trial}

{kinds}
"""
_TRIAL = """

**A trial, which proves that everything runs and nothing about latency: too few turns, or a machine that was not idle.
Some widths may be missing. `python -m benchmarks measure ghost` on an idle machine writes the figures.**"""
_IDLE = 1.0
"""Processes that may run or wait before measuring begins."""

Form = tuple[nn.Module, tuple[Mapping[str, Any], ...]]
"""A network and the steps that made it."""


def forms(spec: ModelSpec) -> Iterator[tuple[str, Form]]:
    """The network of a spec in every form of `KINDS`."""
    torch.manual_seed(0)
    plain = build(spec).eval()
    yield "plain", (plain, ())
    for kind in ("ghost", "in_order"):
        network, step = convert(plain, start="zero")
        for layer in ghost_layers(network).values():
            order, source = layer.order.tolist(), layer.source.tolist()
            if kind == "in_order":
                order, source = list(range(layer.out_channels)), list(range(layer.ghosts))
            layer.place(order, source, [(0, 1)])
        yield kind, (network, (step,))
        if kind == "ghost":
            folded, second = fold(network)
            yield "folded", (folded, (step, second))
    network, step = convert(plain, start="zero", offsets="depthwise")
    yield "depthwise", (network, (step,))
    network, step = prune(plain, share=0.5)
    yield "pruned", (network, (step,))
    network, step = separate(plain)
    yield "separable", (network, (step,))


def measure(_: Settings) -> None:
    """Time every form at every width on every engine."""
    load = os.getloadavg()[0]
    rows: list[dict[str, Any]] = []
    environment: dict[str, Any] = {}
    for channels, size in SIZES.items():
        with tempfile.TemporaryDirectory() as folder:
            costs = _write(channels, size, Path(folder))
            entrants = [
                replace(entrant, model=kind)
                for kind in costs
                for entrant in contenders(
                    [f"{folder}/{kind}.safetensors"], ENGINES, [size], threads=available_cores(), precision="f32"
                )
            ]
            report = bench_speed(entrants, rounds=ROUNDS, on_skip=give_up)
        environment = report.environment
        rows += [
            {"channels": channels, "form": row.model, "engine": row.engine, "precision": row.precision}
            | {"width": row.width, "height": row.height, "threads": row.threads, **costs[row.model]}
            | {"latency_ms_median": round(row.latency_ms_median, 3), "latency_ms_min": round(row.latency_ms_min, 3)}
            | {"spread": round(row.spread, 4)}
            for row in report.rows
        ]
    write_results("ghost_speed", {"environment": environment, "rounds": ROUNDS, "load": round(load, 2), "rows": rows})


def render(found: Mapping[str, Any]) -> str:
    """The Markdown page: a table a width."""
    measured = [kind for kind in KINDS if any(row["form"] == kind for row in found["rows"])]
    introduction = INTRODUCTION.format(
        blocks=BLOCKS,
        rounds=found["rounds"],
        threads=found["rows"][0]["threads"],
        machine=machine_line(found["environment"]),
        load=found["load"],
        trial=_TRIAL if found["rounds"] < ROUNDS or found["load"] > _IDLE else "",
        kinds="\n".join(f"* `{kind}`: {KINDS[kind]}" for kind in measured),
    )
    parts = [introduction]
    for channels in dict.fromkeys(row["channels"] for row in found["rows"]):
        rows = {(row["form"], row["engine"]): row for row in found["rows"] if row["channels"] == channels}
        width, height = rows["plain", ENGINES[0]]["width"], rows["plain", ENGINES[0]]["height"]
        lines = [
            (
                f"`{kind}`",
                f"{rows[kind, ENGINES[0]]['parameters'] / 1000:.0f} k",
                f"{rows[kind, ENGINES[0]]['flops_g']:.2f} G",
                *(pm(rows[kind, engine]) for engine in ENGINES),
            )
            for kind in measured
        ]
        columns = ("", "parameters", "multiply-adds", *ENGINES)
        parts += [f"## {channels} channels, {width}x{height} out\n", table(columns, lines, (LEFT, *[RIGHT] * 5)), ""]
    return "\n".join(parts)


def _latencies(found: Mapping[str, Any]) -> Iterator[Latency]:
    for row in found["rows"]:
        yield Latency(
            machine=found["environment"]["name"],
            model=f"edsr {row['channels']} {row['form']}",
            engine=row["engine"],
            arithmetic=row["precision"],
            width=row["width"],
            height=row["height"],
            threads=row["threads"],
            ms=row["latency_ms_median"],
        )


def _write(channels: int, size: tuple[int, int], folder: Path) -> dict[str, dict[str, Any]]:
    """Checkpoints and graphs of every form; what each of them costs."""
    spec = ModelSpec(architecture="edsr", scale=2, arguments={"num_channels": channels, "num_blocks": BLOCKS})
    costs = {}
    for kind, (network, steps) in forms(spec):
        path = folder / f"{kind}.safetensors"
        save(path, network, describe(network, replace(spec, transforms=steps), name=kind))
        export(network, path.with_suffix(".onnx"), weights=path)
        cost = count(network, size=(size[1] // 2, size[0] // 2), probe_reach=False)
        costs[kind] = {"parameters": parameter_count(network), "flops_g": round(cost.flops_g, 4)}
    return costs


def give_up(contender: Contender, error: UpresError) -> None:
    """A contender that does not run ends the measurement: a table without it would be another one."""
    raise UnsupportedModelError(f"{contender.name}: {error}") from error


PAGES: Sequence[Page] = (
    Page(
        name="ghost",
        target="docs/reports/ghost.md",
        inputs=(results("ghost_speed"),),
        render=render,
        latencies=_latencies,
        measure={"ghost": measure},
    ),
)
