"""The networks that ship and keep the size, on photographs: nearer to the truth, without casts, seams and surprises."""

from functools import partial

import numpy as np
import pytest
from PIL import Image

import upres
from upres.evaluation.faults import Fault
from upres.image.picture import Frame, Picture
from upres.image.read import read
from upres.metrics.psnr import psnr
from upres.models.choices import CHOICES, RESTORING
from upres.pipeline.doubts import is_doubtful
from upres.pipeline.judge import judge
from upres.upscaler import Upscaler

SHIPPED = sorted({task for task, _, scale in CHOICES if scale == 1})


@pytest.fixture(scope="module")
def scenes(shared):
    """Some photographs, cut to sides that are no multiples of anything."""
    paths = sorted((shared / "data" / "test" / "BSD100" / "HR").iterdir())[::25]
    return [np.asarray(Image.open(path).convert("RGB"))[:201, :301] for path in paths]


FAULTS = {
    "deblock": [(Fault(jpeg=10), 0.6), (Fault(jpeg=40), 0.6), (Fault(jpeg=75), 0.5)],
    "denoise": [(Fault(noise=10), 2.0), (Fault(noise=25), 6.0), (Fault(noise=50), 8.0)],
}
"""Task -> faults and least gain in decibels."""
_psnr = partial(psnr, data_range=255)


def test_every_task_that_ships_is_tried_here():
    assert set(SHIPPED) <= set(RESTORING)
    assert set(SHIPPED) <= FAULTS.keys()


@pytest.mark.parametrize(
    ("task", "fault", "gain"), [(task, *fault) for task in SHIPPED for fault in FAULTS[task]], ids=str
)
def test_a_picture_comes_nearer_to_the_truth_and_keeps_its_colours(scenes, task, fault, gain):
    gains = []
    for scene in scenes:
        wrong = fault.befall(scene, "scene")
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
    wrong = FAULTS[task][1][0].befall(scenes[0], "scene")
    grey = upres.restore(np.repeat(wrong[..., :1], 3, axis=2), **{task: 1})
    np.testing.assert_array_equal(grey[..., 0], grey[..., 1])
    np.testing.assert_array_equal(grey[..., 0], grey[..., 2])
    whole = upres.restore(wrong, **{task: 1}).astype(int)
    part = upres.restore(wrong[:160], **{task: 1}).astype(int)
    differences = np.abs(whole[:100] - part[:100])  # strips of another height round a float in a million otherwise
    assert differences.max() <= 1
    assert np.count_nonzero(differences) <= 3


def test_what_a_file_tells_is_undone_without_being_asked(scenes, tmp_path):
    path = tmp_path / "old.jpg"
    Image.fromarray(scenes[0]).save(path, quality=20)
    with Image.open(upres.restore(path, output=tmp_path / "made.png")) as made:
        restored = np.asarray(made)
    assert _psnr(restored, scenes[0]) > _psnr(Fault(jpeg=20).befall(scenes[0], ""), scenes[0]) + 0.3


def test_noise_is_found_in_pictures_without_flat_parts(shared):
    paths = sorted((shared / "data" / "test" / "BSD100" / "HR").iterdir())[::3]
    upscaler, doubts = Upscaler(2), 0
    for path in paths:
        picture = read(path)
        assert upscaler.choose(picture).name != "denoise", path.stem
        noise = np.random.default_rng(0).normal(0, 20, picture.pixels.shape[:2])[..., None]
        noise = (noise + np.roll(noise, 1, axis=0) + np.roll(noise, 1, axis=1)) / np.sqrt(3)
        pixels = (picture.pixels + noise).clip(0, 255).round().astype(np.uint8)
        doubts += is_doubtful(judge(pixels))
        assert upscaler.choose(Picture(frames=(Frame(pixels=pixels),))).name == "denoise", path.stem
    assert doubts > 2
