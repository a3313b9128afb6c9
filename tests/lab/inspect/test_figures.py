"""What `upres inspect` computes and writes, for luma and RGB networks."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from upres.errors import DataError, OutputExistsError, UnsupportedModelError
from upres.lab.checkpoint import build, describe
from upres.lab.inspect.figures import FIGURES, Settings, example_batch, inspect
from upres.lab.subject import Subject
from upres.models.card import ModelSpec

SPECS = {
    "luma": ModelSpec(architecture="vdsr", scale=2, arguments={"num_channels": 4, "num_layers": 3}),
    "rgb": ModelSpec(architecture="span", scale=2, arguments={"num_channels": 8, "cat_channels": 4, "num_blocks": 1}),
}


def subject_of(color_mode):
    torch.manual_seed(0)
    network = build(SPECS[color_mode]).eval()
    return Subject(network=network, card=describe(network, SPECS[color_mode], name="mine"), trained=True)


@pytest.fixture(params=["L", "RGBA"])
def picture(request, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 4), np.uint8)
    Image.fromarray(pixels).convert(request.param).save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


@pytest.mark.parametrize("color_mode", SPECS)
def test_every_figure_is_written_with_its_json(color_mode, picture, tmp_path):
    subject = subject_of(color_mode)
    reports = inspect(subject, picture, tmp_path / "new" / "figures", settings=Settings(side=32))
    assert list(reports) == [name for name in FIGURES if name not in ("choice", "bands")]
    shown = (tmp_path / "new" / "figures" / "index.html").read_text()
    assert shown.count("data:image/png;base64,") == len(reports)
    assert 'src="http' not in shown
    for name, report in reports.items():
        stem = tmp_path / "new" / "figures" / name
        assert json.loads(stem.with_suffix(".json").read_text()) == report
        assert (report["model"], report["picture"], report["input"]) == ("mine", "picture.png", "32x32")
        with Image.open(stem.with_suffix(".png")) as drawn:
            assert min(drawn.size) > 300
            assert len(np.unique(np.asarray(drawn.convert("L")))) > 10
    layers = [layer["name"] for layer in reports["similarity"]["layers"]]
    assert layers == [layer["name"] for layer in reports["spectrum"]["layers"]]
    if color_mode == "luma":
        assert layers == ["body.0", "body.2"]
        assert reports["receptive"]["receptive_field"] == 2 * subject.network.halo + 1
    else:
        assert not any("expand" in name for name in layers), "branches are folded first"
    with pytest.raises(OutputExistsError):
        inspect(subject, picture, tmp_path / "new" / "figures", figures=["receptive"])
    options = {"figures": ["receptive"], "settings": Settings(side=32), "overwrite": True}
    again = inspect(subject, picture, tmp_path / "new" / "figures", **options)
    assert again["receptive"] == reports["receptive"]


def test_the_middle_of_the_picture_is_looked_at(tmp_path):
    pixels = np.zeros((60, 80, 3), np.uint8)
    pixels[20:40, 30:50] = 255
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    batch = example_batch(subject_of("rgb"), tmp_path / "picture.png", side=20)
    assert batch.shape == (1, 3, 20, 20)
    assert float(batch.min()) == 1
    whole = example_batch(subject_of("luma"), tmp_path / "picture.png", side=500)
    assert whole.shape == (1, 1, 60, 80)


def test_a_network_that_chooses_has_all_figures(picture, tmp_path):
    torch.manual_seed(0)
    spec = ModelSpec(architecture="esr_tm", scale=2)
    network = build(spec).eval()
    subject = Subject(network=network, card=describe(network, spec, name="<mine> & yours"), trained=True)
    reports = inspect(subject, picture, tmp_path, settings=Settings(side=32))
    assert list(reports) == list(FIGURES)
    assert sum(each["weight"] for each in reports["choice"]["candidates"]) == pytest.approx(1, abs=1e-5)
    assert sum(each["wins"] for each in reports["choice"]["candidates"]) == pytest.approx(1, abs=1e-5)
    assert all(len(each["decibels"]) == len(reports["bands"]["up_to"]) for each in reports["bands"]["candidates"])
    assert "<h1>&lt;mine&gt; &amp; yours</h1>" in (tmp_path / "index.html").read_text()


def test_a_figure_that_was_asked_for_and_is_not_there_is_an_error(picture, tmp_path):
    with pytest.raises(UnsupportedModelError, match="does not choose among candidates"):
        inspect(subject_of("luma"), picture, tmp_path, figures=["choice"], settings=Settings(side=32))


def test_mistakes_are_told(picture, tmp_path):
    with pytest.raises(DataError, match="Did you mean 'similarity'"):
        inspect(subject_of("luma"), picture, tmp_path, figures=["similarty"])
    with pytest.raises(DataError, match="16x16 pixels or more"):
        inspect(subject_of("luma"), picture, tmp_path, settings=Settings(side=8))
