"""The networks that ship and keep the size, on photographs: nearer to the truth, without casts, seams and surprises."""

import io

import numpy as np
import pytest
from PIL import Image

import upres
from upres.models.choices import CHOICES, RESTORING

SHIPPED = sorted({task for task, _, scale in CHOICES if scale == 1})


@pytest.fixture(scope="module")
def scenes(shared):
    """Some photographs, cut to sides that are no multiples of anything."""
    paths = sorted((shared / "data" / "test" / "BSD100" / "HR").iterdir())[::25]
    return [np.asarray(Image.open(path).convert("RGB"))[:201, :301] for path in paths]


def _jpeg(pixels, quality):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(io.BytesIO(stream.getvalue())))


def _noisy(pixels, sigma):
    noise = np.random.default_rng(0).normal(0, sigma, pixels.shape)
    return (pixels + noise).clip(0, 255).round().astype(np.uint8)


def _psnr(one, other):
    return 10 * np.log10(255**2 / np.square(one.astype(float) - other).mean())


FAULTS = {
    "deblock": [(_jpeg, 10, 0.6), (_jpeg, 40, 0.6), (_jpeg, 75, 0.5)],
    "denoise": [(_noisy, 10, 2.0), (_noisy, 25, 6.0), (_noisy, 50, 8.0)],
}
"""Task -> faults, how strong, and least gain in decibels."""


def test_every_task_that_ships_is_tried_here():
    assert set(SHIPPED) <= set(RESTORING)
    assert set(SHIPPED) <= FAULTS.keys()


@pytest.mark.parametrize(
    ("task", "fault", "strength", "gain"), [(task, *fault) for task in SHIPPED for fault in FAULTS[task]]
)
def test_a_picture_comes_nearer_to_the_truth_and_keeps_its_colours(scenes, task, fault, strength, gain):
    gains = []
    for scene in scenes:
        wrong = fault(scene, strength)
        restored = upres.restore(wrong, **{task: 1})
        gains.append(_psnr(restored, scene) - _psnr(wrong, scene))
        assert np.abs(restored.mean((0, 1)) - scene.mean((0, 1))).max() < 2
    assert min(gains) > 0
    assert np.mean(gains) > gain


@pytest.mark.parametrize("task", SHIPPED)
def test_a_clean_picture_is_hardly_changed(scenes, task):
    for scene in scenes:
        assert _psnr(upres.restore(scene, **{task: 1}), scene) > 37


@pytest.mark.parametrize("task", SHIPPED)
def test_grey_stays_grey_and_bands_have_no_seams(scenes, task):
    fault, strength, _ = FAULTS[task][1]
    wrong = fault(scenes[0], strength)
    grey = upres.restore(np.repeat(wrong[..., :1], 3, axis=2), **{task: 1})
    np.testing.assert_array_equal(grey[..., 0], grey[..., 1])
    np.testing.assert_array_equal(grey[..., 0], grey[..., 2])
    whole = upres.restore(wrong, **{task: 1}).astype(int)
    part = upres.restore(wrong[:160], **{task: 1}).astype(int)
    assert np.abs(whole[:100] - part[:100]).max() == 0


def test_what_a_file_tells_is_undone_without_being_asked(scenes, tmp_path):
    path = tmp_path / "old.jpg"
    Image.fromarray(scenes[0]).save(path, quality=20)
    with Image.open(upres.restore(path, output=tmp_path / "made.png")) as made:
        restored = np.asarray(made)
    assert _psnr(restored, scenes[0]) > _psnr(_jpeg(scenes[0], 20), scenes[0]) + 0.3
