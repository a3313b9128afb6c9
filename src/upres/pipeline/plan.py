"""How a picture of some size becomes what was asked for: a function of size, wish and catalogue, nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from math import prod
from typing import Any

from upres.errors import ImageTooLargeError
from upres.image.samples import Size
from upres.models.card import ColorMode
from upres.models.catalog import Model
from upres.models.choices import BICUBIC
from upres.pipeline.sizes import SizeRequest, native_factors
from upres.pipeline.steps import NetworkStep, Step


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is asked for, with the networks that may be used."""

    request: SizeRequest
    restorers: tuple[Step, ...] = ()
    """Steps of scale 1 that are applied before anything grows, in order."""
    first: Mapping[int, Model] = field(default_factory=dict)
    """Scale -> network for the first step in which the picture grows; empty for bicubic interpolation."""
    robust: Mapping[int, Model] = field(default_factory=dict)
    """Scale -> network for that step that undoes noise and compression as well."""
    strength: float = 0.0
    """Share of the robust network in that step: 0 for ``first`` alone, 1 for ``robust`` alone, between for both."""
    further: Mapping[int, Model] = field(default_factory=dict)
    """Scale -> network for the steps after that; empty: as ``first``."""
    self_ensemble: bool = False
    """Whether networks that enlarge work on the picture's mirror image as well."""

    @property
    def opening(self) -> Mapping[int, Model]:
        """Scale -> network for the first step, the robust one where that works alone."""
        if self.strength >= 1 and self.robust:
            return self.robust
        both = {scale: model for scale, model in self.first.items() if scale in self.robust}
        return both if 0 < self.strength < 1 else self.first


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a picture of some size is made."""

    size: Size
    """Height and width of the result."""
    steps: tuple[Step, ...]
    """What is applied, in order; scales are 1 and above. None where nothing is to be done."""
    exact: bool
    """True where the networks alone give the size; else one antialiased bicubic step follows."""
    robust: NetworkStep | None = None
    """A network whose result is mixed into that of the first step in which the picture grows."""
    strength: float = 0.0
    """Its share there."""

    @property
    def models(self) -> tuple[Model, ...]:
        """All networks that work."""
        models = tuple(model for step in self.steps for model in step.models)
        return models if self.robust is None else (*models, self.robust.model)

    @property
    def model_name(self) -> str:
        """The steps' names joined by ``+``, or ``bicubic``."""
        names = "+".join(step.name for step in self.steps) or BICUBIC
        return names if self.robust is None else f"{names}, {self.robust.name} at {self.strength:g}"

    @property
    def scale(self) -> int:
        """The product of the steps' scales."""
        return prod(step.scale for step in self.steps)

    @property
    def color_mode(self) -> ColorMode:
        """``rgb`` where a network works on three planes."""
        return "rgb" if any(step.color_mode == "rgb" for step in self.steps) else "luma"

    @property
    def is_idle(self) -> bool:
        """Whether every sample stays as it is."""
        return not self.steps and self.exact

    def described(self) -> tuple[dict[str, Any], ...]:
        """Task, model and strength of each step, and whether it is a network that works twice.

        A network that is mixed in is a step beside its partner.
        """
        rows = list[dict[str, Any]]()
        robust = self.robust
        for step in self.steps:
            mixed = robust is not None and step.scale == robust.scale
            strength = 1 - self.strength if mixed else step.strength
            rows.append(_described(step, strength))
            if mixed and robust is not None:
                rows.append(_described(robust, self.strength))
                robust = None
        return tuple(rows)


def _described(step: Step, strength: float) -> dict[str, Any]:
    model = "+".join(each.card.name for each in step.models) or step.name
    row = {"task": step.task, "model": model, "strength": round(strength, 6)}
    return {**row, "self_ensemble": True} if step.self_ensemble else row


def plan(size: Size, wish: Wish, *, max_pixels: int) -> Plan:
    """The steps from a picture of this height and width to what is asked for.

    Raises:
        ImageTooLargeError: If the result would have more than ``max_pixels``.
    """
    wanted = wish.request.size_of(*size)
    if wanted[0] * wanted[1] > max_pixels:
        raise ImageTooLargeError(
            f"the output would have {wanted[1]}x{wanted[0]} pixels, over the budget of {max_pixels};"
            " ask for a smaller size"
        )
    grown = growing(wish.request.growth(*size), wish)
    network = partial(NetworkStep, self_ensemble=wish.self_ensemble)
    steps = (*wish.restorers, *map(network, grown))
    scale = prod(step.scale for step in steps)
    mixed = wish.robust[grown[0].card.scale] if grown and 0 < wish.strength < 1 else None
    return Plan(
        size=wanted,
        steps=steps,
        exact=(size[0] * scale, size[1] * scale) == wanted,
        robust=None if mixed is None else network(mixed),
        strength=0.0 if mixed is None else wish.strength,
    )


def growing(growth: float, wish: Wish) -> tuple[Model, ...]:
    """The networks that make a picture ``growth`` times as large, or the next native scale above."""
    opening, further = wish.opening, wish.further or wish.first
    if growth <= 1 or not opening:
        return ()
    chains = [(first, *native_factors(growth / first, further)) for first in sorted(opening)]
    factors = min(chains, key=lambda chain: (len(chain), prod(chain)))
    return tuple((further if index else opening)[factor] for index, factor in enumerate(factors))
