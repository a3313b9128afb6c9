"""Degradations: what each does, and that a seed decides it."""

import numpy as np
import pytest

from upres.errors import RecipeError
from upres.image.resize import imresize
from upres.lab.data.degradations import PHOTOGRAPH, Degradation, degrade, degraded_pairs
from upres.lab.data.degradations.earlier_jpeg import EarlierJpeg
from upres.lab.data.degradations.jpeg import Jpeg, compressed
from upres.lab.data.degradations.noise import Noise
from upres.lab.data.pictures import PicturePair


@pytest.fixture
def hr() -> np.ndarray:
    y, x = np.mgrid[0:96, 0:120]
    waves = [127 + 60 * np.sin(x / p) + 60 * np.cos(y / (p + 1)) for p in (1.5, 3.0, 6.0)]
    return np.stack(waves, axis=2).astype(np.uint8)


def _degrade(hr: np.ndarray, scale: int = 2, seed: int = 0, **ranges: object) -> np.ndarray:
    return degrade(hr, scale, Degradation().changed(**ranges), (seed,))  # type: ignore[arg-type]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_nothing_to_do_is_the_papers_bicubic(hr: np.ndarray, scale: int) -> None:
    assert np.array_equal(_degrade(hr, scale), imresize(hr, scale=1 / scale))
    assert np.array_equal(
        degrade(hr, scale, Degradation(share=0.0, steps=(Noise(sigma=(9, 9)),)), (0,)),
        imresize(hr, scale=1 / scale),
    )


def _detail(picture: np.ndarray) -> float:
    return float(np.abs(np.diff(picture.astype(float), axis=1)).mean())


def test_blur_takes_detail_and_noise_brings_its_own_strength(hr: np.ndarray) -> None:
    plain = _degrade(hr)
    assert _detail(_degrade(hr, blur_sigma=(1.0, 1.0))) < 0.7 * _detail(plain)
    flat = np.full((128, 128, 3), 127, np.uint8)
    for seed in range(4):
        noisy = _degrade(flat, seed=seed, noise_sigma=(6.0, 6.0)).astype(float)
        assert noisy.std() == pytest.approx(6.0, rel=0.05)
        assert noisy.mean() == pytest.approx(127, abs=0.5)
    kinds = {bool(np.ptp(_degrade(flat, seed=s, noise_sigma=(6.0, 6.0)).astype(int), axis=2).any()) for s in range(8)}
    assert kinds == {True, False}, "noise of each plane, and noise of all planes alike"


def test_blur_is_the_gaussian_it_says() -> None:
    line = np.zeros((64, 64, 3), np.uint8)
    line[:, 32:] = 255
    edge = _degrade(line, 1, blur_sigma=(3.0, 3.0), resize_ratio=(1.0, 1.0))[30, :, 0].astype(float)
    density = np.diff(edge) / 255
    centre = (density * np.arange(63)).sum()
    assert np.sqrt((density * (np.arange(63) - centre) ** 2).sum()) == pytest.approx(3.0, abs=0.1)


def test_jpeg_and_resizing_cost_fidelity_in_proportion(hr: np.ndarray) -> None:
    plain = _degrade(hr).astype(float)
    errors = [float(np.abs(_degrade(hr, jpeg_quality=(q, q)) - plain).mean()) for q in (95, 60, 20)]
    assert 0 < errors[0] < errors[1] < errors[2]
    assert np.array_equal(_degrade(hr, jpeg_quality=(100.0, 100.0)), plain)
    small = _degrade(hr, resize_ratio=(0.5, 0.5))
    assert small.shape == plain.shape
    assert _detail(small) < 0.85 * _detail(plain)


def test_one_seed_one_picture(hr: np.ndarray) -> None:
    one, again, other = (degrade(hr, 3, PHOTOGRAPH, (s,)) for s in (1, 1, 2))
    assert one.shape == (32, 40, 3)
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_a_validation_set_is_degraded_once_and_for_all(hr: np.ndarray) -> None:
    pairs = [PicturePair(name=str(i), hr=hr, lr=imresize(hr, scale=0.5)) for i in range(2)]
    first, second = degraded_pairs(pairs, 2, PHOTOGRAPH)
    assert not np.array_equal(first.lr, second.lr)
    assert np.array_equal(second.lr, degraded_pairs(pairs, 2, PHOTOGRAPH)[1].lr)
    assert degraded_pairs(pairs, 2, Degradation())[0].lr is pairs[0].lr


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ({"noise_sigma": (5.0, 1.0)}, r"degradation\.noise_sigma: expected \[low, high\] within 0 to 255"),
        ({"jpeg_quality": (0.0, 50.0)}, "within 1 to 100"),
        ({"blur_sigma": (1.0,)}, "blur_sigma"),
        ({"share": 2.0}, "share: expected 0 to 1"),
        ({"correlated_noise_length": (0.0, 20.0)}, r"correlated_noise_length: expected \[low, high\] within 0 to 10"),
        ({"noise_sgma": (0.0, 1.0)}, r"no setting 'degradation\.noise_sgma'\. Did you mean 'noise_sigma'\?"),
        ({"colored_noise_sigma": (0.0, 1.0)}, "Did you mean 'correlated_noise_sigma'"),
    ],
)
def test_ranges_without_sense_are_refused(ranges: dict[str, object], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        Degradation().changed(**ranges)  # type: ignore[arg-type]


def test_steps_are_kept_in_the_tables_order_one_of_each_kind() -> None:
    given = Degradation(steps=(Jpeg(quality=(50.0, 60.0)), Noise(sigma=(0.0, 8.0))))
    assert given == Degradation().changed(noise_sigma=(0.0, 8.0), jpeg_quality=(50.0, 60.0))
    assert given != Degradation()
    with pytest.raises(ValueError, match="at most one step of each of Blur, Resize"):
        Degradation(steps=(Noise(), Noise(sigma=(0.0, 8.0))))


def test_a_strength_switches_a_step_on_and_nothing_else_does() -> None:
    assert Degradation().changed(correlated_noise_length=(1.0, 2.0)).is_bicubic
    assert Degradation().changed(share=0.0, noise_sigma=(1.0, 2.0)).is_bicubic
    assert not Degradation().changed(correlated_noise_sigma=(0.0, 50.0)).is_bicubic


def test_margins_add_up() -> None:
    assert Degradation().margin == 0
    assert PHOTOGRAPH.margin == 10
    assert PHOTOGRAPH.changed(earlier_jpeg_quality=(40.0, 90.0)).margin == 26


def test_at_scale_1_nothing_to_do_is_the_picture_itself_and_damage_keeps_its_size(hr: np.ndarray) -> None:
    assert _degrade(hr, 1) is hr
    assert degrade(hr, 1, PHOTOGRAPH.changed(share=0.0), (0,)) is hr
    damaged = degrade(hr, 1, PHOTOGRAPH.changed(share=1.0, correlated_noise_sigma=(5.0, 50.0)), (0,))
    assert damaged.shape == hr.shape
    assert not np.array_equal(damaged, hr)
    once_smaller = _degrade(hr, 1, resize_ratio=(0.25, 0.25))
    assert once_smaller.shape == hr.shape
    assert _detail(once_smaller) < 0.85 * _detail(hr)


@pytest.mark.parametrize("length", [0.0, 0.7, 2.0])
@pytest.mark.parametrize("color", [0.0, 0.5, 1.0])
def test_correlated_noise_has_the_strength_and_the_length_it_says(length: float, color: float) -> None:
    flat = np.full((256, 256, 3), 127, np.uint8)
    settings = {
        "correlated_noise_sigma": (20.0, 20.0),
        "correlated_noise_length": (length, length),
        "correlated_noise_color": (color, color),
    }
    for seed in range(4):
        noise = _degrade(flat, 1, seed=seed, **settings).astype(float) - 127
        assert np.sqrt((noise**2).mean()) == pytest.approx(20, rel=0.08)
        for distance in (1, 2):
            products = [
                (noise[distance:] * noise[:-distance]).mean(),
                (noise[:, distance:] * noise[:, :-distance]).mean(),
            ]
            expected = np.exp(-(distance**2) / (4 * length**2)) if length else 0.0
            assert np.mean(products) / (noise**2).mean() == pytest.approx(expected, abs=0.07)


def test_colour_of_correlated_noise_goes_from_grey_to_planes_of_their_own() -> None:
    flat = np.full((128, 128, 3), 127, np.uint8)
    grey, mixed = (
        _degrade(flat, 1, seed=3, correlated_noise_sigma=(20.0, 20.0), correlated_noise_color=(color, color))
        for color in (0.0, 1.0)
    )
    assert not np.ptp(grey.astype(int), axis=2).any()
    spreads = mixed.reshape(-1, 3).astype(float).std(axis=0)
    assert spreads.max() > 1.2 * spreads.min(), "planes are noisy to different degrees"
    assert np.ptp(mixed.astype(int), axis=2).mean() > 10


def test_an_earlier_jpeg_leaves_its_blocks_beside_the_grid() -> None:
    y, x = np.mgrid[0:128, 0:128]
    smooth = np.stack([(x + 2 * y) / 2.0 + k for k in (0, 20, 40)], axis=2).astype(np.uint8)
    places = set()
    for seed in range(12):
        damaged = _degrade(smooth, 1, seed=seed, earlier_jpeg_quality=(10.0, 10.0)).astype(float)
        assert damaged.shape == smooth.shape
        steps = np.abs(np.diff(damaged.mean(axis=2), n=2, axis=1))[:, :120].mean(axis=0).reshape(15, 8).mean(axis=0)
        places.add(int(steps.argmax()))
    assert len(places) > 4, f"blocks always begin at {places}"
    assert Degradation(steps=(EarlierJpeg(quality=(90.0, 95.0)),)).is_bicubic is False


def test_after_an_earlier_jpeg_of_another_grid_the_last_one_costs_again(hr: np.ndarray) -> None:
    both = {"earlier_jpeg_quality": (40.0, 40.0), "jpeg_quality": (40.0, 40.0)}
    twice = [_degrade(hr, 1, seed=seed, **both).astype(float) for seed in range(4)]
    once = [_degrade(hr, 1, seed=seed, jpeg_quality=(40.0, 40.0)).astype(float) for seed in range(4)]
    assert np.abs(np.array(twice) - hr).mean() > 1.1 * np.abs(np.array(once) - hr).mean()
    same_grid = compressed(compressed(hr, 40, 0), 40, 0).astype(float)
    assert np.abs(same_grid - hr).mean() < 1.1 * np.abs(compressed(hr, 40, 0).astype(float) - hr).mean()


def test_a_chance_says_how_many_crops_a_step_befalls_and_not_how_strongly() -> None:
    always = Degradation().changed(noise_sigma=(20.0, 20.0))
    seldom = always.changed(noise_chance=(0.25, 0.25))
    flat = np.full((16, 16, 3), 128, np.uint8)
    noisy = [degrade(flat, 1, seldom, (index,)) for index in range(200)]
    hit = [index for index, made in enumerate(noisy) if (made != flat).any()]
    assert 30 < len(hit) < 70
    assert all((noisy[index] == degrade(flat, 1, always, (index,))).all() for index in hit)
    with pytest.raises(RecipeError, match="resize_chance: this step makes every picture small"):
        always.changed(resize_chance=(0.5, 0.5))
