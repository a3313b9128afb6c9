"""One job of a sweep: a training, or bicubic interpolation, and the figures that the table needs of it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from upres.errors import LedgerError, UnsupportedModelError
from upres.evaluation.contenders import Plan, Running, find_contenders, measure, plan_of
from upres.evaluation.results import Record, Results
from upres.lab.checkpoint import load
from upres.lab.data.pictures import Progress
from upres.lab.export.onnx import export
from upres.lab.studies.sweep.plan import RUNS, Sweep
from upres.lab.studies.sweep.terms import Places
from upres.lab.training.listener import Listener
from upres.lab.training.recipe import Recipe
from upres.lab.training.run import run_recipe
from upres.machine.atomic import write_text
from upres.machine.ledger import Job
from upres.models.card import read_card

IMPORTS = (__name__, "upres.lab.archs", "upres.image.codecs.webp", "upres.image.codecs.png", "imagecodecs")
"""Modules that every job needs, some only in its midst: for an executor that imports them once for all jobs."""

METRICS = ("psnr", "ssim")
SIZES: Mapping[str, str] = {
    "K": "kernel_size",
    "C": "num_channels",
    "D": "num_features",
    "S": "num_shrink",
    "M": "num_blocks",
}
"""Letter of a column -> the argument of networks that it stands for."""


def run_folder(folder: str | Path, job: Job) -> Path:
    """The folder of a job's run in that of its sweep."""
    return Path(folder) / RUNS / job.name


def result_file(folder: str | Path, job: Job) -> Path:
    """The file in which `do` leaves what came of a job."""
    return run_folder(folder, job) / "result.json"


def with_graph(run: Path) -> Path:
    """The weights of a finished training, with a graph beside them, where it can be made, for any engine to run."""
    weights = run / "best.safetensors"
    graph = weights.with_suffix(".onnx")
    if not graph.is_file():
        with suppress(UnsupportedModelError):
            export(load(weights)[0], graph, weights=weights)
    return weights


def do(
    folder: str | Path,
    job: Job,
    *,
    sweep: Sweep,
    places: Places,
    cache: str | Path | None = None,
    listener: Listener | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Do a job to its end; what an earlier call has done already is not done again.

    Args:
        folder: Of the sweep.
        job: One of its jobs.
        sweep: What all its jobs have in common.
        places: Where the pictures are on this machine.
        cache: Where decoded pictures are kept.
        listener: Told how training goes.
        progress: Told how decoding goes.

    Returns:
        The row of the table, which is written to `result_file` as well.

    Raises:
        UpresError: As training and evaluation do.
    """
    run = run_folder(folder, job)
    run.mkdir(parents=True, exist_ok=True)
    if "bicubic" in job.work:
        scale: int = job.work["bicubic"]
        row: dict[str, Any] = {
            "name": job.name,
            "family": "bicubic",
            "scale": scale,
            "parameters": 0,
            "steps": 0,
            "seconds": 0.0,
        }
        models = ["bicubic"]
    else:
        recipe = Recipe.from_dict(job.work["recipe"])
        result = run_recipe(
            recipe,
            data=places.data,
            out=run,
            validation=places.validation or None,
            cache=cache,
            listener=listener,
            progress=progress,
        )
        row = _facts(recipe, result.best, result.seconds)
        scale, models = row["scale"], [str(with_graph(run))]
    records = _measured(models, scale, sweep, places, Results(run / "quality.json"))
    row |= {"scores": scores(records)}
    write_text(result_file(folder, job), json.dumps(row) + "\n")
    return row


def scores(records: Iterable[Record]) -> dict[str, float]:
    """Figures by the name of their column, ``psnr_set5_esr``."""
    return {
        f"{metric}_{record['dataset'].lower()}_{record['protocol'].replace('-', '_')}": value
        for record in records
        for metric, value in record["metrics"].items()
    }


def find_job(jobs: Sequence[Job], name: str) -> Job:
    """The job of that name.

    Raises:
        LedgerError: If there is none.
    """
    found = next((job for job in jobs if job.name == name), None)
    if found is None:
        raise LedgerError(f"no job is called '{name}'; one is called {jobs[0].name}")
    return found


def _facts(recipe: Recipe, best: Path, seconds: float) -> dict[str, Any]:
    spec = recipe.spec()
    return {
        "name": recipe.name,
        "family": spec.architecture,
        "scale": spec.scale,
        **{letter: spec.arguments[key] for letter, key in SIZES.items() if key in spec.arguments},
        "parameters": read_card(best).parameters,
        "steps": recipe.steps,
        "seconds": round(seconds, 3),
    }


def _measured(models: Sequence[str], scale: int, sweep: Sweep, places: Places, results: Results) -> list[Record]:
    """By the fastest engine in floats on one core: figures differ by some 1e-5 dB from torch's."""
    left_out: list[str] = []
    running = Running(threads=1)
    plan: Plan = plan_of(sweep.protocols, METRICS, tell=left_out.append)
    records: list[Record] = []
    for contender in find_contenders(models, tuple(plan), scale=scale, running=running, tell=left_out.append):
        for folder in places.sets:
            records += measure(contender, folder, plan, results)
    return records
