"""What a camera does to noise before it saves the picture: it smooths the colours, or sharpens.

Both are linear, so they are done to the noise alone. The picture stays as it is: a network that learned to undo them in
the picture would colour and blur everything.
"""

import numpy as np
from numpy.typing import NDArray

from upres.image.color import LUMA_WEIGHTS
from upres.lab.data.degradations.gaussian import filtered, gaussian_taps

_CHROMA = (0.5, 2.0)
"""Standard deviation of the Gaussian that smooths colours, in pixels."""
_AMOUNT, _RADIUS = (0.0, 0.5), 1.0
"""Of what a Gaussian of this standard deviation takes away, the share that is added once more."""
REACH = int(np.ceil(3 * _CHROMA[1]))
"""Pixels that it lets into a crop."""

Residual = NDArray[np.float32]
"""``(H, W, 3)``: noise in levels of 255."""


def processed(noise: Residual, rng: np.random.Generator) -> Residual:
    """The noise after one of the two, of a strength that is drawn."""
    if rng.random() < 0.5:
        return smoothed_chroma(noise, rng.uniform(*_CHROMA))
    return sharpened(noise, rng.uniform(*_AMOUNT))


def smoothed_chroma(noise: Residual, sigma: float) -> Residual:
    """The noise with its colours smoothed, its luma (BT.601) as before."""
    grey = (noise * np.array(LUMA_WEIGHTS, np.float32)).sum(2, keepdims=True)
    colors = noise - grey
    smoothed: Residual = grey + _blurred(colors, sigma)
    return smoothed


def sharpened(noise: Residual, amount: float) -> Residual:
    """The noise after an unsharp mask."""
    return noise + np.float32(amount) * (noise - _blurred(noise, _RADIUS))


def _blurred(planes: Residual, sigma: float) -> Residual:
    taps = gaussian_taps(sigma)
    reach = len(taps) // 2
    return filtered(np.pad(planes, ((reach, reach), (reach, reach), (0, 0)), mode="edge"), taps)
