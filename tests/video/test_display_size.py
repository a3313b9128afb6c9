"""The shape of pixels in Matroska's header, as FFmpeg's own reader sees it."""

import json
import shutil
import subprocess
from fractions import Fraction

import pytest

av = pytest.importorskip("av", reason="needs the extra 'video'")

from tests.video.films import Film, write_film  # noqa: E402
from upres.errors import VideoError  # noqa: E402
from upres.video.display_size import write_display_width  # noqa: E402
from upres.video.probe import probe  # noqa: E402

CASES = [
    ("av1", ".mkv", "yuv420p", Fraction(4, 3)),
    ("vp9", ".mkv", "yuv420p", Fraction(3, 4)),
    ("prores", ".mkv", "yuv422p10le", Fraction(8, 3)),
    ("av1", ".webm", "yuv420p", Fraction(4, 3)),
    ("vp9", ".webm", "yuv420p", Fraction(2)),
]


@pytest.mark.parametrize(("codec", "suffix", "pixel_format", "ratio"), CASES)
def test_streams_that_do_not_tell_the_shape_keep_it(codec, suffix, pixel_format, ratio, tmp_path, enlarge):
    colors = {"colors": (9, 16, 9, 1)} if suffix == ".mkv" else {}
    film = Film(name="a.mp4", codec="libx264", pixel_format=pixel_format, sar=ratio, **colors)
    source = write_film(film, tmp_path)
    _, report, output = enlarge(source, codec=codec, suffix=suffix)
    assert report.left_out == ()
    found = probe(output)
    assert found.picture.sample_aspect_ratio == ratio
    assert found.picture.colors == probe(source).picture.colors or suffix == ".webm"
    if shutil.which("ffprobe"):
        told = subprocess.run(
            ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", str(output)],
            capture_output=True,
            check=True,
        )
        (stream,) = json.loads(told.stdout)["streams"]
        assert stream["sample_aspect_ratio"] == f"{ratio.numerator}:{ratio.denominator}"
        assert (int(stream["nb_read_frames"]), told.stderr) == (6, b"")


@pytest.mark.parametrize("ratio", [2, 2000, Fraction(1, 4)])
def test_only_the_tracks_change(ratio, tmp_path):
    source = write_film(Film(name="a.mkv", audio=1), tmp_path)
    before = source.read_bytes()
    with source.open("r+b") as stream:
        write_display_width(stream, Fraction(ratio))
    after = source.read_bytes()
    changed = [index for index, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    assert changed
    assert changed[0] > before.rindex(bytes.fromhex("1654ae6b"), 0, changed[0])
    assert changed[-1] < before.index(bytes.fromhex("1f43b675"))
    assert probe(source).picture.sample_aspect_ratio == ratio
    assert len(probe(source).others) == 1


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "a.mkv"
    path.write_bytes(bytes.fromhex("1a45dfa380"))
    with path.open("r+b") as stream, pytest.raises(VideoError, match="ends before its tracks"):
        write_display_width(stream, Fraction(2))
