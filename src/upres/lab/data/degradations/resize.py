"""The reduction itself, at once by bicubic or by way of another size."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from PIL import Image

from upres.image.resize import imresize
from upres.lab.data.degradations.first_draws import choices, shared_stream
from upres.lab.data.degradations.step import Crop, Range, Step
from upres.lab.data.pictures import Pixels

KERNELS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS, Image.Resampling.BOX)


@dataclass(frozen=True, kw_only=True)
class Resize(Step):
    """The reduction to the low-resolution size, as photographs are resized that went through several programs.

    Off, it is the bicubic of the papers, and at scale 1 the picture itself.
    """

    name: ClassVar[str] = "resize"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"ratio": (0.1, 10)}
    reduces: ClassVar[bool] = True

    ratio: Range = (1.0, 1.0)
    """A size in between, over the final one: below 1 the picture was once smaller. Both ways by any of `KERNELS`."""

    def apply(self, picture: Pixels, crop: Crop) -> Pixels:
        """The picture ``crop.scale`` times smaller."""
        if self.is_off:
            return bicubic(picture, crop.scale)
        ratio = shared_stream(crop, "resize").uniform(*self.ratio)
        kernels = choices(crop).kernels
        height, width = picture.shape[0] // crop.scale, picture.shape[1] // crop.scale
        between = (max(1, round(width * ratio)), max(1, round(height * ratio)))
        image = Image.fromarray(picture).resize(between, KERNELS[kernels[0]])
        return np.asarray(image.resize((width, height), KERNELS[kernels[1]]))


def bicubic(picture: Pixels, scale: int) -> Pixels:
    """The papers' reduction; the picture itself at scale 1."""
    if scale == 1:
        return picture
    result: Pixels = imresize(picture, scale=1 / scale)
    return result
