"""What the tests of training share: two small pictures and runs that take a second."""

import numpy as np
import pytest

from upres.image.resize import imresize
from upres.lab.data.pictures import PicturePair
from upres.lab.training.validation import Validator
from upres.models.card import ColorMode


def waves(scale: int = 2, *, height: int = 48) -> list[PicturePair]:
    """A picture of stripes, twice as wide as high, and its bicubic partner."""
    y, x = np.mgrid[0:height, 0 : 2 * height]
    planes = [127 + 100 * np.sin(x / period + y / 5.0) for period in (1.5, 2.5, 4.0)]
    hr = np.stack(planes, axis=2).astype(np.uint8)
    return [PicturePair(name="waves", hr=hr, lr=imresize(hr, scale=1 / scale))]


def validator_for(scale: int, color_mode: ColorMode) -> Validator:
    """Validates on `waves`."""
    return Validator(waves(scale), scale=scale, color_mode=color_mode, name="waves")


@pytest.fixture
def rgb_validator() -> Validator:
    return validator_for(2, "rgb")
