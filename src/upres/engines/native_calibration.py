"""What the native engine's arithmetics for edge-SR are compared on."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Noise = Callable[[tuple[int, ...]], NDArray[np.float64]]
"""Numbers of mean 0 and variance 1, the same ones each time."""
_HEIGHT, _WIDTH = 128, 192
_FIRST = 99999
"""With this one the same arithmetic suffices for every network that ships as with `normal_noise`, on every instruction
set: the largest TR networks at x3 and x4 are at the edge of what is tolerated."""


def normal_noise(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """By numpy's generators, which take 13 ms to import: for planes, where integers are chosen by it."""
    return np.random.default_rng(0).normal(size=shape)


def mixed_noise(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """By mixing the bits of numbers and the Box-Muller transform: for pictures, which have no time for imports."""
    count = int(np.prod(shape))
    bits = np.arange(_FIRST, _FIRST + 2 * count, dtype=np.uint32)
    for factor in (0x7FEB352D, 0x846CA68B):
        bits ^= bits >> 15
        bits *= np.uint32(factor)
    bits ^= bits >> 16
    radius, angle = ((bits + 0.5) / 2**32).reshape(2, *shape)
    return np.asarray(np.sqrt(-2 * np.log(radius)) * np.cos(2 * np.pi * angle))


def calibration_plane(peak: int, noise: Noise = normal_noise) -> NDArray[np.uint16]:
    """A small picture of what pictures hold: gradients, edges at all angles, noise, flat areas."""
    y, x = np.mgrid[0:_HEIGHT, 0:_WIDTH].astype(np.float64)
    rings = 0.5 + 0.5 * np.cos((x * x + y * y) / 300)
    blocks = ((x // 11 + y // 7) % 3) / 2
    ramp = x / (_WIDTH - 1)
    grain = 0.04 * noise(x.shape)
    picture = np.where(x < 64, rings, np.where(x < 128, blocks, ramp)) + np.where(y < 96, grain, 0.0)
    picture[100:, 96:] = grain[100:, 96:] > 0
    levels: NDArray[np.uint16] = np.floor(np.clip(picture, 0, 1) * peak + 0.5).astype(np.uint16)
    return levels
