"""Statistics of blocks of a picture, as NIQE uses them: 36 parameters a block.

Each pixel is divided by the contrast around it. In a natural picture the results, and the products of neighbours,
follow generalised Gaussians whose parameters hardly vary from block to block. Blur, noise and compression move them.

Reference: Mittal, Soundararajan, Bovik, 2013, doi:10.1109/LSP.2012.2227726, section II. Different from the authors'
program: luma is not rounded to whole levels.
"""

import math
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upres.image.color import luma
from upres.image.convert import to_float
from upres.image.resize import imresize

BLOCK = 96
"""Side of a block in pixels; half of it in the halved picture."""

LEAST_SIDE = 2 * BLOCK
"""Pixels of the shorter side below which there are too few blocks to speak of statistics."""

FEATURES = 36
"""Parameters of a block: 18 at each of two scales."""

_SIGMA = 7 / 6
_SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Neighbours whose products are looked at: beside, below, and on both diagonals."""

Features = NDArray[np.float64]
"""``(blocks, 36)``; a block without texture has NaN in it."""


def block_features(picture: NDArray[Any]) -> tuple[Features, NDArray[np.float64]]:
    """The parameters of every block, and each block's mean contrast, by which pristine blocks are chosen.

    Raises:
        TypeError: If the dtype is another than `niqe` takes.
        ValueError: If it is no picture, or a side is shorter than 192 pixels.
    """
    plane = _luma(picture)
    height, width = (length // BLOCK * BLOCK for length in plane.shape)
    plane = plane[:height, :width]
    halved = imresize(plane, scale=Fraction(1, 2))
    normalised, contrast = _normalised(plane)
    coarse, _ = _normalised(halved)
    features = np.concatenate(
        [_parameters(_blocks(normalised, BLOCK)), _parameters(_blocks(coarse, BLOCK // 2))], axis=1
    )
    return features, _blocks(contrast, BLOCK).mean(axis=(1, 2))


def _luma(picture: NDArray[Any]) -> NDArray[np.float32]:
    """Full-range luma in levels of 8 bits."""
    if picture.ndim not in (2, 3) or (picture.ndim == 3 and picture.shape[2] not in (1, 3)):
        raise ValueError(f"expected (H, W), (H, W, 1) or (H, W, 3), got shape {picture.shape}")
    if min(picture.shape[:2]) < LEAST_SIDE:
        raise ValueError(f"NIQE needs {LEAST_SIDE} x {LEAST_SIDE} pixels, got {picture.shape[0]} x {picture.shape[1]}")
    values = to_float(picture)
    plane = luma(values, studio=False) if values.shape[2:] == (3,) else values.reshape(values.shape[:2])
    levels: NDArray[np.float32] = plane * np.float32(255)
    return levels


def _normalised(plane: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each pixel's difference to the mean around it over the contrast around it, and that contrast."""
    values = plane.astype(np.float64)
    mean = _blur(values)
    contrast = np.sqrt(np.abs(_blur(values**2) - mean**2))
    return (values - mean) / (contrast + 1), contrast


def _blur(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """A Gaussian window of 7 x 7 pixels; the outermost pixels go on beyond the border."""
    weights = np.exp(-np.square(np.arange(-3, 4)) / (2 * _SIGMA**2))
    weights /= weights.sum()
    for axis in (0, 1):
        padded = np.pad(plane, [(3, 3) if axis == each else (0, 0) for each in (0, 1)], mode="edge")
        length = plane.shape[axis]
        plane = sum(
            weight * padded.take(range(start, start + length), axis=axis) for start, weight in enumerate(weights)
        )
    return plane


def _blocks(plane: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """``(blocks, side, side)``, row by row."""
    height, width = plane.shape
    return plane.reshape(height // side, side, width // side, side).swapaxes(1, 2).reshape(-1, side, side)


def _parameters(blocks: NDArray[np.float64]) -> Features:
    """18 parameters of each block at one scale."""
    shape, left, right = asymmetric_gaussian(blocks)
    columns = [shape, (left + right) / 2]
    for shift in _SHIFTS:
        shape, left, right = asymmetric_gaussian(blocks * np.roll(blocks, shift, axis=(1, 2)))
        columns += [shape, (right - left) * _mean_ratio(shape), left, right]
    return np.stack(columns, axis=1)


def asymmetric_gaussian(
    samples: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The asymmetric generalised Gaussian that has the moments of each row of samples.

    Args:
        samples: ``(N, ...)``; each of the N groups on its own.

    Returns:
        Shape (2 for a Gaussian, 1 for a Laplacian; 0.2 to 10), left and right scale, ``(N,)`` each; NaN where a group
        has no sample below or above zero.

    Reference: Lasmar, Stitou, Berthoumieu, 2009, doi:10.1109/ICIP.2009.5414404.
    """
    rows = samples.reshape(len(samples), -1)
    squares = rows**2
    with np.errstate(invalid="ignore", divide="ignore"):
        left = np.sqrt((squares * (rows < 0)).sum(axis=1) / (rows < 0).sum(axis=1))
        right = np.sqrt((squares * (rows > 0)).sum(axis=1) / (rows > 0).sum(axis=1))
        ratio = left / right
        observed = np.abs(rows).mean(axis=1) ** 2 / squares.mean(axis=1)
        wanted = observed * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    shapes, known, scales = _shapes()
    above = np.clip(np.searchsorted(known, wanted), 1, len(known) - 1)
    nearest = np.where(wanted - known[above - 1] < known[above] - wanted, above - 1, above)
    shape, scale = (np.where(np.isfinite(wanted), table[nearest], np.nan) for table in (shapes, scales))
    return shape, left * scale, right * scale


def _mean_ratio(shape: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of a generalised Gaussian's positive half over its scale."""
    return np.array([math.gamma(2 / each) / math.gamma(1 / each) if each == each else each for each in shape])


@cache
def _shapes() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Shapes in steps of 0.001; the squared mean over the mean square of each; its scale at a mean square of one."""
    shapes = np.arange(200, 10001) / 1000
    one, two, three = (np.array([math.lgamma(n / shape) for shape in shapes]) for n in (1, 2, 3))
    return shapes, np.exp(2 * two - one - three), np.exp((one - three) / 2)
