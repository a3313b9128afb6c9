"""Noise in flat areas."""

import numpy as np
import pytest

from upres.metrics.flat_noise import flat_noise


def picture() -> np.ndarray:
    """Flat in the eight columns of blocks on the left, rough elsewhere."""
    rough = np.random.default_rng(0).integers(0, 256, (160, 640, 3), np.uint8)
    rough[:, :64] = 120
    return rough


def test_noise_is_measured_where_the_truth_is_flat_and_nowhere_else():
    hr = picture()
    noise = np.random.default_rng(1).normal(0, 4, hr.shape)
    everywhere, elsewhere = hr + noise, hr + noise * (np.arange(640) >= 64)[:, None]
    assert flat_noise(everywhere, hr) == pytest.approx(4 * np.sqrt(63 / 64), rel=0.03)
    assert flat_noise(elsewhere, hr) == 0


def test_a_wrong_brightness_is_no_noise():
    hr = picture()
    assert flat_noise(hr + 30.0, hr) == pytest.approx(0, abs=1e-9)


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="must have one shape"):
        flat_noise(picture(), picture()[:8])
    with pytest.raises(ValueError, match="no block of 8 x 8 pixels in 7 x 640"):
        flat_noise(picture()[:7], picture()[:7])
