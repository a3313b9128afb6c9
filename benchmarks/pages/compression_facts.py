"""What trained ghost networks look like inside, and what counts the networks of the papers come to.

Counts need no training. Looks need the runs of the studies in one folder (``--runs``): the teachers, and both forms
trained on for as long.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor, nn

from benchmarks.pages.ghost import give_up
from benchmarks.pages.page import ROOT, Settings, write_results
from benchmarks.pages.pictures import FOLDER, Panel, by, side_by_side
from upres.apps.cli.main import main as upres
from upres.bench.speed import bench_speed, contenders
from upres.errors import DataError
from upres.lab.checkpoint import describe, load, save
from upres.lab.compress.fold import fold
from upres.lab.compress.ghost.layer import ghost_layers
from upres.lab.export.onnx import export
from upres.lab.inspect.figures import Settings as Looks
from upres.lab.inspect.figures import example_batch, inspect
from upres.lab.inspect.receptive import attribution, diffusion_index, extent
from upres.lab.inspect.spectra import spectra
from upres.lab.studies import shipped
from upres.lab.studies.study import run_name
from upres.lab.subject import Subject, open_subject
from upres.machine.cores import available_cores

COUNTED = ("edsr_x2", "edsr_baseline_x2", "rdn_x2", "vdsr_x2", "carn_x2", "carn_m_x2")
SIMILAR: Mapping[str, str] = {"edsr": "teacher_edsr_c32b8_x2", "vdsr": "teacher_vdsr_c32d10_x2"}
"""Name of the figure -> the run that it looks into."""
PAIRS = 3
_ROUNDS = 15
PRECISIONS = ("f32", "auto")
"""Arithmetics in which what ships is timed: the one that every machine has, and what a user gets."""
ALIKE = "ghosts_x4.jpg"
FIGURES = (*(f"similar_{name}.webp" for name in SIMILAR), ALIKE)
_SEEN_PICTURES = 12
"""Photographs in which receptive fields and spectra are looked at."""
_FIGURE_WIDTH = 640
"""Pixels."""
_BOX = (190, 60, 68, 54)
"""Left, top, width, height of the place of `examples/chelsea.png` that is shown at x4."""


def measure_counts(_: Settings) -> None:
    """What `upres compress ghost --dry-run` counts for the networks of the paper."""
    rows = []
    for name in COUNTED:
        printed = StringIO()
        with redirect_stdout(printed):
            upres(["compress", "ghost", name, "--share", "0.5", "--dry-run", "--json"])
        found = json.loads(printed.getvalue())
        kept = ("parameters_before", "parameters_after", "flops_before", "flops_after")
        rows.append({"model": name, **{key: found[key] for key in kept}})
    write_results("compression_counts", {"rows": rows})


def measure_looks(settings: Settings) -> None:
    """Similar features of the teachers, reach and spectra of both forms, and a picture at x4 by both."""
    runs = settings.runs
    seen = sorted((settings.shared / "data" / "test" / "CID22val" / "HR").iterdir())[:_SEEN_PICTURES]
    found = {
        "similar": {name: _similar(name, runs / run) for name, run in SIMILAR.items()},
        "pictures": len(seen),
        "forms": {
            label: _insides(open_subject(str(weights_of(runs / f"ghost-{label}-seed0"))), seen)
            for label in ("original", "ghost")
        },
        "alike": _alike(runs),
    }
    write_results("compression_looks", found)


def measure_speed(settings: Settings) -> None:
    """Milliseconds of what ships and of its smaller forms, ghosts folded, in the engine that users get."""
    rows: list[dict[str, Any]] = []
    environment: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        files = [_as_it_runs(weights_of(run), Path(folder) / run.name) for run in _smaller(settings.runs)]
        for precision in ("f32", "auto"):
            entrants = contenders(
                [str(path) for path in files],
                ["openvino"],
                [(640, 360)],
                threads=available_cores(),
                precision=precision,
            )
            report = bench_speed(entrants, rounds=_ROUNDS, on_skip=give_up)
            environment = report.environment
            rows += [
                {"label": row.model, "asked": precision, "precision": row.precision, "spread": round(row.spread, 4)}
                | {"latency_ms_median": round(row.latency_ms_median, 3), "threads": row.threads}
                for row in report.rows
            ]
    write_results("compression_speed", {"environment": environment, "rounds": _ROUNDS, "rows": rows})


def _smaller(runs: Path) -> list[Path]:
    return [runs / run_name(shipped.STUDY, row, 0) for row in shipped.STUDY.rows]


def _as_it_runs(weights: Path, stem: Path) -> Path:
    """A checkpoint and its graph, ghosts folded, under the label of its row."""
    network, card = load(weights)
    label = stem.name.split("-")[1]
    path = stem.with_name(f"{label}.safetensors")
    if ghost_layers(network):
        network, step = fold(network)
        card = replace(card, spec=replace(card.spec, transforms=(*card.spec.transforms, step)))
    save(path, network, describe(network, card.spec, name=label))
    export(network, path.with_suffix(".onnx"), weights=path)
    return path


def weights_of(run: Path) -> Path:
    """The last network of a run.

    Raises:
        DataError: If there is none.
    """
    path = run / "last.safetensors"
    if not path.is_file():
        raise DataError(f"{path}: no such file; name the folder of the studies' runs with --runs")
    return path


def _similar(name: str, run: Path) -> dict[str, Any]:
    """Write the figure of the most similar features, and what part of all channels a shifted other one explains."""
    subject, scratch = open_subject(str(weights_of(run))), run / "similar"
    looks = Looks(pairs=PAIRS)
    report = inspect(subject, None, scratch, figures=("similarity",), settings=looks, overwrite=True)["similarity"]
    with Image.open(scratch / "similarity.png") as drawn:
        grey = drawn.convert("L").resize(
            (_FIGURE_WIDTH, drawn.height * _FIGURE_WIDTH // drawn.width), Image.Resampling.LANCZOS
        )
        grey.save(ROOT / FOLDER / f"similar_{name}.webp", quality=40, method=6)
    layers = report["layers"]
    channels = sum(layer["channels"] - layer["constant"] for layer in layers)

    shares = {
        key: round(sum(layer[key] * (layer["channels"] - layer["constant"]) for layer in layers) / channels, 4)
        for key in ("explained", "explained_in_place")
    }
    return {"tolerance": report["tolerance"], "channels": channels, **shares}


def _insides(subject: Subject, pictures: Sequence[Path]) -> dict[str, Any]:
    """Reach and spectra, picture by picture; means, and the standard deviation over the pictures."""
    looked = [_look(subject.network, example_batch(subject, path, side=96)) for path in pictures]
    return {
        key: {"mean": round(mean(values), 4), "spread": round(stdev(values), 4)}
        for key in looked[0]
        for values in ([each[key] for each in looked],)
    }


def _look(network: nn.Module, batch: Tensor) -> dict[str, float]:
    strength = attribution(network, batch)
    inner = [layer for layer in spectra(network, batch) if "blocks" in layer.name or "body" in layer.name]
    return {
        "extent": extent(strength),
        "diffusion_index": diffusion_index(strength),
        "high_share": mean(layer.features for layer in inner),
    }


def _alike(runs: Path) -> dict[str, Any]:
    """One place of a photograph at x4 by bicubic, the original and the ghosts; and how far these two are apart."""
    made = dict(_panels(runs))
    left, top, width, height = (4 * number for number in _BOX)
    cut = {name: panel.pixels[top : top + height, left : left + width] for name, panel in made.items()}
    side_by_side(cut).save(ROOT / FOLDER / ALIKE, quality=85, subsampling=0, optimize=True)
    original, ghost, bicubic = (made[name].pixels.astype(np.float64) for name in ("original", "ghosts", "bicubic"))
    return {
        "ghost_from_original": round(float(np.abs(ghost - original).mean()), 3),
        "bicubic_from_original": round(float(np.abs(bicubic - original).mean()), 3),
    }


def _panels(runs: Path) -> Iterator[tuple[str, Panel]]:
    small = ROOT / "examples" / "chelsea.png"
    yield "bicubic", by(small, 4, model="bicubic")
    for name, label in (("original", "original"), ("ghosts", "ghost")):
        yield name, by(small, 4, model=weights_of(runs / f"ghost_x4-{label}-seed0"))
