"""The record of what was made in a folder."""

import json
import os
import tracemalloc

import pytest

from upres.folders.journal import FILE_NAME, Journal
from upres.machine.digest import digest

OPTIONS = {"model": "m", "size": "x2"}


def record(folder, name="a_x2.png", content=b"picture"):
    output = folder / name
    output.write_bytes(content)
    Journal(folder).record(
        output, source=folder.parent / "in" / "a.png", source_sha256="abc", model="m_x2", options=OPTIONS
    )
    return output


def test_an_entry_comes_back(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    output = record(folder)
    entry = Journal(folder).entry("a_x2.png")
    assert (entry.source, entry.source_sha256, entry.model, entry.options) == ("../in/a.png", "abc", "m_x2", OPTIONS)
    assert entry.output_sha256 == digest(output)
    assert Journal(folder).made(output) == entry
    assert Journal(folder).source_of(entry) == tmp_path / "in" / "a.png"
    assert Journal(folder).entry("b.png") is None


def test_a_file_that_was_replaced_is_not_ours(tmp_path):
    output = record(tmp_path)
    output.write_bytes(b"something else")
    assert Journal(tmp_path).made(output) is None


def test_the_last_line_counts_and_broken_ones_do_not(tmp_path):
    record(tmp_path)
    output = record(tmp_path, content=b"newer")
    with (tmp_path / FILE_NAME).open("a") as file:
        file.write('{"output": "a_x2.png"}\nnot json\n[1]\n{"half a li')
    assert Journal(tmp_path).entry("a_x2.png").output_sha256 == digest(output)


def test_a_folder_may_be_moved(tmp_path):
    folder = tmp_path / "here" / "out"
    folder.mkdir(parents=True)
    record(folder)
    (tmp_path / "here").rename(tmp_path / "there")
    moved = Journal(tmp_path / "there" / "out")
    assert moved.source_of(moved.entry("a_x2.png")) == tmp_path / "there" / "in" / "a.png"


def test_a_journal_that_calls_the_options_a_recipe_is_read(tmp_path):
    output = record(tmp_path)
    text = (tmp_path / FILE_NAME).read_text()
    (tmp_path / FILE_NAME).write_text(text.replace('"options"', '"recipe"'))
    entry = Journal(tmp_path).made(output)
    assert entry is not None
    assert entry.options == OPTIONS


@pytest.mark.parametrize("field", ["output", "output_sha256", "source", "source_sha256", "model", "options"])
@pytest.mark.parametrize("value", [None, 5, ["a"], {"b": ["c"]}])
def test_an_entry_of_other_kinds_of_values_does_not_count(tmp_path, field, value):
    output = record(tmp_path)
    fields = json.loads((tmp_path / FILE_NAME).read_text())
    (tmp_path / FILE_NAME).write_text(json.dumps({**fields, field: value}))
    assert Journal(tmp_path).made(output) is None


def test_a_line_nested_too_deep_to_read_does_not_count(tmp_path):
    output = record(tmp_path)
    with (tmp_path / FILE_NAME).open("a") as file:
        file.write("[" * 200_000 + "]" * 200_000 + "\n")
    assert Journal(tmp_path).made(output) is not None


def test_an_output_is_noted_before_it_is_there(tmp_path):
    hidden, output = tmp_path / ".part", tmp_path / "a_x2.png"
    hidden.write_bytes(b"picture")
    Journal(tmp_path).record(
        output, source=tmp_path / "a.png", source_sha256="abc", model="m", options=OPTIONS, content=hidden
    )
    assert Journal(tmp_path).made(output) is None
    hidden.rename(output)
    assert Journal(tmp_path).made(output) is not None


def test_an_output_that_was_not_replaced_after_all_is_still_known(tmp_path):
    output = record(tmp_path)
    newer = tmp_path / "newer"
    newer.write_bytes(b"never moved")
    Journal(tmp_path).record(
        output, source=tmp_path / "a.png", source_sha256="abc", model="other", options=OPTIONS, content=newer
    )
    assert Journal(tmp_path).made(output).model == "m_x2"


@pytest.mark.parametrize("end", [0, 1, 40])
def test_a_line_after_a_torn_one_is_a_line_of_its_own(tmp_path, end):
    record(tmp_path)
    journal = tmp_path / FILE_NAME
    whole = journal.read_bytes()
    journal.write_bytes(whole + whole[:end])
    output = record(tmp_path, "b_x2.png", b"other")
    read = Journal(tmp_path)
    assert read.made(output) is not None
    assert read.made(tmp_path / "a_x2.png") is not None
    assert read.problems == ((f"{journal}: 1 line passed over, not as upres writes them",) if end else ())


def test_what_another_run_notes_is_seen(tmp_path):
    mine, output = Journal(tmp_path), tmp_path / "a_x2.png"
    record(tmp_path)
    assert mine.made(output) is None
    mine.refresh()
    assert mine.made(output) is not None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="makes pipes")
@pytest.mark.parametrize("kind", ["link", "zeros", "pipe", "folder"])
def test_what_is_no_regular_file_is_no_journal(tmp_path, kind):
    journal, victim = tmp_path / FILE_NAME, tmp_path / "victim"
    victim.write_bytes(b"precious")
    if kind == "pipe":
        os.mkfifo(journal)
    elif kind == "folder":
        journal.mkdir()
    else:
        journal.symlink_to(victim if kind == "link" else "/dev/zero")
    why = "is a link" if kind in ("link", "zeros") else "is no regular file"
    assert Journal(tmp_path).problems == (f"{journal}: passed over ({why})",)
    with pytest.raises(OSError, match=why):
        record(tmp_path)
    assert victim.read_bytes() == b"precious"


def test_an_endless_line_takes_no_memory_and_hides_nothing(tmp_path):
    output = record(tmp_path)
    journal = tmp_path / FILE_NAME
    line = journal.read_bytes()
    with journal.open("wb") as file:
        file.truncate(2**24)
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + line)
    tracemalloc.start()
    read = Journal(tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read.made(output) is not None
    assert peak < 2**21


def test_of_an_endless_journal_the_end_counts(tmp_path, monkeypatch):
    first, last = record(tmp_path), record(tmp_path, "b_x2.png", b"other")
    journal = tmp_path / FILE_NAME
    monkeypatch.setattr("upres.folders.journal._MOST_BYTES", journal.stat().st_size - 20)
    read = Journal(tmp_path)
    assert (read.made(first), read.made(last) is not None) == (None, True)
    assert len(read.problems) == 2
