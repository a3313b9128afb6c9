"""PSNR after one gain."""

import numpy as np
import pytest

from upres.metrics.gain import psnr_gain
from upres.metrics.psnr import psnr

HR = np.random.default_rng(0).integers(20, 200, (24, 32, 3), np.uint8)


def test_a_picture_that_is_only_dark_has_no_error_left_but_rounding():
    dark = np.floor(HR / 4 + 0.5).astype(np.uint8)
    assert psnr(dark, HR, data_range=255) < 12
    assert psnr_gain(dark, HR) > 45


def test_the_gain_is_one_number_by_the_mean_luma_and_white_is_the_end():
    sr = HR[..., ::-1].astype(float) ** 2 / 200
    luma = np.array([0.299, 0.587, 0.114])
    lifted = np.clip(sr * ((HR @ luma).mean() / (sr @ luma).mean()), 0, 255)
    assert lifted.max() == 255
    assert psnr_gain(sr, HR) == pytest.approx(psnr(lifted, HR, data_range=255))


def test_a_picture_as_bright_as_the_truth_has_its_plain_psnr():
    sr = np.roll(HR, 1, axis=0)
    assert psnr_gain(sr, HR) == pytest.approx(psnr(sr, HR, data_range=255))


def test_black_is_compared_as_it_is():
    black = np.zeros_like(HR)
    assert psnr_gain(black, HR) == psnr(black, HR, data_range=255)
