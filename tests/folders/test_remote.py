"""Pictures on the machines of a cluster: the files, lines and reports of a run on one machine."""

import pickle
import random
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from upres.errors import Hint, ModelError
from upres.folders import remote
from upres.folders.batch import FolderRun
from upres.folders.jobs import Job
from upres.folders.journal import FILE_NAME
from upres.folders.remote import RemoteRun
from upres.folders.reports import FileOptions
from upres.image.io import Frame, Picture, write
from upres.image.naming import NamePattern
from upres.machine.executors.crew import Lost
from upres.upscaler import Upscaler

MAKE = partial(Upscaler, 2, model="bicubic")


class Machines:
    """Several workers in this process, which get their tasks as machines do and end them in another order."""

    def __init__(self, lose=()):
        self.asked, self.lose, self.before_placing = [], set(lose), lambda made: None

    @contextmanager
    def __call__(self, address, make, *, reads, writes):
        self.asked.append((address, list(reads), list(writes)))
        yield self.of(make)

    def of(self, make):
        self.workers = [pickle.loads(pickle.dumps(make))(64) for _ in range(2)]
        return self

    def results(self, tasks):
        sent = [pickle.dumps(task) for task in tasks]
        random.Random(0).shuffle(sent)
        for number, data in enumerate(sent):
            task = pickle.loads(data)
            if task.index in self.lose:
                yield task, Lost()
                continue
            made = pickle.loads(pickle.dumps(self.workers[number % 2](pickle.loads(data))))
            self.before_placing(made)
            yield task, made


@pytest.fixture
def machines(monkeypatch):
    found = Machines()
    monkeypatch.setattr(remote, "crew_of", found)
    return found


def picture(path, side=8):
    rng = np.random.default_rng(side)
    write(Picture(frames=(Frame(pixels=rng.integers(0, 256, (side, side + 4, 3), np.uint8)),)), path)
    return path


@pytest.fixture
def jobs(tmp_path):
    """Pictures to several formats; one is none, one is not there."""
    made = []
    for index in range(12):
        source = picture(tmp_path / f"p{index:02}.png", side=8 + index)
        made.append(Job(source=source, output=tmp_path / "out" / f"p{index:02}.{('jpg', 'png', 'webp')[index % 3]}"))
    made[5].source.write_bytes(b"no picture")
    made[7].source.unlink()
    return made


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != FILE_NAME}


def lines(folder):
    return sorted((folder / FILE_NAME).read_text().splitlines())


def told(reports):
    return [replace(report, seconds=0.0) for report in reports]


def test_files_lines_and_reports_are_those_of_a_local_run(jobs, tmp_path, machines):
    done = []
    spread = told(RemoteRun(jobs, MAKE, FileOptions(keep_date=True), address="head:1").run(done.append))
    (tmp_path / "out").rename(tmp_path / "first")
    assert spread == told(FolderRun(jobs, MAKE(), FileOptions(keep_date=True)).run())
    assert files(tmp_path / "first") == files(tmp_path / "out")
    assert lines(tmp_path / "first") == lines(tmp_path / "out")
    assert (tmp_path / "first" / "p00.jpg").stat().st_mtime == jobs[0].source.stat().st_mtime
    assert done == sorted(done)
    assert done[-1] == len(jobs)
    assert machines.asked == [("head:1", [tmp_path], [tmp_path])]


def test_what_is_done_is_left_out_wherever_it_was_done(jobs, machines):
    list(FolderRun(jobs[:4], MAKE(), FileOptions()).run())
    first = told(RemoteRun(jobs, MAKE, FileOptions()).run())
    assert [report.skipped for report in first] == [index < 4 for index in range(12)]
    again = told(FolderRun(jobs, MAKE(), FileOptions()).run())
    assert again == told(RemoteRun(jobs, MAKE, FileOptions()).run())
    assert sum(report.skipped for report in again) == 10


def test_a_run_that_ends_early_leaves_what_is_whole_and_goes_on(jobs, machines):
    run = RemoteRun(jobs, MAKE, FileOptions()).run()
    next(run)
    run.close()
    folder = jobs[0].output.parent
    there = set(files(folder))
    assert there <= {job.output.name for job in jobs}
    again = list(RemoteRun(jobs, MAKE, FileOptions()).run())
    assert {Path(report.output).name for report in again if report.skipped} == there
    assert len(files(folder)) == 10


def test_what_another_run_has_made_meanwhile_is_not_written_again(jobs, machines):
    def other_run(made):
        machines.before_placing = lambda made: None
        list(FolderRun(jobs, MAKE(), FileOptions()).run())

    machines.before_placing = other_run
    reports = list(RemoteRun(jobs, MAKE, FileOptions()).run())
    assert sum(report.skipped for report in reports) == 10
    assert len(lines(jobs[0].output.parent)) == 10
    assert len(files(jobs[0].output.parent)) == 10


def test_a_hidden_file_that_does_not_show_here_is_a_failure(jobs, machines):
    machines.before_placing = lambda made: made.hidden and made.hidden.unlink()
    report = next(RemoteRun(jobs[:1], MAKE, FileOptions()).run())
    assert report.error == f"{jobs[0].output}: cannot be written: No such file or directory"
    assert files(jobs[0].output.parent) == {}


def test_a_picture_that_takes_every_machine_with_it_is_a_failure(jobs, machines):
    machines.lose = {2}
    report = list(RemoteRun(jobs, MAKE, FileOptions()).run())[2]
    assert report.error == f"{jobs[2].source}: 3 workers were lost over it"
    assert report.hint is Hint.LESS_MEMORY


def test_of_two_outputs_of_one_name_the_first_counts_though_the_second_comes_first(tmp_path, machines):
    pattern = NamePattern("{width}{suffix}")
    sources = [picture(tmp_path / f"{name}.png", side=20) for name in "abcdef"]
    named = [Job(source=source, output=tmp_path / source.name, pattern=pattern) for source in sources]
    reports = told(RemoteRun(named, MAKE, FileOptions()).run())
    assert [report.error is None for report in reports] == [True] + [False] * 5
    assert reports[3].error == f"{tmp_path / '48.png'} is the output of {sources[0]} in this very run"
    assert [path.name for path in tmp_path.glob(".*.part")] == []
    (tmp_path / "48.png").unlink()
    (tmp_path / FILE_NAME).unlink()
    assert reports == told(FolderRun(named, MAKE(), FileOptions()).run())


def test_no_output_takes_the_place_of_a_picture_that_may_be_read(tmp_path, machines):
    sources = [picture(tmp_path / f"{name}.png") for name in "ab"]
    chain = [Job(source=sources[0], output=sources[1]), Job(source=sources[1], output=tmp_path / "c.png")]
    first, second = RemoteRun(chain, MAKE, FileOptions(overwrite=True)).run()
    assert "is a picture of this run, which another machine may be reading" in first.error
    assert second.error is None


def test_streams_are_not_for_other_machines():
    with pytest.raises(ValueError, match="a job without"):
        RemoteRun([Job(source=None, output=Path("x.png"))], MAKE, FileOptions())


def test_a_machine_that_would_make_others_refuses(jobs, machines, monkeypatch):
    run = RemoteRun(jobs, MAKE, FileOptions())
    monkeypatch.setattr(Upscaler, "model_identity", lambda self: ("bicubic", "other"))
    with pytest.raises(ModelError, match=r"weights other there, .* here; install the same on every machine"):
        list(run.run())


def test_a_run_on_this_machine_brings_nothing_of_a_cluster(tmp_path):
    picture(tmp_path / "a.png")
    code = (
        "import sys; from upres.apps.cli.main import main;"
        f"status = main(['upscale', {str(tmp_path / 'a.png')!r}, '--model', 'bicubic', '--quiet']);"
        "print(status, *sorted({'ray', 'upres.folders.remote'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "0\n"
