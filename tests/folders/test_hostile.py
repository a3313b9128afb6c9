"""Runs in a hostile place: journals that lie, runs that were killed, names that are links or too long."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from upres.folders.batch import FolderRun
from upres.folders.jobs import Job
from upres.folders.journal import FILE_NAME
from upres.folders.reports import FileOptions
from upres.image.io import Frame, Picture, read, write
from upres.machine.digest import digest
from upres.upscaler import Upscaler

posix = pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and signals of POSIX")


def save(path, seed=0, shape=(4, 6, 3)):
    pixels = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    write(Picture(frames=(Frame(pixels=pixels),)), path)
    return path


def jobs(folder, *names, to=None):
    to = folder if to is None else to
    return [Job(source=folder / f"{name}.png", output=to / f"{name}_x2.png") for name in names]


def run(jobs, **options):
    made = FolderRun(jobs, Upscaler(2, model="bicubic"), FileOptions(**options))
    return made, list(made.run())


def outcomes(reports):
    return ["failed" if report.error else "up to date" if report.skipped else "made" for report in reports]


BAD = [
    '{"output": ["x"], "output_sha256": "0", "source": "a", "source_sha256": "0", "model": "m", "recipe": {}}',
    '{"output": {}, "output_sha256": "0", "source": "a", "source_sha256": "0", "model": "m", "recipe": {}}',
    *(
        f'{{"output": "a_x2.png", "output_sha256": "0", "source": {source}, "source_sha256": "0", "model": "m",'
        f' "recipe": {recipe}}}'
        for source, recipe in [
            (5, "{}"),
            ("null", "{}"),
            ('"a"', "3"),
            ('"a"', "[1]"),
            ('"a"', "null"),
            ('"a"', '"ab"'),
        ]
    ),
    "[" * 200_000 + "]" * 200_000,
    '{"output": ' + "[" * 60_000,
    "[]",
    "null",
    "3",
    "NaN",
    '"text"',
    "1" * 5000,
    "\0\0\0",
    "\x1b[31m",
]


@pytest.mark.parametrize("line", BAD, ids=lambda line: line[:70])
@pytest.mark.parametrize("where", ["in", "out"])
def test_a_line_that_is_none_stops_nobody_and_is_told(tmp_path, line, where):
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
    save(tmp_path / "in" / "a.png")
    journal = tmp_path / where / FILE_NAME
    journal.write_text(line)
    made, reports = run(jobs(tmp_path / "in", "a", to=tmp_path / "out"))
    assert outcomes(reports) == ["made"]
    assert made.notes == [f"{journal}: 1 line passed over, not as upres writes them"]
    made, reports = run(jobs(tmp_path / "in", "a", to=tmp_path / "out"))
    assert outcomes(reports) == ["up to date"]


def test_bytes_that_are_no_text_stop_nobody(tmp_path):
    save(tmp_path / "a.png")
    (tmp_path / FILE_NAME).write_bytes(bytes(range(256)) * 300)
    assert outcomes(run(jobs(tmp_path, "a"))[1]) == ["made"]
    assert outcomes(run(jobs(tmp_path, "a"))[1]) == ["up to date"]


def test_a_planted_journal_does_not_hide_a_picture_in_silence(tmp_path):
    for seed, name in enumerate(("a", "b")):
        save(tmp_path / f"{name}.png", seed)
    line: dict[str, object] = {"output": "b.png", "output_sha256": digest(tmp_path / "b.png"), "source": "a.png"}
    line |= {"source_sha256": digest(tmp_path / "a.png"), "model": "m", "options": {}}
    (tmp_path / FILE_NAME).write_text(json.dumps(line) + "\n")
    made, reports = run(jobs(tmp_path, "a", "b"))
    assert outcomes(reports) == ["made"]
    said = f"left out 1 file that upres made from others of this run, by {tmp_path / FILE_NAME}: {tmp_path / 'b.png'}"
    assert made.notes == [said]


@posix
@pytest.mark.parametrize("kind", ["link", "zeros", "pipe", "folder"])
def test_what_is_no_journal_is_told_once_and_the_run_goes_on(tmp_path, kind):
    victim, journal = tmp_path / "victim", tmp_path / FILE_NAME
    victim.write_text("precious")
    if kind == "pipe":
        os.mkfifo(journal)
    elif kind == "folder":
        journal.mkdir()
    else:
        journal.symlink_to(victim if kind == "link" else "/dev/zero")
    for name in "abc":
        save(tmp_path / f"{name}.png")
    made, reports = run(jobs(tmp_path, *"abc"))
    assert outcomes(reports) == ["made"] * 3
    assert len(made.notes) == 1
    warnings = [warning for report in reports for warning in report.warnings]
    assert len(warnings) == 1
    assert "a repeated run will not skip what is made" in warnings[0]
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("where", ["before the rename", "after the rename"])
def test_a_run_killed_around_the_rename_loses_nothing(tmp_path, where):
    save(tmp_path / "a.png")
    code = f"""
import os, signal, sys
from pathlib import Path
from upres.apps.cli.main import main
rename = Path.replace
def killed(self, target):
    if {where!r}.startswith("after"):
        rename(self, target)
    os.kill(os.getpid(), signal.SIGKILL)
Path.replace = killed
main(["upscale", sys.argv[1], "--model", "bicubic"])
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.png")], check=False)
    assert done.returncode == -signal.SIGKILL
    there = (tmp_path / "a_x2.png").exists()
    assert there == where.startswith("after")
    assert len(list(tmp_path.glob(".*.part"))) == (not there)
    assert outcomes(run(jobs(tmp_path, "a"))[1]) == ["up to date" if there else "made"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [FILE_NAME, "a.png", "a_x2.png"]
    assert outcomes(run(jobs(tmp_path, "a"))[1]) == ["up to date"]


def test_a_torn_line_does_not_take_the_next_with_it(tmp_path):
    for name in "ab":
        save(tmp_path / f"{name}.png")
    run(jobs(tmp_path, "a"))
    with (tmp_path / FILE_NAME).open("a") as file:
        file.write('{"model": "bicubic", "outp')
    assert outcomes(run(jobs(tmp_path, "a", "b"))[1]) == ["up to date", "made"]
    assert outcomes(run(jobs(tmp_path, "a", "b"))[1]) == ["up to date", "up to date"]


@posix
def test_the_input_is_not_replaced_through_links(tmp_path):
    folder = tmp_path / "real"
    folder.mkdir()
    source = save(folder / "a.png")
    before = source.read_bytes()
    (folder / "link.png").symlink_to("a.png")
    (folder / "hard.png").hardlink_to(source)
    (tmp_path / "linked").symlink_to("real")
    for output in ("real/link.png", "linked/a.png", "linked/link.png", "real/../linked/a.png", "real/hard.png"):
        for given in (source, folder / "link.png", tmp_path / "linked" / "a.png"):
            job = Job(source=given, output=tmp_path / output)
            (report,) = run([job], overwrite=True)[1]
            assert report.error is not None, (given, output)
            assert report.error.endswith("is the input itself; choose another output")
    assert source.read_bytes() == before


@posix
def test_two_jobs_do_not_share_an_output_through_links(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "linked").symlink_to("out")
    for name in "ab":
        save(tmp_path / f"{name}.png")
    shared = [
        Job(source=tmp_path / "a.png", output=tmp_path / "out" / "x.png"),
        Job(source=tmp_path / "b.png", output=tmp_path / "linked" / "x.png"),
    ]
    reports = run(shared, overwrite=True)[1]
    assert outcomes(reports) == ["made", "failed"]
    assert reports[1].error.endswith(f"is the output of {tmp_path / 'a.png'} in this very run")


def test_one_file_of_which_anything_is_raised_is_one_failure(tmp_path, monkeypatch):
    for name in "abc":
        save(tmp_path / f"{name}.png")
    maker, errors = Upscaler(2, model="bicubic"), iter([None, ZeroDivisionError("one\ntwo"), None])
    make = maker.upscale_picture

    def upscale_picture(picture, **options):
        if (error := next(errors)) is not None:
            raise error
        return make(picture, **options)

    monkeypatch.setattr(maker, "upscale_picture", upscale_picture)
    reports = list(FolderRun(jobs(tmp_path, *"abc"), maker, FileOptions()).run())
    assert outcomes(reports) == ["made", "failed", "made"]
    kind = "failed in a way that upres does not know (ZeroDivisionError: one); please report it"
    assert reports[1].error == f"{tmp_path / 'b.png'}: {kind}"


def test_two_runs_on_one_folder_make_each_output_once_or_twice_and_none_fails(tmp_path):
    names = [f"p{index}" for index in range(12)]
    for seed, name in enumerate(names):
        save(tmp_path / f"{name}.png", seed, (60, 60, 3))
    line = [sys.executable, "-m", "upres", "upscale", str(tmp_path), "--model", "bicubic", "--exclude", "*_x2.png"]
    both = [subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert not list(tmp_path.glob(".*.part"))
    assert outcomes(run(jobs(tmp_path, *names))[1]) == ["up to date"] * 12


def test_an_output_that_appears_meanwhile_with_other_options_is_not_replaced(tmp_path, monkeypatch):
    source, output = save(tmp_path / "a.png"), tmp_path / "a_x2.png"
    maker = Upscaler(2, model="bicubic")
    make = maker.upscale_picture

    def upscale_picture(picture, **options):
        output.write_bytes(b"somebody else's")
        return make(picture, **options)

    monkeypatch.setattr(maker, "upscale_picture", upscale_picture)
    (report,) = FolderRun([Job(source=source, output=output)], maker, FileOptions()).run()
    assert report.error == f"{output} exists"
    assert output.read_bytes() == b"somebody else's"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "a_x2.png"]


def test_a_source_that_an_earlier_job_replaces_is_read_after_it(tmp_path):
    save(tmp_path / "a.png", 1)
    save(tmp_path / "a_x2.png", 2)
    chain = jobs(tmp_path, "a", "a_x2")
    assert outcomes(run(chain, overwrite=True)[1]) == ["made", "made"]
    assert read(tmp_path / "a_x2_x2.png").size == (16, 24)


def test_files_left_by_a_killed_run_are_removed_by_the_next(tmp_path):
    save(tmp_path / "a.png")
    stale, other = tmp_path / ".a_x2.png.0123456789ab.part", tmp_path / ".a.part"
    for path in (stale, other):
        path.touch()
    run(jobs(tmp_path, "a"))
    assert (stale.exists(), other.exists()) == (False, True)
