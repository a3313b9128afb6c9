"""A training objective as a weighted sum of named terms."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from inspect import signature
from typing import Any

from torch import Tensor

from upres.errors import RecipeError, near_miss
from upres.lab.losses import (
    artifacts,
    checkerboard,
    contrastive,
    distillation,
    edge,
    features,
    frequency,
    pixel,
    wavelet,
)

Criterion = Callable[[Tensor, Tensor, Tensor | None], Tensor]
"""A training objective: ``sr`` and ``hr``, ``(N, C, H, W)`` in [0, 1], and the ``lr`` that ``sr`` was made of."""

LOSSES: Mapping[str, Callable[..., Tensor]] = {
    "l1": pixel.l1,
    "l2": pixel.l2,
    "charbonnier": pixel.charbonnier,
    "tone": pixel.tone,
    "fourier_l1": frequency.fourier_l1,
    "wavelet": wavelet.wavelet,
    "gradient_variance": edge.gradient_variance,
    "contrastive": contrastive.contrastive,
    "distillation": distillation.distillation,
    "features": features.features,
    "ldl": artifacts.ldl,
    "checkerboard": checkerboard.checkerboard,
}
"""Every loss by its name in a recipe: functions of ``sr`` and ``hr``, those in `TAKES_LR` of ``lr`` too."""

TAKES_LR = frozenset({"contrastive", "distillation", "ldl"})

TAKES_AVERAGE = frozenset({"ldl"})
"""Losses whose ``average`` is the network with the running mean of its weights."""


@dataclass(frozen=True, kw_only=True)
class LossTerm:
    """One term of the objective."""

    name: str
    weight: float = 1.0
    arguments: Mapping[str, Any] = field(default_factory=dict)


def criterion(terms: Sequence[LossTerm]) -> Criterion:
    """The weighted sum of ``terms`` as a function of ``sr``, ``hr`` and ``lr`` (which some terms need).

    Terms of weight 0 are checked and not computed.

    Raises:
        RecipeError: If a name or an argument is unknown or no term has a weight.
    """
    if not any(term.weight for term in terms):
        raise RecipeError("a stage needs at least one loss term")
    known = [(term.weight, _function(term), term.name in TAKES_LR) for term in terms]
    parts = [part for part in known if part[0]]

    def total(sr: Tensor, hr: Tensor, lr: Tensor | None = None) -> Tensor:
        weighted = [weight * (loss(sr, hr, lr) if takes_lr else loss(sr, hr)) for weight, loss, takes_lr in parts]
        return sum(weighted[1:], weighted[0])

    return total


def _function(term: LossTerm) -> Callable[..., Tensor]:
    if term.name not in LOSSES:
        raise RecipeError(f"no loss '{term.name}'.{near_miss(term.name, LOSSES)} Known: {', '.join(LOSSES)}")
    function = LOSSES[term.name]
    known = [p.name for p in signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
    for name in term.arguments:
        if name not in known:
            raise RecipeError(f"loss '{term.name}' has no setting '{name}'.{near_miss(name, known)}")
    return partial(function, **term.arguments)
