"""Dark pictures that were lifted, and what a network shall make of them."""

import numpy as np

from upres.image.exposure import Exposure
from upres.lab.data.degradations import LIFTED, degrade, degraded_pairs, truth
from upres.lab.data.degradations.step import Crop
from upres.lab.data.degradations.underexposed import Underexposed
from upres.lab.data.patches import PatchSampler
from upres.lab.data.pictures import PicturePair, Pixels


def photograph(seed: int = 0, side: int = 64) -> Pixels:
    return np.random.default_rng(seed).integers(60, 200, (side, side, 3), dtype=np.uint8)


def flat(level: int) -> Pixels:
    return np.full((48, 48, 3), level, np.uint8)


def step(darkening: float, shot: float = 1e-3) -> Underexposed:
    return Underexposed(darkening=(darkening, darkening), shot=(shot, shot))


def test_noise_is_all_that_is_left_to_undo() -> None:
    for seed in range(8):
        crop, kind = Crop(1, (seed,)), step(8.0, shot=1e-4)
        lifted, wanted = (make(flat(120), crop).astype(float) for make in (kind.apply, kind.truth))
        assert np.ptp(wanted, axis=(0, 1)).max() == 0  # no noise, no blocks
        assert lifted.std((0, 1)).min() > 1
        np.testing.assert_allclose(lifted.mean((0, 1)), wanted.mean((0, 1)), atol=12)


def test_the_lift_is_that_of_the_runtime_and_about_what_the_dark_picture_lacks() -> None:
    means = [step(darkening).truth(flat(120), Crop(1, (seed,))).mean() for seed in range(6) for darkening in (2, 8, 16)]
    assert min(means) > 50
    assert max(means) < 220
    levels = np.unique(step(8.0).truth(photograph(), Crop(1, (3,))).max(axis=2))
    curve = 255 * Exposure(3.0).of(np.arange(256) / 255)
    assert len(levels) > 30  # as fine as the curve makes them, not the steps of 8 bits in the dark
    assert np.diff(curve)[:4].min() > 6


def test_every_crop_is_the_same_again_and_crops_differ() -> None:
    made = [both_of(photograph(), (0, seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(made[0], made[1])
    assert (made[0] != made[2]).any()


def both_of(picture: Pixels, seed: tuple[int, int]) -> Pixels:
    return np.concatenate([degrade(picture, 1, LIFTED, seed), truth(picture, 1, LIFTED, seed)])


def test_batches_and_validation_hold_the_lifted_truth() -> None:
    hr = photograph(side=96)
    pair = PicturePair(name="a", hr=hr, lr=hr)
    sampler = PatchSampler([pair], scale=1, patch_size=32, batch_size=8, color_mode="rgb", degradation=LIFTED)
    lifted, wanted = sampler.batch(0)
    assert lifted.shape == wanted.shape == (8, 3, 32, 32)
    errors = (lifted - wanted).pow(2).mean((1, 2, 3))
    assert (errors > 1e-5).sum() >= 6  # a crop in fifty stays as it is
    (made,) = degraded_pairs([pair], 1, LIFTED)
    np.testing.assert_array_equal(made.hr, truth(hr, 1, LIFTED, (0, 0)))
    np.testing.assert_array_equal(made.lr, degrade(hr, 1, LIFTED, (0, 0)))
    assert (made.hr != hr).any()


def test_a_crop_is_the_crop_of_its_whole_truth() -> None:
    hr = photograph()
    np.testing.assert_array_equal(truth(hr[8:40, 16:48], 1, LIFTED, (0, 5)), truth(hr, 1, LIFTED, (0, 5))[8:40, 16:48])
