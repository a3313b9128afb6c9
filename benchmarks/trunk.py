"""Which local trunk the next default has: x2 networks after about equal CPU time, a table of ``docs/choice.md``.

    upres train plain_c32b6_x2 --data ../shared/data/train --out RUNS/NAME --set steps=2700 ...    # a run each
    python benchmarks/trunk.py collect RUNS     # what every finished run below RUNS came to
    python benchmarks/trunk.py time             # CPU time a step of each network, one thread, in turns
    python benchmarks/choice.py page

Runs may differ in steps: a step of a wider network takes longer. Recipes of the runs are in the results.
"""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import torch

from upres.bench.environment import environment
from upres.lab.checkpoint import build
from upres.lab.losses.criterion import criterion
from upres.lab.training.allocator import keep_freed_memory
from upres.lab.training.optimizers import optimizer
from upres.lab.training.recipe import Recipe
from upres.models.card import read_card

RESULTS = Path(__file__).resolve().parents[1] / "benchmarks" / "results" / "trunk.json"
TURNS, STEPS = 3, 10

LABELS = {
    ("rlfn", 32, 6, "leaky_relu", "none", False): "RLFN, 32 channels, 6 blocks",
    ("plain", 32, 6, "leaky_relu", "none", False): "plain, 32 channels, 6 blocks",
    ("plain", 32, 6, "leaky_relu", "none", True): "plain, 32 channels, 6 blocks, trained expanded",
    ("plain", 32, 6, "silu", "span", False): "plain with SPAN's gate and SiLU, 32 channels, 6 blocks",
    ("plain", 48, 4, "leaky_relu", "none", False): "plain, 48 channels, 4 blocks",
    ("span", 32, 6, "silu", "span", True): "SPAN, 32 channels, 6 blocks, trained expanded",
}
"""What a network is -> what a table calls it."""


def collect(runs: Path) -> None:
    """Write the results file from finished runs; times that stand there are kept."""
    rows = sorted(_collected(runs), key=lambda row: (row["network"], row["per_mode"], row["steps"], row["seed"]))
    times = json.loads(RESULTS.read_text())["cpu_ms_per_step"] if RESULTS.is_file() else {}
    _write(rows, times)


def measure() -> None:
    """Add CPU milliseconds a step, of forward, backward and SOAP, to the results file."""
    torch.set_num_threads(1)
    keep_freed_memory()
    found = json.loads(RESULTS.read_text())
    recipes = {_timed(row): Recipe.from_dict(row["recipe"]) for row in found["rows"]}
    times: dict[str, list[float]] = {name: [] for name in recipes}
    for _ in range(TURNS):
        for name, recipe in recipes.items():
            times[name].append(_ms_per_step(recipe))
    _write(found["rows"], {name: round(median(values), 1) for name, values in times.items()})


def table() -> str:
    """Runs by network, SOAP and steps, seeds together, in Markdown."""
    found = json.loads(RESULTS.read_text())
    groups: dict[tuple[str, bool, int], list[dict[str, Any]]] = {}
    for row in found["rows"]:
        groups.setdefault((row["network"], row["per_mode"], row["steps"]), []).append(row)
    lines = [
        "| x2 | parameters | SOAP's bases | CPU ms a step | steps | CPU s | seeds | PSNR |",
        "|---|--:|---|--:|--:|--:|--:|--:|",
    ]
    for (network, per_mode, steps), rows in groups.items():
        ms = found["cpu_ms_per_step"][_timed(rows[0])]
        scores = [row["psnr_db"] for row in rows]
        bases = "per mode" if per_mode else "matrices"
        lines.append(
            f"| {network} | {rows[0]['parameters'] / 1000:.0f} k | {bases} | {ms:.0f} | {steps} "
            f"| {ms * steps / 1000:.0f} | {len(rows)} | {sum(scores) / len(scores):.3f} |"
        )
    return "\n".join(lines) + "\n"


def _collected(runs: Path) -> Iterator[dict[str, Any]]:
    for folder in sorted(path.parent for path in runs.glob("*/last.safetensors")):
        card = read_card(folder / "last.safetensors")
        recipe = Recipe.from_dict(json.loads((folder / "recipe.json").read_text()))
        if card.training["steps"] < recipe.steps:
            continue
        yield {
            "run": folder.name,
            "network": _label(recipe),
            "parameters": card.parameters,
            "per_mode": recipe.stages[-1].optim.per_mode,
            "seed": recipe.seed,
            "steps": recipe.steps,
            "psnr_db": card.training["validation"]["psnr_db"],
            "validation": {k: v for k, v in card.training["validation"].items() if k != "psnr_db"},
            "recipe": recipe.to_dict(),
        }


def _label(recipe: Recipe) -> str:
    spec = recipe.spec()
    span = spec.architecture == "span"
    own = {"activation": "silu", "gate": "span", "expanded": True} if span else {}
    arguments = {"num_blocks": 6, "activation": "leaky_relu", "gate": "none", "expanded": False, **own}
    arguments |= dict(spec.arguments)
    keys = ("num_channels", "num_blocks", "activation", "gate", "expanded")
    return LABELS[spec.architecture, *(arguments[key] for key in keys)]


def _timed(row: dict[str, Any]) -> str:
    return f"{row['network']}, {'per mode' if row['per_mode'] else 'matrices'}"


def _ms_per_step(recipe: Recipe) -> float:
    """CPU time of a step without what prepares batches; the first, which decomposes every basis, is left out."""
    torch.manual_seed(0)
    stage, scale = recipe.stages[-1], recipe.spec().scale
    network = build(recipe.spec()).train().to(memory_format=torch.channels_last)
    optim, loss_of = optimizer(stage.optim, network.parameters()), criterion(stage.losses)
    lr = torch.rand(stage.batch_size, 3, stage.patch_size, stage.patch_size).to(memory_format=torch.channels_last)
    hr = torch.rand(stage.batch_size, 3, scale * stage.patch_size, scale * stage.patch_size)
    spent = 0.0
    for step in range(STEPS + 1):
        started = time.process_time()
        optim.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=recipe.precision == "bf16"):
            sr = network(lr)
        loss_of(sr.float(), hr, lr).backward()  # type: ignore[no-untyped-call]
        optim.step()
        spent += time.process_time() - started if step else 0.0
    return 1000 * spent / STEPS


def _write(rows: list[dict[str, Any]], times: dict[str, float]) -> None:
    content = {"environment": environment(), "cpu_ms_per_step": times, "rows": rows}
    RESULTS.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    if sys.argv[1] == "collect":
        collect(Path(sys.argv[2]))
    else:
        measure()
