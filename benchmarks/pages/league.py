"""The league: the literature's efficient networks under one budget, ranked by the rules of the challenge of 2022.

``measure`` takes a folder of sweeps, one a budget: each is what `upres sweep plan` and `upres sweep run` make of the
study ``league_x4``, or of the recipes of equal time that ``python -m upres.lab.studies.league`` writes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean, median, variance
from typing import Any

from benchmarks.pages.league_verdict import IMDN, TEAMS, beside_the_challenge, front, pairs, row_of, title
from benchmarks.pages.page import ROOT, Page, Settings, read, results, write_results
from benchmarks.pages.tables import LEFT, RIGHT, machine_line, ms, table
from upres.errors import DataError
from upres.lab.challenge.contender import Contender
from upres.lab.challenge.rank import rules_of
from upres.lab.challenge.run import ChallengeReport, run_challenge
from upres.lab.challenge.table import read_table
from upres.lab.studies.league import STUDY
from upres.lab.studies.study import Row
from upres.lab.studies.sweep.job import run_folder
from upres.lab.studies.sweep.plan import SETTINGS_FILE
from upres.machine.cores import available_cores
from upres.machine.ledger import Job, Ledger

NAME = "league"
_DATA, _SCALE, _ROUNDS = "BSD100", 4, 1
_YEAR = 2022
_TRACKS = ("main", "sub1", "sub2")

INTRODUCTION = """# The literature under one budget

Every challenge and every paper compares networks that were trained on other pictures, for other times, by other tricks.
Here all of them begin with nothing and get the same pictures, loss, optimiser and budget: L1, SOAP along a cosine,
crops of 32x32 low-resolution pixels, 8 at a time, bf16 autocast, x4, one core: as many steps as fit a time, by a
measurement beforehand, or the same number of steps. The budgets are small: a network that learns slowly stands lower
here than in its paper, and one that is cheap to train higher. So the tables say what an architecture gives for the
time; the papers say what it may reach.

Written by `python -m benchmarks` from `benchmarks/results/league.json`, which `python -m benchmarks measure league
--runs DIR` makes of trained leagues ([how they are trained](../guide/training.md#studies)). PSNR in dB is of RGB on
{data} by the protocol `ntire`; milliseconds are means over its pictures, a call of each behind one that is not timed,
float32 in OpenVINO, {threads} threads, {machine};
parameters, FLOPs, activations and memory as the challenge counts them ([how](../guide/challenge.md)).
Ranks are by the rules of {year}: *time* is the main track, *size* the sum of the ranks in parameters and FLOPs, *all*
that of all five. Whoever is more than {gate:.2f} dB below IMDN is not ranked.
"""


def measure(settings: Settings) -> None:
    """Run the challenge over every finished league in the folder ``--runs``; others that were measured before stay.

    Raises:
        DataError: If there is none.
    """
    folders = sorted(path.parent for path in settings.runs.glob(f"*/{SETTINGS_FILE}"))
    leagues = [found for folder in folders if (found := _measured(folder, settings)) is not None]
    if not leagues:
        raise DataError(f"expected finished leagues below {settings.runs}, got none; name their folder with --runs")
    published, _ = read_table(settings.shared / "reference" / "published.csv", year=_YEAR)
    figures = {entry.name: dict(entry.figures) for entry in published}
    before = read(ROOT / results(NAME))["leagues"] if (ROOT / results(NAME)).is_file() else []
    leagues = list({league["name"]: league for league in (*before, *leagues)}.values())
    write_results(NAME, {"leagues": leagues, "published": {label: figures[team] for label, team in TEAMS.items()}})


def _measured(folder: Path, settings: Settings) -> dict[str, Any] | None:
    ledger = Ledger(folder)
    runs = [(job, result) for job in ledger.jobs if (result := ledger.result(job.name)) is not None]
    if len(runs) < len(ledger.jobs):
        return None
    first = {_label(job): run_folder(folder, job) / "best.safetensors" for job, _ in reversed(runs)}
    contenders = [
        Contender(
            name=row.label,
            source=str(first[row.label]),
            data=str(settings.shared / "data" / "test" / _DATA),
            scale=_SCALE,
            engine="openvino",
            precision="f32",
            threads=available_cores(),
        )
        for row in STUDY.rows
    ]
    out = folder / "challenge"
    report = run_challenge(contenders, rules_of(_YEAR), baseline=IMDN, rounds=_ROUNDS, warmup=0, out=out)
    return {
        "name": folder.name,
        "environment": report.environment,
        "threads": available_cores(),
        "floor_db": report.floor_db,
        "rows": [_row(row, [each for job, each in runs if _label(job) == row.label], report) for row in STUDY.rows],
    }


def _row(row: Row, own: Sequence[Mapping[str, Any]], report: ChallengeReport) -> dict[str, Any]:
    figures = asdict(next(result for result in report.results if result.entry == row.label))
    standing = next((each for each in report.ranking.standings if each.entry == row.label), None)
    return {
        "label": row.label,
        "says": row.says,
        "steps": own[0]["steps"],
        "seconds": [round(result["seconds"], 1) for result in own],
        "seeds_psnr_db": [round(result["scores"][f"psnr_{_DATA.lower()}_ntire"], 4) for result in own],
        "ranks": None if standing is None else dict(standing.ranks),
        **{key: figures[key] for key in _FIGURES},
    }


_FIGURES = ("psnr_db", "latency_ms", "spread", "parameters_m", "flops_g", "activations_m", "peak_mib")
"""Of a contender's result, those that the page shows and their spread."""


def _label(job: Job) -> str:
    """The row of a job, whose name is ``league_x4-LABEL-seedN``."""
    return job.name.split("-")[1]


def render(found: Mapping[str, Any]) -> str:
    """The Markdown page."""
    leagues = found["leagues"]
    parts = [
        INTRODUCTION.format(
            data=_DATA,
            threads=leagues[0]["threads"],
            machine=machine_line(*(league["environment"] for league in leagues)),
            year=_YEAR,
            gate=row_of(leagues[0], IMDN)["psnr_db"] - leagues[0]["floor_db"],
        )
    ]
    for league in leagues:
        parts += [f"## After {title(league)}\n", _standings(league), "", front(league), ""]
    parts += ["## Beside the challenge\n", beside_the_challenge(leagues, found["published"]), ""]
    parts += ["## What papers say of pairs\n", pairs(leagues), ""]
    return "\n".join(parts)


def _standings(league: Mapping[str, Any]) -> str:
    spread = fmean(variance(row["seeds_psnr_db"]) for row in league["rows"] if len(row["seeds_psnr_db"]) > 1) ** 0.5
    columns = (
        *("", "steps", "PSNR", "ms", "parameters, K", "FLOPs, G", "activations, M", "MiB"),
        *("time", "size", "all"),
    )
    figures = table(columns, _lines(league), align=(LEFT, *[RIGHT] * (len(columns) - 1)))
    took = median(second for row in league["rows"] for second in row["seconds"])
    return (
        f"A run took {took:.0f} s (median), with what else the machine did. The standard deviation over two seeds is "
        f"{spread:.3f} dB, by the five networks that have two.\n\n{figures}"
    )


def _lines(league: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    def place(row: Mapping[str, Any]) -> tuple[bool, float]:
        return (row["ranks"] is None, -row["psnr_db"] if row["ranks"] is None else row["ranks"]["main"])

    for row in sorted(league["rows"], key=place):
        ranks = row["ranks"] or dict.fromkeys(_TRACKS, "")
        yield (
            row["says"],
            str(row["steps"]),
            f"{row['psnr_db']:.3f}",
            ms(row["latency_ms"]),
            f"{1000 * row['parameters_m']:.0f}",
            f"{row['flops_g']:.1f}",
            f"{row['activations_m']:.0f}",
            f"{row['peak_mib']:.0f}",
            *(str(ranks[track]) for track in _TRACKS),
        )


PAGES: Sequence[Page] = (
    Page(
        name=NAME,
        target="docs/reports/league.md",
        inputs=(results(NAME),),
        render=render,
        measure={NAME: measure},
    ),
)
