"""PSNR after one gain: how good a picture is once its brightness is set aside."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from upres.image.color import LUMA_WEIGHTS
from upres.metrics.psnr import inner, psnr


def psnr_gain(sr: NDArray[Any], hr: NDArray[Any]) -> float:
    """PSNR of one picture multiplied by the one number that gives it the truth's mean luma.

    How bright a dark picture should become is a matter of taste, and costs PSNR more than all noise. Papers on low
    light that print 26 dB and more print this, and it is never to be compared with plain PSNR.

    Args:
        sr: Estimate, ``(H, W, 3)``, 0 to 255. A black one has no gain and is compared as it is.
        hr: Ground truth, same shape.

    Returns:
        Decibels; what the gain lifts above white is clipped to white.

    Raises:
        ValueError: If the shapes differ or there is no pixel.
    """
    sr, hr = inner(sr, hr, 0)
    theirs, ours = (float((picture @ np.array(LUMA_WEIGHTS)).mean()) for picture in (hr, sr))
    lifted = np.clip(sr * (theirs / ours if ours else 1.0), 0, 255)
    return psnr(lifted, hr, data_range=255)
