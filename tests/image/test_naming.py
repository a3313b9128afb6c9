"""Names of results."""

import os
from pathlib import Path

import numpy as np
import pytest

from upres.errors import ImageWriteError
from upres.image.formats import extensions, format_for
from upres.image.io import Frame, Picture, write
from upres.image.naming import output_beside


@pytest.mark.parametrize(
    ("source", "form", "name"),
    [
        ("a.JPG", None, "a_x1.5.JPG"),
        ("a.JPG", "jpeg", "a_x1.5.JPG"),
        ("a.b.gif", "png", "a.b_x1.5.png"),
        ("plain", None, "plain_x1.5"),
    ],
)
def test_a_result_lies_beside_its_source(source, form, name):
    assert output_beside(Path("folder", source), "x1.5", form) == Path("folder", name)


@pytest.mark.parametrize(("name", "result"), [("photo", "photo_x2.png"), ("photo.mpo", "photo_x2.png")])
def test_a_file_whose_suffix_is_none_that_is_written_gets_that_of_its_content(tmp_path, name, result):
    write(Picture(frames=(Frame(pixels=np.zeros((4, 4), np.uint8)),)), tmp_path / name, format="png")
    assert output_beside(tmp_path / name, "x2") == tmp_path / result
    assert output_beside(Path("out", name), "x2", content=tmp_path / name) == Path("out", result)
    assert output_beside(tmp_path / name, "x2", "webp") == tmp_path / "photo_x2.webp"


def test_what_is_no_picture_keeps_its_name(tmp_path):
    (tmp_path / "notes").write_text("text")
    assert output_beside(tmp_path / "notes", "x2").name == "notes_x2"
    os.mkfifo(tmp_path / "pipe")
    assert output_beside(tmp_path / "pipe", "x2").name == "pipe_x2"


def test_a_suffix_of_jpegs_with_further_pictures():
    assert ".mpo" in extensions()
    assert format_for("a.mpo") == "jpeg"


def test_an_unknown_format_is_an_error():
    with pytest.raises(ImageWriteError, match="unknown format"):
        output_beside(Path("a.png"), "x2", "docs.docx")
