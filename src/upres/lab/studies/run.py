"""A study from its name to its results file: the recipes that it runs, and the sum of the runs."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from upres.errors import RecipeError
from upres.evaluation.pairs import dataset_name
from upres.lab.studies import table
from upres.lab.studies.speed import latency_ms
from upres.lab.studies.study import Study, run_name
from upres.lab.studies.summary import summarise
from upres.lab.subject import open_subject, weigh
from upres.lab.training.recipe import Recipe, override
from upres.lab.training.recipes import recipe_for
from upres.machine.atomic import write_text
from upres.machine.environment import environment

RESULTS = Path("benchmarks", "results")
"""Where results of studies lie, below the working directory, unless said otherwise."""


def recipes_of(name: str, settings: Iterable[str] = ()) -> list[Recipe]:
    """The recipes behind a name, with ``key=value`` settings applied to each.

    Args:
        name: Of a study; of a JSON file with a recipe or a list of them; or of a recipe.
        settings: See `upres.lab.training.recipe.override`.

    Raises:
        RecipeError: If there is no such recipe, the file holds none, or a setting does not fit.
    """
    settings = tuple(settings)
    if name in table.STUDIES:
        found = table.STUDIES[name].recipes()
    elif name.endswith(".json"):
        content = _read_json(Path(name))
        found = [Recipe.from_dict(each) for each in (content if isinstance(content, list) else [content])]
    else:
        found = [recipe_for(name)]
    return [override(recipe, settings) for recipe in found]


def study_names() -> tuple[str, ...]:
    """Every study."""
    return tuple(table.STUDIES)


def studies_of(names: Iterable[str]) -> list[Study]:
    """The studies among some names."""
    return [table.STUDIES[name] for name in names if name in table.STUDIES]


def require_validation(studies: Iterable[Study], folder: str | Path | None) -> None:
    """Refuse studies whose rows could not be compared on the pictures that validate them.

    Args:
        studies: About to be trained.
        folder: Data set that validates; ``None`` for the usual one.

    Raises:
        RecipeError: If one needs another data set.
    """
    for study in studies:
        if study.validation and (folder is None or dataset_name(folder) != study.validation):
            raise RecipeError(
                f"{study.name}: rows learn from different faults and are judged by {study.validation}; name its folder "
                f"to validate on, and not {folder or 'the usual pictures'}"
            )


def sum_up(
    study: Study, recipes: Sequence[Recipe], out: str | Path, results: str | Path | None = None
) -> dict[str, Any]:
    """Sum up a study whose runs are done, time its networks here, and write its results file.

    Args:
        study: Whose runs lie in ``out``.
        recipes: What `recipes_of` gave; runs with fewer steps than the shortest of the study's do not count.
        out: Folder of the queue.
        results: JSON file to write; ``None``: ``STUDY.json`` in `RESULTS`.

    Returns:
        What was written: `summarise` and the machine.

    Raises:
        DataError: If a row has no finished run.
        OutputError: If the file cannot be written.
    """
    steps = min(recipe.steps for recipe in recipes if recipe.name.startswith(f"{study.name}-"))
    first = {row.label: run_name(study, row, study.seeds_of(row)[0]) for row in study.rows}
    files = {label: Path(out) / name / "last.safetensors" for label, name in first.items()}
    there = {label: path for label, path in files.items() if path.is_file()}
    subjects = {label: open_subject(str(path)) for label, path in there.items()}
    flops = {label: weigh(each.network, scale=each.card.scale).flops for label, each in subjects.items()}
    rows = summarise(study, out, steps=steps, latency_ms=latency_ms(there), flops=flops)
    summary = {**rows, "environment": environment()}
    write_text(results or RESULTS / f"{study.name}.json", json.dumps(summary, indent=2) + "\n")
    return summary


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path}: not a readable recipe ({error})") from error
