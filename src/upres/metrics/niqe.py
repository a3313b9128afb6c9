"""NIQE: how far a picture's local statistics are from those of good photographs; no original is needed.

The score is the distance between two multivariate Gaussians of the parameters of `upres.metrics.scene_statistics`, one
fitted to this picture, one to pristine photographs. Our pristine photographs are not those of the paper (see
`upres.metrics.pristine`), so compare a score with other scores of this function alone, **never with a published NIQE**.

Reference: Mittal, Soundararajan, Bovik, 2013, doi:10.1109/LSP.2012.2227726.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upres.metrics.pristine import load
from upres.metrics.scene_statistics import block_features


def niqe(sr: NDArray[Any]) -> float:
    """Distance of a picture from pristine photographs, by the statistics of this package.

    Args:
        sr: ``(H, W)``, ``(H, W, 1)`` or ``(H, W, 3)`` sRGB; uint8, uint16, or floats in [0, 1]. Of a colour picture the
            luma counts. What is left at the right and bottom beyond whole blocks of 96 x 96 pixels is ignored.

    Returns:
        0 or more, smaller is better; some 3 for a good photograph. ``inf`` where fewer than two blocks have texture.

    Raises:
        TypeError: If the dtype is another.
        ValueError: If it is no picture, or a side is shorter than 192 pixels.
    """
    features, _ = block_features(sr)
    features = features[np.isfinite(features).all(axis=1)]
    if len(features) < 2:
        return math.inf
    pristine = load()
    offset = features.mean(axis=0) - pristine.mean
    covariance = (np.cov(features, rowvar=False) + pristine.covariance) / 2
    return float(np.sqrt(offset @ np.linalg.pinv(covariance, hermitian=True) @ offset))
