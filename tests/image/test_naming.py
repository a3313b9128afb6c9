"""Names of results."""

import os
from pathlib import Path

import numpy as np
import pytest

from upres.errors import ImageWriteError
from upres.image.formats import extensions, format_for
from upres.image.io import Frame, Picture, write
from upres.image.naming import NamePattern, output_beside


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


@pytest.mark.parametrize("count", [77, 84])
def test_a_name_of_many_bytes_is_cut_and_stays_its_own(tmp_path, count):
    stems = ["写" * count + letters for letters in ("甲", "乙", "")]
    names = [output_beside(tmp_path / f"{stem}.j", "fit1920x1080", "jpeg").name for stem in stems]
    assert len(set(names)) == 3
    for name in names:
        assert name.startswith("写" * 60)
        assert name.endswith("_fit1920x1080.jpg")
        assert len(name.encode()) <= 255
        (tmp_path / name).touch()
    assert names == [output_beside(tmp_path / f"{stem}.j", "fit1920x1080", "jpeg").name for stem in stems]


def test_a_name_that_just_fits_is_not_cut():
    stem = "x" * (255 - len("_x2.png"))
    assert output_beside(Path(f"{stem}.png"), "x2").name == f"{stem}_x2.png"
    assert output_beside(Path(f"{stem}y.png"), "x2").name != f"{stem}y_x2.png"


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("{stem}_{scale}x{suffix}", "a.b_2.5x.JPG"),
        ("{stem}_{width}x{height}{suffix}", "a.b_30x20.JPG"),
        ("{model}-{stem}.png", "some_net_x2-a.b.png"),
        ("{{{stem}}}{suffix}", "{a.b}.JPG"),
    ],
)
def test_patterns_name_results(pattern, name):
    made = NamePattern(pattern).name(Path("in/a.b.JPG"), scale=2.5, model="some/net_x2", size=(20, 30))
    assert made == name


def test_a_pattern_takes_the_suffix_of_the_format_and_cuts_the_stem():
    pattern = NamePattern("new_{stem}{suffix}")
    assert pattern.name(Path("a.tif"), format="png") == "new_a.png"
    long = pattern.name(Path("写" * 84 + ".tif"))
    assert (len(long.encode()) <= 255, long.startswith("new_写"), long.endswith(".tif")) == (True, True, True)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{stem}_{sclae}{suffix}", "no field '{sclae}' for names; there are {stem}, {suffix}, {scale}.*'scale'"),
        ("{stem.__class__}{suffix}", "no field '{stem.__class__}'"),
        ("{0}{suffix}", "no field '{0}'"),
        ("{}{suffix}", "no field '{}'"),
        ("{width:>99999999999}{suffix}", "no field '{width:>99999999999}'"),
        ("{stem!r}{suffix}", "no field '{stem!r}'"),
        ("{stem", "cannot be read"),
        ("../{stem}{suffix}", "names a folder"),
        ("{stem}", "must end in {suffix}"),
        ("", "must end in {suffix}"),
        ("{stem}{suffix}.old", "must end in {suffix}"),
    ],
)
def test_what_is_no_pattern_is_a_sentence(pattern, message):
    with pytest.raises(ImageWriteError, match=message):
        NamePattern(pattern)
