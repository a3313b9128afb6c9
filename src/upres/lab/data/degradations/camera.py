"""From a finished picture back to what a sensor saw, and forward again.

A camera turns light into a picture by white balance, a colour matrix, a gamma curve and a tone curve. Noise befalls the
light, so it has to be added there.

Reference: Brooks et al., 2019, arXiv:1811.11127, section 3.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Light = NDArray[np.float32]
"""``(H, W, 3)``, linear, white at 1."""

_GAMMA = 2.2
_DARKEST = np.float32(1e-8)
_XYZ_OF_SRGB = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_CAMERAS_OF_XYZ = np.array(
    [
        [[0.4716, 0.0603, -0.0830], [-0.7798, 1.5474, 0.2480], [-0.1496, 0.1937, 0.6651]],  # Canon EOS 5D Mark II
        [[0.8139, -0.2171, -0.0663], [-0.8747, 1.6541, 0.2295], [-0.1925, 0.2008, 0.8093]],  # Nikon D700
        [[0.4913, -0.0541, -0.0202], [-0.6130, 1.3513, 0.2906], [-0.1564, 0.2151, 0.7183]],  # Sony ILCE-7R
        [[0.8380, -0.2630, -0.0639], [-0.2887, 1.0725, 0.2496], [-0.0627, 0.1427, 0.5438]],  # Olympus E-M5
    ]
)
"""What cameras see of XYZ under daylight, as their DNG files say."""
_RED_GAIN, _BLUE_GAIN = (1.9, 2.4), (1.5, 1.9)
_EXPOSURE, _EXPOSURE_SPREAD = 0.8, 0.1
_SHOULDER = 0.9
"""Where light near white is not divided by the gains in full: white stays white."""


@dataclass(frozen=True)
class Camera:
    """A camera's colours and white balance."""

    matrix: NDArray[np.float32]
    """``(3, 3)``: the sensor's colours of linear sRGB; rows sum to 1."""
    gains: NDArray[np.float32]
    """Of red, green and blue, by which the camera multiplies what the sensor saw."""

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> "Camera":
        """One between four that exist, in a light of its own."""
        weights = rng.dirichlet(np.ones(len(_CAMERAS_OF_XYZ)))
        matrix = np.tensordot(weights, _CAMERAS_OF_XYZ, 1) @ _XYZ_OF_SRGB
        matrix /= matrix.sum(1, keepdims=True)
        exposure = 1 / max(0.5, rng.normal(_EXPOSURE, _EXPOSURE_SPREAD))
        gains = exposure * np.array([rng.uniform(*_RED_GAIN), 1.0, rng.uniform(*_BLUE_GAIN)])
        return cls(matrix.astype(np.float32), gains.astype(np.float32))

    def seen(self, light: Light) -> Light:
        """What the sensor sees of linear sRGB, 0 to 1."""
        raw = colored(light, self.matrix)
        brightness = raw.mean(2, keepdims=True)
        white = (np.maximum(brightness - np.float32(_SHOULDER), 0) / np.float32(1 - _SHOULDER)) ** 2
        factors = np.maximum(white + (1 - white) / self.gains, 1 / self.gains)
        seen: Light = np.clip(raw * factors, 0, 1)
        return seen

    def shown(self, raw: Light, *, seen: Light, light: Light) -> Light:
        """Linear sRGB of what the sensor recorded where it should have seen ``seen`` of ``light``.

        Only the error goes through gains and matrix: where nothing was added, the picture comes back as it was, however
        the highlights were held.
        """
        return light + colored((raw - seen) * self.gains, np.linalg.inv(self.matrix))


def linear(picture: NDArray[Any]) -> Light:
    """The light behind a finished picture of levels 0 to 255."""
    tones = picture.astype(np.float32) / np.float32(255)
    tones = np.float32(0.5) - np.sin(np.arcsin(1 - 2 * tones) / 3)
    curve: Light = np.maximum(tones, _DARKEST) ** np.float32(_GAMMA)
    return curve


def finished(light: Light) -> Light:
    """The picture that a camera makes of light, in levels of 255, not yet rounded."""
    tones = np.clip(light, _DARKEST, 1) ** np.float32(1 / _GAMMA)
    picture: Light = 255 * tones * tones * (3 - 2 * tones)
    return picture


def colored(planes: Light, matrix: NDArray[Any]) -> Light:
    """``planes`` through a 3x3 matrix of colours; not by BLAS, whose threads and roundings differ among machines."""
    matrix = matrix.astype(np.float32)
    mixed = [sum(planes[..., i] * row[i] for i in range(1, 3)) + planes[..., 0] * row[0] for row in matrix]
    return np.stack(mixed, 2)
