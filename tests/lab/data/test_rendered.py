"""Pictures that a program draws: seeded, of any size, with exact edges, and as training pairs."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from upres.image.resize import imresize
from upres.lab.data import rendered as room
from upres.lab.data.rendered import KINDS, load_rendered, rendered
from upres.lab.data.rendered.ink import font, ink, luma, paper, word


@pytest.mark.parametrize("index", range(len(KINDS)), ids=list(KINDS))
def test_every_kind_is_seeded_and_of_any_size(index: int) -> None:
    first, again = (rendered(index, height=90, width=131) for _ in range(2))
    assert first.shape == (90, 131, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, rendered(index, height=90, width=131, seed=1))
    assert not np.array_equal(first, rendered(index + len(KINDS), height=90, width=131))
    assert rendered(index, height=24, width=200).shape == (24, 200, 3)


@pytest.mark.parametrize("index", range(len(KINDS)), ids=list(KINDS))
def test_every_kind_has_flat_ground_and_hard_edges(index: int) -> None:
    shares, steps = [], []
    for turn in range(5):
        picture = rendered(index + turn * len(KINDS), height=160, width=160).astype(int)
        across = np.abs(np.diff(picture, axis=1)).max(axis=2)
        shares.append((across == 0).mean())
        steps.append(np.quantile(across, 0.999))
    assert np.median(shares) > 0.5, "most neighbours are equal, as in no photograph"
    assert np.median(steps) > 60


def test_threads_draw_what_one_would() -> None:
    indices = range(2 * len(KINDS))
    expected = [rendered(index, height=64, width=64) for index in indices]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda index: rendered(index, height=64, width=64), indices))
    assert all(np.array_equal(*pair) for pair in zip(made, expected, strict=True))


def test_letters_can_be_read_and_every_font_has_them() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        ground = paper(rng)
        assert abs(luma(ink(rng, ground)) - luma(ground)) > 90
    words = {word(rng) for _ in range(300)}
    assert len(words) > 200
    for _ in range(40):
        letters = font(rng, 20)
        for text in ("abc", "αβγ", "где", "123"):
            assert np.asarray(letters.getmask(text)).any(), f"{letters.getname()} has no {text}"


def test_training_pairs_are_kept_and_like_those_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = load_rendered(3, 2, cache=tmp_path)
    assert [pair.name for pair in pairs] == ["rendered-0", "rendered-1", "rendered-2"]
    for index, pair in enumerate(pairs):
        assert np.array_equal(pair.hr, rendered(index))
        assert np.array_equal(pair.lr, imresize(pair.hr, scale=0.5))
    (half, *_) = load_rendered(3, 2, reduction=0.5, cache=tmp_path)
    assert (half.hr.shape, half.lr.shape, half.reduction) == ((256, 256, 3), (128, 128, 3), 0.5)
    assert load_rendered(0, 2, cache=tmp_path) == ()

    def never(*_: object, **__: object) -> None:
        raise AssertionError("drawn again")

    monkeypatch.setattr(room, "rendered", never)
    assert np.array_equal(load_rendered(3, 2, cache=tmp_path)[2].hr, pairs[2].hr)
    with pytest.raises(AssertionError, match="drawn again"):
        load_rendered(3, 2, seed=1, cache=tmp_path)


def test_the_command_writes_files(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "upres.lab.data.rendered", str(tmp_path / "new"), "2", "48"]
    subprocess.run(command, check=True)
    files = sorted((tmp_path / "new").iterdir())
    assert [file.name for file in files] == ["rendered-00000.png", "rendered-00001.png"]
    assert np.array_equal(np.asarray(Image.open(files[1])), rendered(1, height=48, width=48, seed=1))
