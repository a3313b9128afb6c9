"""More light by one curve: what may never happen to a picture."""

from itertools import pairwise

import numpy as np
import pytest

from upres.image.exposure import MOST_STOPS, Exposure

TONES = np.arange(65536) / 65535
STOPS = (0.25, 1.0, 2.5, 4.0, MOST_STOPS)


@pytest.mark.parametrize("stops", STOPS)
def test_the_curve_rises_and_ends_at_black_and_white(stops: float) -> None:
    made = Exposure(stops).of(TONES)
    assert made[0] == 0
    assert made[-1] == pytest.approx(1)
    assert np.diff(made).min() > 0  # a lamp keeps its shades: nothing is clipped that was not
    assert (made >= TONES - 1e-9).all()


def test_the_curve_has_no_kink_at_the_knee() -> None:
    slopes = np.diff(Exposure(3.0).of(TONES)) * 65535
    assert np.abs(np.diff(slopes[2000:])).max() < 0.02


def test_no_stops_leave_every_sample() -> None:
    pixels = np.random.default_rng(0).integers(65536, size=(9, 7, 3), dtype=np.uint16)
    np.testing.assert_array_equal(Exposure(0.0).lifted(pixels, 65535), pixels)


def test_a_stop_is_what_a_longer_exposure_makes_of_a_dark_tone() -> None:
    lifted = Exposure(1.0).of(np.array([0.05]))
    assert lifted[0] / 0.05 == pytest.approx(2 ** (2 / 2.2))


def test_more_stops_are_lighter_everywhere() -> None:
    curves = [Exposure(stops).of(TONES[1:-1]) for stops in STOPS]
    assert all((lighter > darker).all() for darker, lighter in pairwise(curves))


@pytest.mark.parametrize("stops", STOPS)
@pytest.mark.parametrize(("dtype", "white"), [(np.uint8, 255), (np.uint16, 65535), (np.uint16, 1023)])
def test_hues_stay(stops: float, dtype: type, white: int) -> None:
    pixels = np.random.default_rng(1).integers(white + 1, size=(64, 64, 3)).astype(dtype)
    made = Exposure(stops).lifted(pixels, white)
    assert made.dtype == dtype
    assert made.max() <= white
    low, middle, high = (np.sort(pixels.astype(float), axis=2)[..., i] for i in range(3))
    after = np.take_along_axis(made.astype(float), np.argsort(pixels, axis=2, kind="stable"), axis=2)
    span = np.maximum(after[..., 2] - after[..., 0], 1)
    place = np.where(high > low, (middle - low) / np.maximum(high - low, 1), 0)
    assert (np.abs(after[..., 0] + place * span - after[..., 1]) <= 1.51).all()


def test_grey_is_made_alike_whether_stored_in_one_plane_or_in_three() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    colored = Exposure(2.0).lifted(np.repeat(grey[..., None], 3, axis=2), 255)
    np.testing.assert_array_equal(colored, np.repeat(Exposure(2.0).lifted(grey, 255)[..., None], 3, axis=2))


def test_windows_are_parts_of_the_whole() -> None:
    pixels = np.random.default_rng(2).integers(256, size=(20, 30, 3), dtype=np.uint8)
    exposure = Exposure(3.0)
    np.testing.assert_array_equal(exposure.lifted(pixels[4:9, 5:], 255), exposure.lifted(pixels, 255)[4:9, 5:])


@pytest.mark.parametrize("stops", [-0.1, 6.5, float("nan")])
def test_refuses_what_it_cannot_do(stops: float) -> None:
    with pytest.raises(ValueError, match=r"expected 0 to 6 stops, got"):
        Exposure(stops)
