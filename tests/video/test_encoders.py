"""What an encoder is told arrives in the file."""

import av
import numpy as np
import pytest

from tests.video.conftest import shown
from tests.video.films import Film, write_film
from tests.video.test_run import HDR10
from upres.errors import VideoError
from upres.video.encoders import ENCODERS
from upres.video.probe import probe


@pytest.fixture
def hdr(tmp_path):
    film = Film(name="pq.mkv", codec="libx265", pixel_format="yuv420p10le", colors=(9, 16, 9, 1), options=HDR10)
    return write_film(Film(**{**film.__dict__, "size": (64, 96), "frames": 2}), tmp_path)


@pytest.mark.parametrize("codec", ["x264", "x265", "av1"])
def test_hdr10_metadata_comes_back_in_every_spelling(codec, hdr, enlarge):
    _, _, output = enlarge(hdr, codec=codec)
    before, after = probe(hdr).picture, probe(output).picture
    assert after.colors == before.colors
    assert after.hdr.content_light == before.hdr.content_light == (1000, 400)
    for mine, other in zip(after.hdr.primaries, before.hdr.primaries, strict=True):
        assert [float(each) for each in mine] == pytest.approx([float(each) for each in other], abs=2e-5)
    assert [float(each) for each in after.hdr.luminance] == pytest.approx([1e-4, 1000], abs=5e-5)


@pytest.mark.parametrize("codec", ["x264", "x265", "vp9"])
def test_lossless_is_lossless(codec, tmp_path, enlarge):
    source = write_film(Film(name="a.mkv", frames=3), tmp_path)
    exact = shown(enlarge(source, lossless=True, suffix=".mkv")[2])
    (tmp_path / "a_made.mkv").unlink()
    made = shown(enlarge(source, lossless=True, codec=codec, suffix=".mkv")[2])
    for one, other in zip(made.frames, exact.frames, strict=True):
        for plane, same in zip(one, other, strict=True):
            np.testing.assert_array_equal(plane, same)


@pytest.mark.parametrize("encoder", ENCODERS.values(), ids=lambda each: each.name)
def test_every_pixel_format_of_an_encoder_is_one_that_it_takes(encoder):
    taken = {each.name for each in av.Codec(encoder.library, "w").video_formats}
    assert set(encoder.pixel_formats) <= taken


def test_an_encoder_that_cannot_open_is_named(tmp_path, enlarge):
    low = write_film(Film(name="low.mkv", size=(6, 64), frames=2), tmp_path)
    with pytest.raises(VideoError, match=r"x265: does not open for 128x12 pixels"):
        enlarge(low, codec="x265", suffix=".mkv")


@pytest.mark.parametrize(("source", "written"), [("bgr0", "bgr0"), ("bgra", "bgra"), ("gbrp16le", "gbrp16le")])
def test_colors_without_a_luma_plane_stay_as_they_are(source, written, tmp_path, enlarge):
    film = write_film(Film(name="a.mkv", pixel_format=source, frames=2), tmp_path)
    output = enlarge(film, scale=1, lossless=True, suffix=".mkv")[2]
    assert probe(output).picture.pixel_format == written
    for one, other in zip(rgb(output), rgb(film), strict=True):
        np.testing.assert_array_equal(one, other)


def rgb(path):
    """All frames as red, green, blue and alpha, of 16 bits."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgba64le") for frame in container.decode(video=0)]
