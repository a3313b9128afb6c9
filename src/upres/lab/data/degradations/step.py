"""What a step is, and the crop that it works on."""

import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from upres.errors import RecipeError
from upres.lab.data.pictures import Pixels

Range = tuple[float, float]
"""Lowest and highest value; each crop draws its own between them, all equally likely."""
_ALWAYS: Range = (1.0, 1.0)


@dataclass(frozen=True)
class Crop:
    """Which crop a step works on: what the random numbers and the distances depend on."""

    scale: int
    """How many times smaller the low-resolution picture is; 1 for pairs of one size."""
    seed: tuple[int, ...]
    """The numbers that name the crop, such as (seed, step, index)."""

    def stream(self, name: str) -> np.random.Generator:
        """The random numbers that this crop has for the step of this name and for no other."""
        return np.random.default_rng((*self.seed, zlib.crc32(name.encode())))


@dataclass(frozen=True, kw_only=True)
class Step(ABC):
    """One thing that befalls pictures. Every field is a `Range`; the first of its own is the strength, by default none.

    Raises:
        RecipeError: If a range is not two numbers in order within ``limits``, or a step that reduces has a chance.
    """

    name: ClassVar[str]
    """Beginning of the names of its settings: ``noise`` and its field ``sigma`` are set as ``noise_sigma``."""
    limits: ClassVar[Mapping[str, tuple[float, float]]]
    """Field -> least and greatest value that make sense."""
    reduces: ClassVar[bool] = False
    """Whether this step makes the picture ``scale`` times smaller; that one step is never left out."""

    chance: Range = _ALWAYS
    """Share of the crops that the step befalls; strengths are drawn for those."""

    def __post_init__(self) -> None:
        if self.reduces and self.chance != _ALWAYS:
            raise RecipeError(f"degradation.{self.name}_chance: this step makes every picture small, leave it at 1")
        for name, (least, most) in {**self.limits, "chance": (0.0, 1.0)}.items():
            values = getattr(self, name)
            if len(values) != 2 or not least <= values[0] <= values[1] <= most:
                raise RecipeError(
                    f"degradation.{self.name}_{name}: expected [low, high] within {least:g} to {most:g}, got {values}"
                )

    @property
    def is_off(self) -> bool:
        """Whether the strength is at its default, so that pictures stay as they are."""
        strength = next(field for field in fields(self) if field.name != "chance")
        return bool(getattr(self, strength.name) == strength.default)

    def befalls(self, crop: Crop) -> bool:
        """Whether this crop is one of those that the step happens to; drawn from a stream of its own."""
        if self.is_off or self.chance == _ALWAYS:
            return not self.is_off
        rng = crop.stream(f"{self.name}_chance")
        return bool(rng.random() < rng.uniform(*self.chance))

    @property
    def margin(self) -> int:
        """Low-resolution pixels round a crop that the step lets into it; not asked where the step is off."""
        return 0

    @property
    def truth_margin(self) -> int:
        """High-resolution pixels round a crop that its `truth` depends on; not asked where the step is off."""
        return 0

    def truth(self, picture: Pixels, crop: Crop) -> Pixels:  # noqa: ARG002  # for steps that are more than a fault
        """What a network shall give for the picture after the step; the picture itself where all of it is a fault."""
        return picture

    @abstractmethod
    def apply(self, picture: Pixels, crop: Crop) -> Pixels:
        """The picture after the step, ``(H, W, 3)``; of its old size, unless the step ``reduces``."""


def to_bytes(picture: NDArray[np.float32]) -> Pixels:
    """Levels rounded and clipped to 0 to 255."""
    levels: Pixels = np.clip(picture + np.float32(0.5), 0, 255).astype(np.uint8, order="C")
    return levels
