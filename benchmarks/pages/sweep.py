"""The pool's 1182 networks, trained by us, beside the figures that its authors published with their code.

``sweep.csv`` is the table that `upres sweep collect` makes of the folder of the sweep; ``sweep_reference.csv`` has the
authors' figures, in frames a second for their three devices.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.pages.page import RESULTS, Page, Settings, write
from benchmarks.pages.sweep_drawing import NAME, drawing
from benchmarks.pages.sweep_front import FAMILIES, claims, fronts
from benchmarks.pages.tables import RIGHT, table
from upres.lab.studies.sweep.collect import write_csv
from upres.lab.studies.sweep.job import SIZES
from upres.lab.studies.sweep.pool import ONE_LAYER, SCALES, sizes
from upres.machine.ledger import Ledger

SWEEP, REFERENCE = "benchmarks/results/sweep.csv", "benchmarks/results/sweep_reference.csv"

SETS = {"set5": "Set5", "set14": "Set14", "bsd100": "BSDS100"}
"""Data set in our columns -> in the pool's."""
_KEPT = ("name", *(f"psnr_{name}" for name in SETS.values()), "speed_AGX", "speed_MaxQ", "speed_RPI")
"""Columns of the reference."""

_WORST = 10

INTRODUCTION = """# The pool of 1182 networks, trained here

Written by `python -m benchmarks` from `benchmarks/results/sweep.csv`, which `upres sweep collect` makes of the
trainings of `upres sweep plan pool`, and `sweep_reference.csv`, the figures that the pool's authors published with
their code (Navarrete Michelini et al., 2022). Distances are of mean PSNR in dB by their protocol `esr`: above zero ours
is nearer to the truth. `esr` reproduces the pool's own figures to 0.09 dB.

"""

FRONTS = """
## The authors' fronts

A network is on the front of a device where none that is as fast is better. To 1920x1080, by the authors' own figures.

![PSNR on Set14 against frames a second, a panel a scale](../pictures/fronts.svg)
"""

CLAIMS = """
## What the authors conclude

Fronts of this machine follow when all networks are timed.
"""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """What the distances of a group of networks on Set14 are to keep."""

    title: str
    one_layer: bool
    at_least: float
    """By nine networks of ten, in dB."""
    middle: float
    """By the median, in dB."""


BARS = (
    Bar(title="one layer", one_layer=True, at_least=-0.05, middle=0.05),
    Bar(title="several layers", one_layer=False, at_least=-0.15, middle=-0.03),
)


def pool_name(family: str, scale: int | str, letters: Mapping[str, Any]) -> str:
    """What the pool calls a network of a family (ours, `FAMILIES`), a scale and letters, empty where it has none."""
    size = "_".join(f"{letter}{letters[letter]}" for letter in SIZES if letters.get(letter, "") != "")
    return f"{FAMILIES[family]}_s{scale}_{size}"


def distances(rows: Iterable[Mapping[str, str]], known: Mapping[str, Mapping[str, str]], data: str) -> dict[str, float]:
    """Name of ours -> PSNR on a data set less that of the pool's network of its size."""
    return {
        row["name"]: float(row[f"psnr_{data}_esr"]) - float(known[_pool_name(row)][f"psnr_{SETS[data]}"])
        for row in rows
    }


def render(sweep: Sequence[Mapping[str, str]], reference: Sequence[Mapping[str, str]]) -> str:
    """The Markdown page."""
    known = {row["name"]: row for row in reference}
    rows = [row for row in sweep if row["family"] != "bicubic"]
    whole = list(sizes())
    hours = sum(float(row["seconds"]) for row in rows) / 3600
    parts = [
        f"{len(rows)} of {len(whole)} networks are trained, in {hours:.1f} hours of one core"
        f"{'' if len(rows) == len(whole) else '; the figures are of these'}.\n",
        _bars(rows, known),
        "\n## By family and scale\n",
        _families(rows, known, [(size.family, size.scale) for size in whole]),
        "\n## Furthest below the pool\n",
        _furthest(rows, known),
        FRONTS,
        fronts(reference),
        CLAIMS,
        claims(reference, sweep),
    ]
    return INTRODUCTION + "\n".join(parts) + "\n"


def _bars(rows: Sequence[Mapping[str, str]], known: Mapping[str, Mapping[str, str]]) -> str:
    lines = []
    for bar in BARS:
        found = distances((row for row in rows if (row["family"] in ONE_LAYER) == bar.one_layer), known, "set14")
        if found:
            share = sum(each >= bar.at_least for each in found.values()) / len(found)
            lines.append(
                (
                    *(bar.title, str(len(found)), f"{bar.at_least:+.2f}", f"{share:.0%} (90%)"),
                    f"{median(found.values()):+.3f} ({bar.middle:+.2f})",
                )
            )
    columns = ("Set14", "networks", "at or above", "share of them (bar)", "median (bar)")
    return table(columns, lines, align=RIGHT)


def _families(
    rows: Sequence[Mapping[str, str]], known: Mapping[str, Mapping[str, str]], whole: Sequence[tuple[str, int]]
) -> str:
    lines = []
    for family, title in FAMILIES.items():
        for scale in SCALES:
            ours = [row for row in rows if (row["family"], row["scale"]) == (family, str(scale))]
            if not ours:
                continue
            found = {data: list(distances(ours, known, data).values()) for data in SETS}
            lines.append(
                (
                    f"{title} x{scale}",
                    f"{len(ours)} of {whole.count((family, scale))}",
                    *(f"{median(each):+.2f}" for each in found.values()),
                    f"{min(found['set14']):+.2f}",
                    f"{max(found['set14']):+.2f}",
                    f"{median(float(row['seconds']) for row in ours):.0f}",
                )
            )
    medians = (f"{name}, median" for name in ("Set5", "Set14", "BSD100"))
    return table(("", "trained", *medians, "Set14, least", "most", "seconds, median"), lines, align=RIGHT)


def _furthest(rows: Sequence[Mapping[str, str]], known: Mapping[str, Mapping[str, str]]) -> str:
    found = distances(rows, known, "set14")
    lines = [
        (row["name"], _pool_name(row), f"{float(row['psnr_set14_esr']):.2f}", f"{found[row['name']]:+.2f}")
        for row in sorted(rows, key=lambda row: found[row["name"]])[:_WORST]
    ]
    return table(("network", "pool", "Set14", "distance"), lines, align=RIGHT)


def measure(settings: Settings) -> None:
    """The table of the sweep's folder, and the authors' figures."""
    write_csv(Ledger(settings.sweep), RESULTS / "sweep.csv")
    with (settings.shared / "reference" / "edge_sr_pool.csv").open(newline="") as file:
        kept = [[_rounded(row[column]) for column in _KEPT] for row in csv.DictReader(file)]
    write(RESULTS / "sweep_reference.csv", "".join(f"{','.join(row)}\n" for row in [_KEPT, *kept]))


def _pool_name(row: Mapping[str, str]) -> str:
    return pool_name(row["family"], row["scale"], row)


def _rounded(cell: str) -> str:
    try:
        return f"{float(cell):.4f}" if cell else ""
    except ValueError:
        return cell


PAGES: Sequence[Page] = (
    Page(
        name="sweep",
        target="docs/reports/sweep.md",
        inputs=(SWEEP, REFERENCE),
        render=render,
        measure={"sweep": measure},
    ),
    Page(
        name="fronts",
        target=f"docs/pictures/{NAME}",
        inputs=(REFERENCE,),
        render=drawing,
        command="python -m benchmarks measure sweep",
    ),
)
