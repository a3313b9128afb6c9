"""Training pictures: their pairs and their cache."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from upres.errors import DataError
from upres.image.resize import imresize
from upres.lab.data import pictures
from upres.lab.data.pictures import load_pictures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    root = tmp_path / "photos"
    (root / "below").mkdir(parents=True)
    Image.fromarray(rng.integers(256, size=(31, 44, 3), dtype=np.uint8)).save(root / "b.png")
    Image.fromarray(rng.integers(256, size=(24, 24), dtype=np.uint8)).save(root / "below" / "a.png")
    (root / "notes.txt").write_text("not a picture")
    return root


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_pairs_are_cropped_and_shrunk_as_matlab_does(folder: Path, tmp_path: Path, scale: int) -> None:
    first, second = load_pictures(folder, scale, cache=tmp_path / "cache")
    assert (first.name, second.name) == ("b.png", "below/a.png")
    original = np.asarray(Image.open(folder / "b.png"))
    hr = original[: 31 - 31 % scale, : 44 - 44 % scale]
    np.testing.assert_array_equal(first.hr, hr)
    np.testing.assert_array_equal(first.lr, hr if scale == 1 else imresize(hr, scale=1 / scale))
    assert second.hr.shape == (24, 24, 3), "grey pictures become RGB"


def test_second_load_decodes_nothing(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = load_pictures(folder, 2, cache=tmp_path / "cache")
    monkeypatch.setattr(pictures, "read_pixels", lambda path: pytest.fail(f"decoded {path} again"))
    after = load_pictures(folder, 2, cache=tmp_path / "cache")
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old.lr, new.lr)


def test_a_changed_picture_is_decoded_anew(folder: Path, tmp_path: Path) -> None:
    load_pictures(folder, 2, cache=tmp_path / "cache")
    Image.fromarray(np.full((40, 40, 3), 7, np.uint8)).save(folder / "b.png")
    assert load_pictures(folder, 2, cache=tmp_path / "cache")[0].hr.shape == (40, 40, 3)


def test_a_cut_off_build_leaves_nothing_that_counts(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(image: np.ndarray, **_: float) -> np.ndarray:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pictures, "imresize", fail)
        with pytest.raises(KeyboardInterrupt):
            load_pictures(folder, 2, cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.*"))
    assert len(load_pictures(folder, 2, cache=tmp_path / "cache")) == 2


def test_progress_counts_every_picture(folder: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    load_pictures(folder, 2, cache=tmp_path / "cache", progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


def test_missing_and_empty_folders_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder; expected a folder of pictures"):
        load_pictures(tmp_path / "nowhere", 2, cache=tmp_path)
    with pytest.raises(DataError, match="no picture in it"):
        load_pictures(tmp_path, 2, cache=tmp_path / "cache")


def test_a_picture_smaller_than_the_scale_is_named(folder: Path, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((1, 9, 3), np.uint8)).save(folder / "dot.png")
    with pytest.raises(DataError, match=r"dot\.png: 9x1 pixels are too few for scale 2"):
        load_pictures(folder, 2, cache=tmp_path / "cache")


def test_pictures_can_be_shown_smaller(folder: Path, tmp_path: Path) -> None:
    (first, _) = load_pictures(folder, 2, reduction=0.5, cache=tmp_path / "cache")
    original = np.asarray(Image.open(folder / "b.png"))
    hr = imresize(original, scale=0.5)
    np.testing.assert_array_equal(first.hr, hr[: hr.shape[0] // 2 * 2, : hr.shape[1] // 2 * 2])
    assert first.reduction == 0.5
    assert load_pictures(folder, 2, cache=tmp_path / "cache")[0].hr.shape == (30, 44, 3), "kept apart in the cache"


@pytest.mark.parametrize("damage", ["shorter", "empty", "index cut", "index of other kinds"])
def test_a_damaged_cache_is_built_anew(folder: Path, tmp_path: Path, damage: str) -> None:
    before = [pair.hr.copy() for pair in load_pictures(folder, 2, cache=tmp_path / "cache")]
    (data,) = (tmp_path / "cache").rglob("*.bin")
    index = data.with_suffix(".json")
    whole = {path: path.read_bytes() for path in (data, index)}
    if damage.startswith("index"):
        index.write_bytes(whole[index][:40] if damage == "index cut" else b'[{"name": 3}]')
    else:
        data.write_bytes(whole[data][:-1] if damage == "shorter" else b"")
    after = load_pictures(folder, 2, cache=tmp_path / "cache")
    for old, pair in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, pair.hr)
    assert {path: path.read_bytes() for path in (data, index)} == whole


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    root = tmp_path / "real"
    for seed, kind in enumerate(("noisy", "clean")):
        (root / kind).mkdir(parents=True)
        picture = np.random.default_rng(seed).integers(256, size=(31, 44, 3), dtype=np.uint8)
        Image.fromarray(picture).save(root / kind / "a.png")
    return root


def test_pairs_are_kept_as_they_are(pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (before,) = load_pictures(pairs, 1, cache=tmp_path / "cache")
    assert before.name == "clean/a.png"
    np.testing.assert_array_equal(before.hr, np.asarray(Image.open(pairs / "clean" / "a.png")))
    np.testing.assert_array_equal(before.lr, np.asarray(Image.open(pairs / "noisy" / "a.png")))
    with monkeypatch.context() as patch:
        patch.setattr(pictures, "read_pixels", lambda path: pytest.fail(f"decoded {path} again"))
        (after,) = load_pictures(pairs, 1, cache=tmp_path / "cache")
    np.testing.assert_array_equal(before.lr, after.lr)
    Image.fromarray(np.zeros((31, 44, 3), np.uint8)).save(pairs / "noisy" / "a.png")
    assert not load_pictures(pairs, 1, cache=tmp_path / "cache")[0].lr.any()


def test_pairs_are_for_scale_1_at_their_own_size(pairs: Path, tmp_path: Path) -> None:
    for scale, reduction in ((2, 1.0), (1, 0.5)):
        with pytest.raises(DataError, match=r"noisy/ and clean/ are pairs of one size, for scale 1 and reductions"):
            load_pictures(pairs, scale, reduction=reduction, cache=tmp_path / "cache")
    Image.fromarray(np.zeros((31, 43, 3), np.uint8)).save(pairs / "noisy" / "a.png")
    with pytest.raises(DataError, match=r"a\.png: a pair must be of one size, .*43x31 and 44x31 pixels"):
        load_pictures(pairs, 1, cache=tmp_path / "cache")
