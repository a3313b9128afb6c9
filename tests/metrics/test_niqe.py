"""NIQE: its parameters on samples of known distributions, its direction, and the statistics that ship."""

import io
import json
import math

import numpy as np
import pytest
from PIL import Image
from scipy.stats import gennorm

from upres.errors import DataError
from upres.metrics.niqe import niqe
from upres.metrics.pristine import STATISTICS, fit, load
from upres.metrics.scene_statistics import FEATURES, asymmetric_gaussian, block_features


@pytest.mark.parametrize("shape", [0.7, 1, 2, 4])
@pytest.mark.parametrize("right", [1.0, 2.5])
def test_finds_the_distribution_that_samples_come_from(shape, right):
    rng = np.random.default_rng(1)
    size = np.abs(gennorm.rvs(shape, size=400_000, random_state=rng))
    negative = rng.random(size.size) < 1 / (1 + right)  # each side's weight is its scale
    samples = np.where(negative, -size, right * size)
    found = asymmetric_gaussian(np.stack([samples, 3 * samples]))
    assert np.allclose(found[0], shape, rtol=0.03)
    assert np.allclose(found[1], [1, 3], rtol=0.03)
    assert np.allclose(found[2], [right, 3 * right], rtol=0.03)


def test_samples_of_one_sign_have_no_distribution():
    assert np.isnan(np.stack(asymmetric_gaussian(np.ones((2, 50))))).all()


@pytest.mark.parametrize("name", ["astronaut", "cat"])
@pytest.mark.parametrize(
    ("way", "strengths"), [("blur", (1, 2, 4)), ("noise", (20, 40, 80)), ("levels", (32, 64, 128))]
)
def test_rises_with_damage(photographs, spoil, name, way, strengths):
    scores = [niqe(photographs[name])]
    scores += [niqe(spoil(photographs[name], way, strength)) for strength in strengths]
    assert scores == sorted(scores)
    assert scores[-1] > scores[0] + 2


@pytest.mark.parametrize("name", ["astronaut", "cat"])
def test_rises_with_jpeg_compression(photographs, name):
    scores = [niqe(jpeg(photographs[name], quality)) for quality in (60, 30, 10, 5)]
    assert scores == sorted(scores)
    assert scores[-1] > niqe(photographs[name]) + 1


def test_what_lies_beyond_whole_blocks_is_ignored(photographs):
    picture = photographs["astronaut"]
    assert niqe(picture) == niqe(picture[:480, :480]) == niqe(picture[:500, :481])


def test_a_shifted_crop_scores_nearly_the_same(photographs):
    picture = photographs["astronaut"]
    scores = [niqe(picture[y : y + 480, x : x + 480]) for y, x in ((0, 0), (13, 7), (32, 32))]
    assert np.ptp(scores) < 0.4


def test_only_luma_counts(photographs):
    picture = photographs["cat"]
    grey = picture[..., 1]
    assert niqe(grey) == niqe(grey[..., None]) == niqe(np.stack([grey] * 3, axis=2))
    assert niqe(grey.astype(np.uint16) * 257) == pytest.approx(niqe(grey), abs=1e-4)


def test_a_picture_without_texture_is_as_far_as_can_be():
    assert niqe(np.full((200, 200, 3), 90, np.uint8)) == math.inf


@pytest.mark.parametrize("shape", [(191, 400, 3), (400, 191), (10, 10, 3)])
def test_refuses_pictures_that_are_too_small(shape):
    with pytest.raises(ValueError, match=f"NIQE needs 192 x 192 pixels, got {shape[0]} x {shape[1]}"):
        niqe(np.zeros(shape, np.uint8))


def test_refuses_what_is_no_picture():
    with pytest.raises(ValueError, match="expected"):
        niqe(np.zeros((200, 200, 4), np.uint8))


def test_the_statistics_that_ship_say_on_what_they_rest():
    pristine = load()
    licences = pristine.facts["licences"]
    assert sum(licences.values()) == pristine.facts["pictures"] == 495
    assert licences["CC-BY-SA-4.0"] == 185
    assert pristine.mean.shape == (FEATURES,)
    assert np.array_equal(pristine.covariance, pristine.covariance.T)
    assert np.linalg.eigvalsh(pristine.covariance).min() > 0
    assert STATISTICS.stat().st_size < 20_000


def test_fits_to_the_sharp_blocks_of_a_folder(photographs, tmp_path):
    for name in ("astronaut", "cat"):
        Image.fromarray(photographs[name]).save(tmp_path / f"{name}.png")
    (tmp_path / "SOURCES.csv").write_text("file,licence_as_stated\nastronaut.png,none\ncat.png,CC0\n")
    fitted = fit(tmp_path)
    assert fitted.facts["licences"] == {"CC0": 1, "none": 1}
    chosen = []
    for name in ("astronaut", "cat"):
        features, contrast = block_features(photographs[name])
        chosen.append(features[contrast > 0.75 * contrast.max()])
    assert fitted.facts["blocks"] == sum(map(len, chosen)) < 25 + 12
    assert np.allclose(fitted.mean, np.concatenate(chosen).mean(axis=0))
    fitted.save(tmp_path / "own.json")
    again = load(tmp_path / "own.json")
    assert np.allclose(again.covariance, fitted.covariance, rtol=1e-8)
    assert json.loads((tmp_path / "own.json").read_text())["pictures"] == 2


def test_a_folder_must_name_every_picture(photographs, tmp_path):
    with pytest.raises(DataError, match="no picture in it"):
        fit(tmp_path)
    Image.fromarray(photographs["cat"]).save(tmp_path / "cat.png")
    with pytest.raises(DataError, match=r"SOURCES\.csv: no such file"):
        fit(tmp_path)
    (tmp_path / "SOURCES.csv").write_text("file,licence_as_stated\ndog.png,CC0\n")
    with pytest.raises(DataError, match=r"does not name cat\.png"):
        fit(tmp_path)


def jpeg(picture, quality):
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))
