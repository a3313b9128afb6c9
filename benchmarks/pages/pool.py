"""Our edge-SR networks beside the pool's of the same size, by the pool's own protocol ``esr``.

``python benchmarks/pool.py ../shared`` evaluates every shipped luma network on Set5 and Set14 into
``results/quality.json`` (what is there already is kept), copies the pool's figures for the same sizes into
``results/pool_reference.json`` and writes ``docs/reports/pool.md``. With checkpoints behind, it prints their table.
"""

import contextlib
import csv
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from upres.apps.cli.main import main
from upres.evaluation.results import Results
from upres.models.catalog import Model, find, list_models

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "quality.json"
REFERENCE = ROOT / "benchmarks" / "results" / "pool_reference.json"
PAGE = ROOT / "docs" / "reports" / "pool.md"
SETS = {"Set5": "psnr_Set5", "Set14": "psnr_Set14"}
"""Data set -> the pool's column."""

PREFIXES = {"esr_max": "eSR-MAX", "esr_tm": "eSR-TM", "esr_tr": "eSR-TR", "esr_cnn": "eSR-CNN"}
LETTERS = {"kernel_size": "K", "num_channels": "C", "num_features": "D", "num_shrink": "S", "num_blocks": "M"}

INTRODUCTION = """# The edge family beside the pool it comes from

Written by `python benchmarks/pool.py` from `benchmarks/results/quality.json` and `pool_reference.json`. Mean PSNR in dB
by protocol `esr` of the networks that ship, and in brackets their distance to the pool's model of the same size
(Navarrete Michelini et al., 2022, the figures published with their code). `esr` reproduces the pool's own figures to
0.09 dB, so distances below that say little.

"""


def pool_name(model: Model) -> str:
    """What the pool calls a network of this size."""
    card, arguments = model.card, model.card.spec.arguments
    size = "_".join(f"{LETTERS[key]}{arguments[key]}" for key in LETTERS if key in arguments)
    return f"{PREFIXES.get(card.architecture, card.architecture.upper())}_s{card.scale}_{size}"


def reference(table: Path, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """The pool's figures of the models named: model -> data set -> PSNR in dB."""
    with table.open(newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    return {name: {data: float(rows[name][column]) for data, column in SETS.items()} for name in names if name in rows}


def table(records: Sequence[Any], models: dict[str, Model], known: dict[str, dict[str, float]]) -> str:
    """A line a model, a column a data set."""
    ours = {(record["model"], record["dataset"]): record["psnr_db"] for record in records}
    lines = [f"| model | pool | {' | '.join(SETS)} |", f"|---|---|{'---|' * len(SETS)}"]
    for name, model in models.items():
        pool = pool_name(model)
        cells = [_cell(ours[name, data], known.get(pool, {}).get(data)) for data in SETS]
        lines.append(f"| {name} | {pool} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(ours: float, theirs: float | None) -> str:
    return f"{ours:.2f}" if theirs is None else f"{ours:.2f} ({ours - theirs:+.2f})"


def measured(names: Sequence[str], shared: Path, results: Path) -> list[Any]:
    """What ``upres evaluate`` says by protocol ``esr``, as far as the results file does not hold it already."""
    data = [str(shared / "data" / "test" / name) for name in SETS]
    for name in names:
        with contextlib.redirect_stdout(sys.stderr):
            main(["evaluate", name, "--data", *data, "--protocol", "esr", "--out", str(results)])
    return [record for record in Results(results).records if record["protocol"] == "esr"]


def luma_models() -> list[Model]:
    """What ships of the edge family."""
    return [model for model in list_models() if model.card.color_mode == "luma"]


def page() -> str:
    """The page as the results files give it."""
    models = {model.card.name: model for model in luma_models()}
    records = [record for record in Results(RESULTS).records if record["protocol"] == "esr"]
    return INTRODUCTION + table(records, models, json.loads(REFERENCE.read_text()))


def write_page(shared: Path) -> None:
    """The results, the pool's figures and the page."""
    models = luma_models()
    measured([model.card.name for model in models], shared, RESULTS)
    known = reference(shared / "reference" / "edge_sr_pool.csv", [pool_name(model) for model in models])
    REFERENCE.write_text(json.dumps(known, indent=1) + "\n")
    PAGE.write_text(page())


def compare(shared: Path, checkpoints: Sequence[str]) -> None:
    """Print the table of checkpoints that do not ship."""
    lines: list[str] = []
    for checkpoint in checkpoints:
        model = find(checkpoint)
        with tempfile.TemporaryDirectory() as folder:
            records = measured([checkpoint], shared, Path(folder, "pool.json"))
        known = reference(shared / "reference" / "edge_sr_pool.csv", [pool_name(model)])
        renamed = [{**record, "model": checkpoint} for record in records]
        lines += table(renamed, {checkpoint: model}, known).splitlines()[2 if lines else 0 :]
    print("\n".join(lines))


if __name__ == "__main__":
    shared, *checkpoints = sys.argv[1:]
    compare(Path(shared), checkpoints) if checkpoints else write_page(Path(shared))
