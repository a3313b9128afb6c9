"""Standard streams that are closed, full or no longer read: one line on stderr, never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from upres.image.io import Frame, Picture, write

FULL = Path("/dev/full")


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "small.png"
    write(Picture(frames=(Frame(pixels=np.full((6, 5, 3), 90, np.uint8)),)), path)
    return path


def _run(arguments, redirection, *, buffered=True):
    """Exit status and stderr of the command behind a shell's redirection, such as ``<&-``."""
    command = ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-m", "upres", *map(str, arguments)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "" if buffered else "1"}
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=120, env=environment, check=False)
    return done.returncode, done.stderr


def test_a_closed_input_is_told():
    status, said = _run(["upscale", "-", "--model", "bicubic"], "<&-")
    assert (status, said) == (1, "upres: standard input is closed; send a picture there, or name a file\n")


def test_a_closed_output_is_told(picture):
    status, said = _run(["upscale", picture, "-o", "-", "--model", "bicubic"], ">&-")
    assert (status, said) == (1, "upres: standard output is closed; open it, or name a file to write\n")


def test_what_is_not_written_to_a_closed_output_is_no_error(picture, tmp_path):
    assert _run(["upscale", picture, "-o", tmp_path / "made.png", "--model", "bicubic"], ">&-") == (0, "")


@pytest.mark.skipif(not FULL.exists(), reason="no device that is always full")
@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize("verb", [["models"], ["models", "--json"]])
def test_a_full_output_is_one_line(verb, buffered):
    status, said = _run(verb, f"> {FULL}", buffered=buffered)
    assert (status, said) == (1, "upres: [Errno 28] No space left on device\n")


@pytest.mark.parametrize("buffered", [True, False])
def test_a_reader_that_leaves_is_no_news(buffered):
    assert _run(["models", "--json"], "| true", buffered=buffered) == (0, "")
