"""Pairs of pictures from folders: cropped, reduced, converted."""

import numpy as np
import pytest
from PIL import Image

from upres.errors import DataError
from upres.evaluation import dataset_name, find_pairs, load_pairs
from upres.image.resize import imresize


def save(path, height=30, width=41, grey=False, seed=0):
    shape = (height, width) if grey else (height, width, 3)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return pixels


def test_plain_folder_is_cropped_and_reduced(tmp_path):
    pixels = save(tmp_path / "b.png")
    save(tmp_path / "a.bmp", seed=1)
    (tmp_path / "notes.txt").write_text("no picture")
    loaded = load_pairs(tmp_path, 4)
    assert [pair.name for pair in loaded.pairs] == ["a", "b"]
    assert loaded.dataset == tmp_path.name
    assert np.array_equal(loaded.pairs[1].hr, pixels[:28, :40])
    assert np.array_equal(loaded.pairs[1].lr, imresize(pixels[:28, :40], scale=1 / 4))


@pytest.mark.parametrize("prefix", ["", "DIV2K_valid_"])
@pytest.mark.parametrize("point", ["", "HR"])
def test_own_low_resolution_files_are_preferred(tmp_path, prefix, point):
    save(tmp_path / f"{prefix}HR" / "baby.png")
    lr = save(tmp_path / f"{prefix}LR_bicubic" / "X2" / "babyx2.png", 15, 20)
    folder = tmp_path / f"{prefix}HR" if point else tmp_path
    assert np.array_equal(load_pairs(folder, 2).pairs[0].lr, lr)
    assert load_pairs(folder, 3).pairs[0].lr.shape == (10, 13, 3)


def test_grey_files_become_three_equal_planes(tmp_path):
    pixels = save(tmp_path / "grey.png", 32, 32, grey=True)
    pair = load_pairs(tmp_path, 2).pairs[0]
    assert np.array_equal(pair.hr, np.stack([pixels] * 3, axis=2))
    assert np.array_equal(pair.lr[..., 0], imresize(pixels, scale=1 / 2))


def test_sixteen_bit_files_are_rounded_to_eight(tmp_path):
    deep = np.linspace(0, 65535, 32 * 32).astype(np.uint16).reshape(32, 32)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert np.array_equal(load_pairs(tmp_path, 2).pairs[0].hr[..., 0], np.floor(deep / 257 + 0.5).astype(np.uint8))


def test_dataset_is_named_after_its_folder(tmp_path):
    assert dataset_name(tmp_path / "Set5") == dataset_name(tmp_path / "Set5" / "HR") == "Set5"


def test_missing_folder(tmp_path):
    with pytest.raises(DataError, match="no such folder; a data set is"):
        find_pairs(tmp_path / "nowhere", 2)


def test_folder_without_pictures(tmp_path):
    with pytest.raises(DataError, match="no picture in it"):
        find_pairs(tmp_path, 2)


def test_several_sets_in_one_folder(tmp_path):
    save(tmp_path / "train_HR" / "a.png")
    save(tmp_path / "valid_HR" / "a.png")
    with pytest.raises(DataError, match=r"train_HR, valid_HR.*name one"):
        find_pairs(tmp_path, 2)


def test_two_pictures_of_one_name(tmp_path):
    save(tmp_path / "a.png")
    save(tmp_path / "a.bmp")
    with pytest.raises(DataError, match="two pictures are named 'a'"):
        find_pairs(tmp_path, 2)


def test_incomplete_low_resolution_part(tmp_path):
    save(tmp_path / "HR" / "a.png")
    save(tmp_path / "HR" / "b.png")
    save(tmp_path / "LR_bicubic" / "X2" / "ax2.png", 15, 20)
    with pytest.raises(DataError, match=r"no bx2\.png to go with b\.png"):
        find_pairs(tmp_path, 2)


def test_low_resolution_file_of_another_size(tmp_path):
    save(tmp_path / "HR" / "a.png")
    save(tmp_path / "LR_bicubic" / "X2" / "ax2.png", 15, 21)
    with pytest.raises(DataError, match=r"ax2\.png: 21x15 pixels, and a\.png at scale 2 asks for 20x15"):
        load_pairs(tmp_path, 2)


def test_picture_smaller_than_the_scale(tmp_path):
    save(tmp_path / "dot.png", 3, 9)
    with pytest.raises(DataError, match="9x3 pixels are too few for scale 4"):
        load_pairs(tmp_path, 4)


@pytest.mark.parametrize(("low", "true"), [("noisy", "clean"), ("low", "high")])
def test_pairs_of_one_size_are_found_by_name(tmp_path, low, true):
    clean = {name: save(tmp_path / true / f"{name}.png", seed=seed) for seed, name in enumerate("ba")}
    noisy = {name: save(tmp_path / low / f"{name}.bmp", seed=seed) for seed, name in enumerate("ab", start=5)}
    loaded = load_pairs(tmp_path, 1)
    assert [pair.name for pair in loaded.pairs] == ["a", "b"]
    assert (loaded.dataset, loaded.scale) == (tmp_path.name, 1)
    for pair in loaded.pairs:
        assert np.array_equal(pair.hr, clean[pair.name])
        assert np.array_equal(pair.lr, noisy[pair.name])


@pytest.mark.parametrize("lacking", ["noisy", "clean"])
def test_pairs_of_one_size_must_be_complete(tmp_path, lacking):
    for folder in ("noisy", "clean"):
        save(tmp_path / folder / "a.png")
        if folder != lacking:
            save(tmp_path / folder / "b.png")
    with pytest.raises(DataError, match=rf"{lacking}: no b to go with .*b\.png"):
        find_pairs(tmp_path, 1)


def test_pairs_of_one_size_must_be_of_one_size(tmp_path):
    save(tmp_path / "clean" / "a.png")
    save(tmp_path / "noisy" / "a.png", 30, 40)
    with pytest.raises(DataError, match=r"noisy/a\.png: 40x30 pixels, and a\.png at scale 1 asks for 41x30"):
        load_pairs(tmp_path, 1)


def test_pairs_of_one_size_are_not_for_larger_scales(tmp_path):
    for folder in ("noisy", "clean"):
        save(tmp_path / folder / "a.png")
    with pytest.raises(DataError, match=r"noisy/ and clean/ are of one size.*asked for is 2; name .*clean to reduce"):
        find_pairs(tmp_path, 2)
    assert load_pairs(tmp_path / "clean", 2).pairs[0].lr.shape == (15, 20, 3)


@pytest.mark.parametrize("inside", ["", "HR"])
def test_other_data_sets_have_nothing_to_restore(tmp_path, inside):
    save(tmp_path / inside / "a.png")
    with pytest.raises(DataError, match=r"nothing to restore in it; .* noisy/ and clean/, or low/ and high/"):
        find_pairs(tmp_path, 1)


def test_real_noise_is_found(shared):
    pairs = find_pairs(shared / "data" / "test" / "PolyU50", 1)
    assert len(pairs) == 50
    assert all((pair.lr.parent.name, pair.hr.parent.name) == ("noisy", "clean") for pair in pairs)
    assert len(find_pairs(shared / "data" / "test" / "LOL256", 1)) == 15


LAYOUTS = {
    "SIDD": (
        ["Data/0001_S6/0001_NOISY_SRGB_010.png", "Data/0002_S6/0002_NOISY_SRGB_011.png"],
        ["Data/0001_S6/0001_GT_SRGB_010.png", "Data/0002_S6/0002_GT_SRGB_011.png"],
        ["Data/0001_S6/0001_NOISY_SRGB_010", "Data/0002_S6/0002_NOISY_SRGB_011"],
    ),
    "SIDD cut up": (["input_crops/0001-1.png"], ["target_crops/0001-1.png"], ["0001-1"]),
    "RealSR": (["Canon_001_LR3.png", "Canon_002_LR3.png"], ["Canon_001_HR.png", "Canon_002_HR.png"], None),
    "LOL": (["low/1.png", "low/22.png"], ["high/1.png", "high/22.png"], ["1", "22"]),
    "LOL-v2": (["Low/low00001.png", "Low/low00022.png"], ["Normal/normal00001.png", "Normal/normal00022.png"], None),
    "FiveK": (["input/a0001.png"], ["expertC/a0001.png"], ["a0001"]),
}


def _place(root, files, seed):
    return [save(root / file, seed=seed + index) for index, file in enumerate(files)]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_known_sets(tmp_path, layout):
    low, true, names = LAYOUTS[layout]
    low_pixels, true_pixels = _place(tmp_path, low, 0), _place(tmp_path, true, 50)
    save(tmp_path / "expertA" / "a0001.png", seed=99)
    pairs = load_pairs(tmp_path, 1).pairs
    if names is not None:
        assert [pair.name for pair in pairs] == names
    for pair, lr, hr in zip(pairs, low_pixels, true_pixels, strict=True):
        assert np.array_equal(pair.lr, lr)
        assert np.array_equal(pair.hr, hr)


def test_a_true_picture_that_lacks_is_named(tmp_path):
    _place(tmp_path, ["1_LR2.png", "1_HR.png", "2_LR2.png"], 0)
    with pytest.raises(DataError, match=r"no 2_HR to go with 2_LR2\.png"):
        find_pairs(tmp_path, 1)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (["2/a_LR2.png", "2/a_HR.png", "3/a_LR3.png", "3/a_HR.png"], "pictures of LR2, LR3 lie below it"),
        (["Train/a_LR2.png", "Train/a_HR.png", "Test/b_LR2.png", "Test/b_HR.png"], "pictures of Test, Train"),
        (["our485/low/a.png", "our485/high/a.png", "eval15/low/b.png", "eval15/high/b.png"], "lie in eval15, our485"),
    ],
)
def test_one_set_of_several_must_be_named(tmp_path, files, says):
    _place(tmp_path, files, 0)
    with pytest.raises(DataError, match=says):
        find_pairs(tmp_path, 1)


def test_a_set_without_truth_is_refused(tmp_path):
    (tmp_path / "images_srgb").mkdir()
    (tmp_path / "info.mat").write_bytes(b"")
    with pytest.raises(DataError, match=r"DND keeps its true pictures to itself.*restore its pictures and send them"):
        find_pairs(tmp_path, 1)


def test_pairs_in_one_folder_are_not_for_larger_scales(tmp_path):
    _place(tmp_path, ["1_LR2.png", "1_HR.png"], 0)
    with pytest.raises(DataError, match=r"1_LR2\.png and the like are of one size, for scale 1, .* asked for is 2$"):
        find_pairs(tmp_path, 2)
