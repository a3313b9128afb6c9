"""Our edge-SR networks beside the pool's of the same size, by the pool's own protocol ``esr``.

What ``quality.json`` holds already is not measured again; ``pool_reference.json`` has the pool's figures of the sizes
that ship. Checkpoints that do not ship are measured and shown on the terminal alone.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.pages.page import RESULTS, Page, Settings, results, write_results
from benchmarks.pages.scores import score
from benchmarks.pages.tables import distance, table
from upres.evaluation.results import Results
from upres.lab.zoo import MODELS
from upres.models.catalog import Model, find, list_models

SETS = {"Set5": "psnr_Set5", "Set14": "psnr_Set14"}
"""Data set -> the pool's column."""

PREFIXES = {"esr_max": "eSR-MAX", "esr_tm": "eSR-TM", "esr_tr": "eSR-TR", "esr_cnn": "eSR-CNN"}
LETTERS = {"kernel_size": "K", "num_channels": "C", "num_features": "D", "num_shrink": "S", "num_blocks": "M"}

INTRODUCTION = """# The edge family beside the pool it comes from

Written by `python -m benchmarks` from `benchmarks/results/quality.json` and `pool_reference.json`. Mean PSNR in dB
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


def compared(records: Sequence[Any], models: Mapping[str, Model], known: Mapping[str, Mapping[str, float]]) -> str:
    """A line a model, a column a data set."""
    ours = {(record["model"], record["dataset"]): record["psnr_db"] for record in records}
    lines = []
    for name, model in models.items():
        pool = pool_name(model)
        cells = (distance(ours[name, data], known.get(pool, {}).get(data), 2) for data in SETS)
        lines.append((name, pool, *cells))
    return table(("model", "pool", *SETS), lines) + "\n"


def luma_models() -> dict[str, Model]:
    """What ships of the edge family, trained as the pool was, by name."""
    luma = (model for model in list_models() if model.card.color_mode == "luma")
    return {model.card.name: model for model in luma if model.card.name in MODELS}  # variants of these are trained on


def render(quality: Mapping[str, Any], known: Mapping[str, Mapping[str, float]]) -> str:
    """The Markdown page."""
    records = [record for record in quality["results"] if record["protocol"] == "esr"]
    return INTRODUCTION + compared(records, luma_models(), known)


def measure(settings: Settings) -> None:
    """The results and the pool's figures; of ``settings.checkpoints``, where there are any, a table on the terminal."""
    folders = [settings.shared / "data" / "test" / name for name in SETS]
    pool = settings.shared / "reference" / "edge_sr_pool.csv"
    if settings.checkpoints:
        others = {name: find(name) for name in settings.checkpoints}
        records = score(others, folders, ["esr"], Results())
        print(compared(records, others, reference(pool, [pool_name(model) for model in others.values()])), end="")
        return
    models = luma_models()
    score(models, folders, ["esr"], Results(RESULTS / "quality.json"))
    write_results("pool_reference", reference(pool, [pool_name(model) for model in models.values()]))


PAGES: Sequence[Page] = (
    Page(
        name="pool",
        target="docs/reports/pool.md",
        inputs=(results("quality"), results("pool_reference")),
        render=render,
        measure={"pool": measure},
    ),
)
