"""Files that appear whole or not at all. What pictures make of it stands in ``tests/image/test_write.py``."""

import os
import subprocess
import sys
from contextlib import nullcontext

import pytest

from upres.errors import OutputError
from upres.machine.atomic import atomic_file, create_text, hidden_mark, remove_stale, take_place, write_text


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


@pytest.mark.skipif(os.name != "posix", reason="locks are POSIX's")
@pytest.mark.parametrize("kind", [atomic_file, hidden_mark, lambda path: nullcontext(create_text(path, "text"))])
def test_a_writer_interrupted_before_it_has_its_lock_leaves_nothing(tmp_path, monkeypatch, kind):
    def interrupted(*_):
        assert len(list(tmp_path.iterdir())) == 1
        raise KeyboardInterrupt

    monkeypatch.setattr("fcntl.flock", interrupted)
    with pytest.raises(KeyboardInterrupt), kind(tmp_path if kind is hidden_mark else tmp_path / "half"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_name_of_many_bytes_has_room_for_the_marks_of_the_hidden_file(tmp_path):
    path = tmp_path / ("写" * 83 + ".jpg")
    with atomic_file(path) as stream:
        stream.write(b"x")
    assert path.read_bytes() == b"x"


def test_what_is_told_of_a_file_before_it_is_there(tmp_path):
    path, told = tmp_path / "a", []
    with atomic_file(path, ready=lambda hidden: told.append((hidden.read_bytes(), path.exists()))) as stream:
        stream.write(b"all of it")
    assert told == [(b"all of it", False)]
    assert path.read_bytes() == b"all of it"


def test_what_refuses_before_the_file_is_there_keeps_it_away(tmp_path):
    def refuse(_):
        raise OutputError("no")

    with pytest.raises(OutputError), atomic_file(tmp_path / "a", ready=refuse):
        pass
    assert list(tmp_path.iterdir()) == []


def test_what_killed_writers_left_is_removed_and_nothing_else(tmp_path):
    stale = tmp_path / ".photo_x2.jpg.0123456789ab.part"
    others = [".photo.part", "photo.0123456789ab.part", ".photo.0123456789AB.part", ".photo.0123456789ab.part.jpg"]
    for name in (stale.name, *others):
        (tmp_path / name).touch()
    folder, link = tmp_path / ".a.0123456789ac.part", tmp_path / ".a.0123456789ad.part"
    folder.mkdir()
    link.symlink_to("photo")
    remove_stale(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*others, folder.name, link.name])


@pytest.mark.skipif(sys.platform == "win32", reason="reads a pipe")
def test_what_a_living_process_writes_is_not_stale(tmp_path):
    code = """
import sys
from upres.machine.atomic import atomic_file
with atomic_file(sys.argv[1]) as stream:
    print("writing", flush=True)
    sys.stdin.read()
"""
    line = [sys.executable, "-c", code, str(tmp_path / "a")]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout.readline() == b"writing\n"
        (hidden,) = tmp_path.iterdir()
        remove_stale(tmp_path)
        assert hidden.exists()
        writer.kill()
        writer.wait()
        assert hidden.exists()
        remove_stale(tmp_path)
        assert not hidden.exists()


def test_a_folder_that_is_not_there_has_nothing_stale(tmp_path):
    remove_stale(tmp_path / "none")


def test_a_file_that_is_made_is_whole_and_made_once(tmp_path):
    path = tmp_path / "mark"
    assert create_text(path, "one\n")
    assert not create_text(path, "other\n")
    assert path.read_text() == "one\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_made_is_one_error(tmp_path, monkeypatch):
    with pytest.raises(OutputError, match=r"mark: cannot be made \(No such file or directory\)"):
        create_text(tmp_path / "nowhere" / "mark", "one\n")

    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(OutputError, match="needs a folder that can be written and has hard links"):
        create_text(tmp_path / "mark", "one\n")
    assert list(tmp_path.iterdir()) == []


def test_a_link_that_the_server_made_and_then_denied_is_made(tmp_path, monkeypatch):
    link = os.link

    def made_and_denied(*paths):
        link(*paths)
        raise FileExistsError(17, "File exists")

    monkeypatch.setattr(os, "link", made_and_denied)
    assert create_text(tmp_path / "mark", "one\n")


def test_a_file_can_stay_hidden_until_it_takes_its_place(tmp_path):
    real, link, kept = tmp_path / "real" / "a", tmp_path / "a", []
    real.parent.mkdir()
    real.write_bytes(b"old")
    link.symlink_to(real)

    def keep(hidden):
        kept.append(hidden)
        return hidden

    with atomic_file(link, ready=keep) as stream:
        stream.write(b"new")
    assert real.read_bytes() == b"old"
    assert kept[0].read_bytes() == b"new"
    take_place(kept[0], link)
    assert real.read_bytes() == b"new"
    assert [path.name for path in real.parent.iterdir()] == ["a"]
    with pytest.raises(FileNotFoundError):
        take_place(kept[0], link)


def test_a_folder_is_marked_as_long_as_the_block_lasts(tmp_path):
    with hidden_mark(tmp_path) as mark:
        assert list(tmp_path.iterdir()) == [mark]
        remove_stale(tmp_path)
        assert mark.exists()
    assert list(tmp_path.iterdir()) == []
    with hidden_mark(tmp_path / "none") as mark:
        assert mark is None
