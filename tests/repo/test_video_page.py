"""What the page about video measures: the flicker of still regions, and how its tables are drawn."""

import shutil
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from benchmarks.films import Film, make_film, mosaic
from benchmarks.pages import video
from benchmarks.pages.video_steadiness import flicker, still_masks
from upres.machine.environment import environment


def _film(rng, *, moving):
    """Grey frames with noise of half a level; a bright square walks through the left half."""
    frames = [128 + rng.normal(0, 0.5, (64, 128)).astype(np.float32) for _ in range(6)]
    for index, frame in enumerate(frames if moving else ()):
        frame[16:48, 4 + 4 * index : 36 + 4 * index] += 60
    return frames


def test_flicker_is_the_change_of_what_stands_still():
    rng = np.random.default_rng(0)
    still, moving = (_film(rng, moving=each) for each in (False, True))
    masks = still_masks(moving)
    assert all(mask[:, 80:].all() for mask in masks)
    assert not any(mask[20:44, 37 + 4 * index].any() for index, mask in enumerate(masks))
    for frames in (still, moving):
        assert flicker(frames, masks) == pytest.approx(0.5 * np.sqrt(2), rel=0.05)
    larger = [frame.repeat(2, 0).repeat(2, 1) for frame in moving]
    assert flicker(larger, masks, scale=2) == pytest.approx(flicker(moving, masks))
    assert flicker([2 * frame for frame in moving], masks) == pytest.approx(2 * flicker(moving, masks))


def test_a_frame_that_stays_has_no_flicker():
    frames = [np.zeros((16, 16), np.float32)] * 3
    assert flicker(frames, still_masks(frames)) == 0


def test_runs_are_told_beside_ffmpeg():
    contenders = [each for each in video.contenders() if each.film == video.SMALL]
    rows = [video._row(each, [(seconds, 2**20)]) for seconds, each in enumerate(contenders, 1)]
    text = video.render_runs({"environment": environment(), "rows": rows})
    count = video.SMALL.frames
    assert f"| 640x360 | x264 | default, `esr_tm` | {count} | {count:.1f} | 0% | 0.33 | 1 |" in text
    assert f"| 640x360 | x264 | FFmpeg, `scale=lanczos` | {count} | {count / 3:.1f} | 0% | 1.00 | 1 |" in text


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="FFmpeg's program is not installed")
def test_a_walk_over_photographs_repeats_no_frame(tmp_path):
    av = pytest.importorskip("av", reason="needs the extra 'video'")
    photograph = tmp_path / "photograph.png"
    rough = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(rough).resize((512, 512)).save(photograph)
    assert mosaic([photograph], (700, 30)).size == (700, 30)
    make_film(Film(width=64, height=32, frames=5), [photograph], tmp_path / "film.mkv")
    with av.open(tmp_path / "film.mkv") as film:
        frames = [frame.to_ndarray(format="gray") for frame in film.decode(video=0)]
    assert [frame.shape for frame in frames] == [(32, 64)] * 5
    walked = [np.abs(b[:-1, :-2].astype(int) - a[1:, 2:]).mean() for a, b in pairwise(frames)]
    assert max(walked) < 12 < np.abs(frames[1].astype(int) - frames[0]).mean()
