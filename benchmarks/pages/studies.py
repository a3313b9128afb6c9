"""What the studies found: the reports on RFDN's ladder and on the challenge's lessons."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.pages.page import Latency, Page, results
from benchmarks.pages.tables import machine_line
from upres.lab.studies.summary import markdown
from upres.machine.names import name_of

SETTING = """Networks of 24 channels and 4 blocks, x4, crops of 32x32 low-resolution pixels, 8 at a time, SOAP along a
cosine, bf16 autocast, {seeds} a row. CPU ms: eager PyTorch at 320x180, {threads} threads, {machine}. A gain is
the mean over the seeds of the difference to the row named under *over*; the papers' column has what they report for
networks and trainings many times as large.

Written by `python -m benchmarks` from `benchmarks/results/{study}.json`, which `upres train {study}` makes.
"""

INTRODUCTIONS = {
    "ladder_rfdn": """RFDN's authors walk from IMDN's block to theirs: IMDB rearranged so that distillation is a
convolution (IMDB-R), shallow residual blocks (SRB), feature distillation connections (FDC), and both (RFDB).
""",
    "tricks": """What the entries of the NTIRE 2022 efficiency challenge changed, one change a row.
""",
}


def latencies(summary: Mapping[str, Any], *, scale: int = 4) -> Iterator[Latency]:
    """Milliseconds in eager PyTorch of the rows that were timed, all of this scale."""
    for row in summary["rows"]:
        if row["latency_ms"] is not None:
            yield Latency(
                machine=name_of(summary["environment"]),
                model=f"{summary['study']}-{row['label']}",
                engine="eager torch",
                arithmetic="f32",
                width=320 * scale,
                height=180 * scale,
                threads=summary["environment"]["cores"],
                ms=row["latency_ms"],
            )


def render(summary: Mapping[str, Any]) -> str:
    """The Markdown page."""
    environment = summary["environment"]
    setting = SETTING.format(
        seeds=seeds_of(summary),
        threads=environment["cores"],
        machine=machine_line(environment),
        study=summary["study"],
    )
    return f"# {summary['title']}\n\n{INTRODUCTIONS[summary['study']]}\n{setting}\n{markdown(summary)}"


def seeds_of(summary: Mapping[str, Any]) -> str:
    """How many seeds rows have: ``3 seeds``, ``1 or 2 seeds``."""
    numbers = sorted({len(row["psnr_db"]) for row in summary["rows"]})
    return f"{' or '.join(map(str, numbers))} seed{'s' if numbers != [1] else ''}"


PAGES: Sequence[Page] = tuple(
    Page(
        name=name,
        target=f"docs/reports/{name}.md",
        inputs=(results(study),),
        render=render,
        latencies=latencies,
        command=f"upres train {study} --data ../shared/data/train --out RUNS",
    )
    for name, study in {"ablations": "ladder_rfdn", "tricks": "tricks"}.items()
)
