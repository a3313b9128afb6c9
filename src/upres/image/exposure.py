"""More light for a whole picture, by one curve.

A pixel's brightness is its largest channel. The curve says what becomes of each brightness, and the three channels of a
pixel grow alike, so that no hue changes; where the picture is lifted much they come nearer to each other, because
cameras' tone curves drive dark colours apart, and so do noise and the steps of 8 bits near black. Three things make the
curve:

* a power below 1, which opens the shadows: dark tones lie on the foot of a camera's tone curve, where a tone goes with
  about the square of the light behind it;
* a factor, so that a dark tone grows as it would have in a longer exposure;
* a shoulder, on which what would be brighter than white is rolled off: white alone becomes white.

Since the curve is one for the whole picture, there are no halos.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from upres.image.samples import Plane

Tones = NDArray[np.float64]
"""Brightness from 0, black, to 1, white."""

MOST_STOPS = 6.0
"""Stops up to which a picture can be lifted."""
_TONES_OF_A_STOP = 2 / 2.2
"""Stops of a dark tone over stops of light: squared by the foot of the tone curve, behind a gamma of 2.2."""
_DARK = 0.05
"""Tone that grows by exactly that."""
_SQUARE_ROOT, _STOPS_TO_IT = 0.5, 3.5
"""The least power, and the stops from which on it is taken."""
_FOOT = 0.0005
"""An eighth of a level of 255 below which the curve is straight: the power alone would be infinitely steep."""
_KNEE = 0.8
"""Where the shoulder begins."""
_FADING = 0.1
"""Share of the colourfulness that is taken where the power is the least."""
_DROWNED = 2 / 255
"""Tone at which half of the rest is taken there: two levels above black, colours are steps of 8 bits."""


@dataclass(frozen=True)
class Exposure:
    """By how much a picture becomes lighter.

    Raises:
        ValueError: If that is not from 0 to `MOST_STOPS`.

    Example:
        >>> Exposure(2.0).of(np.array([0.0, 0.05, 1.0])).round(3).tolist()
        [0.0, 0.176, 1.0]
    """

    stops: float
    """Stops of light; 0 leaves the picture as it is."""

    def __post_init__(self) -> None:
        if not 0 <= self.stops <= MOST_STOPS:
            raise ValueError(f"exposure: expected 0 to {MOST_STOPS:g} stops, got {self.stops:g}")

    def of(self, tones: Tones) -> Tones:
        """What becomes of each brightness: rising, never above 1."""
        dark = 2 ** (_TONES_OF_A_STOP * self.stops) * _DARK
        factor = dark / float(self._opened(np.array(_DARK)))
        return _shoulder(factor * self._opened(tones), factor)

    def lifted(self, pixels: Plane, white: int) -> Plane:
        """A piece of a picture with more light.

        Args:
            pixels: ``(H, W)`` grey or ``(H, W, 3)`` RGB, unsigned integers.
            white: The number that is white.

        Returns:
            A new array alike.
        """
        colored, added = self._tables(white)
        brightness = np.minimum(pixels if pixels.ndim == 2 else pixels.max(axis=2), white)
        scale, offset = colored[brightness], added[brightness]
        if pixels.ndim == 3:
            scale, offset = scale[..., None], offset[..., None]
        made = pixels * scale
        made += offset
        lifted: Plane = np.rint(made, out=made).astype(pixels.dtype)
        return lifted

    def _tables(self, white: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """For each brightness: what channels are multiplied by, and what is added to all three."""
        if white not in self._known:
            tones = np.arange(white + 1) / white
            made = self.of(tones)
            gains = made / np.maximum(tones, 1 / white)
            fading = (1 - self._power) / (1 - _SQUARE_ROOT)
            colorfulness = (1 - _FADING * fading) * (tones + 1 / white) / (tones + 1 / white + _DROWNED * fading)
            scale, offset = gains * colorfulness, white * made * (1 - colorfulness)
            self._known[white] = scale.astype(np.float32), offset.astype(np.float32)
        return self._known[white]

    @cached_property
    def _known(self) -> dict[int, tuple[NDArray[np.float32], NDArray[np.float32]]]:
        return {}

    @property
    def _power(self) -> float:
        return max(_SQUARE_ROOT, 1 - self.stops * (1 - _SQUARE_ROOT) / _STOPS_TO_IT)

    def _opened(self, tones: Tones) -> Tones:
        """The power, straightened at its foot; white stays white."""
        opened: Tones = np.maximum((tones + _FOOT) ** self._power - _FOOT**self._power, 0)
        opened /= (1 + _FOOT) ** self._power - _FOOT**self._power
        return opened


def _shoulder(tones: Tones, most: float) -> Tones:
    """Tones up to ``most`` brought to 1 at most: as they are up to the knee, then along a hyperbola without a kink."""
    if most <= 1:
        return tones
    steepness = (most - _KNEE) / (1 - _KNEE)
    along = np.clip((tones - _KNEE) / (most - _KNEE), 0, 1)
    rolled = _KNEE + (1 - _KNEE) * along * steepness / (1 + (steepness - 1) * along)
    return np.where(tones < _KNEE, tones, rolled)
