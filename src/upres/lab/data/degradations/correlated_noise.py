"""Noise as it looks in finished pictures: coarse, and coloured.

A sensor's noise is white, but demosaicing and the camera's own smoothing spread each error over two or three pixels,
and white balance and the colour matrix mix the planes. A network that knows white noise alone takes such grains for
detail. Here white planes are mixed by a random matrix and then smoothed by a Gaussian, and keep their strength.

Reference: random covariances of the planes as in Zhang et al., 2022, arXiv:2203.13278.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from upres.lab.data.degradations.gaussian import filtered, gaussian_taps
from upres.lab.data.degradations.step import Crop, Range, Step, to_bytes
from upres.lab.data.pictures import Pixels


@dataclass(frozen=True, kw_only=True)
class CorrelatedNoise(Step):
    """Gaussian noise whose neighbours and whose planes are correlated."""

    name: ClassVar[str] = "correlated_noise"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"sigma": (0, 255), "length": (0, 10), "color": (0, 1)}

    sigma: Range = (0.0, 0.0)
    """Standard deviation in levels of 255, root mean square of the planes, whatever ``length`` and ``color`` are."""
    length: Range = (0.0, 1.0)
    """Standard deviation of the Gaussian that smooths the noise, in low-resolution pixels; 0 leaves it white. The
    correlation of pixels at distance d is exp(-d²/(4 length²)): cameras' noise has 0.5 to 0.9."""
    color: Range = (0.0, 1.0)
    """Share of the variance that comes from planes mixed at random; the rest is the same in all planes."""

    def apply(self, picture: Pixels, crop: Crop) -> Pixels:
        """The noisy picture."""
        rng = crop.stream(self.name)
        sigma, length, color = (rng.uniform(*limits) for limits in (self.sigma, self.length, self.color))
        mixture = _mixture(rng.standard_normal((3, 3)), color)
        if sigma <= 0:
            return picture
        taps = gaussian_taps(length)
        taps /= np.sqrt((taps**2).sum())  # keeps the variance
        height, width = (side + len(taps) - 1 for side in picture.shape[:2])
        noise = np.zeros((height, width, 3), np.float32)
        for colors in mixture * np.float32(sigma):  # not by BLAS, whose threads and roundings differ among machines
            noise += rng.standard_normal((height, width, 1), dtype=np.float32) * colors
        return to_bytes(filtered(noise, taps) + picture)


def _mixture(colors: NDArray[np.float64], color: float) -> NDArray[np.float32]:
    """``(4, 3)``: how one grey plane and three others become red, green and blue of a mean variance of 1."""
    colors = colors * np.sqrt(3 * color / (colors**2).sum())
    grey = np.full((1, 3), np.sqrt(1 - color))
    return np.concatenate([grey, colors]).astype(np.float32)
