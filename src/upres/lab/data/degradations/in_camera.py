"""What a camera does to noise before it saves the picture: it smooths colours and luma, and sharpens.

All is linear, so it is done to the noise alone. The picture stays as it is: a network that learned to undo it in
the picture would colour and blur everything.
"""

import numpy as np
from numpy.typing import NDArray

from upres.image.color import LUMA_WEIGHTS
from upres.lab.data.degradations.gaussian import filtered, gaussian_taps

_COLORS_ARE_SMOOTHED, _COLORS, _COLORS_LEFT = 0.7, (0.5, 3.0), (0.1, 0.7)
"""How often colours are smoothed, by a Gaussian of which standard deviation in pixels, and the share of white noise's
strength that is left: cameras do more than blur, which alone would leave next to nothing of it."""
_LUMA_IS_SMOOTHED, _LUMA = 0.5, (0.4, 1.0)
_IS_SHARPENED, _AMOUNT, _RADIUS = 0.4, (0.0, 0.5), 1.0
"""Of what a Gaussian of this standard deviation takes away, the share that is added once more."""
REACH = int(np.ceil(3 * _COLORS[1]) + np.ceil(3 * _RADIUS))
"""Pixels that it lets into a crop."""

Residual = NDArray[np.float32]
"""``(H, W, 3)``: noise in levels of 255."""


def processed(noise: Residual, rng: np.random.Generator) -> Residual:
    """The noise after each of the three that its camera does, of strengths that are drawn."""
    if rng.random() < _COLORS_ARE_SMOOTHED:
        noise = smoothed(noise, colors=rng.uniform(*_COLORS), left=rng.uniform(*_COLORS_LEFT))
    if rng.random() < _LUMA_IS_SMOOTHED:
        noise = smoothed(noise, luma=rng.uniform(*_LUMA))
    return sharpened(noise, rng.uniform(*_AMOUNT)) if rng.random() < _IS_SHARPENED else noise


def smoothed(noise: Residual, *, luma: float = 0.0, colors: float = 0.0, left: float | None = None) -> Residual:
    """The noise with its luma (BT.601) and its colours smoothed by Gaussians of these standard deviations.

    Args:
        noise: What is smoothed.
        luma: In pixels; 0 leaves luma as it is.
        colors: Likewise.
        left: The root mean square of colours after it, over that before it, if they were white; ``None`` is what the
            Gaussian leaves.
    """
    grey = (noise * np.array(LUMA_WEIGHTS, np.float32)).sum(2, keepdims=True)
    gain = 1 if left is None else np.float32(left) / (gaussian_taps(colors) ** 2).sum()
    mixed: Residual = _blurred(grey, luma) + gain * _blurred(noise - grey, colors)
    return mixed


def sharpened(noise: Residual, amount: float) -> Residual:
    """The noise after an unsharp mask."""
    return noise + np.float32(amount) * (noise - _blurred(noise, _RADIUS))


def _blurred(planes: Residual, sigma: float) -> Residual:
    taps = gaussian_taps(sigma)
    reach = len(taps) // 2
    return filtered(np.pad(planes, ((reach, reach), (reach, reach), (0, 0)), mode="edge"), taps)
