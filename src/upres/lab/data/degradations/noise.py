"""White Gaussian noise after the reduction."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from upres.lab.data.degradations.first_draws import choices, shared_stream
from upres.lab.data.degradations.step import Crop, Range, Step, to_bytes
from upres.lab.data.pictures import Pixels


@dataclass(frozen=True, kw_only=True)
class Noise(Step):
    """White Gaussian noise, by turns one for all planes or each plane's own."""

    name: ClassVar[str] = "noise"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"sigma": (0, 255)}

    sigma: Range = (0.0, 0.0)
    """Standard deviation in levels of 255."""

    def apply(self, picture: Pixels, crop: Crop) -> Pixels:
        """The noisy picture."""
        sigma = shared_stream(crop, "noise").uniform(*self.sigma)
        if sigma <= 0:
            return picture
        grey = shared_stream(crop, "grey").random() < 0.5
        size = (*picture.shape[:2], 1 if grey else 3)
        planes = choices(crop).rest.standard_normal(size, dtype=np.float32)
        return to_bytes(picture + planes * np.float32(sigma))
