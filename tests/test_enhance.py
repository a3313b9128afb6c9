"""Dark pictures made lighter, from the wish to the array and the file."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.conftest import write_tiny_restorer
from upres import restore, upscale
from upres.apps.cli.main import main
from upres.image.exposure import Exposure
from upres.image.samples import Samples
from upres.models import choices
from upres.models.choices import CHOICES
from upres.pipeline.brightness import missing_stops
from upres.pipeline.enhance import DARK, CleanStep, Lifted, LiftStep
from upres.pipeline.judge import Judgement, judge
from upres.pipeline.restoring import Restorers
from upres.upscaler import Upscaler


def photograph(lightest: float = 0.2, height: int = 60, width: int = 80) -> np.ndarray:
    """Smooth colours from black to ``lightest``, in a few thousand shades."""
    ramp = np.linspace(0, 255 * lightest, height * width).reshape(height, width, 1)
    return (ramp * [1.0, 0.8, 0.6] + 0.5).astype(np.uint8)


@pytest.fixture
def no_restorers(tiny_catalogue, monkeypatch):
    for key in [key for key in CHOICES if key[0] != "upscale"]:
        monkeypatch.delitem(choices.CHOICES, key)


@pytest.fixture
def darker(tiny_restorers, tmp_path, monkeypatch):
    """Of task enhance: it takes 40 levels away, so that its share in a result can be read."""
    same = np.zeros((3, 3), np.float32)
    same[1, 1] = 1
    model = write_tiny_restorer(tmp_path, "enhance", same, brighter=-40 / 255)
    monkeypatch.setitem(CHOICES, ("enhance", "default", 1), str(model.weights))
    return model


def test_without_any_network_the_curve_alone_gives_light(no_restorers):
    dark = photograph()
    np.testing.assert_array_equal(restore(dark, enhance=1), Exposure(round(missing_stops(dark), 2)).lifted(dark, 255))
    assert missing_stops(restore(dark, enhance=1)) < 0.1


def test_a_share_is_a_share_of_the_stops_and_an_exposure_replaces_them(no_restorers):
    dark = photograph()
    half = Exposure(round(missing_stops(dark) / 2, 2)).lifted(dark, 255)
    np.testing.assert_array_equal(restore(dark, enhance=0.5), half)
    np.testing.assert_array_equal(restore(dark, exposure=1.5), Exposure(1.5).lifted(dark, 255))
    np.testing.assert_array_equal(restore(dark, exposure=0), dark)


def test_light_pictures_stay_as_they_are(tiny_restorers):
    light = photograph(lightest=1.0)
    np.testing.assert_array_equal(restore(light), light)
    np.testing.assert_array_equal(restore(light, enhance=1), light)


def test_dark_photographs_are_found_and_dark_drawings_are_not(tiny_restorers):
    wanted = Restorers.of(True, model=None, strength=None, fast=False)
    found = wanted.by(Judgement(exposure=DARK))
    assert found.steps[0] == LiftStep(Exposure(DARK))
    assert found.reasons == ("1.5 stops too dark",)
    assert not wanted.by(Judgement(exposure=DARK - 0.01)).steps
    assert not wanted.by(Judgement(exposure=3.0, edges=0.4)).steps
    assert not Restorers.of({"enhance": 0}, model=None, strength=None, fast=False).by(Judgement(exposure=3.0)).steps


def test_what_cleans_the_lifted_picture_is_not_preceded_by_another_denoiser(tiny_restorers):
    noisy = Judgement(exposure=2.0, noise=6.0, fineness=1.0)
    allowed = Restorers.of(True, model=None, strength=None, fast=False).by(noisy)
    assert allowed.steps == (
        LiftStep(Exposure(2.0)),
        CleanStep(tiny_restorers["denoise"], exposure=Exposure(2.0)),
    )
    without = Restorers.of({"denoise": 0}, model=None, strength=None, fast=False).by(noisy)
    assert without.steps == (LiftStep(Exposure(2.0)),)


def test_a_network_for_dark_pictures_is_taken_before_one_against_noise(darker):
    steps = Restorers.of({"enhance": 0.5}, model=None, strength=None, fast=False).by(Judgement(exposure=2.0)).steps
    assert steps == (LiftStep(Exposure(1.0), 0.5), CleanStep(darker, 0.5, exposure=Exposure(1.0)))


def test_the_network_changes_as_much_as_the_curve_lifted(darker):
    pixels = np.arange(256, dtype=np.uint8).repeat(8).reshape(32, 64)
    stops = 2.0
    lifted, made = Exposure(stops).lifted(pixels, 255).astype(float), restore(pixels, exposure=stops).astype(float)
    gains = Exposure(stops).of(pixels / 255) / np.maximum(pixels / 255, 1e-9)
    expected = np.clip(lifted - 40 * np.clip(gains - 1, 0, 1), 0, 255)
    rows = slice(2, None)  # black has no gain of its own
    np.testing.assert_allclose(made[rows], expected[rows], atol=1.6)
    np.testing.assert_array_equal(made[pixels == 255], 255)  # what was bright stays


def test_a_model_of_the_caller_s_cleans_what_an_exposure_lifted(darker):
    dark = photograph()
    by_hand = restore(dark, model=str(darker.weights), exposure=2.0)
    np.testing.assert_array_equal(by_hand, restore(dark, exposure=2.0))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [0, 1, 2, 3, 4])
def test_every_kind_of_picture(darker, dtype, channels):
    factor = np.iinfo(dtype).max // 255
    rgb = photograph().astype(dtype) * factor
    pixels = {0: rgb[..., 0], 1: rgb[..., :1], 2: rgb[..., :2], 3: rgb, 4: rgb[..., [0, 1, 2, 0]]}[channels]
    made = restore(pixels, enhance=1)
    assert made.shape == pixels.shape
    assert made.dtype == dtype
    if channels in (2, 4):
        np.testing.assert_array_equal(made[..., -1], pixels[..., -1])
    else:
        assert made.mean() > 1.5 * pixels.mean()


def test_sixteen_bits_keep_their_shades(no_restorers):
    fine = (np.linspace(0, 6000, 4800).reshape(60, 80)).astype(np.uint16)
    assert len(np.unique(restore(fine, enhance=1))) > 4000


def test_grey_stays_grey(darker):
    grey = np.repeat(photograph()[..., :1], 3, axis=2)
    made = restore(grey, enhance=1)
    assert (made == made[..., :1]).all()


def test_windows_and_little_memory_change_nothing(darker):
    dark = photograph(height=700, width=300)
    np.testing.assert_array_equal(restore(dark, enhance=1, max_memory=1), restore(dark, enhance=1))


def test_dark_pictures_are_enlarged_in_one_plan(no_restorers):
    dark = photograph()
    upscaler = Upscaler(2, restore={"enhance": 1}, model="bicubic")
    made = upscaler(dark)
    assert made.shape == (120, 160, 3)
    assert missing_stops(made) < 0.1
    assert missing_stops(upscale(dark, 2, model="bicubic")) > DARK


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 300), (2, 3, 4)])
def test_tiny_pictures(darker, shape):
    assert restore(np.full(shape, 20, np.uint8), enhance=1).shape == shape


def test_the_judge_tells_what_is_missing():
    found = judge(photograph())
    assert found.exposure == missing_stops(photograph())
    assert found.to_dict()["exposure"] == round(found.exposure, 1)


def test_a_curve_refuses_planes_of_video():
    with pytest.raises(ValueError, match="a curve takes grey or RGB samples, got yuv420"):
        Lifted((4, 4), Samples(layout="yuv420"), Exposure(1.0))


def test_exposure_is_for_pictures_that_are_restored():
    with pytest.raises(ValueError, match="exposure is for pictures that are restored"):
        Upscaler(2, exposure=1.0)


def test_the_terminal_says_what_was_done(no_restorers, tmp_path, capsys):
    source = tmp_path / "night.png"
    Image.fromarray(photograph()).save(source)
    assert main(["restore", str(source), "--enhance", "--json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)["files"]
    (step,) = report["steps"]
    assert step["task"] == "enhance"
    assert step["model"].startswith("exposure ")
    assert step["strength"] == 1
    assert main(["restore", str(source), "--exposure", "2", "--overwrite", "--json"]) == 0
    made = np.asarray(Image.open(tmp_path / "night_restored.png"))
    np.testing.assert_array_equal(made, Exposure(2.0).lifted(photograph(), 255))
    assert main(["upscale", str(source), "--exposure", "1", "--model", "bicubic", "--json"]) == 0
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["restore", str(source), "--exposure", "9"])
    assert "expected 0 to 6" in capsys.readouterr().err
