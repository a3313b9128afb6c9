"""Killed at any moment, the same command goes on, and the result is that of an unbroken run."""

import errno
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from tests.video.conftest import shown
from tests.video.films import Film, write_film
from upres.errors import Hint, OutputError, OutputExistsError, VideoError
from upres.machine.atomic import atomic_file
from upres.pipeline.sizes import SizeRequest
from upres.video import run as run_module
from upres.video.encode import SegmentEncoder
from upres.video.mux import decoding_times
from upres.video.plan import Wishes
from upres.video.report import InterruptedRun
from upres.video.run import VideoRun

FRAMES, LENGTH = 43, 6
PROGRAM = f"""
import sys, time
from upres.apps.cli.main import main
from upres.video import run
from upres.video.planes import Enlarger
run.segment_frames = lambda *_, **__: {LENGTH}
before = Enlarger.__call__
Enlarger.__call__ = lambda self, frame, **how: (time.sleep(0.01), before(self, frame, **how))[1]
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def short(monkeypatch):
    """Segments of a few frames."""
    monkeypatch.setattr(run_module, "segment_frames", lambda *_, **__: LENGTH)


def video(source, **wishes):
    options = {"codec": "ffv1", **wishes}
    return VideoRun(source, Wishes(request=SizeRequest(scale=2), **options), {"threads": 1})


@pytest.fixture
def source(tmp_path):
    """A film with B-frames, few key frames and uneven times, to which one cannot simply jump."""
    film = Film(
        name="film.mkv",
        codec="libx264",
        options={"g": "17", "bf": "3", "b_strategy": "0", "open-gop": "1"},
        frames=FRAMES,
        times=[4 * number + number % 3 for number in range(FRAMES)],
        audio=1,
        repeats=2,
    )
    return write_film(film, tmp_path)


class _KilledError(BaseException):
    """In the place of a process's end."""


def killed_after(run, output, frames):
    """Run until so many frames were done."""

    def count(now):
        if now.stage == "enlarging" and now.done == frames:
            raise _KilledError

    with pytest.raises(_KilledError):
        run.make(output, progress=count)


@pytest.mark.parametrize("frames", [1, LENGTH, LENGTH + 1, 20, FRAMES])
@pytest.mark.parametrize("codec", ["ffv1", "x264"])
def test_a_broken_run_goes_on_to_the_same_file(source, tmp_path, short, frames, codec):
    whole, broken = tmp_path / "whole.mkv", tmp_path / "broken.mkv"
    unbroken = video(source, codec=codec).make(whole)
    killed_after(video(source, codec=codec), broken, frames)
    assert not broken.exists()
    report = video(source, codec=codec).make(broken)
    assert report.resumed == (frames - 1) // LENGTH * LENGTH if frames < FRAMES else report.resumed > 0
    assert report.frames == unbroken.frames == FRAMES
    if codec == "ffv1":
        assert broken.read_bytes() == whole.read_bytes()
    # x264 by itself makes another packet of the same six small frames once in some hundred times
    one, other = shown(broken), shown(whole)
    assert one.times == other.times
    for made, expected in zip(one.frames, other.frames, strict=True):
        assert np.abs(made[0].astype(int) - expected[0]).mean() < 1
    assert not list(tmp_path.glob(".broken*"))


def test_the_next_run_begins_while_the_encoder_gives_out_the_last(source, tmp_path, short, monkeypatch):
    opened, waited = [], []

    class Encoder(SegmentEncoder):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.next_is_open = Event()
            if opened:
                opened[-1].next_is_open.set()
            opened.append(self)

        def finish(self):
            waited.append(len(waited) + 1 == -(-FRAMES // LENGTH) or self.next_is_open.wait(timeout=30))
            yield from super().finish()

    monkeypatch.setattr(run_module, "SegmentEncoder", Encoder)
    video(source).make(tmp_path / "out.mkv")
    assert waited == [True] * 8


def test_a_run_that_cannot_be_stored_ends_the_work_at_the_next(source, tmp_path, short, monkeypatch):
    class Encoder(SegmentEncoder):
        def finish(self):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(run_module, "SegmentEncoder", Encoder)
    seen = []
    with pytest.raises(OutputError, match="No space left on device"):
        video(source).make(tmp_path / "out.mkv", progress=seen.append)
    assert max(each.done for each in seen) <= 2 * LENGTH


def test_fields_made_to_frames_go_on_too(source, tmp_path, short):
    whole, broken = tmp_path / "whole.mkv", tmp_path / "broken.mkv"
    video(source, deinterlace=True).make(whole)
    killed_after(video(source, deinterlace=True), broken, 20)
    assert video(source, deinterlace=True).make(broken).resumed == 3 * LENGTH
    assert broken.read_bytes() == whole.read_bytes()


def test_times_of_the_result_are_the_sources(source, tmp_path, short):
    output = tmp_path / "out.mkv"
    video(source, codec="x264").make(output)
    assert shown(output).times == shown(source).times


def test_a_finished_part_is_joined_without_another_frame(source, tmp_path, short, monkeypatch):
    output = tmp_path / "out.mkv"
    with monkeypatch.context() as patch:
        patch.setattr(
            run_module, "join", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device"))
        )
        with pytest.raises(OutputError, match="all frames are kept, the same command goes on"):
            video(source).make(output)
    report = video(source).make(output)
    assert (report.resumed, report.frames) == (FRAMES, FRAMES)


def test_a_full_disk_keeps_what_is_done(source, tmp_path, short, monkeypatch):
    output = tmp_path / "out.mkv"
    real, written = atomic_file, []

    @contextmanager
    def full(path):
        written.append(path)
        if len(written) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        with real(path) as stream:
            yield stream

    with monkeypatch.context() as patch:
        patch.setattr("upres.video.segments.atomic_file", full)
        with pytest.raises(
            OutputError, match=r"No space left on device\); what is done is kept, the same command goes on"
        ):
            video(source).make(output)
    assert video(source).make(output).resumed == 2 * LENGTH


def test_a_disk_that_is_too_small_is_told_before(source, tmp_path, monkeypatch):
    monkeypatch.setattr(run_module, "free_bytes", lambda _: 1000)
    with pytest.raises(OutputError, match="twice that while it is made, and 0 MiB are free"):
        video(source).make(tmp_path / "out.mkv")


def test_a_stop_ends_with_a_whole_segment(source, tmp_path, short):
    output, stop = tmp_path / "out.mkv", Event()
    stop.set()
    with pytest.raises(InterruptedRun, match="the same command goes on from there"):
        video(source).make(output, stop=stop)
    assert video(source).make(output).resumed == LENGTH


def test_another_way_of_making_it_is_told_and_not_mixed(source, tmp_path, short):
    output = tmp_path / "out.mkv"
    killed_after(video(source), output, 20)
    with pytest.raises(
        VideoError, match=r"was begun in another way \(.*codec ffv1 yuv420p, now x264 yuv420p"
    ) as caught:
        video(source, codec="x264").make(output)
    assert caught.value.hint is Hint.OVERWRITE
    assert video(source, codec="x264").make(output, overwrite=True).resumed == 0


def test_an_output_that_is_there_stays(source, tmp_path):
    output = tmp_path / "out.mkv"
    output.write_text("mine")
    with pytest.raises(OutputExistsError):
        video(source).make(output)
    assert output.read_text() == "mine"


def test_two_processes_do_not_make_the_same_file(source, tmp_path, short):
    output = tmp_path / "out.mkv"

    def second(now):
        with pytest.raises(VideoError, match="another process is making it just now"):
            video(source).make(output)
        raise _KilledError

    with pytest.raises(_KilledError):
        video(source).make(output, progress=second)


def test_a_changed_source_is_another_job(source, tmp_path, short):
    output = tmp_path / "out.mkv"
    killed_after(video(source), output, 20)
    os.utime(source, ns=(1, 1))
    with pytest.raises(VideoError, match=r"was begun in another way \(source film\.mkv"):
        video(source).make(output)


def test_decoding_times_grow_and_are_not_later_than_what_is_shown():
    for times in ([0, 30, 10, 20, 70, 50, 40, 60], [5], [0, 1, 2], [0, 400, 100, 50, 101]):
        decoded = decoding_times(times)
        assert all(a < b for a, b in pairwise(decoded))
        assert all(early <= late for early, late in zip(decoded, times, strict=True))


@pytest.mark.parametrize("seed", [*range(2), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 30))])
def test_kill_9_at_a_random_moment(seed, source, tmp_path, short):
    whole, output = tmp_path / "whole.mkv", tmp_path / "out.mkv"
    video(source).make(whole)
    command = _command(source, output)
    choice = random.Random(seed)
    kills = 0
    while not output.exists():
        process = subprocess.Popen([*command, "--quiet"])
        if kills < 2:
            _wait_for(tmp_path / ".out.mkv.upres" / "job.json", process)
            time.sleep(choice.uniform(0, 0.7))
            process.send_signal(signal.SIGKILL)
            kills += 1
        assert process.wait() in (0, -signal.SIGKILL)
    assert output.read_bytes() == whole.read_bytes()
    again = subprocess.run(
        command, capture_output=True, text=True, check=True
    )  # killed after the file was in its place
    assert "up to date" in again.stdout
    assert not list(tmp_path.glob(".out.mkv*"))


def _command(source: Path, output: Path) -> list[str]:
    arguments = ["video", str(source), "-o", str(output), "--codec", "ffv1", "--threads", "1"]
    return [sys.executable, "-c", PROGRAM, *arguments]


def _wait_for(path: Path, process: subprocess.Popen) -> None:
    while not path.exists() and process.poll() is None:
        time.sleep(0.01)


def test_ctrl_c_finishes_the_segment_and_says_how_to_go_on(source, tmp_path):
    output = tmp_path / "out.mkv"
    command = _command(source, output)
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    _wait_for(tmp_path / ".out.mkv.upres" / "seg-00000.pkts", process)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert process.returncode == 130
    assert "finishing the frames at hand" in told
    assert "the same command goes on from there" in told
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "of them by an earlier run" in again.stdout
