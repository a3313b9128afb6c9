"""A second round of degradations, and sharpened targets, against loops over pixels."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from upres.errors import RecipeError
from upres.image.resize import imresize
from upres.lab.data.degradations import BICUBIC, Degradation, degrade, degraded_pairs, truth
from upres.lab.data.degradations.second_order import SecondOrder
from upres.lab.data.degradations.sharpened import Sharpened
from upres.lab.data.degradations.step import Crop
from upres.lab.data.patches import PatchSampler
from upres.lab.data.pictures import PicturePair, Pixels


def photograph(height: int = 96, width: int = 128) -> Pixels:
    """Edges, a ramp and a little texture."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [60 + 60 * ((x // 23 + y // k) % 2) + x // 4 + (x * 7 + y * 13) % 5 for k in (17, 19, 29)]
    return np.stack(planes, axis=2).astype(np.uint8)


def fixed(**values: float) -> SecondOrder:
    return SecondOrder(**{name: (value, value) for name, value in values.items()})


def test_each_part_is_what_it_says() -> None:
    picture, crop = photograph(), Crop(1, (0,))
    rough = fixed(ratio=1.0, noise=20.0).apply(picture, crop).astype(float) - picture
    assert 17 < rough[20:-20].std() < 21
    saved = io.BytesIO()
    made = fixed(ratio=1.0, jpeg=10.0).apply(picture, crop)
    expected = []
    for subsampling in (0, 2):
        saved = io.BytesIO()
        Image.fromarray(picture).save(saved, "JPEG", quality=10, subsampling=subsampling)
        expected.append(np.asarray(Image.open(saved)))
    assert any(np.array_equal(made, each) for each in expected)
    soft = fixed(ratio=1.0, blur=2.0).apply(picture, crop)
    assert np.abs(np.diff(soft.astype(int), axis=1)).max() < np.abs(np.diff(picture.astype(int), axis=1)).max() / 3
    assert np.array_equal(fixed(ratio=1.0).apply(picture, crop), picture)


@pytest.mark.parametrize("ratio", [0.4, 1.7])
def test_the_size_in_between_is_that_ratio(ratio: float, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes, resize = [], Image.Image.resize

    def noted(image: Image.Image, size: tuple[int, int], *rest: Any) -> Image.Image:
        sizes.append(size)
        return resize(image, size, *rest)

    monkeypatch.setattr(Image.Image, "resize", noted)
    assert fixed(ratio=ratio).apply(photograph(), Crop(1, (0,))).shape == (96, 128, 3)
    assert sizes == [(round(128 * ratio), round(96 * ratio)), (128, 96)]


TWICE = Degradation(
    steps=(
        SecondOrder(ratio=(0.5, 1.5), noise=(0.0, 10.0), jpeg=(40.0, 95.0), blur=(0.0, 1.0)),
        Sharpened(amount=(0.5, 0.5)),
    )
)


def test_every_crop_is_the_same_again_and_crops_differ() -> None:
    hr = photograph()
    made = [degrade(hr, 2, TWICE, (0, 0, index)) for index in (1, 1, 2)]
    assert made[0].shape == (48, 64, 3)
    assert np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])


def test_the_second_round_comes_after_the_reduction_and_before_the_last_jpeg() -> None:
    hr, seed = photograph(), (0, 0, 3)
    both = TWICE.changed(jpeg_quality=(30.0, 30.0), sharpened_amount=(0.0, 0.0))
    last = BICUBIC.changed(jpeg_quality=(30.0, 30.0))
    second = SecondOrder(ratio=(0.5, 1.5), noise=(0.0, 10.0), jpeg=(40.0, 95.0), blur=(0.0, 1.0))
    by_hand = degrade(second.apply(imresize(hr, scale=0.5), Crop(1, seed)), 1, last, seed)
    assert np.array_equal(degrade(hr, 2, both, seed), by_hand)


def test_a_crop_is_degraded_with_all_of_its_surroundings_that_matter() -> None:
    step = SecondOrder(ratio=(0.5, 0.5), blur=(1.0, 1.0))
    picture, margin = photograph(128, 128), step.margin
    other = picture.copy()
    other[: 64 - margin] = 255 - other[: 64 - margin]
    made = [step.apply(each, Crop(1, (0,)))[64:] for each in (picture, other)]
    assert np.array_equal(*made)


def _sharpened_by_loops(picture: Pixels, amount: float, threshold: float) -> np.ndarray:
    """With the Gaussian of sigma 8 as a sum over all pixels within 24."""
    weights = np.exp(-0.5 * (np.arange(-24, 25) / 8.0) ** 2)
    weights /= weights.sum()

    def blurred(plane: np.ndarray) -> np.ndarray:
        padded = np.pad(plane, 24, mode="reflect")
        result = np.zeros_like(plane)
        for down in range(49):
            for right in range(49):
                part = padded[down : down + plane.shape[0], right : right + plane.shape[1]]
                result += weights[down] * weights[right] * part
        return result

    result = np.zeros(picture.shape)
    for index in range(3):
        plane = picture[..., index].astype(float)
        residual = plane - blurred(plane)
        mask = blurred((np.abs(residual) > threshold).astype(float))
        result[..., index] = mask * np.clip(plane + amount * residual, 0, 255) + (1 - mask) * plane
    return result


def test_targets_are_sharpened_by_their_formula_and_pictures_are_not() -> None:
    picture, crop, step = photograph(), Crop(4, (0,)), Sharpened(amount=(0.5, 0.5))
    expected = _sharpened_by_loops(picture, 0.5, 10.0)
    assert np.abs(expected - picture).max() > 10
    np.testing.assert_allclose(step.truth(picture, crop), expected, atol=0.51)
    assert step.apply(picture, crop) is picture
    flat = (picture // 32 + 100).astype(np.uint8)  # residuals of a few levels are no edges
    assert np.array_equal(step.truth(flat, crop), flat)


def test_only_degraded_crops_are_sharpened() -> None:
    half = BICUBIC.changed(share=0.5, sharpened_amount=(1.0, 1.0))
    picture = photograph()
    same = [np.array_equal(truth(picture, 2, half, (0, 0, index)), picture) for index in range(40)]
    assert 10 < sum(same) < 30


@pytest.mark.parametrize("scale", [1, 2])
def test_batches_hold_what_whole_pictures_would_give(scale: int) -> None:
    hr = photograph(192, 256)
    pair = PicturePair(name="a", hr=hr, lr=hr if scale == 1 else imresize(hr, scale=1 / scale))
    sharpened = BICUBIC.changed(sharpened_amount=(0.5, 0.5))
    (whole,) = degraded_pairs([pair], scale, sharpened)
    options: dict[str, Any] = {"scale": scale, "patch_size": 24, "batch_size": 8, "color_mode": "rgb", "seed": 5}
    lr, made = PatchSampler([pair], degradation=sharpened, **options).batch(0)
    plain_lr, expected = PatchSampler([PicturePair(name="a", hr=whole.hr, lr=pair.lr)], **options).batch(0)
    assert np.array_equal(made.numpy(), expected.numpy())
    assert np.abs(lr.numpy() - plain_lr.numpy()).max() < 1.01 / 255


@pytest.mark.parametrize("setting", [{"second_order_ratio": (0.01, 1.0)}, {"sharpened_amount": (1.0, 0.5)}])
def test_ranges_without_sense_are_refused(setting: dict[str, tuple[float, float]]) -> None:
    with pytest.raises(RecipeError, match=r"expected \[low, high\] within"):
        BICUBIC.changed(**setting)
