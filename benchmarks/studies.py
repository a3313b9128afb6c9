"""Write the reports ablations.md and tricks.md from the results of the studies: ``python benchmarks/studies.py``.

``upres train ladder_rfdn --data ../shared/data/train --out RUNS`` and the same with ``tricks`` make those files.
"""

import json
from pathlib import Path
from typing import Any

from upres.lab.studies.summary import markdown

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGES = {"ladder_rfdn": ROOT / "docs" / "reports" / "ablations.md", "tricks": ROOT / "docs" / "reports" / "tricks.md"}

SETTING = """Networks of 24 channels and 4 blocks, x4, crops of 32x32 low-resolution pixels, 8 at a time, SOAP along a
cosine, bf16 autocast, {seeds} a row. CPU ms: eager PyTorch at 320x180, {threads} threads, {cpu}. A gain is
the mean over the seeds of the difference to the row named under *over*; the papers' column has what they report for
networks and trainings many times as large.

Written by `python benchmarks/studies.py` from `benchmarks/results/{study}.json`, which `upres train {study}` makes.
"""

INTRODUCTIONS = {
    "ladder_rfdn": """RFDN's authors walk from IMDN's block to theirs: IMDB rearranged so that distillation is a
convolution (IMDB-R), shallow residual blocks (SRB), feature distillation connections (FDC), and both (RFDB).
""",
    "tricks": """What the entries of the NTIRE 2022 efficiency challenge changed, one change a row.
""",
}


def _counted(numbers: list[int]) -> str:
    """How many seeds rows have: ``3 seeds``, ``1 or 2 seeds``."""
    return f"{' or '.join(map(str, numbers))} seed{'s' if numbers != [1] else ''}"


def page(summary: dict[str, Any]) -> str:
    """The page of a study."""
    setting = SETTING.format(
        seeds=_counted(sorted({len(row["psnr_db"]) for row in summary["rows"]})),
        threads=summary["environment"]["cores"],
        cpu=summary["environment"]["cpu"],
        study=summary["study"],
    )
    return f"# {summary['title']}\n\n{INTRODUCTIONS[summary['study']]}\n{setting}\n{markdown(summary)}"


def pages() -> dict[Path, str]:
    """Path -> text for every study that has results."""
    files = {path: RESULTS / f"{name}.json" for name, path in PAGES.items()}
    return {path: page(json.loads(file.read_text())) for path, file in files.items() if file.is_file()}


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text)
