"""A JPEG compression before the last one, on another grid: pictures that were cropped or shown inside others.

A network trained on one grid finds blocks by their place; those of an earlier file lie anywhere and are half smoothed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from upres.lab.data.degradations.first_draws import SUBSAMPLINGS
from upres.lab.data.degradations.jpeg import compressed
from upres.lab.data.degradations.step import Crop, Range, Step
from upres.lab.data.pictures import Pixels

_GRID = 16
"""Side of what 4:2:0 compresses at once; 8 without subsampling, which 16 covers."""


@dataclass(frozen=True, kw_only=True)
class EarlierJpeg(Step):
    """JPEG whose blocks begin 0 to 15 pixels to the left of and above the picture's own."""

    name: ClassVar[str] = "earlier_jpeg"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"quality": (1, 100)}

    quality: Range = (100.0, 100.0)
    """Quality as libjpeg counts it; 100 leaves the compression out."""

    @property
    def margin(self) -> int:
        """A block."""
        return _GRID

    def apply(self, picture: Pixels, crop: Crop) -> Pixels:
        """The picture after compression."""
        rng = crop.stream(self.name)
        quality, subsampling = rng.uniform(*self.quality), int(rng.choice(SUBSAMPLINGS))
        down, right = rng.integers(_GRID, size=2)
        shifted = np.pad(picture, ((down, 0), (right, 0), (0, 0)), mode="edge")
        return np.ascontiguousarray(compressed(shifted, quality, subsampling)[down:, right:])
