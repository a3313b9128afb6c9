"""Noise where nothing hides it: in the flat areas of a picture, where eyes look for it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE = 8
"""Of the blocks, in pixels."""
_FLATTEST = 0.1
"""Share of the blocks that count as flat."""


def flat_noise(sr: NDArray[Any], hr: NDArray[Any]) -> float:
    """Noise of one picture in the tenth of its 8x8 blocks in which the truth varies least.

    Args:
        sr: Estimate, ``(H, W, 3)``, 0 to 255.
        hr: Ground truth, same shape; it says which blocks are flat, and what varies in them by right.

    Returns:
        Root mean square, in levels, of the error less each block's mean error. A wrong brightness counts for nothing.

    Raises:
        ValueError: If the shapes differ, or there is no whole block.

    Example:
        >>> flat_noise(np.full((8, 8, 3), 90), np.full((8, 8, 3), 100))
        0.0
    """
    if sr.shape != hr.shape:
        raise ValueError(f"the images must have one shape, got {sr.shape} and {hr.shape}")
    if min(hr.shape[:2]) < SIDE:
        raise ValueError(f"no block of {SIDE} x {SIDE} pixels in {hr.shape[0]} x {hr.shape[1]}")
    truth, error = (_varying(picture.astype(np.float64)) for picture in (hr, sr - hr.astype(np.float64)))
    spread = np.square(truth).mean((1, 2))
    flattest = np.argsort(spread, kind="stable")[: max(1, int(_FLATTEST * len(spread)))]
    return float(np.sqrt(np.square(error[flattest]).mean()))


def _varying(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    """The whole blocks of a picture less their means, ``(N, 64, 3)``."""
    rows, columns = (side // SIDE for side in picture.shape[:2])
    whole = picture[: rows * SIDE, : columns * SIDE].reshape(rows, SIDE, columns, SIDE, 3)
    blocks = whole.swapaxes(1, 2).reshape(rows * columns, SIDE * SIDE, 3)
    varying: NDArray[np.float64] = blocks - blocks.mean(1, keepdims=True)
    return varying
