"""How much light a picture lacks."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from upres.errors import DataError
from upres.image.exposure import Exposure
from upres.pipeline.brightness import MOST_STOPS, fit, load, missing_stops


def photograph(height: int = 96, width: int = 128, lightest: float = 1.0) -> np.ndarray:
    """Smooth colours whose brightness goes evenly from black to ``lightest``."""
    ramp = np.linspace(0, 255 * lightest, height * width).reshape(height, width, 1)
    return (ramp * [1.0, 0.9, 0.8] + 0.5).astype(np.uint8)


def test_a_light_picture_lacks_nothing() -> None:
    assert missing_stops(photograph()) == 0
    assert missing_stops(np.full((5, 9), 240, np.uint8)) == 0


def test_the_darker_a_picture_the_more_it_lacks() -> None:
    found = [missing_stops(photograph(lightest=lightest)) for lightest in (0.8, 0.4, 0.2, 0.1)]
    assert 0 < found[0] < found[1] < found[2] < found[3] <= MOST_STOPS


def test_what_it_lacks_makes_it_as_light_as_good_photographs_are() -> None:
    dark = photograph(lightest=0.2)
    lifted = Exposure(missing_stops(dark)).lifted(dark, 255)
    assert missing_stops(lifted) < 0.03


def test_black_pictures_get_the_most_and_no_more() -> None:
    assert missing_stops(np.zeros((40, 30, 3), np.uint8)) == pytest.approx(MOST_STOPS, abs=0.01)


def test_a_lamp_counts_by_what_it_covers() -> None:
    night = photograph(lightest=0.1)
    lamp, window = night.copy(), night.copy()
    lamp[:2, :2] = 255
    window[:20] = 255
    assert missing_stops(window) < missing_stops(lamp) <= missing_stops(night)
    assert missing_stops(lamp) > 2


def test_the_same_at_every_depth_and_size_and_in_grey() -> None:
    small = photograph(lightest=0.3)
    stops = missing_stops(small)
    assert missing_stops(small.astype(np.uint16) * 257) == pytest.approx(stops, abs=1e-3)
    assert missing_stops(small[..., 0]) == pytest.approx(stops, abs=1e-3)
    large = np.kron(small, np.ones((12, 12, 1), np.uint8))
    assert missing_stops(large) == pytest.approx(stops, abs=0.02)


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (5000, 3), (257, 2, 3)])
def test_takes_pictures_of_every_shape(shape: tuple[int, ...]) -> None:
    assert missing_stops(np.full(shape, 250, np.uint8)) == 0


def test_transparent_pixels_say_nothing() -> None:
    dark = photograph(lightest=0.2)
    dark[:, 64:] = 255
    opacity = np.full(dark.shape[:2], 255, np.uint8)
    opacity[:, 64:] = 0
    assert missing_stops(dark) < missing_stops(dark, opacity) == missing_stops(dark[:, :64])
    assert missing_stops(dark, np.zeros_like(opacity)) == 0


def test_a_fit_finds_what_its_photographs_agree_about(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for index in range(8):  # shadows differ, highlights do not
        tones = np.sort(rng.uniform(20, 210, 64 * 64)) ** rng.uniform(0.9, 1.0)
        tones[-600:] = 220
        Image.fromarray(tones.reshape(64, 64).astype(np.uint8)).save(tmp_path / f"{index}.png")
    Image.fromarray(np.full((64, 64), 5, np.uint8)).save(tmp_path / "dark.png")
    fitted = fit(tmp_path)
    assert fitted.facts["pictures"] == 9
    assert fitted.facts["of them middling"] == 8
    assert sum(fitted.weights) == pytest.approx(1)
    assert min(fitted.weights[3:]) > max(fitted.weights[:2])
    fitted.save(tmp_path / "fitted.json")
    again = load(tmp_path / "fitted.json")
    assert again.weights == pytest.approx(fitted.weights, rel=1e-5)
    assert again.missing(np.full(9, 0.1)) == pytest.approx(fitted.missing(np.full(9, 0.1)), abs=0.01)


def test_a_fit_needs_photographs(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected photographs of mean luma 60 to 180, got 0 of 0"):
        fit(tmp_path)


def test_the_weights_that_ship_sum_to_one() -> None:
    assert sum(load().weights) == pytest.approx(1, abs=1e-5)
    assert min(load().weights) > 0


def test_night_with_lamps_is_lifted_by_half_as_much() -> None:
    night = photograph(lightest=0.02)
    with_lamps = night.copy()
    with_lamps[:5, :20] = 255
    assert missing_stops(night) > 3.9
    assert 1 < missing_stops(with_lamps) < 2.1
