"""What a search sees and does not take."""

import os
import socket
import sys
from pathlib import Path

import pytest

from upres.errors import DataError
from upres.folders.find import PassedOver, find_pictures

posix = pytest.mark.skipif(sys.platform == "win32", reason="pipes and sockets are POSIX's")


def searched(*inputs, **options):
    seen = PassedOver()
    found = find_pictures(inputs, passed_over=seen, **options)
    return [place.as_posix() for _, place in found], seen.problems, seen.notes()


def test_a_whole_disk_is_not_searched():
    root = Path(sys.executable).resolve().anchor
    assert searched(root) == ([], [f"{root}: left out, it is a whole disk; name the folders that are meant"], [])


def test_an_empty_name_is_not_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "a.png").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"got an empty one; the current folder is '\.'"):
        searched("")
    assert searched(".") == (["a.png"], [], [])


def test_a_picture_is_taken_once_however_it_is_spelled(tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").touch()
    monkeypatch.chdir(tmp_path)
    found = find_pictures(["in", "in/a.png", tmp_path / "in" / "a.png", "./in"])
    assert found == [(Path("in/a.png"), Path("a.png"))]


@posix
def test_what_is_no_file_is_left_out_with_a_word_each(tmp_path, monkeypatch):
    (tmp_path / "a.png").touch()
    os.mkfifo(tmp_path / "f.png")
    (tmp_path / "null.jpg").symlink_to("/dev/null")
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.png")
        found, problems, notes = searched(tmp_path)
    assert found == ["a.png"]
    kinds = {"f.png": "a pipe", "null.jpg": "a device", "s.png": "a socket"}
    assert problems == [f"{tmp_path / name}: left out, it is {kind} and no file" for name, kind in kinds.items()]
    assert notes == []


@posix
def test_links_are_left_for_the_run_to_report_where_they_lead_nowhere(tmp_path):
    (tmp_path / "real.png").touch()
    (tmp_path / "link.png").symlink_to("real.png")
    (tmp_path / "broken.png").symlink_to("none.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    assert searched(tmp_path) == (["broken.png", "link.png", "loop.png", "real.png"], [], [])


def test_a_folder_that_cannot_be_listed_is_a_problem(tmp_path, monkeypatch):
    (tmp_path / "a.png").touch()
    (tmp_path / "shut").mkdir()
    scan = os.scandir

    def scandir(path):
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    problem = f"{tmp_path / 'shut'}: this folder cannot be listed (Permission denied)"
    assert searched(tmp_path) == (["a.png"], [problem], [])
    assert searched(tmp_path / "shut") == ([], [problem], [])


@posix
def test_a_folder_below_the_longest_path_is_a_problem_of_one_short_line(tmp_path, monkeypatch):
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    for _ in range(22):
        Path("x" * 200).mkdir()
        os.chdir("x" * 200)
    found, problems, _ = searched(tmp_path / "deep")
    monkeypatch.chdir(tmp_path)
    assert found == []
    assert len(problems) == 1
    assert problems[0].endswith("this folder cannot be listed (File name too long)")
    assert len(problems[0]) < 300


@posix
def test_links_to_folders_and_folders_of_other_kinds_are_told_in_a_line(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "b.png").touch()
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "more").symlink_to(elsewhere)
    for name in ("a.xyz", "b.XYZ", "c", ".hidden"):
        (inside / name).touch()
    files = "3 files of other kinds (.xyz, no suffix) in folders without a picture"
    assert searched(inside) == ([], [], [f"{inside}: left out {files} and 1 link to folders"])
    (inside / "a.png").touch()  # files beside pictures are no news, a folder that was not looked into is
    assert searched(inside) == (["a.png"], [], [f"{inside}: left out 1 link to folders"])
    assert searched(inside, include=["*.xyz"])[2] == [f"{inside}: left out 1 link to folders"]
    assert searched(inside, recursive=False) == (["a.png"], [], [])


def test_a_name_that_cannot_be_is_kept_for_the_run_to_report():
    assert searched("x" * 5000) == (["x" * 5000], [], [])
