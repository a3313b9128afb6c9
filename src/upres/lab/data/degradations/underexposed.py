"""Pictures taken in too little light and lifted, as denoisers get them that clean what `Exposure` has lifted.

The lift turns the noise, the steps of 8 bits and the blocks of JPEG near black into something that no other picture
has. The network shall undo these and nothing else, so it learns to give what the same curve makes of the dark picture
without them: the brightness, the white and the black of the dark picture stay what they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from upres.image.exposure import Exposure
from upres.lab.data.degradations.camera import Light
from upres.lab.data.degradations.first_draws import SUBSAMPLINGS
from upres.lab.data.degradations.jpeg import compressed
from upres.lab.data.degradations.low_light import LowLight
from upres.lab.data.degradations.step import Crop, Range, to_bytes
from upres.lab.data.pictures import Pixels

_BESIDE = (-1.5, 0.25)
"""Stops by which a picture is lifted beside what would undo the darkness."""
_MOST_STOPS = 4.25
_WHITE = 65535


@dataclass(frozen=True, kw_only=True)
class Underexposed(LowLight):
    """Less light, what cameras make of it, by turns JPEG, and the light back."""

    name: ClassVar[str] = "underexposed"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {**LowLight.limits, "jpeg": (1, 100)}

    jpeg: Range = (60.0, 98.0)
    """Quality of the JPEG that every second picture is saved as before it is lifted."""

    def apply(self, picture: Pixels, crop: Crop) -> Pixels:
        """The lifted picture."""
        dark, rng = super().apply(picture, crop), crop.stream(f"{self.name}_jpeg")
        quality, subsampling = rng.uniform(*self.jpeg), int(rng.choice(SUBSAMPLINGS))
        if rng.random() < 0.5:
            dark = compressed(dark, quality, subsampling)
        return self._lifted(dark.astype(np.float32), crop)

    def truth(self, picture: Pixels, crop: Crop) -> Pixels:
        """What the lift makes of the dark picture before noise, 8 bits and JPEG."""
        return self._lifted(self._darkened(picture, crop, noisy=False), crop)

    def _lifted(self, dark: Light, crop: Crop) -> Pixels:
        beside = crop.stream(f"{self.name}_stops").uniform(*_BESIDE)
        stops = float(np.clip(np.log2(self.darkening_of(crop)) + beside, 0, _MOST_STOPS))
        fine = np.rint(dark * np.float32(_WHITE / 255)).astype(np.uint16)
        return to_bytes(Exposure(stops).lifted(fine, _WHITE) * np.float32(255 / _WHITE))
