"""Which pictures a run finds, and what their outputs are called."""

from pathlib import Path

import pytest

from upres.folders.find import find_pictures
from upres.folders.jobs import goes_into_folder, plan_jobs
from upres.pipeline.sizes import SizeRequest

FILES = ["a.jpg", "B.PNG", "notes.txt", ".hidden.png", "sub/c.webp", "sub/deep/d.tif", ".cache/e.png", "sub/old/f.bmp"]


@pytest.fixture
def folder(tmp_path):
    for name in FILES:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "in"


def places(found):
    return [place.as_posix() for _, place in found]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["B.PNG", "a.jpg", "sub/c.webp", "sub/deep/d.tif", "sub/old/f.bmp"]),
        ({"recursive": False}, ["B.PNG", "a.jpg"]),
        ({"exclude": ["*old*"]}, ["B.PNG", "a.jpg", "sub/c.webp", "sub/deep/d.tif"]),
        ({"exclude": ["sub/*"]}, ["B.PNG", "a.jpg"]),
        ({"include": ["*.txt", "sub/deep/*"]}, ["notes.txt", "sub/deep/d.tif"]),
        ({"include": ["*.webp", "*.tif"], "exclude": ["c.*"]}, ["sub/deep/d.tif"]),
    ],
)
def test_what_a_folder_holds(folder, options, expected):
    assert places(find_pictures([folder], **options)) == expected


def test_named_files_are_taken_whatever_they_are_and_none_twice(folder):
    inputs = [folder / "notes.txt", folder / "a.jpg", folder, folder / "missing.png"]
    found = find_pictures(inputs, recursive=False, exclude=["*.txt"])
    assert places(found) == ["notes.txt", "a.jpg", "B.PNG", "missing.png"]


def outputs(sources, **options):
    return [job.output for job in plan_jobs(sources, SizeRequest(scale=3), **options)]


def test_outputs_beside_their_sources_or_below_a_folder():
    pictures = [(Path("in/sub/a.jpg"), Path("sub/a.jpg")), (Path("b.png"), Path("b.png"))]
    assert outputs(pictures) == [Path("in/sub/a_x3.jpg"), Path("b_x3.png")]
    assert outputs(pictures, format="png") == [Path("in/sub/a_x3.png"), Path("b_x3.png")]
    below = outputs(pictures, output="out", into_folder=True, format="webp")
    assert below == [Path("out/sub/a_x3.webp"), Path("out/b_x3.webp")]


def test_standard_streams():
    assert outputs([("-", Path("stdin"))]) == [None]
    assert outputs([("-", Path("stdin"))], output="x.png") == [Path("x.png")]
    assert outputs([(Path("a.png"), Path("a.png"))], output="-") == [None]


@pytest.mark.parametrize(
    ("output", "inputs", "expected"),
    [
        (None, ["{}/a.jpg"], False),
        ("-", ["{}/a.jpg"], False),
        ("large", ["{}/a.jpg"], False),
        ("large/", ["{}/a.jpg"], True),
        ("{}", ["{}/a.jpg"], True),
        ("large", ["{}/a.jpg", "{}/B.PNG"], True),
        ("large", ["{}/sub/deep"], True),
    ],
)
def test_whether_an_output_is_a_folder(folder, output, inputs, expected):
    inputs = [item.format(folder) for item in inputs]
    output = output and output.format(folder)
    assert goes_into_folder(output, inputs, find_pictures(inputs)) is expected
