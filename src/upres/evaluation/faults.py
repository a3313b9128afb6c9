"""Faults put into true pictures, so that networks that restore are measured where there are no pairs.

The figures of papers rest on these two: Gaussian noise of one strength, and JPEG of one quality.
"""

import io
import zlib
from dataclasses import dataclass

import numpy as np
from PIL import Image

from upres.errors import DataError
from upres.metrics.protocol import Picture8

_SUBSAMPLED = 2
"""Pillow's number for 4:2:0."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Noise or JPEG, the same for every picture.

    Raises:
        DataError: If it is not one of the two, or not within its range.

    Example:
        >>> str(Fault(noise=25))
        'noise 25'
    """

    noise: float = 0.0
    """Standard deviation of Gaussian noise, in levels of 255."""
    jpeg: int = 0
    """Quality of JPEG as libjpeg counts it; its colours are halved in both directions (4:2:0)."""

    def __post_init__(self) -> None:
        if bool(self.noise) == bool(self.jpeg):
            raise DataError(f"expected one fault, noise or jpeg, got noise {self.noise:g} and jpeg {self.jpeg}")
        if not (0 <= self.noise <= 255 and 0 <= self.jpeg <= 100):
            raise DataError(
                f"expected noise above 0 up to 255, or jpeg from 1 to 100, got {self}; take a strength within these"
            )

    def __str__(self) -> str:
        return " ".join(f"{name} {value:g}" for name, value in self.to_dict().items())

    def to_dict(self) -> dict[str, float]:
        """The fault and its strength: ``{"noise": 25}``."""
        return {"noise": self.noise} if self.noise else {"jpeg": self.jpeg}

    def befall(self, picture: Picture8, name: str) -> Picture8:
        """The picture with the fault.

        Args:
            picture: ``(H, W, 3)``.
            name: What noise is drawn from, besides the picture's size: a picture has the same noise in every data set,
                multiplied by the strength.

        Returns:
            The same shape. Noise is added in float, clipped, and rounded to 8 bits.
        """
        if self.jpeg:
            file = io.BytesIO()
            Image.fromarray(picture).save(file, "JPEG", quality=self.jpeg, subsampling=_SUBSAMPLED)
            return np.asarray(Image.open(file))
        noise = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(picture.shape)
        levels: Picture8 = np.floor(np.clip(picture + self.noise * noise, 0, 255) + 0.5).astype(np.uint8)
        return levels
