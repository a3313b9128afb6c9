"""Noise of a sensor: stronger where there is more light, and in red and blue, and developed with the picture.

The picture is taken back to what the sensor saw. There, noise has the variance ``shot * light + read``. Some crops get
it pixel by pixel of a Bayer mosaic, which is then made whole again. The others get it in all planes, smoothed as a
camera does. By turns the picture was larger when that happened, and by turns the camera worked on its noise before it
saved the picture. What a mosaic does to the picture itself is left out: a network that learned to undo it would sharpen
every picture. White noise of equal strength in the finished picture, from which most denoisers learn, is wrong in all
of this.

Reference: Brooks et al., 2019, arXiv:1811.11127; Foi et al., 2008, doi:10.1109/TIP.2008.2001399.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from PIL import Image

from upres.lab.data.degradations import in_camera
from upres.lab.data.degradations.camera import Camera, Light, finished, linear
from upres.lab.data.degradations.gaussian import filtered, gaussian_taps
from upres.lab.data.degradations.step import Crop, Range, Step, to_bytes
from upres.lab.data.pictures import Pixels

_TIMES_AS_LARGE = (1.0, 2.0)
_MOSAIC_REACH = 2
_READ_SLOPE, _READ_OFFSET, _READ_SPREAD = 2.18, 1.20, 0.26
"""Logarithm of the read variance over that of the shot variance, and how far cameras lie beside that line."""


@dataclass(frozen=True, kw_only=True)
class CameraNoise(Step):
    """Shot and read noise, added to the light."""

    name: ClassVar[str] = "camera_noise"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        "shot": (0, 0.1),
        "mosaic": (0, 1),
        "length": (0, 3),
        "reduced": (0, 1),
        "processed": (0, 1),
    }

    shot: Range = (0.0, 0.0)
    """Variance of the noise over the light, white at 1, for a photosite; evenly in its logarithm. 0.0001 is a bright
    day, 0.012 ISO 6400 of a small sensor."""
    mosaic: Range = (0.0, 1.0)
    """Chance that the sensor has a Bayer mosaic."""
    length: Range = (0.4, 0.9)
    """Where it has none: standard deviation of the Gaussian that smooths the noise, in pixels."""

    reduced: Range = (0.0, 0.0)
    """Chance that the sensor saw a larger picture, by up to twice: phones put pixels together."""
    processed: Range = (0.0, 0.0)
    """Chance that the camera worked on its noise: smoothed it, its colours most, and sharpened it (`in_camera`)."""

    @property
    def margin(self) -> int:
        """What making a mosaic whole reaches, and what a camera does after it."""
        return _MOSAIC_REACH + (in_camera.REACH if self.processed[1] else 0)

    def apply(self, picture: Pixels, crop: Crop) -> Pixels:
        """The noisy picture."""
        rng = crop.stream(self.name)
        low, high = (max(value, 1e-9) for value in self.shot)
        log_shot = rng.uniform(np.log(low), np.log(high))
        has_mosaic, length = rng.random() < rng.uniform(*self.mosaic), rng.uniform(*self.length)
        light, camera = linear(picture), Camera.drawn(rng)
        seen = camera.seen(light)

        def noise(view: Light) -> Light:
            errors = sensor_noise(view, log_shot, rng)
            return _whole(errors) if has_mosaic else smoothed(errors, length)

        later = crop.stream(f"{self.name}_later")  # what follows shifts nothing that is drawn above
        times = later.uniform(*_TIMES_AS_LARGE) if later.random() < later.uniform(*self.reduced) else 1.0
        errors = noise(seen) if times == 1 else _reduced(noise(_enlarged(seen, times)), seen.shape[:2])
        noisy = finished(camera.shown(seen + errors, seen=seen, light=light))
        if later.random() >= later.uniform(*self.processed):
            return to_bytes(noisy)
        return to_bytes(picture + in_camera.processed(noisy - picture, later))


def sensor_noise(seen: Light, log_shot: float, rng: np.random.Generator) -> Light:
    """Errors of a sensor that sees this light, for a shot variance and the read variance that goes with it.

    What is recorded stays within 0 and 1, as on a sensor that saturates.
    """
    read = np.exp(_READ_SLOPE * log_shot + _READ_OFFSET + rng.normal(0, _READ_SPREAD))
    deviation = np.sqrt(np.float32(np.exp(log_shot)) * seen + np.float32(read))
    noise: Light = np.clip(seen + deviation * rng.standard_normal(seen.shape, dtype=np.float32), 0, 1) - seen
    return noise


def _whole(noise: Light) -> Light:
    """What is left of noise in all planes once only a Bayer mosaic of it was recorded and interpolated bilinearly."""
    rows, columns = (np.arange(side) % 2 for side in noise.shape[:2])
    red = (rows[:, None] == 0) & (columns == 0)
    blue = (rows[:, None] == 1) & (columns == 1)
    made = []
    for plane, sites in zip(np.moveaxis(noise, 2, 0), (red, ~(red | blue), blue), strict=True):
        weights = sites.astype(np.float32)
        made.append(_tent(plane * weights) / _tent(weights))
    return np.stack(made, 2)


def _enlarged(seen: Light, times: float) -> Light:
    """The nearest pixels of a picture so many times as large."""
    rows, columns = (
        np.minimum(np.arange(round(side * times)) / times, side - 1).astype(int) for side in seen.shape[:2]
    )
    larger: Light = seen[rows[:, None], columns]
    return larger


def _reduced(noise: Light, size: tuple[int, int]) -> Light:
    """Noise at a smaller size, each pixel the mean of what it covers."""
    height, width = size
    planes = (
        Image.fromarray(plane).resize((width, height), Image.Resampling.BOX) for plane in np.moveaxis(noise, 2, 0)
    )
    return np.stack([np.asarray(plane) for plane in planes], 2)


def _tent(plane: Light) -> Light:
    """A plane through the 3x3 tent of bilinear interpolation; beyond the border there is nothing."""
    for _ in (0, 1):
        padded = np.pad(plane, ((1, 1), (0, 0)))
        plane = (padded[1:-1] + np.float32(0.5) * (padded[:-2] + padded[2:])).T
    return plane


def smoothed(noise: Light, length: float) -> Light:
    """Noise through a Gaussian, as strong as before: interpolation and the camera's own smoothing were before that."""
    taps = gaussian_taps(length)
    taps /= np.sqrt((taps**2).sum())
    reach = len(taps) // 2
    padded = np.pad(noise, ((reach, reach), (reach, reach), (0, 0)), mode="symmetric")
    return filtered(padded, taps)
