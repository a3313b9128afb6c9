"""Faults that are put into true pictures: exact, seeded by the picture, refused where they cannot be meant."""

import io

import numpy as np
import pytest
from PIL import Image

from upres.errors import DataError
from upres.evaluation import Fault, evaluate, find_pairs, load_pairs, unchanged

GREY = np.full((64, 80, 3), 128, np.uint8)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "HR").mkdir()
    for seed, name in enumerate("ab"):
        picture = np.random.default_rng(seed).integers(0, 256, (40, 56, 3), np.uint8)
        Image.fromarray(picture).save(tmp_path / "HR" / f"{name}.png")
    return tmp_path


@pytest.mark.parametrize("sigma", [5, 25])
def test_noise_is_gaussian_of_that_strength(sigma):
    error = Fault(noise=sigma).befall(GREY, "a").astype(float) - 128
    assert error.std() == pytest.approx(sigma, rel=0.03)
    assert abs(error.mean()) < 0.05 * sigma
    assert abs(np.corrcoef(error[..., 0].ravel(), error[..., 1].ravel())[0, 1]) < 0.05, "each plane has its own"


def test_noise_is_added_in_float_clipped_and_rounded():
    ramp = np.broadcast_to(np.arange(0, 256, 4, dtype=np.uint8)[:, None, None], (64, 80, 3))
    twice, once = (Fault(noise=sigma).befall(ramp, "a").astype(float) for sigma in (60, 30))
    unclipped = (twice > 0) & (twice < 255) & (once > 0) & (once < 255)
    np.testing.assert_allclose((twice - ramp)[unclipped], 2 * (once - ramp)[unclipped], atol=1.5)
    assert (Fault(noise=100).befall(GREY, "a") == 255).mean() > 0.05


def test_noise_belongs_to_the_picture_of_a_name():
    one, again, other = (Fault(noise=25).befall(GREY, name) for name in ("a", "a", "b"))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_jpeg_is_that_of_libjpeg_with_colours_halved():
    picture = np.random.default_rng(0).integers(0, 256, (45, 63, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=10, subsampling="4:2:0")
    assert np.array_equal(Fault(jpeg=10).befall(picture, "a"), np.asarray(Image.open(file)))


def test_true_pictures_are_a_data_set_with_a_fault(folder):
    fault = Fault(noise=25)
    for place in (folder, folder / "HR"):
        loaded = load_pairs(place, 1, fault)
        assert (loaded.dataset, [pair.name for pair in loaded.pairs]) == (folder.name, ["a", "b"])
        for pair in loaded.pairs:
            assert np.array_equal(pair.lr, fault.befall(pair.hr, pair.name))
    from_folder, from_memory = (
        evaluate(unchanged, data, scale=1, color_mode="rgb", protocol="ntire", fault=given)
        for data, given in ((folder, fault), (loaded, None))
    )
    assert from_folder == from_memory
    assert list(from_folder.to_dict())[:5] == ["model", "scale", "dataset", "fault", "protocol"]
    assert from_folder.to_dict()["fault"] == {"noise": 25}


def test_faults_are_refused_above_scale_one_and_where_pictures_have_their_own(folder):
    with pytest.raises(DataError, match=r"noise 25: made of true pictures for scale 1, and the scale asked for is 2"):
        find_pairs(folder, 2, Fault(noise=25))
    for kind in ("noisy", "clean"):
        (folder / kind).mkdir()
        Image.fromarray(GREY).save(folder / kind / "a.png")
    with pytest.raises(DataError, match=r"jpeg 10 was asked for, .* its own \(noisy/ and clean/\).*name .*clean$"):
        find_pairs(folder, 1, Fault(jpeg=10))
    assert len(find_pairs(folder / "clean", 1, Fault(jpeg=10))) == 1


@pytest.mark.parametrize("strengths", [{}, {"noise": 25, "jpeg": 10}, {"noise": -1}, {"noise": 300}, {"jpeg": 101}])
def test_strengths_that_make_no_sense_are_refused(strengths):
    with pytest.raises(DataError, match=r"expected one fault, noise or jpeg|expected noise above 0 up to 255"):
        Fault(**strengths)
