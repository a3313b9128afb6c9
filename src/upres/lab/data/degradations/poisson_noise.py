"""Noise of few photons, counted in the finished picture.

A sensor counts photons before the picture is developed, which `CameraNoise` does; this is what is left where a picture
was made small and is shown as it was counted, and what other programs take for a camera's noise.

Reference: Zhang et al., 2022, arXiv:2203.13278.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from upres.image.color import LUMA_WEIGHTS
from upres.lab.data.degradations.step import Crop, Range, Step, to_bytes
from upres.lab.data.pictures import Pixels


@dataclass(frozen=True, kw_only=True)
class PoissonNoise(Step):
    """Every pixel a count of photons, by turns of its luma (the same error in all planes) or of each plane."""

    name: ClassVar[str] = "poisson_noise"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"photons": (0, 1e8)}

    photons: Range = (0.0, 0.0)
    """Photons of white, evenly in their logarithm; 100 are as strong as a sigma of 25 in white, 10 000 of 2.5."""

    def apply(self, picture: Pixels, crop: Crop) -> Pixels:
        """The noisy picture."""
        rng = crop.stream(self.name)
        low, high = (max(value, 1.0) for value in self.photons)
        photons = np.exp(rng.uniform(np.log(low), np.log(high))) / 255
        levels = picture.astype(np.float32)
        if rng.random() < 0.5:
            levels = (levels * np.array(LUMA_WEIGHTS, np.float32)).sum(2, keepdims=True)
        counted = rng.poisson(levels * photons) / photons
        return to_bytes(picture + (counted - levels).astype(np.float32))
