"""A second round of what befalls a picture: noise and JPEG of an earlier life, then blur and one more resizing.

A picture from the web was often saved, resized, and saved again. With this step the first blur, the reduction and the
noise and JPEG here are the first round; the blur and the resizing here and the noise and JPEG behind it the second.

Reference: Wang et al., 2021, arXiv:2107.10833, section 3.1. There the size between the rounds is anything from a
seventh to one and a half of the high-resolution picture; here it is the final one, from which the second round departs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import ClassVar

import numpy as np
from PIL import Image

from upres.lab.data.degradations.first_draws import SUBSAMPLINGS
from upres.lab.data.degradations.gaussian import filtered, gaussian_taps
from upres.lab.data.degradations.jpeg import compressed
from upres.lab.data.degradations.resize import KERNELS
from upres.lab.data.degradations.step import Crop, Range, Step, to_bytes
from upres.lab.data.pictures import Pixels

_BLOCK = 16
"""Side of what JPEG compresses at once with 4:2:0."""
_WIDEST = 3
"""Pixels to each side that the widest of `KERNELS` sees."""


@dataclass(frozen=True, kw_only=True)
class SecondOrder(Step):
    """Noise, JPEG, blur, and resizing by way of another size, of a picture that has its low-resolution size already."""

    name: ClassVar[str] = "second_order"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        "ratio": (0.1, 10),
        "noise": (0, 255),
        "jpeg": (1, 100),
        "blur": (0, 10),
    }

    ratio: Range = (1.0, 1.0)
    """The size in between over the final one; there and back by any of `KERNELS`."""
    noise: Range = (0.0, 0.0)
    """Standard deviation of white Gaussian noise in levels of 255, the same on all planes or each plane's own."""
    jpeg: Range = (100.0, 100.0)
    """Quality as libjpeg counts it; 100 leaves the compression out."""
    blur: Range = (0.0, 0.0)
    """Standard deviation of the Gaussian behind these, in low-resolution pixels."""

    @property
    def margin(self) -> int:
        """A block of JPEG, three sigma, and the kernel of the resizing."""
        return _BLOCK + ceil(3 * self.blur[1]) + ceil(_WIDEST / min(1.0, self.ratio[0])) + _WIDEST

    def apply(self, picture: Pixels, crop: Crop) -> Pixels:
        """The picture after the round."""
        rng = crop.stream(self.name)
        ratio, noise, quality, sigma = (rng.uniform(*each) for each in (self.ratio, self.noise, self.jpeg, self.blur))
        planes = int(rng.choice((1, 3)))
        subsampling, kernels = int(rng.choice(SUBSAMPLINGS)), rng.integers(len(KERNELS), size=2)
        if noise > 0:
            rough = rng.standard_normal((*picture.shape[:2], planes), dtype=np.float32)
            picture = to_bytes(picture + rough * np.float32(noise))
        picture = compressed(picture, quality, subsampling)
        taps = gaussian_taps(sigma)
        if len(taps) > 1:
            radius = len(taps) // 2
            around = np.pad(picture.astype(np.float32), ((radius, radius), (radius, radius), (0, 0)), mode="edge")
            picture = to_bytes(filtered(around, taps))
        height, width = picture.shape[:2]
        between = (max(1, round(width * ratio)), max(1, round(height * ratio)))
        image = Image.fromarray(picture).resize(between, KERNELS[kernels[0]])
        return np.asarray(image.resize((width, height), KERNELS[kernels[1]]))
