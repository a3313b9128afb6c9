"""SSIMULACRA 2.1: how different two pictures look to people, learned from their judgements of compressed pictures.

Both pictures become XYB, a colour space close to perception, at six scales. At each scale three maps of errors are
made: loss of structure, edges that only the distorted picture has (artefacts), and edges that only the original has
(lost detail). The mean and the 4-norm of every map, weighed by 108 published numbers, give the score.

Reference: Jon Sneyers (Cloudinary), 2022, version 2.1 of April 2023; the definition is ``tools/ssimulacra2.cc`` of
libjxl. The Gaussian is that of Charalampidis, 2016, doi:10.1109/TIP.2016.2549985, with zeros outside the picture.
Different from the published program: float64 instead of float32, and no alpha.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upres.image.convert import to_float

LEAST_SIDE = 8
"""Pixels of the shorter side below which the score has no meaning."""

_Planes = NDArray[np.float64]
"""``(3, H, W)``."""

_SCALES = 6
_C2 = 0.0009
_SIGMA = 1.5
_RADIUS = round(3.2795 * _SIGMA + 0.2546)
_BLOCK = 64
"""Outputs per matrix product of the blur, as in `upres.metrics.ssim`."""

_ABSORBANCE = np.array(
    [
        (0.30, 0.622, 0.078),
        (0.23, 0.692, 0.078),
        (0.24342268924547819, 0.20476744424496821, 0.5518098665095536),
    ]
)
"""Linear RGB -> what the three kinds of cones take up."""
_BIAS = 0.0037930732552754493

# A row a scale, fine to coarse; in a row (structure, artefacts, lost detail) by the mean, then by the 4-norm.
_WEIGHTS = np.array(
    [
        # X
        (0.0, 0.0007376606707406586, 0.0, 0.0, 0.0007793481682867309, 0.0),
        (0.0, 0.0004371155730107379, 0.0, 1.1041726426657346, 0.00066284834129271, 0.00015231632783718752),
        (0.0, 0.0016406437456599754, 0.0, 1.8422455520539298, 11.441172603757666, 0.0),
        (0.0007989109436015163, 0.000176816438078653, 0.0, 1.8787594979546387, 10.94906990605142, 0.0),
        (
            0.0007289346991508072,
            0.9677937080626833,
            0.0,
            0.00014003424285435884,
            0.9981766977854967,
            0.00031949755934435053,
        ),
        (0.0004550992113792063, 0.0, 0.0, 0.0013648766163243398, 0.0, 0.0),
        # Y
        (0.0, 0.0, 0.0, 7.466890328078848, 0.0, 17.445833984131262),
        (0.0006235601634041466, 0.0, 0.0, 6.683678146179332, 0.00037724407979611296, 1.027889937768264),
        (225.20515300849274, 0.0, 0.0, 19.213238186143016, 0.0011401524586618361, 0.001237755635509985),
        (176.39317598450694, 0.0, 0.0, 24.43300999870476, 0.28520802612117757, 0.0004485436923833408),
        (0.0, 0.0, 0.0, 34.77906344483772, 44.835625328877896, 0.0),
        (0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        # B - Y
        (0.0, 0.0008680556573291698, 0.0, 0.0, 0.0, 0.0),
        (0.0, 0.0005313191874358747, 0.0, 0.00016533814161379112, 0.0, 0.0),
        (0.0, 0.0, 0.0, 0.0004179171803251336, 0.0017290828234722833, 0.0),
        (0.0020827005846636437, 0.0, 0.0, 8.826982764996862, 23.19243343998926, 0.0),
        (
            95.1080498811086,
            0.9863978034400682,
            0.9834382792465353,
            0.0012286405048278493,
            171.2667255897307,
            0.9807858872435379,
        ),
        (0.0, 0.0, 0.0, 0.0005130064588990679, 0.0, 0.00010854057858411537),
    ]
)


def ssimulacra2(sr: NDArray[Any], hr: NDArray[Any]) -> float:
    """SSIMULACRA 2.1 of one picture.

    Args:
        sr: Estimate: ``(H, W)``, ``(H, W, 1)`` or ``(H, W, 3)`` sRGB; uint8, uint16, or floats in [0, 1].
        hr: Original, same shape. The two are not exchangeable.

    Returns:
        100 where the pictures are equal, about 90 where no eye tells them apart, 70 high, 50 medium, 30 low quality;
        below 0 where little is left. Where the shorter side is below 121 pixels, fewer than six scales exist; then the
        published program gives each map another map's weight, and so does this function, so that scores agree.

    Raises:
        TypeError: If a dtype is another.
        ValueError: If the shapes differ, are not those of a picture, or a side is shorter than 8 pixels.

    Example:
        >>> picture = np.arange(256, dtype=np.uint8).reshape(16, 16)
        >>> ssimulacra2(picture, picture)
        100.0
    """
    if sr.shape != hr.shape:
        raise ValueError(f"the images must have one shape, got {sr.shape} and {hr.shape}")
    if sr.ndim not in (2, 3) or (sr.ndim == 3 and sr.shape[2] not in (1, 3)):
        raise ValueError(f"expected (H, W), (H, W, 1) or (H, W, 3), got shape {sr.shape}")
    if min(sr.shape[:2]) < LEAST_SIDE:
        raise ValueError(f"SSIMULACRA 2 needs {LEAST_SIDE} x {LEAST_SIDE} pixels, got {sr.shape[0]} x {sr.shape[1]}")
    estimate, original = _linear(sr), _linear(hr)
    norms = []
    while True:
        norms.append(_norms(_xyb(estimate), _xyb(original)))
        if len(norms) == _SCALES or min(original.shape[1:]) < LEAST_SIDE:
            break
        estimate, original = _halve(estimate), _halve(original)
    weights = _WEIGHTS.ravel()[: 18 * len(norms)].reshape(3, len(norms), 6)
    return _score(float(np.sum(weights * np.stack(norms, axis=1))))


def _score(error: float) -> float:
    """The scale of the score: a polynomial and a power, fitted to people's judgements."""
    error *= 0.9562382616834844
    error = 2.326765642916932 * error - 0.020884521182843837 * error**2 + 6.248496625763138e-05 * error**3
    return 100.0 - 10.0 * error**0.6276336467831387 if error > 0 else 100.0


def _norms(estimate: _Planes, original: _Planes) -> NDArray[np.float64]:
    """Mean and 4-norm of the three maps of each plane: ``(3, 6)``."""
    mean_estimate, mean_original = _blur(estimate), _blur(original)
    # The formula needs only the sum of both variances, so four maps are blurred instead of five; and twice the
    # covariance is that sum less the variance of the difference, which is exactly zero where the pictures are equal.
    shift = (mean_estimate - mean_original) ** 2
    variances = _blur(estimate**2 + original**2) - mean_estimate**2 - mean_original**2 + _C2
    likeness = (1 - shift) * (variances - (_blur((estimate - original) ** 2) - shift)) / variances
    edges = (1 + np.abs(estimate - mean_estimate)) / (1 + np.abs(original - mean_original)) - 1
    maps = [np.maximum(each, 0) for each in (1 - likeness, edges, -edges)]
    means = [each.mean(axis=(1, 2)) for each in maps]
    return np.stack(means + [(each**2 * each**2).mean(axis=(1, 2)) ** 0.25 for each in maps], axis=1)


def _linear(picture: NDArray[Any]) -> _Planes:
    """Linear-light RGB planes of an sRGB picture."""
    values = to_float(picture).astype(np.float64)
    values = np.where(values <= 0.04045, values / 12.92, ((np.maximum(values, 0) + 0.055) / 1.055) ** 2.4)
    planes = values[None] if values.ndim == 2 else values.transpose(2, 0, 1)
    return np.broadcast_to(planes, (3, *planes.shape[1:]))


def _xyb(linear: _Planes) -> _Planes:
    """X, Y and B - Y, scaled and shifted so that sRGB lies in 0..1."""
    cones = np.tensordot(_ABSORBANCE, linear, axes=1) + _BIAS
    long, middle, short = np.cbrt(np.maximum(cones, 0)) - np.cbrt(_BIAS)
    y = (long + middle) / 2
    return np.stack([7 * (long - middle) + 0.42, y + 0.01, short - y + 0.55])


def _halve(planes: _Planes) -> _Planes:
    """Means of 2 x 2 pixels; an odd last row or column counts twice."""
    height, width = planes.shape[1:]
    even = np.pad(planes, ((0, 0), (0, height % 2), (0, width % 2)), mode="edge")
    return (even[:, ::2, ::2] + even[:, 1::2, ::2] + even[:, ::2, 1::2] + even[:, 1::2, 1::2]) / 4


def _blur(planes: _Planes) -> _Planes:
    """Each plane through the Gaussian; what lies outside of the picture is zero."""
    return _blur_rows(_blur_rows(planes).swapaxes(1, 2)).swapaxes(1, 2)


def _blur_rows(planes: _Planes) -> _Planes:
    """One vertical pass, as products with a banded matrix."""
    reach = _RADIUS - 1
    height = planes.shape[1]
    padded = np.zeros((len(planes), height + 2 * reach, planes.shape[2]))
    padded[:, reach : reach + height] = planes
    blurred = np.empty(planes.shape)
    for start in range(0, height, _BLOCK):
        rows = min(_BLOCK, height - start)
        blurred[:, start : start + rows] = (
            _band()[:rows, : rows + 2 * reach] @ padded[:, start : start + rows + 2 * reach]
        )
    return blurred


@cache
def _band() -> NDArray[np.float64]:
    kernel = gaussian_kernel()
    band = np.zeros((_BLOCK, _BLOCK + len(kernel) - 1))
    for row in range(_BLOCK):
        band[row, row : row + len(kernel)] = kernel
    return band


def gaussian_kernel() -> NDArray[np.float64]:
    """The nine weights of the published recursive filter: its response to a single pixel.

    The filter is a sum of three cosines that end at `_RADIUS`. Their amplitudes are the Gaussian's own, corrected by
    the least change that gives the weights the sum 1 and the variance of the Gaussian.
    """
    places = np.arange(1 - _RADIUS, _RADIUS)
    frequencies = np.pi / (2 * _RADIUS) * np.array([1, 3, 5])
    cosines = np.cos(np.outer(frequencies, places))
    amplitudes = np.exp(-((_SIGMA * frequencies) ** 2) / 2) / _RADIUS
    moments = np.stack([cosines.sum(axis=1), cosines @ places**2])
    amplitudes += np.linalg.pinv(moments) @ (np.array([1, _SIGMA**2]) - moments @ amplitudes)
    kernel: NDArray[np.float64] = amplitudes @ cosines
    return kernel
