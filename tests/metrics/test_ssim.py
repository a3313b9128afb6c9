"""SSIM against scikit-image and by hand."""

import time

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from upres.metrics.ssim import ssim


def pictures(shape, data_range, dtype=np.float64):
    rng = np.random.default_rng(1)
    hr = np.cumsum(rng.standard_normal(shape), axis=1)
    hr = (hr - hr.min()) / np.ptp(hr)
    sr = np.clip(hr + 0.05 * rng.standard_normal(shape), 0, 1)
    return (sr * data_range).astype(dtype), (hr * data_range).astype(dtype)


@pytest.mark.parametrize("shape", [(11, 11), (12, 60), (59, 107), (48, 58, 3)])
@pytest.mark.parametrize(("dtype", "data_range"), [(np.uint8, 255), (np.float64, 1.0)])
def test_agrees_with_scikit_image_inside(shape, dtype, data_range):
    sr, hr = pictures(shape, data_range, dtype)
    _, reference = structural_similarity(
        hr,
        sr,
        data_range=data_range,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        channel_axis=2 if len(shape) == 3 else None,
        full=True,
    )
    assert ssim(sr, hr, data_range=data_range) == pytest.approx(reference[5:-5, 5:-5].mean(), abs=1e-9)


def test_border_is_cut_before_the_window_is_placed():
    sr, hr = pictures((40, 50), 1.0)
    assert ssim(sr, hr, data_range=1.0, border=3) == ssim(sr[3:-3, 3:-3], hr[3:-3, 3:-3], data_range=1.0)


@pytest.mark.parametrize("value", [0, 200])
def test_equal_images_score_one(value):
    flat = np.full((20, 30), value, np.uint8)
    assert ssim(flat, flat, data_range=255) == 1.0


def test_inverted_structure_scores_below_zero():
    _, hr = pictures((30, 30), 1.0)
    assert ssim(1 - hr, hr, data_range=1.0) < 0


@pytest.mark.parametrize(("shape", "border"), [((10, 40), 0), ((14, 40), 2)])
def test_refuses_images_without_a_whole_window(shape, border):
    with pytest.raises(ValueError, match="no 11 x 11 window fits"):
        ssim(np.zeros(shape), np.zeros(shape), data_range=1.0, border=border)


def test_refuses_different_shapes():
    with pytest.raises(ValueError, match="one shape"):
        ssim(np.zeros((20, 20)), np.zeros((20, 21)), data_range=1.0)


def test_a_large_plane_takes_well_under_a_second():
    sr, hr = pictures((1356, 2040), 1.0)
    started = time.thread_time()  # not the process's: threads that other tests left may still be at work
    ssim(sr, hr, data_range=1.0)
    assert time.thread_time() - started < 3  # 0.3 s on an idle core; the margin is for a loaded machine
