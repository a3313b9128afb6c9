"""A sensor's noise and darkness befall the light: what that means for a finished picture."""

import numpy as np
import pytest

from upres.errors import RecipeError
from upres.lab.data.degradations import in_camera
from upres.lab.data.degradations.camera import Camera, finished, linear
from upres.lab.data.degradations.camera_noise import CameraNoise
from upres.lab.data.degradations.low_light import LowLight
from upres.lab.data.degradations.poisson_noise import PoissonNoise
from upres.lab.data.degradations.step import Crop, Range
from upres.lab.data.pictures import Pixels


def flat(level: int, side: int = 96) -> Pixels:
    return np.full((side, side, 3), level, np.uint8)


def noise(
    level: int, *, shot: float = 1e-3, mosaic: float = 0.0, length: float = 0.4, crops: int = 6, **chances: Range
) -> np.ndarray:
    step = CameraNoise(shot=(shot, shot), mosaic=(mosaic, mosaic), length=(length, length), **chances)
    made = [step.apply(flat(level), Crop(1, (seed,))) for seed in range(crops)]
    return np.stack(made).astype(float) - level


def test_light_and_back_is_the_picture() -> None:
    levels = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    np.testing.assert_allclose(finished(linear(levels)), levels, atol=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_without_noise_the_picture_stays(seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    for later in (0.0, 1.0):
        step = CameraNoise(shot=(1e-9, 1e-9), reduced=(later, later), processed=(later, later))
        assert np.array_equal(step.apply(pixels, Crop(1, (seed,))), pixels)


def test_greys_are_grey_to_the_sensor_but_for_the_white_balance() -> None:
    camera = Camera.drawn(np.random.default_rng(0))
    seen = camera.seen(linear(flat(120, 2)))
    np.testing.assert_allclose(seen * camera.gains, linear(flat(120, 2)), rtol=1e-4)
    assert camera.seen(linear(flat(255, 2))).min() > 0.999  # white is not divided by the gains


def test_red_and_blue_are_noisier_than_green() -> None:
    red, green, blue = noise(120).std((0, 1, 2))
    assert red > 1.3 * green
    assert blue > 1.15 * green


def test_noise_grows_with_shot_noise_and_lessens_towards_black_and_white() -> None:
    strengths = [noise(120, shot=shot).std() for shot in (1e-5, 1e-4, 1e-3)]
    assert strengths[0] * 2 < strengths[1] < strengths[2] / 2
    assert noise(8).std() < noise(120).std()  # an S-shaped curve is flat there
    assert noise(252).std() < noise(120).std()


@pytest.mark.parametrize(("mosaic", "length"), [(1.0, 0.4), (0.0, 0.9)])
def test_neighbours_are_alike(mosaic: float, length: float) -> None:
    errors = noise(120, mosaic=mosaic, length=length)
    across = np.mean(errors[:, :, 1:] * errors[:, :, :-1], axis=(0, 1, 2)) / errors.var((0, 1, 2))
    assert across.min() > 0.25
    white = noise(120, length=0.0)
    assert abs(np.mean(white[:, :, 1:] * white[:, :, :-1]) / white.var()) < 0.03


def test_a_crop_has_its_noise_and_no_other() -> None:
    step = CameraNoise(shot=(1e-3, 1e-3))
    one, again, other = (step.apply(flat(120), Crop(1, (seed,))) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


ALWAYS = (1.0, 1.0)


@pytest.mark.parametrize("mosaic", [0.0, 1.0])
def test_noise_of_a_larger_picture_is_weaker(mosaic: float) -> None:
    full, reduced = (noise(120, mosaic=mosaic, length=0.0, crops=12, reduced=chance) for chance in ((0.0, 0.0), ALWAYS))
    strengths = reduced.std((1, 2, 3)) / full.std((1, 2, 3))
    assert strengths.max() < 1.02
    assert 0.5 < strengths.mean() < (0.95 if mosaic else 0.85), "once to twice as large"
    assert reduced.shape == full.shape


def test_a_camera_smooths_luma_and_colours_and_sharpens() -> None:
    """Each by chance and of its own strength: seen by what is left of the noise of 40 crops."""
    weights = np.array([0.299, 0.587, 0.114])
    plain, worked = (noise(120, length=0.0, crops=40, processed=chance) for chance in ((0.0, 0.0), ALWAYS))
    luma = (worked @ weights).std((1, 2)) / (plain @ weights).std((1, 2))
    color = (worked[..., 0] - worked[..., 2]).std((1, 2)) / (plain[..., 0] - plain[..., 2]).std((1, 2))
    assert 20 <= (color < 0.9).sum() <= 36
    assert 10 <= (luma < 0.9).sum() <= 28
    assert luma.max() > 1.1, "none is sharpened"
    assert color.min() > 0.08


def test_luma_and_colours_are_smoothed_apart() -> None:
    white = np.random.default_rng(1).normal(0, 5, (96, 96, 3)).astype(np.float32)
    grey = (white * np.array([0.299, 0.587, 0.114], np.float32)).sum(2, keepdims=True)
    np.testing.assert_allclose(in_camera.smoothed(white), white, atol=1e-4)
    by_luma, by_color = in_camera.smoothed(white, luma=1.0), in_camera.smoothed(white, colors=2.0, left=0.5)
    np.testing.assert_allclose(
        by_luma - by_luma.mean(2, keepdims=True), white - white.mean(2, keepdims=True), atol=1e-3
    )
    np.testing.assert_allclose((by_color * np.array([0.299, 0.587, 0.114])).sum(2), grey[..., 0], atol=1e-3)
    assert (by_color - grey).std() == pytest.approx(0.5 * (white - grey).std(), rel=0.1)
    assert (in_camera.smoothed(white, colors=2.0) - grey).std() < 0.2 * (white - grey).std()


def test_what_happens_later_shifts_no_other_number() -> None:
    for seed in range(8):
        crop = Crop(1, (seed,))
        plain, by_chance = (
            CameraNoise(shot=(1e-4, 1e-3), reduced=(0.0, chance), processed=(0.0, chance)).apply(flat(120), crop)
            for chance in (0.0, 1e-9)
        )
        assert np.array_equal(plain, by_chance)


def test_photons_are_counted() -> None:
    errors = {
        level: PoissonNoise(photons=(400.0, 400.0)).apply(flat(level), Crop(1, (0,))).astype(float) - level
        for level in (30, 120)
    }
    for level, error in errors.items():
        assert error.var() == pytest.approx(255 * level / 400, rel=0.15)
        assert abs(error.mean()) < 0.5


def test_photons_are_counted_by_turns_in_each_plane_or_in_the_luma() -> None:
    made = [PoissonNoise(photons=(400.0, 400.0)).apply(flat(120), Crop(1, (seed,))) for seed in range(40)]
    grey = sum(bool((each[..., 0] == each[..., 2]).all()) for each in made)
    assert 10 <= grey <= 30


def test_few_photons_are_drawn_as_often_as_many() -> None:
    step = PoissonNoise(photons=(1e2, 1e4))
    strengths = np.array([step.apply(flat(200), Crop(1, (seed,))).std() for seed in range(60)])
    assert 18 <= (strengths < 255 * np.sqrt(200 / 255 / 1e3)).sum() <= 42


@pytest.mark.parametrize("darkening", [4.0, 25.0])
def test_darkness_takes_that_much_light(darkening: float) -> None:
    step = LowLight(darkening=(darkening, darkening), balance=(1.0, 1.0), shot=(1e-7, 1e-7), lift=(0.0, 0.0))
    dark = step.apply(flat(180), Crop(1, (0,)))
    assert linear(flat(180)).mean() / linear(dark).mean() == pytest.approx(darkening, rel=0.08)


def test_darkness_is_noisy_lifted_and_of_another_white() -> None:
    step = LowLight(darkening=(8.0, 8.0), balance=(1.3, 1.3), lift=(0.02, 0.02))
    dark = step.apply(flat(180), Crop(1, (3,))).astype(float)
    assert dark.std((0, 1)).min() > 1
    assert dark.min() >= 5  # 2 % of 255
    red, green, blue = dark.mean((0, 1))
    assert min(red, blue) > 1.08 * green


@pytest.mark.parametrize(("make", "message"), [
    (lambda: CameraNoise(shot=(0.0, 0.5)), r"camera_noise_shot: expected \[low, high\] within 0 to 0.1"),
    (lambda: LowLight(darkening=(0.5, 2.0)), r"low_light_darkening: expected \[low, high\] within 1 to 100"),
])  # fmt: skip
def test_ranges_that_make_no_sense_are_refused(make, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(RecipeError, match=message):
        make()
