"""Names of results."""

from pathlib import Path

import pytest

from upres.errors import ImageWriteError
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


def test_an_unknown_format_is_an_error():
    with pytest.raises(ImageWriteError, match="unknown format"):
        output_beside(Path("a.png"), "x2", "docs.docx")
