"""Gaussian blur before the reduction: a lens that was not quite sharp."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from upres.lab.data.degradations.first_draws import shared_stream
from upres.lab.data.degradations.gaussian import filtered, gaussian_taps
from upres.lab.data.degradations.step import Crop, Range, Step, to_bytes
from upres.lab.data.pictures import Pixels


@dataclass(frozen=True, kw_only=True)
class Blur(Step):
    """Gaussian blur, edges repeated; a sigma below 0.1 pixels of the picture leaves it as it is."""

    name: ClassVar[str] = "blur"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"sigma": (0, 10)}

    sigma: Range = (0.0, 0.0)
    """Standard deviation in low-resolution pixels."""

    @property
    def margin(self) -> int:
        """Three sigma."""
        return round(3 * self.sigma[1])

    def apply(self, picture: Pixels, crop: Crop) -> Pixels:
        """The blurred picture."""
        taps = gaussian_taps(shared_stream(crop, "blur").uniform(*self.sigma) * crop.scale)
        if len(taps) == 1:
            return picture
        radius = len(taps) // 2
        padded = np.pad(picture.astype(np.float32), ((radius, radius), (radius, radius), (0, 0)), mode="edge")
        return to_bytes(filtered(padded, taps))
