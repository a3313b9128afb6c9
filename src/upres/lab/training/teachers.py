"""The networks that losses look at. As a teacher a run beside the one that trains comes before a shipped model."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from upres.lab.losses.criterion import TAKES_AVERAGE, LossTerm
from upres.lab.training.recipe import Recipe, WarmStart
from upres.lab.training.warm_start import source_of


def with_teachers(
    terms: Sequence[LossTerm], *, beside: Path, average: Callable[[Tensor], Tensor] | None = None
) -> tuple[LossTerm, ...]:
    """The terms with every teacher's name replaced by the path of its weights, and with ``average`` where they take it.

    Args:
        terms: Of a stage.
        beside: The folder in which the runs of a queue lie.
        average: The network that is trained, with the running mean of its weights.

    Raises:
        UnknownModelError: If there is no such run, model or file.
    """

    def complete(term: LossTerm) -> LossTerm:
        given: dict[str, Any] = {"average": average} if average and term.name in TAKES_AVERAGE else {}
        given |= term.arguments
        if teacher := term.arguments.get("teacher"):
            given["teacher"] = str(source_of(WarmStart(model=teacher), beside))
        return replace(term, arguments=given)

    return tuple(map(complete, terms))


def require_teachers(recipe: Recipe, *, beside: Path) -> None:
    """Look for the teachers of every stage, before pictures are decoded.

    Raises:
        UnknownModelError: If there is no such run, model or file.
    """
    for stage in recipe.stages:
        with_teachers(stage.losses, beside=beside)
