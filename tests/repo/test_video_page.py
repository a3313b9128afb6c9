"""What the page about video measures: the flicker of still regions, and how its tables are drawn."""

import shutil
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from benchmarks.films import Film, make_film, mosaic
from benchmarks.pages import video, video_encoder
from benchmarks.pages.video_steadiness import flicker, halved, measure_cost, still_masks, write_half
from upres.machine.environment import environment

_STEADY = ("steady_flicker", "steady_flicker_of_half", "steady_psnr_gain")


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


def test_a_run_is_told_beside_its_encoder_alone():
    each = video_encoder.Encoded(film=Film(width=64, height=32, frames=11), codec="x264", preset="medium")
    turns = [
        video_encoder.Turn(seen={"run": (3.0, 5.0), "alone": (2.0 + far, 3.0), "first": (1.0, 1.0)}, others=0.25)
        for far in (-0.5, 0.2, 0.0)
    ]
    text = video_encoder.render_encoders(
        {"environment": environment() | {"cores": 2}, "rows": [video_encoder._row(each, turns)]}
    )
    # alone 1.82 s of 10 frames behind the first one: the run took 2 s, and 4 CPU seconds, for these
    assert "| 64x32 | x264 medium | 11 | 2.00 | 3.00 | 1.00 | 1.50 | 1.10 | 1.50 | 1.10 | 0.25 |" in text


def test_steadiness_is_told_beside_the_source_and_beside_the_truth():
    rows = [
        {"model": model, "flicker": seen[0], "flicker_of_half": seen[1], **dict(zip(_STEADY, seen[2:], strict=True))}
        for model, *seen in (
            ("bicubic", 0.2, 0.1, 0.2, 0.08, 0.0),
            ("esr_tm", 0.22, 0.3, 0.198, 0.19, 0.0125),
            ("fsrcnn", 0.21, 0.25, 0.202, 0.21, -0.004),
        )
    ]
    report = {"film": "a.mp4", "frames": 5, "still_below": 1.0, "share": 0.5, "source": 0.2, "rows": rows}
    text = video.render_steadiness(report)
    assert "| `bicubic` | 0.200 | +0.0% | 0.100 | -50.0% |" in text
    assert "| `esr_tm` | 0.220 | +10.0% | 0.300 | +50.0% |" in text
    assert "flicker by 25% to 50% more" in " ".join(text.split())
    assert "+10.0% | 0.300 | +50.0% | -1.0% | -5.0% | +0.013 |" in text
    assert "flicker by -1.0% (`esr_tm`) to +1.0% (`fsrcnn`) against the source" in " ".join(text.split())
    cost = {
        "environment": environment(),
        "rows": [{"repeats": 9, "load": 0.1, "network_ms": 8, "steady_ms": 2, "moving_ms": 0.5}],
    }
    assert "2.0 ms of a frame" in video.render_steadiness(report, cost)
    assert "8.0 ms of `esr_tm`: 25%" in " ".join(video.render_steadiness(report, cost).split())


def test_steadying_is_timed_beside_the_network():
    pytest.importorskip("upres.engines._native", reason="the native module was not built")
    (row,) = measure_cost(1)
    assert row["network_ms"] > row["moving_ms"] > 0


def test_a_half_is_the_mean_of_four():
    plane = np.array([[0, 1, 10, 10], [1, 0, 10, 12], [255, 255, 3, 0], [255, 255, 0, 0]], np.uint8)
    assert halved(plane).tolist() == [[1, 11], [255, 1]]


def test_a_halved_film_is_kept_without_loss(tmp_path):
    av = pytest.importorskip("av", reason="needs the extra 'video'")
    random = np.random.default_rng(0)
    frames = [random.integers(0, 256, (48, 32), np.uint8) for _ in range(3)]  # yuv420p: luma over both chroma planes
    with av.open(tmp_path / "film.mkv", "w") as film:
        stream = film.add_stream("ffv1", rate=25, width=32, height=32, pix_fmt="yuv420p")
        for frame in frames:
            film.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="yuv420p")))
        film.mux(stream.encode(None))
    write_half(tmp_path / "film.mkv", tmp_path / "half.mkv")
    with av.open(tmp_path / "half.mkv") as film:
        found = [frame.to_ndarray() for frame in film.decode(video=0)]
    assert len(found) == 3
    for frame, small in zip(frames, found, strict=True):
        assert np.array_equal(small[:16], halved(frame[:32]))
        assert np.array_equal(small[16:20].reshape(8, 8), halved(frame[32:40].reshape(16, 16)))


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
