"""Official weights through our networks, beside what their own code measured.

The weights test us and stay where they are; what ``zoo.json`` holds already is not measured again.
"""

import csv
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.pages.page import RESULTS, Page, Settings, results, write_results
from benchmarks.pages.scores import score
from benchmarks.pages.tables import distance, table
from upres.errors import CheckpointError
from upres.evaluation.results import Results
from upres.lab.foreign.convert import convert
from upres.models.catalog import find

SETS = ("Set5", "Set14", "BSD100")
PROTOCOLS = ("paper", "ntire", "luma-float")
METRICS = {"paper": "PSNR_Y", "ntire": "PSNR_RGB", "luma-float": "PSNR_Y"}

INTRODUCTION = """# Official weights, measured here

Written by `python -m benchmarks` from `benchmarks/results/zoo.json`. Each cell: mean PSNR in dB of the official
weights in our network, and in brackets its distance to what the official code gave (`measured.csv`), where that was
measured. That reference reduced its pictures with the outermost pixel repeated at the border where MATLAB reflects, so
a few thousandths remain on the standard low-resolution files. The OpenCV networks were measured with OpenCV's own
bicubic chroma, which `ntire` sees in full and `paper` up to 0.025 dB (FSRCNN x2). Everything else is within 0.01 dB.
"""


def import_all(weights: Path, folder: Path) -> Iterator[Path]:
    """Checkpoints of ours made of every file that is recognised."""
    for path in sorted(path for path in weights.glob("*.safetensors") if "_rand_" not in path.stem):
        try:
            first = convert(path, folder / f"{path.stem}.safetensors")
        except CheckpointError as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        yield first.output
        if "also holds" in " ".join(first.remarks):
            for scale in {2, 3, 4} - {first.card.scale}:
                yield convert(path, folder / f"{path.stem}_x{scale}.safetensors", scale=scale).output


def reference(table: Path) -> list[dict[str, Any]]:
    """The official code's figures: one a file, scale, data set and protocol."""
    rows = csv.DictReader(table.open(newline=""))
    return [
        {
            "file": row["weight"].rsplit(".", 1)[0],
            "scale": int(row["scale"]),
            "dataset": row["dataset"],
            "protocol": row["protocol_id"],
            "psnr_db": float(row["value"]),
        }
        for row in rows
        if METRICS.get(row["protocol_id"]) == row["metric"]
    ]


def render(content: Mapping[str, Any], known: Sequence[Mapping[str, Any]]) -> str:
    """The Markdown page: a table a protocol."""
    official = {(row["file"], row["scale"], row["dataset"], row["protocol"]): row["psnr_db"] for row in known}
    parts = [INTRODUCTION]
    for protocol in PROTOCOLS:
        records = [record for record in content["results"] if record["protocol"] == protocol]
        mine = {(record["model"], record["scale"], record["dataset"]): record["psnr_db"] for record in records}
        lines = []
        for model, scale in dict.fromkeys((name, scale) for name, scale, _ in sorted(mine)):
            file = model.removesuffix(f"_x{scale}") if (model, scale, SETS[0], protocol) not in official else model
            cells = (distance(mine.get((model, scale, s)), official.get((file, scale, s, protocol)), 3) for s in SETS)
            lines.append((model, f"x{scale}", *cells))
        parts += [f"## Protocol `{protocol}`\n", table(("file", "scale", *SETS), lines), ""]
    return "\n".join(parts)


def measure(settings: Settings) -> None:
    """Import every weight file of ``reference/weights`` and evaluate it on the three data sets."""
    folders = [settings.shared / "data" / "test" / name for name in SETS]
    reference_folder = settings.shared / "reference"
    with tempfile.TemporaryDirectory() as folder:
        for checkpoint in import_all(reference_folder / "weights", Path(folder)):
            model = find(checkpoint)
            score({model.card.name: model}, folders, PROTOCOLS, Results(RESULTS / "zoo.json"))
    write_results("zoo_reference", reference(reference_folder / "measured.csv"), indent=None)


PAGES: Sequence[Page] = (
    Page(
        name="zoo",
        target="docs/reports/zoo.md",
        inputs=(results("zoo"), results("zoo_reference")),
        render=render,
        measure={"zoo": measure},
    ),
)
