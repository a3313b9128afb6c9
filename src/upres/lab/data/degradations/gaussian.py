"""A Gaussian as two passes of one filter."""

import numpy as np
from numpy.typing import NDArray

Taps = NDArray[np.float32]


def gaussian_taps(sigma: float) -> Taps:
    """Taps of the sum 1, three ``sigma`` to each side; one tap where ``sigma`` is below 0.1."""
    if sigma < 0.1:
        return np.ones(1, np.float32)
    radius = int(np.ceil(3 * sigma))
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2).astype(np.float32)
    taps /= taps.sum()
    return taps


def filtered(padded: NDArray[np.float32], taps: Taps) -> NDArray[np.float32]:
    """Columns, then rows filtered by symmetric taps: both sides of ``(H, W, C)`` lose ``len(taps) - 1``."""
    for _ in (0, 1):  # columns, then rows as columns
        padded = _filter_columns(padded, taps).swapaxes(0, 1)
    return padded


def _filter_columns(padded: NDArray[np.float32], taps: Taps) -> NDArray[np.float32]:
    """Every column filtered by symmetric taps: ``(H + len(taps) - 1, W, C)`` to ``(H, W, C)``."""
    radius = len(taps) // 2
    length = len(padded) - 2 * radius
    filtered: NDArray[np.float32] = padded[radius : radius + length] * taps[radius]
    for offset in range(radius):
        pair = padded[offset : offset + length] + padded[2 * radius - offset : 2 * radius - offset + length]
        filtered += pair * taps[offset]
    return filtered
