"""A file is looked at without being changed, and what it holds is told."""

import json
from fractions import Fraction

import pytest

from tests.video.films import Film, write_film
from upres.errors import VideoError
from upres.video.probe import probe


def test_a_rich_file_is_told_whole(tmp_path):
    film = Film(
        name="rich.mkv",
        codec="libx264",
        audio=2,
        subtitles=["subrip"],
        chapters=2,
        attachments=1,
        cover=True,
        sar=Fraction(4, 3),
        rotation=90,
        colors=(9, 18, 9, 1),
        tags={"title": "Rich"},
    )
    found = probe(write_film(film, tmp_path))
    assert (found.picture.width, found.picture.height, found.picture.pixel_format) == (48, 32, "yuv420p")
    assert found.picture.sample_aspect_ratio == Fraction(4, 3)
    assert found.picture.rotation == 90
    assert (found.picture.colors.primaries, found.picture.colors.transfer, found.picture.colors.matrix) == (9, 18, 9)
    assert [each.described for each in found.others] == [
        "audio 1 (mp2, eng, sound 0)",
        "audio 2 (mp2, fra, sound 1)",
        "subtitle 3 (subrip, deu)",
        "attachment 4 (application/x-truetype-font, font0.ttf)",
        "cover 5 (mjpeg, cover.jpg)",
    ]
    assert found.chapters == 2
    assert found.tags["title"] == "Rich"
    assert json.loads(json.dumps(found.to_dict()))["picture"]["sample_aspect_ratio"] == "4/3"


def test_the_chapters_of_an_mp4_are_no_data_stream(tmp_path):
    found = probe(write_film(Film(name="a.mp4", codec="libx264", chapters=2, audio=1), tmp_path))
    assert found.chapters == 2
    assert [each.kind for each in found.others] == ["audio"]


def test_fields_are_seen(tmp_path):
    assert probe(write_film(Film(name="i.mkv", codec="libx264", interlaced=True), tmp_path)).picture.fields == "top"


def test_the_suffix_does_not_matter(tmp_path):
    path = write_film(Film(name="a.mp4", codec="libx264"), tmp_path)
    assert probe(path.rename(tmp_path / "a.mkv")).container.startswith("mov")


def test_what_is_no_video_is_refused(tmp_path):
    with pytest.raises(VideoError, match="cannot be read as a video"):
        probe(tmp_path / "missing.mkv")
    (tmp_path / "text.mkv").write_text("no film " * 99)
    with pytest.raises(VideoError, match=r"text\.mkv: cannot be read as a video"):
        probe(tmp_path / "text.mkv")
