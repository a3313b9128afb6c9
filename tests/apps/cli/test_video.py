"""`upres video`: what it prints, what it writes, what it refuses."""

import json
import os
import sys
from fractions import Fraction
from io import BytesIO, TextIOWrapper

import av
import numpy as np
import pytest

from tests.video.conftest import shown
from tests.video.films import Film, write_film
from upres.apps.cli._video_options import seconds
from upres.apps.cli.main import main
from upres.image.io import read


@pytest.fixture
def film(tmp_path):
    return write_film(Film(name="film.mkv", audio=1), tmp_path)


def test_a_film_is_made_beside_its_source_once(film, capsys):
    assert main(["video", str(film), "--threads", "1"]) == 0
    told = capsys.readouterr()
    assert "film_x2.mkv  96x64  h264, esr_tm_x2  6 frames" in told.out
    assert "players take bt601-525" in told.err
    assert len(shown(film.with_name("film_x2.mkv")).times) == 6
    assert main(["video", str(film), "--threads", "1"]) == 0
    assert capsys.readouterr().out == f"{film.with_name('film_x2.mkv')}: up to date\n"
    assert main(["video", str(film), "--threads", "1", "--crf", "30"]) == 1
    assert "was made with other options (crf default, now 30); --overwrite replaces it" in capsys.readouterr().err
    assert main(["video", str(film), "--threads", "1", "--crf", "30", "--overwrite"]) == 0


def test_json_is_the_contract(film, capsys):
    assert main(["video", str(film), "--json", "--threads", "1"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {"input", "output", "frames", "seconds", "fps", "codec", "copied", "left_out", "warnings"} <= told.keys()
    assert (told["frames"], told["codec"], told["copied"]) == (6, "h264", ["audio 1 (mp2, eng, sound 0)"])


def test_a_steady_film_is_told_and_another_one_than_without(film, capsys):
    assert main(["video", str(film), "--json", "--threads", "1", "--steady"]) == 0
    assert json.loads(capsys.readouterr().out)["steady"] is True
    assert main(["video", str(film), "--threads", "1"]) == 1
    assert "was made with other options (steady True, now default)" in capsys.readouterr().err
    assert main(["video", str(film), "--json", "--threads", "1", "--overwrite"]) == 0
    assert json.loads(capsys.readouterr().out)["steady"] is False


def test_a_folder_goes_on_past_what_fails_and_leaves_its_own_results_out(film, tmp_path, capsys):
    (tmp_path / "bad.mp4").write_text("no film")
    (tmp_path / "words.txt").write_text("nothing")
    (tmp_path / "program.ts").write_text("const film = 1;")
    assert main(["video", str(tmp_path), "--threads", "1"]) == 1
    assert "bad.mp4: cannot be read as a video" in capsys.readouterr().err
    (tmp_path / "bad.mp4").unlink()
    assert main(["video", str(tmp_path), "-o", str(tmp_path / "large"), "--threads", "1", "--format", "mov"]) == 0
    assert "made from others of this run" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "large").glob("film*")] == ["film_x2.mov"]


def test_what_is_lost_is_told_before_the_work(tmp_path, capsys):
    source = write_film(Film(name="a.mkv", subtitles=["subrip"]), tmp_path)
    assert main(["video", str(source), "-o", str(tmp_path / "b.mp4"), "--threads", "1"]) == 0
    assert "left out: subtitle 1 (subrip, deu): MP4 does not hold it; Matroska may hold it" in capsys.readouterr().err


def test_a_film_that_was_cut_off_is_told_behind_the_work(tmp_path, capsys):
    source = write_film(Film(name="a.mkv", frames=100), tmp_path)
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    assert main(["video", str(source), "--threads", "1"]) == 0
    told = capsys.readouterr()
    assert "a.mkv: pictures end after" in told.err.splitlines()[-1]
    assert main(["video", str(source), "--threads", "1", "--overwrite", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_info_is_told_for_people_and_programs(film, capsys):
    assert main(["video", str(film), "--info"]) == 0
    assert "picture  48x32 ffv1 yuv420p, 25.000 frames a second" in capsys.readouterr().out
    assert main(["video", str(film), "--info", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["picture"]["width"], told["others"][0]["kind"]) == (48, "audio")


def test_a_preview_makes_its_folder(film, tmp_path, capsys):
    assert main(["video", str(film), "--preview", "0:00.1", "-o", str(tmp_path / "new"), "--threads", "1"]) == 0
    assert [read(line).size for line in capsys.readouterr().out.split()] == [(32, 48), (64, 96)]
    assert len(list((tmp_path / "new").iterdir())) == 2


def test_a_preview_is_two_pictures(film, capsys):
    assert main(["video", str(film), "--preview", "0:00.1", "--threads", "1"]) == 0
    before, after = (read(line) for line in capsys.readouterr().out.split())
    assert (before.size, after.size) == ((32, 48), (64, 96))
    difference = before.pixels.astype(int) - after.pixels[::2, ::2]
    assert np.abs(difference).mean() < 25
    assert not list(film.parent.glob("film_x2*"))
    assert main(["video", str(film), "--preview", "0:00.1", "-o", "p.png", "--threads", "1"]) == 1
    assert "p.png: expected a folder, because a preview is two pictures" in capsys.readouterr().err


def test_frames_go_to_other_peoples_encoders(film, tmp_path, monkeypatch):
    stream = BytesIO()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(stream))
    assert main(["video", str(film), "-o", "-", "--format", "y4m", "--threads", "1", "--quiet"]) == 0
    (tmp_path / "out.y4m").write_bytes(stream.getvalue())
    assert stream.getvalue().startswith(b"YUV4MPEG2 W96 H64 F25:1 Ip A1:1 C420mpeg2 XCOLORRANGE=LIMITED\nFRAME\n")
    assert main(["video", str(film), "-o", str(tmp_path / "out.mkv"), "--lossless", "--threads", "1", "--quiet"]) == 0
    made, kept = shown(tmp_path / "out.y4m"), shown(tmp_path / "out.mkv")
    for one, other in zip(made.frames, kept.frames, strict=True):
        for plane, same in zip(one, other, strict=True):
            np.testing.assert_array_equal(plane, same)


def test_interlaced_films_are_refused_with_the_flag(tmp_path, capsys):
    source = write_film(Film(name="a.mkv", codec="libx264", interlaced=True), tmp_path)
    assert main(["video", str(source)]) == 1
    assert "--deinterlace makes whole frames of it first" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scale", "2", "--width", "9"], "give one of --scale"),
        (["--model", "esr_tm", "--real"], "each choose the networks"),
        (["--start", "5", "--end", "4"], "--end must come after --start"),
        (["-o", "-"], "-o - needs --format y4m"),
        (["--start", "1:75"], "expected a time such as"),
    ],
)
def test_wrong_usage_is_told(film, capsys, arguments, message):
    with pytest.raises(SystemExit) as caught:
        main(["video", str(film), *arguments])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_times_of_the_command():
    assert [seconds(text) for text in ("90", "1:30", "00:01:30.5")] == [90, 90, 90.5]


def test_without_pyav_the_extra_is_named(film, capsys, monkeypatch):
    from upres.video import extra

    monkeypatch.setattr(extra, "find_spec", lambda _: None)
    assert main(["video", str(film)]) == 1
    assert capsys.readouterr().err == "upres: video needs the 'video' extra: pip install 'upres[video]'\n"


def test_pixels_of_another_shape_keep_it_in_the_stream(tmp_path):
    source = write_film(Film(name="a.mp4", codec="libx264", sar=Fraction(4, 3)), tmp_path)
    assert main(["video", str(source), "--quiet", "--threads", "1", "--scale", "1.5"]) == 0
    with av.open(str(tmp_path / "a_x1.5.mp4")) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(4, 3)


PLAYER = """#!/bin/sh
printf '%s\\n' "$@" > "$0.asked"
exec cat > "$0.shown"
"""


def player(tmp_path, monkeypatch, text=PLAYER):
    path = tmp_path / "bin" / "mpv"
    path.parent.mkdir()
    path.write_text(text)
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")
    return path


@pytest.mark.skipif(os.name == "nt", reason="the player is a shell script")
def test_a_film_is_shown_with_its_sound_and_nothing_is_written(film, tmp_path, monkeypatch):
    path = player(tmp_path, monkeypatch)
    before = sorted(tmp_path.iterdir())
    assert main(["video", str(film), "--play", "--start", "0.08", "--threads", "1"]) == 0
    asked = path.with_suffix(".asked").read_text().split("\n")
    assert f"--audio-file={film}" in asked
    assert "--audio-delay=-0.08" in asked
    assert len(shown(path.with_suffix(".shown").rename(tmp_path / "shown.y4m")).frames) == 4
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "shown.y4m"])


@pytest.mark.skipif(os.name == "nt", reason="the player is a shell script")
@pytest.mark.parametrize(("text", "status"), [("#!/bin/sh\nexit 0\n", 0), ("#!/bin/sh\nexit 3\n", 1)])
def test_a_closed_player_ends_the_run_and_one_that_fails_is_told(film, tmp_path, monkeypatch, capsys, text, status):
    player(tmp_path, monkeypatch, text)
    assert main(["video", str(film), "--play", "--threads", "1"]) == status
    assert ("mpv ended with status 3" in capsys.readouterr().err) == bool(status)


def test_without_a_player_the_way_on_is_told(film, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["video", str(film), "--play"]) == 1
    assert (
        "mpv, which shows films, is not installed; install it, or give frames to another player: upres video"
        in capsys.readouterr().err
    )
