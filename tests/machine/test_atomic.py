"""Files that appear whole or not at all. What pictures make of it stands in ``tests/image/test_write.py``."""

import pytest

from upres.errors import OutputError
from upres.machine.atomic import atomic_file, write_text


def test_text_is_written_into_a_folder_that_is_made(tmp_path):
    path = tmp_path / "new" / "deep" / "notes.md"
    write_text(path, "5 µs\n")
    assert path.read_bytes() == "5 µs\n".encode()
    write_text(path, "other")
    assert path.read_text() == "other"
    assert [entry.name for entry in path.parent.iterdir()] == ["notes.md"]


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "notes.md"
    write_text(path, "old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputError) as raised:
        write_text(path, "new")
    assert str(raised.value) == f"{path}: cannot be written (No space left on device)"
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["notes.md"]


def test_a_folder_in_the_way_is_the_same_error(tmp_path):
    with pytest.raises(OutputError, match=r"cannot be written \(is a folder\)"):
        write_text(tmp_path, "text")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        write_text(tmp_path / "file" / "below.md", "text")


def test_an_interrupted_writer_leaves_nothing(tmp_path):
    def interrupted():
        with atomic_file(tmp_path / "half") as stream:
            stream.write(b"half of it")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []
