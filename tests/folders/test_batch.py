"""Runs over many pictures, as a program that is no command uses them."""

from io import BytesIO

import numpy as np
import pytest

from upres.errors import Hint
from upres.folders.batch import FolderRun
from upres.folders.jobs import Job
from upres.folders.reports import FileOptions
from upres.image.io import Frame, Picture, read, write
from upres.upscaler import Upscaler, upscale


def picture(height=4, width=6):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Picture(frames=(Frame(pixels=pixels),))


def upscaler(scale=2):
    return Upscaler(scale, model="bicubic")


@pytest.fixture
def source():
    stream = BytesIO()
    write(picture(), stream, format="png")
    stream.seek(0)
    return stream


def test_a_picture_goes_from_a_source_to_a_sink(source):
    sink = BytesIO()
    run = FolderRun([Job(source=None, output=None)], upscaler(), FileOptions(format="png"), source=source, sink=sink)
    (report,) = run.run()
    assert (report.input, report.output, report.error, report.size) == ("-", "-", None, (8, 12))
    assert read(sink.getvalue()).size == (8, 12)


@pytest.mark.parametrize("job", [Job(source=None, output="x.png"), Job(source="x.png", output=None)])
def test_a_job_whose_stream_is_missing_is_a_mistake_of_the_program(job):
    with pytest.raises(ValueError, match="a job without"):
        FolderRun([job], upscaler(), FileOptions())


def test_a_report_tells_a_program_what_to_do_without_flags(tmp_path):
    paths = tmp_path / "a.png", tmp_path / "b.png"
    for path in paths:
        write(picture(), path)
    run = FolderRun([Job(source=paths[0], output=paths[1])], upscaler(), FileOptions())
    (report,) = run.run()
    assert (report.error, report.hint) == (f"{paths[1]} exists", Hint.OVERWRITE)
    assert "hint" not in report.to_dict()
    assert report.to_dict()["error"] == report.error


def test_too_little_memory_is_a_report_too(tmp_path, monkeypatch):
    write(picture(), tmp_path / "a.png")

    def exhausted(*_, **__):
        raise MemoryError

    maker = upscaler()
    monkeypatch.setattr(maker, "upscale_picture", exhausted)
    (report,) = FolderRun([Job(source=tmp_path / "a.png", output=tmp_path / "b.png")], maker, FileOptions()).run()
    assert (report.error, report.hint) == (f"{tmp_path / 'a.png'}: not enough memory", Hint.LESS_MEMORY)


def test_outputs_of_a_journal_that_calls_the_options_a_recipe_are_up_to_date(tmp_path):
    write(picture(), tmp_path / "a.png")
    job = Job(source=tmp_path / "a.png", output=tmp_path / "b.png")
    list(FolderRun([job], upscaler(), FileOptions()).run())
    journal = tmp_path / ".upres.jsonl"
    assert '"options"' in journal.read_text()
    journal.write_text(journal.read_text().replace('"options"', '"recipe"'))
    (report,) = FolderRun([job], upscaler(), FileOptions()).run()
    assert (report.skipped, report.error) == (True, None)


def test_encoders_get_as_many_threads_as_the_networks(tmp_path, monkeypatch):
    write(picture(), tmp_path / "a.png")
    asked = []

    def noting(*given, **named):
        asked.append(named["threads"])
        return write(*given, **named)

    monkeypatch.setattr("upres.folders.work.write", noting)
    monkeypatch.setattr("upres.upscaler.write", noting)
    job = Job(source=tmp_path / "a.png", output=tmp_path / "b.png")
    (report,) = FolderRun([job], Upscaler(2, model="bicubic", threads=3), FileOptions()).run()
    assert report.error is None
    upscale(tmp_path / "a.png", 2, output=tmp_path / "c.png", model="bicubic", threads=2)
    assert asked == [3, 2]
