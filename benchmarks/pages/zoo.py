"""Official weights through our networks, beside what their own code measured.

``python benchmarks/zoo.py ../shared`` imports every weight file of ``reference/weights``, evaluates it on Set5, Set14
and BSD100 into ``results/zoo.json`` (kept where it is there) and writes ``docs/reports/zoo.md``. The weights test
us and stay where they are.
"""

import csv
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from upres.apps.cli.main import main
from upres.errors import CheckpointError
from upres.evaluation.results import Results
from upres.lab.foreign.convert import convert

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "zoo.json"
REFERENCE = ROOT / "benchmarks" / "results" / "zoo_reference.json"
PAGE = ROOT / "docs" / "reports" / "zoo.md"
SETS = ("Set5", "Set14", "BSD100")
PROTOCOLS = ("paper", "ntire", "luma-float")
METRICS = {"paper": "PSNR_Y", "ntire": "PSNR_RGB", "luma-float": "PSNR_Y"}

INTRODUCTION = """# Official weights, measured here

Written by `python benchmarks/zoo.py` from `benchmarks/results/zoo.json`. Each cell: mean PSNR in dB of the official
weights in our network, and in brackets its distance to what the official code gave (`measured.csv`), where that was
measured. That reference reduced its pictures with the outermost pixel repeated at the border where MATLAB reflects, so
a few thousandths remain on the standard low-resolution files. The OpenCV networks were measured with OpenCV's own
bicubic chroma, which `ntire` sees in full and `paper` up to 0.025 dB (FSRCNN x2). Everything else is within 0.01 dB.
"""


def import_all(weights: Path, folder: Path) -> Iterator[tuple[Path, str]]:
    """Checkpoints of ours made of every file that is recognised, each with the stem of the file it came from."""
    for path in sorted(path for path in weights.glob("*.safetensors") if "_rand_" not in path.stem):
        try:
            first = convert(path, folder / f"{path.stem}.safetensors")
        except CheckpointError as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        yield first.output, path.stem
        if "also holds" in " ".join(first.remarks):
            for scale in {2, 3, 4} - {first.card.scale}:
                yield convert(path, folder / f"{path.stem}_x{scale}.safetensors", scale=scale).output, path.stem


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


def page(records: list[Any], known: list[dict[str, Any]]) -> str:
    """The Markdown page: a table a protocol."""
    official = {(row["file"], row["scale"], row["dataset"], row["protocol"]): row["psnr_db"] for row in known}
    parts = [INTRODUCTION]
    for protocol in PROTOCOLS:
        mine = {(r["model"], r["scale"], r["dataset"]): r["psnr_db"] for r in records if r["protocol"] == protocol}
        parts += [
            f"## Protocol `{protocol}`\n",
            f"| file | scale | {' | '.join(SETS)} |",
            f"|---|---|{'---|' * len(SETS)}",
        ]
        for model, scale in dict.fromkeys((name, scale) for name, scale, _ in sorted(mine)):
            file = model.removesuffix(f"_x{scale}") if (model, scale, SETS[0], protocol) not in official else model
            cells = [_cell(mine.get((model, scale, s)), official.get((file, scale, s, protocol))) for s in SETS]
            parts.append(f"| {model} | x{scale} | {' | '.join(cells)} |")
        parts.append("")
    return "\n".join(parts)


def _cell(ours: float | None, theirs: float | None) -> str:
    if ours is None:
        return ""
    return f"{ours:.3f}" if theirs is None else f"{ours:.3f} ({ours - theirs:+.3f})"


def run(shared: Path) -> None:
    """Import, evaluate, write."""
    data = [str(shared / "data" / "test" / name) for name in SETS]
    with tempfile.TemporaryDirectory() as folder:
        for checkpoint, _ in import_all(shared / "reference" / "weights", Path(folder)):
            arguments = ["evaluate", str(checkpoint), "--data", *data, "--protocol", *PROTOCOLS]
            main([*arguments, "--out", str(RESULTS)])
    REFERENCE.write_text(json.dumps(reference(shared / "reference" / "measured.csv")) + "\n")
    PAGE.write_text(page(Results(RESULTS).records, json.loads(REFERENCE.read_text())))


if __name__ == "__main__":
    run(Path(sys.argv[1]))
