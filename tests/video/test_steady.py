"""`upres video --steady`: still regions flicker no more than the source's, and nothing trails behind what moves."""

from itertools import pairwise

import numpy as np
import pytest

from tests.video.films import Film, frame_of, write_film
from tests.video.test_planes import enlarger
from tests.video.test_resume import LENGTH, killed_after
from upres.engines.native import NativeEngine
from upres.errors import EngineUnavailableError, VideoError
from upres.pipeline.sizes import SizeRequest
from upres.video import run as run_module
from upres.video.plan import Wishes
from upres.video.run import VideoRun
from upres.video.steady import Steadier
from upres.video.views import plane_views

SIZE = (48, 80)


def made_of(planes, pixel_format="gray", *, steadied, size=SIZE):
    """Luma of what eSR-TM makes of planes of luma, each a frame."""
    *_, enlarge = enlarger(pixel_format, size, steady=steadied)
    made = []
    for plane in planes:
        frame = frame_of(Film(name="", size=size, pixel_format=pixel_format), 0)
        plane_views(frame)[0][:] = plane
        made.append(plane_views(enlarge(frame))[0].copy().astype(int))
    return made


def texture(size=SIZE, *, shift=0.0):
    """Levels of 0 to 1: waves of many directions, moved to the right by so many pixels."""
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]].astype(float)
    columns = columns - shift
    return 0.5 + 0.2 * np.sin(rows / 2 + columns / 3) + 0.2 * np.sin(columns * 0.9 - rows * 0.4)


def flicker(frames):
    return float(np.sqrt(np.mean([np.square(after - before) for before, after in pairwise(frames)])))


@pytest.mark.parametrize(
    ("pixel_format", "white"), [("gray", 255), ("gray10le", 1023), ("yuv420p", 255), ("yuv420p12le", 4095)]
)
@pytest.mark.parametrize("size", [SIZE, (33, 51)])
def test_still_regions_flicker_no_more_than_the_source(pixel_format, white, size):
    rng = np.random.default_rng(0)
    noise = [rng.normal(0, 0.35 / 255, size) for _ in range(12)]
    planes = [np.round(white * (texture(size) + each)).astype(int) for each in noise]
    source = flicker(planes)
    plain, steadied = (made_of(planes, pixel_format, steadied=each, size=size) for each in (False, True))
    assert flicker(plain) > 1.03 * source
    assert flicker(steadied) <= 1.01 * source
    for one, other in zip(plain, steadied, strict=True):
        assert 0 < np.abs(one - other).max() <= 2 * (white // 255) or one is plain[0]


def test_what_moves_is_the_networks_to_the_bit():
    planes = [np.round(255 * texture(shift=2.0 * number)) for number in range(8)]
    for one, other in zip(*(made_of(planes, steadied=each) for each in (False, True)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_fade_is_followed():
    """A level in two frames, up and down again: less than noise, and never further behind than a level."""
    planes = [np.round(60 + 100 * texture() + 20 * (1 - abs(number - 40) / 40)) for number in range(81)]
    plain, steadied = (made_of(planes, steadied=each) for each in (False, True))
    assert max(np.abs(one - other).max() for one, other in zip(plain, steadied, strict=True)) == 1
    drift = [abs((one - other).mean()) for one, other in zip(plain, steadied, strict=True)]
    assert max(drift) < 0.2


def test_a_slow_pan_leaves_no_trail():
    """An edge of a faint shape creeps over a still ground; behind it and after it nothing is left but a level."""
    shape = np.zeros(SIZE)
    planes = []
    for number in range(60):
        shape[:] = 128 + 6 / (1 + np.exp(-(np.arange(SIZE[1]) - 10 - min(number, 40))))
        planes.append(np.round(shape))
    plain, steadied = (made_of(planes, steadied=each) for each in (False, True))
    assert max(np.abs(one - other).max() for one, other in zip(plain, steadied, strict=True)) <= 1
    assert np.abs(plain[-1] - steadied[-1]).mean() < 0.1
    quick = [np.round(255 * texture(shift=1.5 * min(number, 5))) for number in range(12)]
    for one, other in zip(*(made_of(quick, steadied=each) for each in (False, True)), strict=True):
        np.testing.assert_array_equal(one, other)  # a pan that stops stands still at once


@pytest.fixture
def film(tmp_path):
    """Still but for noise, frames repeated across the ends of segments."""

    def write(**facts):
        return write_film(Film(name="film.mkv", frames=20, repeats=5, **facts), tmp_path)

    return write


def still(monkeypatch):
    """Have the waves of `films` stand still, so that there is something to steady."""
    from tests.video import films

    def planes_of(film, index):
        kinds = _planes_of(film, 0)
        rng = np.random.default_rng(index // film.repeats)
        return [
            np.clip(each.astype(int) + rng.integers(-1, 2, each.shape), 0, 255).astype(each.dtype) for each in kinds
        ]

    _planes_of = films.planes_of
    monkeypatch.setattr(films, "planes_of", planes_of)


def video(source, **wishes):
    options = {"codec": "ffv1", "steady": True, **wishes}
    return VideoRun(source, Wishes(request=SizeRequest(scale=2), **options), {"threads": 1})


@pytest.mark.parametrize("pixel_format", ["yuv420p", "bgra"])
@pytest.mark.parametrize("frames", [1, LENGTH, LENGTH + 1, 2 * LENGTH + 3, 20])
def test_a_broken_run_goes_on_to_the_same_bytes(film, tmp_path, monkeypatch, frames, pixel_format):
    still(monkeypatch)
    monkeypatch.setattr(run_module, "segment_frames", lambda *_, **__: LENGTH)
    source = film(pixel_format=pixel_format)
    whole, broken, plain = (tmp_path / f"{name}.mkv" for name in ("whole", "broken", "plain"))
    report = video(source).make(whole)
    assert report.steady
    killed_after(video(source), broken, frames)
    video(source).make(broken)
    assert broken.read_bytes() == whole.read_bytes()
    assert not video(source, steady=False).make(plain).steady
    assert plain.read_bytes() != whole.read_bytes()


def test_another_steadiness_is_another_job(film, tmp_path, monkeypatch):
    monkeypatch.setattr(run_module, "segment_frames", lambda *_, **__: LENGTH)
    source, output = film(), tmp_path / "out.mkv"
    killed_after(video(source), output, 2 * LENGTH)
    with pytest.raises(VideoError, match=r"begun in another way \(steady True, now False\)"):
        video(source, steady=False).make(output)


def test_without_the_kernels_it_is_refused(monkeypatch):
    monkeypatch.setattr(NativeEngine, "unavailable", lambda _: "not built here")
    with pytest.raises(EngineUnavailableError, match="steady films need its kernels: not built here"):
        Steadier(white=255)
