"""Names of results."""

from pathlib import Path

import pytest

from upres.errors import ImageWriteError
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
