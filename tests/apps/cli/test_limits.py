"""Limits on inputs, by the command."""

import numpy as np
import pytest

from upres.apps.cli.main import main
from upres.errors import UpresError
from upres.image.io import Frame, Picture, write


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    write(Picture(frames=(Frame(pixels=np.zeros((40, 60, 3), np.uint8)),)), path)
    return path


@pytest.mark.parametrize(("limit", "status"), [("2400", 0), ("2.4K", 0), ("1G", 0), ("2399", 1), ("1k", 1)])
def test_the_number_of_pixels_is_limited(photo, limit, status, capsys):
    assert main(["upscale", str(photo), "--model", "bicubic", "--max-pixels", limit]) == status
    said = capsys.readouterr().err
    assert ("60x40 pixels make 0.0024 megapixels in all, over the limit" in said) == bool(status)


@pytest.mark.parametrize("limit", ["0", "-3", "many", "1e9", ""])
def test_a_limit_that_is_none_is_wrong_usage(photo, limit, capsys):
    with pytest.raises(SystemExit):
        main(["upscale", str(photo), "--max-pixels", limit])
    assert "expected a number of pixels such as 500M" in capsys.readouterr().err


def test_decoding_is_held_against_max_memory(tmp_path, capsys):
    path = tmp_path / "large.png"
    write(Picture(frames=(Frame(pixels=np.zeros((4000, 5000), np.uint8)),)), path)
    arguments = ["upscale", str(path), "--model", "bicubic", "--fit", "50x50", "--max-memory"]
    assert main([*arguments, "150M"]) == 1
    assert "takes some 191 MiB of memory and 150 MiB may be taken" in capsys.readouterr().err
    assert main([*arguments, "2G"]) == 0  # the process that tests is large itself


def test_endless_messages_are_cut():
    message = str(UpresError("begin " + "x" * 100_000 + " end"))
    assert len(message) < 1000
    assert message.startswith("begin x")
    assert message.endswith("x end")
