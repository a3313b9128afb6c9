"""Which local trunk the next default has: networks at x2 after about equal CPU time, a part of the page of choices.

Each run is one of ``upres train plain_c32b6_x2 --data ../shared/data/train --out RUNS/NAME`` with ``--set``; its recipe
stands in the results. Runs differ in steps where a step of one network takes longer than one of another.
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import mean, median
from typing import Any

import torch

from benchmarks.pages.page import Settings, measured_here, write_results
from benchmarks.pages.tables import LEFT, RIGHT, machine_line, table
from upres.errors import DataError
from upres.lab.checkpoint import build
from upres.lab.losses.criterion import criterion
from upres.lab.training.optimizers import optimizer
from upres.lab.training.recipe import Recipe
from upres.machine.allocator import keep_freed_memory
from upres.models.card import ModelSpec, read_card

_TURNS, _STEPS = 3, 10

_LABELS: Mapping[tuple[Any, ...], str] = {
    ("rlfn", 32, 6, "leaky_relu", "none", False): "RLFN, 32 channels, 6 blocks",
    ("span", 32, 6, "silu", "span", True): "SPAN, 32 channels, 6 blocks, trained expanded",
    ("plain", 32, 6, "leaky_relu", "none", False): "plain, 32 channels, 6 blocks",
    ("plain", 32, 6, "leaky_relu", "none", True): "plain, 32 channels, 6 blocks, trained expanded",
    ("plain", 32, 6, "silu", "none", False): "plain, SiLU",
    ("plain", 32, 6, "leaky_relu", "span", False): "plain, SPAN's gate",
    ("plain", 32, 6, "silu", "span", False): "plain, SPAN's gate and SiLU",
    ("plain", 32, 6, "leaky_relu", "skip", False): "plain, SPAN's gate beside the skip",
    ("plain", 32, 6, "leaky_relu", "hard", False): "plain, hard gate beside the skip",
    ("plain", 48, 4, "leaky_relu", "none", False): "plain, 48 channels, 4 blocks",
}
"""What a network is -> what the table calls it."""


def measure(settings: Settings) -> None:
    """Write what every finished run below ``--runs`` came to, and the CPU time of a step of each network.

    A step is forward, backward and SOAP on one thread; the networks take turns.

    Raises:
        DataError: If there is no finished run.
    """
    rows = sorted(_collected(settings.runs), key=lambda row: (row["network"], row["per_mode"], row["steps"]))
    if not rows:
        raise DataError(f"expected finished runs below {settings.runs}, got none; name their folder with --runs")
    torch.set_num_threads(1)
    keep_freed_memory()
    recipes = {_trained(row): Recipe.from_dict(row["recipe"]) for row in rows}
    times: dict[str, list[float]] = {name: [] for name in recipes}
    for _ in range(_TURNS):
        for name, recipe in recipes.items():
            times[name].append(_ms_per_step(recipe))
    medians = {name: round(median(values), 1) for name, values in times.items()}
    write_results("trunk", {**measured_here(rows), "cpu_ms_per_step": medians})


def render(found: Mapping[str, Any]) -> str:
    """Runs by network, form of SOAP and steps, seeds together, in Markdown."""
    groups: dict[tuple[str, bool, int], list[dict[str, Any]]] = {}
    for row in found["rows"]:
        groups.setdefault((row["network"], row["per_mode"], row["steps"]), []).append(row)
    lines = []
    for (network, per_mode, steps), rows in groups.items():
        ms = found["cpu_ms_per_step"][_trained(rows[0])]
        scores = [row["psnr_db"] for row in rows]
        lines.append(
            (
                network,
                f"{rows[0]['parameters'] / 1000:.0f} k",
                "per mode" if per_mode else "matrices",
                f"{ms:.0f}",
                str(steps),
                f"{ms * steps / 1000:.0f}",
                str(len(rows)),
                f"{mean(scores):.3f}",
            )
        )
    columns = ("", "parameters", "SOAP's bases", "ms a step", "steps", "s", "seeds", "PSNR")
    figures = table(columns, lines, align=(LEFT, RIGHT, LEFT, *[RIGHT] * 5))
    validation, machine = found["rows"][0]["validation"], machine_line(found["environment"])
    says = (
        f"PSNR in dB on {validation['dataset']} ({validation['pictures']} pictures, protocol "
        f"`{validation['protocol']}`) at x2; CPU time of one thread, {machine}:"
    )
    return f"{says}\n\n{figures}\n"


def _collected(runs: Path) -> Iterator[dict[str, Any]]:
    for folder in sorted(path.parent for path in runs.glob("*/last.safetensors")):
        card = read_card(folder / "last.safetensors")
        recipe = Recipe.from_dict(json.loads((folder / "recipe.json").read_text()))
        recipe = replace(recipe, arguments=dict(card.spec.arguments))  # whatever the model of that name becomes
        if card.training["steps"] < recipe.steps:
            continue
        yield {
            "run": folder.name,
            "network": _label(card.spec),
            "parameters": card.parameters,
            "per_mode": recipe.stages[-1].optim.per_mode,
            "seed": recipe.seed,
            "steps": recipe.steps,
            "psnr_db": card.training["validation"]["psnr_db"],
            "validation": {k: v for k, v in card.training["validation"].items() if k != "psnr_db"},
            "recipe": recipe.to_dict(),
        }


def _label(spec: ModelSpec) -> str:
    own = {"activation": "silu", "gate": "span", "expanded": True} if spec.architecture == "span" else {}
    arguments = {"num_blocks": 6, "activation": "leaky_relu", "gate": "none", "expanded": False, **own}
    arguments |= dict(spec.arguments)
    keys = ("num_channels", "num_blocks", "activation", "gate", "expanded")
    return _LABELS[spec.architecture, *(arguments[key] for key in keys)]


def _trained(row: dict[str, Any]) -> str:
    return f"{row['network']}, {'per mode' if row['per_mode'] else 'matrices'}"


def _ms_per_step(recipe: Recipe) -> float:
    """CPU time of a step without what prepares batches; the first, which decomposes every basis, is left out."""
    torch.manual_seed(0)
    stage, scale = recipe.stages[-1], recipe.spec().scale
    network = build(recipe.spec()).train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optim, loss_of = optimizer(stage.optim, network.parameters()), criterion(stage.losses)
    lr = torch.rand(stage.batch_size, 3, stage.patch_size, stage.patch_size).to(memory_format=torch.channels_last)
    hr = torch.rand(stage.batch_size, 3, scale * stage.patch_size, scale * stage.patch_size)
    spent = 0.0
    for step in range(_STEPS + 1):
        started = time.process_time()
        optim.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=recipe.precision == "bf16"):
            sr = network(lr)
        loss_of(sr.float(), hr, lr).backward()  # type: ignore[no-untyped-call]
        optim.step()
        spent += time.process_time() - started if step else 0.0
    return 1000 * spent / _STEPS
