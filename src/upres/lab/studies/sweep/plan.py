"""From a name to a folder of jobs: which networks are trained, what each begins with, and on which pictures."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from upres.errors import LedgerError
from upres.lab.studies.run import recipes_of
from upres.lab.studies.sweep.pool import pool
from upres.lab.studies.sweep.terms import Places, require_same, terms_of
from upres.lab.training.recipe import Recipe
from upres.machine.atomic import write_text
from upres.machine.ledger import Job, Ledger

PLANS = {"pool": pool}
"""Name of a plan -> the function that gives its jobs."""

SETTINGS_FILE = "sweep.json"
RUNS = "runs"
"""Folder of the trainings in that of the sweep."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What all jobs of a sweep have in common."""

    name: str
    cores: int
    """Cores that a job computes on."""
    places: Places
    """On the machine that made the plan."""
    protocols: tuple[str, ...]
    """By which finished networks are measured."""
    terms: Mapping[str, Any]
    """See `upres.lab.studies.sweep.terms`."""


def jobs_of(name: str, settings: Iterable[str] = (), only: Sequence[str] = ()) -> list[Job]:
    """The jobs behind a name, in the order in which they are to be done.

    Args:
        name: Of `PLANS`, or of what `upres.lab.studies.run.recipes_of` takes: a study, a recipe, a file of recipes.
        settings: ``key=value``, applied to every recipe.
        only: Patterns of names (``esr_tm_*_x2``); jobs that fit none, and that no job that fits needs, are left out.

    Raises:
        RecipeError: If there is no such name, the file holds no recipe, or a setting does not fit.
        LedgerError: If no job fits a pattern.
    """
    settings = tuple(settings)
    jobs = PLANS[name](settings) if name in PLANS else _with_needs(recipes_of(name, settings))
    if not only:
        return jobs
    wanted: set[str] = set()
    for pattern in only:
        found = {job.name for job in jobs if fnmatchcase(job.name, pattern)}
        if not found:
            raise LedgerError(f"no job of {name} fits '{pattern}'; a name is, for instance, {jobs[-1].name}")
        wanted |= found
    for job in reversed(jobs):
        if job.name in wanted:
            wanted |= set(job.needs)
    return [job for job in jobs if job.name in wanted]


def make_plan(
    name: str, jobs: Sequence[Job], out: str | Path, *, places: Places, protocols: Sequence[str], cores: int = 1
) -> Ledger:
    """Write a sweep into a folder; into the folder of the same jobs again, where its terms may then be others.

    Args:
        name: What the sweep is called.
        jobs: Its jobs.
        out: The folder.
        places: Where its pictures are.
        protocols: By which finished networks are measured.
        cores: Cores that a job computes on.

    Raises:
        LedgerError: If the folder holds other jobs.
        DataError: If pictures are missing.
        OutputError: If the folder cannot be written.
    """
    places = Places(
        data=_absolute(places.data),
        validation=places.validation and _absolute(places.validation),
        sets=tuple(map(_absolute, places.sets)),
    )
    sweep = Sweep(name=name, cores=cores, places=places, protocols=tuple(protocols), terms=terms_of(places))
    ledger = Ledger.create(out, jobs)
    write_text(Path(out) / SETTINGS_FILE, json.dumps(asdict(sweep), indent=2) + "\n")
    return ledger


def read_plan(folder: str | Path) -> Sweep:
    """What `make_plan` wrote.

    Raises:
        LedgerError: If the folder holds no sweep, or a damaged one.
    """
    path = Path(folder) / SETTINGS_FILE
    try:
        content = json.loads(path.read_text())
        places = Places(**{**content.pop("places")})
        content["protocols"] = tuple(content["protocols"])
        return Sweep(**content, places=Places(**{**asdict(places), "sets": tuple(places.sets)}))
    except FileNotFoundError:
        raise LedgerError(f"{folder}: no sweep in it; plan one there first") from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise LedgerError(f"{path}: damaged ({error}); plan the same sweep into the same folder again") from error


def at(sweep: Sweep, *, data: str | None = None, validation: str | None = None, sets: Sequence[str] = ()) -> Places:
    """Where the pictures are on this machine: as planned, but for what is given, and equal to the plan's.

    Raises:
        DataError: If pictures are missing.
        LedgerError: If versions or pictures are not those of the plan.
    """
    planned = sweep.places
    places = Places(
        data=data or planned.data, validation=validation or planned.validation, sets=tuple(sets) or planned.sets
    )
    require_same(terms_of(places), sweep.terms, places)
    return places


def _with_needs(recipes: Sequence[Recipe]) -> list[Job]:
    """A job a recipe, after those whose networks it begins with or learns from; costs are in steps."""
    named = {recipe.name: recipe for recipe in recipes}
    if len(named) < len(recipes):
        raise LedgerError("two recipes have one name; every run of a sweep needs a name of its own")
    needs = {name: [other for other in _sources(recipe) if other in named] for name, recipe in named.items()}
    ordered: dict[str, Job] = {}

    def add(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise LedgerError(
                f"{name} needs itself by way of {', '.join(path[path.index(name) + 1 :])}; break the ring"
            )
        for other in needs[name]:
            if other not in ordered:
                add(other, (*path, name))
        recipe = named[name]
        work = {"recipe": recipe.to_dict()}
        ordered.setdefault(name, Job(name=name, work=work, needs=tuple(needs[name]), cost_s=float(recipe.steps)))

    for name in named:
        add(name, ())
    return list(ordered.values())


def _sources(recipe: Recipe) -> list[str]:
    """What a recipe takes weights from or is taught by."""
    starts = [recipe.start.model, *(stage.start.model for stage in recipe.stages)]
    teachers = [str(term.arguments.get("teacher", "")) for stage in recipe.stages for term in stage.losses]
    return [name for name in dict.fromkeys([*starts, *teachers]) if name and name != recipe.name]


def _absolute(folder: str) -> str:
    return str(Path(folder).absolute())
