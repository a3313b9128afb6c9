"""PSNR against scikit-image and by hand."""

import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from upres.metrics.psnr import psnr


@pytest.mark.parametrize(("dtype", "data_range"), [(np.uint8, 255), (np.uint16, 65535), (np.float32, 1.0)])
@pytest.mark.parametrize("shape", [(13, 17), (13, 17, 3)])
def test_agrees_with_scikit_image(dtype, data_range, shape):
    rng = np.random.default_rng(0)
    sr, hr = (np.asarray(rng.random(shape) * data_range, dtype) for _ in range(2))
    assert psnr(sr, hr, data_range=data_range) == pytest.approx(peak_signal_noise_ratio(hr, sr, data_range=data_range))


def test_does_not_wrap_around_in_eight_bits():
    assert psnr(np.zeros((2, 2), np.uint8), np.full((2, 2), 255, np.uint8), data_range=255) == 0


def test_border_is_ignored():
    hr = np.zeros((9, 11))
    sr = np.full((9, 11), 1.0)
    sr[2:-2, 2:-2] = 0.1
    assert psnr(sr, hr, data_range=1.0, border=2) == pytest.approx(20)
    assert psnr(sr, hr, data_range=1.0, border=1) < 10


def test_equal_images_are_infinitely_alike():
    assert psnr(np.ones((3, 3)), np.ones((3, 3)), data_range=1.0) == math.inf


@pytest.mark.parametrize(
    ("sr_shape", "hr_shape", "border", "complaint"),
    [
        ((4, 4), (4, 5), 0, "one shape"),
        ((4, 4), (4, 4, 1), 0, "one shape"),
        ((4,), (4,), 0, "expected"),
        ((4, 9), (4, 9), 2, "leaves no pixel"),
        ((4, 9), (4, 9), -1, "leaves no pixel"),
    ],
)
def test_refuses_what_cannot_be_compared(sr_shape, hr_shape, border, complaint):
    with pytest.raises(ValueError, match=complaint):
        psnr(np.zeros(sr_shape), np.zeros(hr_shape), data_range=1.0, border=border)
