"""Pictures taken in too little light: dark, of a wrong white, lifted in the blacks, and noisy where cameras amplify.

Darkness befalls the light, so the picture goes back to it first; the noise is that of a sensor that saw as little.

Reference: the ranges are what the dark pictures of LOL show (Wei et al., 2018, arXiv:1808.04560).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from upres.lab.data.degradations.camera import Camera, Light, finished, linear
from upres.lab.data.degradations.camera_noise import sensor_noise, smoothed
from upres.lab.data.degradations.step import Crop, Range, Step, to_bytes
from upres.lab.data.pictures import Pixels

_SMOOTHING = (0.4, 0.9)
"""Standard deviation of the Gaussian that smooths the noise, in pixels."""


@dataclass(frozen=True, kw_only=True)
class LowLight(Step):
    """Less light, and what cameras make of it."""

    name: ClassVar[str] = "low_light"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        "darkening": (1, 100),
        "balance": (0.25, 4),
        "shot": (1e-7, 0.1),
        "lift": (0, 0.2),
    }

    darkening: Range = (1.0, 1.0)
    """How many times less light there is; evenly in its logarithm. LOL's pictures have 2 to 40."""
    balance: Range = (0.8, 1.2)
    """Factors of red and of blue."""
    shot: Range = (2e-5, 2e-3)
    """Variance of the noise over the light, white at 1; evenly in its logarithm."""
    lift: Range = (0.0, 0.02)
    """Level of black, white at 1."""

    def apply(self, picture: Pixels, crop: Crop) -> Pixels:
        """The dark picture."""
        return to_bytes(self._darkened(picture, crop, noisy=True))

    def darkening_of(self, crop: Crop) -> float:
        """How many times less light this crop gets."""
        return float(np.exp(crop.stream(self.name).uniform(*np.log(self.darkening))))

    def _darkened(self, picture: Pixels, crop: Crop, *, noisy: bool) -> Light:
        """The dark picture in levels of 255, not yet rounded."""
        rng = crop.stream(self.name)
        darkening, shot = (np.exp(rng.uniform(*np.log(limits))) for limits in (self.darkening, self.shot))
        white = np.array([rng.uniform(*self.balance), 1.0, rng.uniform(*self.balance)])
        lift, length = rng.uniform(*self.lift), rng.uniform(*_SMOOTHING)
        light, camera = linear(picture) * (white / darkening).astype(np.float32), Camera.drawn(rng)
        if noisy:
            seen = camera.seen(light)
            noise = smoothed(sensor_noise(seen, float(np.log(shot)), rng), length)
            light = camera.shown(seen + noise, seen=seen, light=light)
        return finished(light) * np.float32(1 - lift) + np.float32(255 * lift)
