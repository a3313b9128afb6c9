"""The command on terminals that lack letters, are full or closed, and under signals."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from upres.image.io import Frame, Picture, write

FULL = Path("/dev/full")
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals, pipes and devices of POSIX")


def save(path, side=6):
    pixels = np.random.default_rng(side).integers(0, 256, (side, side, 3), np.uint8)
    write(Picture(frames=(Frame(pixels=pixels),)), path)
    return path


def command(folder, redirection="", *arguments, **environment):
    """Exit status, stdout and stderr (bytes) of ``upres upscale . --model bicubic`` in a folder, through a shell."""
    line = [sys.executable, "-m", "upres", "upscale", ".", "--model", "bicubic", *arguments]
    shell = ["sh", "-c", f'exec "$@" {redirection}', "sh", *line]
    done = subprocess.run(
        shell, cwd=folder, capture_output=True, timeout=120, env={**os.environ, **environment}, check=False
    )
    return done.returncode, done.stdout, done.stderr


def made(folder):
    return sorted(path.name for path in folder.iterdir() if "_x2" in path.name)


@posix
def test_names_of_letters_that_the_terminal_lacks(tmp_path):
    for name in ("a.png", "写真.png", "z.png"):
        save(tmp_path / name)
    (tmp_path / "bad写.png").write_bytes(b"no picture")
    status, out, err = command(tmp_path, PYTHONIOENCODING="cp1252")
    assert made(tmp_path) == ["a_x2.png", "z_x2.png", "写真_x2.png"]
    assert status == 1
    assert b"\\u5199\\u771f.png -> \\u5199\\u771f_x2.png" in out
    assert b"upres: bad\\u5199.png: not a picture" in err
    assert (len(out.splitlines()), len(err.splitlines())) == (3, 2)


@posix
def test_what_a_terminal_would_obey_is_shown_instead(tmp_path):
    name = os.fsdecode(b"re\x1b[31md\n\xff.png")
    save(tmp_path / name)
    (tmp_path / "bad\x1b[2J.png").write_bytes(b"no picture")
    status, out, err = command(tmp_path)
    assert (status, len(out.splitlines()), len(err.splitlines())) == (1, 1, 2)
    assert b"re\\x1b[31md\\n\\udcff.png -> re\\x1b[31md\\n\\udcff_x2.png" in out
    assert b"bad\\x1b[2J.png: not a picture" in err
    assert b"\x1b" not in out + err


@pytest.mark.skipif(not FULL.exists(), reason="no device that is always full")
def test_a_full_output_is_told_once_and_the_run_goes_on(tmp_path):
    for name in "abc":
        save(tmp_path / f"{name}.png")
    status, _, err = command(tmp_path, f"> {FULL}")
    assert made(tmp_path) == ["a_x2.png", "b_x2.png", "c_x2.png"]
    lines = [
        "upres: standard output cannot be written (No space left on device); the run goes on",
        "upres: 3 made, 0 up to date, 0 failed",
    ]
    assert (status, err.decode().splitlines()) == (1, lines)


@posix
@pytest.mark.parametrize("redirection", ["<&-", ">&-", "2>&-", f"2> {FULL}", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_error_of_a_picture(tmp_path, redirection):
    save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    status, out, _ = command(tmp_path, redirection)
    assert (status, made(tmp_path)) == (1, ["a_x2.png"])
    assert out.count(b"\n") == (">&-" not in redirection.split())
    (tmp_path / "b.png").unlink()
    assert command(tmp_path, redirection)[0] == 0


@posix
def test_an_endless_input_is_refused_at_its_first_bytes():
    line = [sys.executable, "-m", "upres", "upscale", "-", "--format", "png", "--model", "bicubic"]
    with Path("/dev/zero").open("rb") as zeros:
        done = subprocess.run(line, stdin=zeros, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert re.fullmatch(r"upres: .*not a picture that upres reads.*\n", done.stderr)


@posix
def test_sigterm_ends_in_order(tmp_path):
    for index in range(40):
        save(tmp_path / f"p{index:02}.png", 300)
    line = [sys.executable, "-m", "upres", "upscale", ".", "--model", "bicubic", "--scale", "4"]
    with subprocess.Popen(line, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().startswith("p00.png -> p00_x4.png")
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (143, "upres: terminated\n")
    assert not list(tmp_path.glob(".*.part"))
    assert len(list(tmp_path.glob("*_x4.png"))) < 40, "done before it was told: make more pictures"
    again = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert again.returncode == 0
    assert " 0 failed" in again.stderr
