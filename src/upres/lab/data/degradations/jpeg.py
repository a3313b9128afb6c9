"""JPEG compression, the last thing that befalls a picture."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from PIL import Image

from upres.lab.data.degradations.first_draws import choices, shared_stream
from upres.lab.data.degradations.step import Crop, Range, Step
from upres.lab.data.pictures import Pixels


@dataclass(frozen=True, kw_only=True)
class Jpeg(Step):
    """JPEG, by turns with and without chroma subsampling."""

    name: ClassVar[str] = "jpeg"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"quality": (1, 100)}

    quality: Range = (100.0, 100.0)
    """Quality as libjpeg counts it; 100 leaves the compression out."""

    def apply(self, picture: Pixels, crop: Crop) -> Pixels:
        """The picture after compression."""
        return compressed(picture, shared_stream(crop, "jpeg").uniform(*self.quality), choices(crop).subsampling)


def compressed(picture: Pixels, quality: float, subsampling: int) -> Pixels:
    """What a JPEG file of this quality gives back; the picture itself where the quality is 100 when rounded."""
    if quality >= 99.5:
        return picture
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=round(quality), subsampling=subsampling)
    return np.asarray(Image.open(file))
