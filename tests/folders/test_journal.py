"""The record of what was made in a folder."""

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
