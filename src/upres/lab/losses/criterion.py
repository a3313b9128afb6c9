"""A training objective as a weighted sum of named terms."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from torch import Tensor

from upres.errors import RecipeError, near_miss
from upres.lab.losses import pixel

LOSSES: Mapping[str, Callable[..., Tensor]] = {
    "l1": pixel.l1,
    "l2": pixel.l2,
    "charbonnier": pixel.charbonnier,
}
"""Every loss by its name in a recipe."""


@dataclass(frozen=True, kw_only=True)
class LossTerm:
    """One term of the objective."""

    name: str
    weight: float = 1.0
    arguments: Mapping[str, Any] = field(default_factory=dict)


def criterion(terms: Sequence[LossTerm]) -> Callable[[Tensor, Tensor], Tensor]:
    """The weighted sum of ``terms`` as a function of ``sr`` and ``hr``, both ``(N, C, H, W)`` in [0, 1].

    Raises:
        RecipeError: If a name is unknown or there is no term.
    """
    if not terms:
        raise RecipeError("a stage needs at least one loss term")
    for term in terms:
        if term.name not in LOSSES:
            raise RecipeError(f"no loss '{term.name}'.{near_miss(term.name, LOSSES)} Known: {', '.join(LOSSES)}")
    parts = [(term.weight, partial(LOSSES[term.name], **term.arguments)) for term in terms]

    def total(sr: Tensor, hr: Tensor) -> Tensor:
        weighted = [weight * loss(sr, hr) for weight, loss in parts]
        return sum(weighted[1:], weighted[0])

    return total
