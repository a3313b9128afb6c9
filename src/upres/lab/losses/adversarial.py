"""Adversarial losses on the logits of a discriminator, one for each pixel, and how a stage trains against it."""

from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from torch import Tensor

from upres.errors import RecipeError


@dataclass(frozen=True, kw_only=True)
class Adversary:
    """A discriminator that is trained beside the network and tells its pictures from true ones; the default is none.

    Raises:
        RecipeError: If a setting makes no sense.
    """

    weight: float = 0.0
    """Of the adversarial loss beside the stage's other losses; at 0 there is no discriminator."""
    loss: Literal["hinge", "relativistic"] = "hinge"
    num_channels: int = 16
    """Maps of the discriminator at full size; those at an eighth of it are eight times as many."""
    learning_rate: float = 1e-4
    """Of its own Adam, times what the stage's schedule makes of the network's."""
    betas: tuple[float, ...] = (0.9, 0.99)
    after: float = 0.0
    """Share of the stage's steps before the first one with a discriminator."""
    ramp: float = 0.0
    """Share of the stage's steps in which ``weight`` then grows from nothing to its full size."""

    def __post_init__(self) -> None:
        if self.weight < 0 or self.num_channels < 1 or not 0 <= self.after < 1 or not 0 <= self.ramp <= 1:
            got = f"weight {self.weight}, num_channels {self.num_channels}, after {self.after} and ramp {self.ramp}"
            raise RecipeError(
                "adversary: expected a weight of 0 or more, num_channels of 1 or more, after from 0 to below 1 and "
                f"ramp from 0 to 1, got {got}"
            )

    def pressure(self, step: int, steps: int) -> float:
        """The weight of the adversarial loss at a step (from 0) of so many; 0 before the discriminator begins."""
        begun = step + 1 - round(self.after * steps)
        if begun <= 0:
            return 0.0
        return self.weight * min(1.0, begun / max(1, round(self.ramp * steps)))


UNOPPOSED = Adversary()
"""No discriminator."""


def discriminator_loss(kind: Literal["hinge", "relativistic"], real: Tensor, fake: Tensor) -> Tensor:
    """What a discriminator minimises.

    ``hinge`` wants true pixels above 1 and made ones below -1. ``relativistic`` wants true pixels above the mean of the
    made picture and made ones below the mean of the true one, and costs the cross entropy.

    Args:
        kind: Which of the two.
        real: Logits of true pictures, ``(N, 1, H, W)``, above 0 where they look true.
        fake: Logits of what the network made of the same crops.

    Reference: Lim and Ye, 2017, arXiv:1705.02894, for the hinge; Wang et al., 2018, arXiv:1809.00219, section 3.2, for
    the relativistic average, whose means are over the other crop of the pair here instead of the batch, so that
    processes that share a batch need not ask each other.
    """
    if kind == "hinge":
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()
    return (F.softplus(_average(fake) - real).mean() + F.softplus(fake - _average(real)).mean()) / 2


def generator_loss(kind: Literal["hinge", "relativistic"], real: Tensor, fake: Tensor) -> Tensor:
    """What the network minimises; arguments and reference as those of `discriminator_loss`."""
    if kind == "hinge":
        return -fake.mean()
    return (F.softplus(real - _average(fake)).mean() + F.softplus(_average(real) - fake).mean()) / 2


def _average(logits: Tensor) -> Tensor:
    """Of each crop, ``(N, 1, 1, 1)``."""
    return logits.mean((1, 2, 3), keepdim=True)
