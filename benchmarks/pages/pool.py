"""Our edge-SR networks beside the pool's of the same size, by the pool's own protocol ``esr``.

What ``quality.json`` holds already is not measured again; ``sweep_reference.csv`` has the pool's figures. Checkpoints
that do not ship are measured and shown on the terminal alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.pages.page import RESULTS, ROOT, Page, Settings, read, results
from benchmarks.pages.scores import score
from benchmarks.pages.sweep import REFERENCE, pool_name
from benchmarks.pages.tables import distance, table
from upres.evaluation.results import Results
from upres.lab.studies.sweep.job import SIZES
from upres.lab.zoo import MODELS
from upres.models.catalog import Model, find, list_models

SETS = {"Set5": "psnr_Set5", "Set14": "psnr_Set14"}
"""Data set -> the pool's column."""

INTRODUCTION = """# The edge family beside the pool it comes from

Written by `python -m benchmarks` from `benchmarks/results/quality.json` and `sweep_reference.csv`. Mean PSNR in dB
by protocol `esr` of the networks that ship, and in brackets their distance to the pool's model of the same size
(Navarrete Michelini et al., 2022, the figures published with their code). `esr` reproduces the pool's own figures to
0.09 dB, so distances below that say little.

"""


def name_in_pool(model: Model) -> str:
    """What the pool calls a network of this size."""
    spec = model.card.spec
    sizes = {letter: spec.arguments[key] for letter, key in SIZES.items() if key in spec.arguments}
    return pool_name(spec.architecture, spec.scale, sizes)


def compared(records: Sequence[Any], models: Mapping[str, Model], reference: Sequence[Mapping[str, str]]) -> str:
    """A line a model, a column a data set."""
    known = {row["name"]: {data: float(row[column]) for data, column in SETS.items()} for row in reference}
    ours = {(record["model"], record["dataset"]): record["psnr_db"] for record in records}
    lines = []
    for name, model in models.items():
        pool = name_in_pool(model)
        cells = (distance(ours[name, data], known.get(pool, {}).get(data), 2) for data in SETS)
        lines.append((name, pool, *cells))
    return table(("model", "pool", *SETS), lines) + "\n"


def luma_models() -> dict[str, Model]:
    """What ships of the edge family, trained as the pool was, by name."""
    luma = (model for model in list_models() if model.card.color_mode == "luma")
    return {model.card.name: model for model in luma if model.card.name in MODELS}  # variants of these are trained on


def render(quality: Mapping[str, Any], reference: Sequence[Mapping[str, str]]) -> str:
    """The Markdown page."""
    records = [record for record in quality["results"] if record["protocol"] == "esr"]
    return INTRODUCTION + compared(records, luma_models(), reference)


def measure(settings: Settings) -> None:
    """The results; of ``settings.checkpoints``, where there are any, a table on the terminal."""
    folders = [settings.shared / "data" / "test" / name for name in SETS]
    if settings.checkpoints:
        others = {name: find(name) for name in settings.checkpoints}
        records = score(others, folders, ["esr"], Results())
        print(compared(records, others, read(ROOT / REFERENCE)), end="")
        return
    score(luma_models(), folders, ["esr"], Results(RESULTS / "quality.json"))


PAGES: Sequence[Page] = (
    Page(
        name="pool",
        target="docs/reports/pool.md",
        inputs=(results("quality"), REFERENCE),
        render=render,
        measure={"pool": measure},
    ),
)
