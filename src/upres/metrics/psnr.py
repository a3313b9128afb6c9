"""Peak signal-to-noise ratio."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


def psnr(sr: NDArray[Any], hr: NDArray[Any], *, data_range: float, border: int = 0) -> float:
    """Peak signal-to-noise ratio of one image, in dB.

    Args:
        sr: Estimate, ``(H, W)`` or ``(H, W, C)``, same range as ``hr``.
        hr: Ground truth, same shape.
        data_range: Distance between black and white: 255 for uint8, 1.0 for float.
        border: Pixels ignored at each side; papers use ``scale``.

    Returns:
        Decibels; ``inf`` where the images are equal. Colour planes share one mean squared error.

    Raises:
        ValueError: If the shapes differ or the border leaves no pixel.

    Example:
        >>> round(psnr(np.zeros((4, 4)), np.full((4, 4), 0.5), data_range=1.0), 4)
        6.0206

    Reference: Wang et al., 2004, doi:10.1109/TIP.2003.819861, section II.
    """
    sr, hr = inner(sr, hr, border)
    mean_squared_error = float(np.mean(np.square(sr - hr)))
    if mean_squared_error == 0:
        return math.inf
    return 10 * math.log10(data_range**2 / mean_squared_error)


def inner(sr: NDArray[Any], hr: NDArray[Any], border: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both images as float64 without ``border`` pixels at each side.

    Raises:
        ValueError: If the shapes differ, are not ``(H, W)`` or ``(H, W, C)``, or the border leaves no pixel.
    """
    if sr.shape != hr.shape:
        raise ValueError(f"the images must have one shape, got {sr.shape} and {hr.shape}")
    if sr.ndim not in (2, 3):
        raise ValueError(f"expected (H, W) or (H, W, C), got shape {sr.shape}")
    height, width = sr.shape[:2]
    if border < 0 or min(height, width) <= 2 * border:
        raise ValueError(f"a border of {border} leaves no pixel of {height} x {width}")
    window = np.s_[border : height - border, border : width - border]
    return sr[window].astype(np.float64), hr[window].astype(np.float64)
