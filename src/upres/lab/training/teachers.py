"""Teachers of distillation: a run beside the one that trains comes before a shipped model of that name."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from upres.lab.losses.criterion import LossTerm
from upres.lab.training.recipe import Recipe, WarmStart
from upres.lab.training.warm_start import source_of


def with_teachers(terms: Sequence[LossTerm], *, beside: Path) -> tuple[LossTerm, ...]:
    """The terms with every teacher's name replaced by the path of its weights.

    Args:
        terms: Of a stage.
        beside: The folder in which the runs of a queue lie.

    Raises:
        UnknownModelError: If there is no such run, model or file.
    """
    return tuple(
        replace(term, arguments={**term.arguments, "teacher": str(source_of(WarmStart(model=teacher), beside))})
        if (teacher := term.arguments.get("teacher"))
        else term
        for term in terms
    )


def require_teachers(recipe: Recipe, *, beside: Path) -> None:
    """Look for the teachers of every stage, before pictures are decoded.

    Raises:
        UnknownModelError: If there is no such run, model or file.
    """
    for stage in recipe.stages:
        with_teachers(stage.losses, beside=beside)
