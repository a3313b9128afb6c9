"""The one stream that blur, resizing, noise and JPEG share, because networks that ship were trained with it.

Whatever the ranges are, the same count of numbers is drawn in the same order: whether the crop is degraded, whether its
noise is grey, the four strengths, two kernels, the chroma subsampling, and last the noise itself. Each step takes a
generator that stands at its own number. Steps that are not among these four have a stream each (`Crop.stream`).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from upres.lab.data.degradations.step import Crop

_ORDER = ("share", "grey", "blur", "resize", "noise", "jpeg")
_KERNELS = 4
SUBSAMPLINGS = (0, 2)
"""Pillow's numbers for 4:4:4 and 4:2:0."""


@dataclass(frozen=True)
class Choices:
    """What is drawn behind the strengths."""

    kernels: NDArray[np.int64]
    """Places of two kernels among `resize.KERNELS`."""
    subsampling: int
    """One of `SUBSAMPLINGS`."""
    rest: np.random.Generator
    """The stream behind these, which the noise comes from."""


def shared_stream(
    crop: Crop, number: Literal["share", "grey", "blur", "resize", "noise", "jpeg"]
) -> np.random.Generator:
    """The shared stream where this number comes next."""
    return _advanced(crop, _ORDER.index(number))


def choices(crop: Crop) -> Choices:
    """The kernels, the subsampling, and the stream behind them."""
    rng = _advanced(crop, len(_ORDER))
    return Choices(rng.integers(_KERNELS, size=2), int(rng.choice(SUBSAMPLINGS)), rng)


def _advanced(crop: Crop, count: int) -> np.random.Generator:
    rng = np.random.default_rng(crop.seed)
    rng.random(count)
    return rng
