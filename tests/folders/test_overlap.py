"""Pictures that overlap come out as one after the other would: the same bytes, in the same order."""

import json
import time

import numpy as np
import pytest

from upres.folders import batch
from upres.folders.batch import FolderRun
from upres.folders.jobs import Job
from upres.folders.journal import FILE_NAME
from upres.folders.reports import FileOptions
from upres.folders.work import Work
from upres.image.io import Frame, Picture, write
from upres.upscaler import Upscaler

NAMES = [f"p{index:02}" for index in range(24)]


@pytest.fixture
def jobs(tmp_path):
    """Pictures of several sizes, two of which are none, to several formats."""
    rng = np.random.default_rng(0)
    made = []
    for index, name in enumerate(NAMES):
        source = tmp_path / f"{name}.png"
        side = (8, 200, 40)[index % 3]
        pixels = rng.integers(0, 256, (side, side + 4, 3), np.uint8)
        write(Picture(frames=(Frame(pixels=pixels),)), source)
        made.append(Job(source=source, output=tmp_path / "out" / f"{name}.{('jpg', 'png', 'webp')[index % 3]}"))
    for index in (5, 11):
        made[index].source.write_bytes(b"no picture")
    return made


def outcome(jobs, run):
    folder = jobs[0].output.parent
    reports = list(run)
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != FILE_NAME}
    noted = [json.loads(line)["output"] for line in (folder / FILE_NAME).read_text().splitlines()]
    return [(report.input, report.output, report.error, report.warnings) for report in reports], files, noted


@pytest.mark.parametrize("bytes_behind", [0, 2**18, batch.BEHIND_BYTES])
def test_the_same_files_lines_and_reports_in_the_same_order(jobs, tmp_path, monkeypatch, bytes_behind):
    monkeypatch.setattr(batch, "available_cores", lambda: 3)
    monkeypatch.setattr(batch, "BEHIND_BYTES", bytes_behind)
    finish, late = Work.finish, iter(range(len(NAMES)))

    def slow_at_first(self, turn):  # so that later ones would overtake
        time.sleep(0.03 * (next(late) % 4 == 0))
        finish(self, turn)

    with monkeypatch.context() as patch:
        patch.setattr(Work, "finish", slow_at_first)
        overlapped = outcome(jobs, FolderRun(jobs, Upscaler(2, model="bicubic"), FileOptions()).run())
    (tmp_path / "out").rename(tmp_path / "first")
    alone = outcome(jobs, FolderRun(jobs, Upscaler(2, model="bicubic", threads=1), FileOptions()).run())
    assert overlapped == alone
    assert len(alone[1]) == len(NAMES) - 2
    again = list(FolderRun(jobs, Upscaler(2, model="bicubic"), FileOptions()).run())
    assert [report.skipped for report in again] == [index not in (5, 11) for index in range(len(NAMES))]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_run_leaves_whole_files_and_their_lines(jobs, monkeypatch, error):
    monkeypatch.setattr(batch, "available_cores", lambda: 3)
    maker, count = Upscaler(2, model="bicubic"), iter(range(100))
    make = maker.upscale_picture

    def upscale_picture(picture, **options):
        if next(count) == 9:
            raise error
        return make(picture, **options)

    monkeypatch.setattr(maker, "upscale_picture", upscale_picture)
    reports = []

    def run():
        reports.extend(FolderRun(jobs, maker, FileOptions()).run())

    with pytest.raises(error):
        run()
    folder = jobs[0].output.parent
    there = {path.name for path in folder.iterdir()} - {FILE_NAME}
    journal = folder / FILE_NAME  # there is none where all pictures were made before the first was written
    noted = [json.loads(line)["output"] for line in (journal.read_text() if journal.exists() else "").splitlines()]
    assert not [name for name in there if name.endswith(".part")]
    assert there <= set(noted)
    assert len(there) <= 9
    again = list(FolderRun(jobs, Upscaler(2, model="bicubic"), FileOptions()).run())
    assert sum(report.error is not None for report in again) == 2
    assert {report.output.rsplit("/")[-1] for report in again if report.skipped} == there


def test_progress_never_goes_back(jobs, monkeypatch):
    monkeypatch.setattr(batch, "available_cores", lambda: 3)
    told = []
    list(FolderRun(jobs, Upscaler(2, model="bicubic"), FileOptions()).run(told.append))
    assert told == sorted(told)
    assert told[-1] == len(NAMES)
