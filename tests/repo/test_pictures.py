"""The pictures of README and guides: all are shown, none is left over, together they are small, and can be made."""

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from benchmarks.pages import compression_facts, filters, pictures, sweep_drawing, terminal
from benchmarks.pages.page import ROOT, read, results

FOLDER = ROOT / pictures.FOLDER
MOST_BYTES = 600_000
FIGURES = [figure for _, figures in pictures.GROUPS.values() for figure in figures]


def test_every_picture_is_shown_and_none_is_left_over() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    shown = {Path(link).name for page in pages for link in re.findall(r"!\[[^]]*\]\(([^)]+)\)", page.read_text())}
    compared = compression_facts.FIGURES if (ROOT / results("compression_looks")).is_file() else ()
    known = {terminal.NAME, sweep_drawing.NAME, *(each.name for each in FIGURES), *compared, *filters.FIGURES}
    assert shown == {path.name for path in FOLDER.iterdir()} == known


def test_they_are_small_together() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= MOST_BYTES


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_a_picture_has_as_many_panels_as_its_page_says(figure: pictures.Figure) -> None:
    noted = {each["file"]: each for group in read(ROOT / results("pictures")).values() for each in group}[figure.name]
    assert noted["panels"] == list(figure.panels)
    with Image.open(FOLDER / figure.name) as image:
        assert image.width == (figure.scale * figure.box[2] + 6) * len(noted["panels"]) - 6
        assert image.height > figure.scale * figure.box[3]


def test_the_terminal_shows_what_was_printed() -> None:
    texts = [text.text for text in ElementTree.parse(FOLDER / terminal.NAME).iter("{http://www.w3.org/2000/svg}text")]
    runs = read(ROOT / results("terminal"))["runs"]
    assert texts == [line for run in runs for line in ("$ " + run["command"], *run["printed"])]


def test_a_file_is_shown_with_each_pixel_as_a_square_and_laid_on_white(tmp_path: Path) -> None:
    pixels = np.zeros((2, 3, 4), np.uint8)
    pixels[0, 1] = 10, 20, 30, 255
    Image.fromarray(pixels).save(tmp_path / "small.png")
    shown = pictures.as_it_is(tmp_path / "small.png", 4).pixels
    assert shown.shape == (8, 12, 3)
    assert (shown[:4, 4:8] == (10, 20, 30)).all()
    assert (shown[4:] == 255).all()


def test_a_panel_says_which_network_made_it_and_why(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 9), 77, np.uint8)).save(tmp_path / "grey.png")
    panel = pictures.by(tmp_path / "grey.png", 2, model="bicubic")
    assert panel.facts == {"network": "bicubic", "reason": ""}
    assert panel.pixels.shape == (16, 18, 3)
    assert (panel.pixels == 77).all()
