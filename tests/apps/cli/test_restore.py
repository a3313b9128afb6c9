"""`upres restore` as users type it."""

import json
from io import BytesIO
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from upres.apps.cli.main import main
from upres.image.io import read
from upres.image.resize import imresize
from upres.models import choices


def scene(noise=0.0):
    pixels = imresize(np.random.default_rng(3).integers(30, 220, (12, 16, 3), np.uint8), scale=12)
    return (pixels + np.random.default_rng(1).normal(0, noise, pixels.shape)).clip(0, 255).round().astype(np.uint8)


@pytest.fixture
def folder(tiny_restorers, tmp_path, monkeypatch):
    """The working directory: one picture without faults, one with noise."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(scene()).save("good.png")
    Image.fromarray(scene(8.0)).save("noisy.png")
    return tmp_path


def restore(*arguments):
    return main(["restore", *map(str, arguments)])


def test_the_line_says_what_was_found_and_done(folder, capsys):
    assert restore("noisy.png", "good.png") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("noisy.png -> noisy_restored.png  192x144  judged: noise of 6 levels  tiny_denoise, ")
    assert lines[1].startswith("good.png -> good_restored.png  192x144  judged: nothing to restore  none  ")
    assert (folder / "good_restored.png").read_bytes() == (folder / "good.png").read_bytes()
    assert (read("noisy_restored.png").pixels != read("noisy.png").pixels).mean() > 0.5


def test_what_was_asked_for_is_no_judgement(folder, capsys):
    Image.fromarray(scene() // 16).save("dark.png")
    assert restore("dark.png", "--enhance") == 0
    assert capsys.readouterr().out.startswith("dark.png -> dark_restored.png  192x144  exposure ")


def test_json_tells_the_steps(folder, capsys):
    assert restore("noisy.png", "good.png", "--strength", 0.5, "--json") == 0
    noisy, good = json.loads(capsys.readouterr().out)["files"]
    assert noisy["steps"] == [{"task": "denoise", "model": "tiny_denoise", "strength": 0.5}]
    assert (noisy["choice"], noisy["reason"], noisy["model"]) == (
        "restore", "noise of 6 levels", "tiny_denoise at 0.5"
    )  # fmt: skip
    assert (good["steps"], good["model"], good["engine"], good["reason"]) == ([], "none", None, "")
    assert good["judged"]["noise"] < 1
    assert main(["upscale", "good.png", "--json", "--clean"]) == 0
    (enlarged,) = json.loads(capsys.readouterr().out)["files"]
    assert enlarged["steps"] == [{"task": "upscale", "model": "tiny_x2", "strength": 1.0}]


def test_a_folder_is_gone_on_with_and_other_settings_are_told(folder, capsys):
    assert restore(".", "-o", "out/") == 0
    assert sorted(path.name for path in (folder / "out").iterdir()) == [
        ".upres.jsonl", "good_restored.png", "noisy_restored.png"
    ]  # fmt: skip
    capsys.readouterr()
    assert restore(".", "-o", "out/", "--exclude", "out") == 0
    assert capsys.readouterr().out == "out/good_restored.png: up to date\nout/noisy_restored.png: up to date\n"
    assert restore("noisy.png", "-o", "out/", "--denoise", 0.5) == 1
    assert "(model restore, now restore denoise 0.5; weights " in capsys.readouterr().err
    assert restore("noisy.png", "-o", "out/", "--denoise", 0.5, "--overwrite") == 0


def test_what_upres_restored_is_no_input(folder, capsys):
    assert restore(".") == 0
    capsys.readouterr()
    assert restore(".") == 0
    assert "left out 2 files that upres made from others of this run" in capsys.readouterr().err


@pytest.mark.parametrize("noise", [0.0, 8.0])
def test_a_stream(folder, monkeypatch, noise):
    given, out = BytesIO(), BytesIO()
    Image.fromarray(scene(noise)).save(given, "png")
    given.seek(0)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=given))
    monkeypatch.setattr("sys.stdout", SimpleNamespace(buffer=out, flush=lambda: None))
    assert restore("-") == 0
    assert (out.getvalue() == given.getvalue()) == (noise == 0)
    assert read(out.getvalue()).size == (144, 192)


def test_what_stays_for_want_of_a_network_is_a_warning(folder, capsys, monkeypatch):
    monkeypatch.delitem(choices.CHOICES, ("denoise", "default", 1))
    assert restore("noisy.png") == 0
    assert capsys.readouterr().err == (
        "upres: noisy.png: noise of 6 levels stays: this installation has no network for denoise\n"
    )


@pytest.mark.parametrize("options", [(), ("--denoise",), ("--denoise", "0.5", "--deblock")])
def test_an_installation_without_networks_says_what_to_do(folder, capsys, monkeypatch, options):
    for task in ("denoise", "deblock"):
        monkeypatch.delitem(choices.CHOICES, (task, "default", 1))
    assert restore("noisy.png", *options) == 1
    error = capsys.readouterr().err
    assert error.startswith("upres: this installation has no network ")
    assert error.endswith("name the file of one, as `upres restore --model FILE` takes it\n")


def test_a_model_of_one_s_own(folder, tiny_restorers, capsys):
    assert restore("good.png", "--model", tiny_restorers["deblock"].weights, "--strength", 0.5) == 0
    assert "tiny_deblock at 0.5, " in capsys.readouterr().out
    change = read("good_restored.png").pixels.astype(int) - read("good.png").pixels
    assert np.abs(change - 5).max() <= 1  # of bfloat16


def test_enlarging_takes_the_same_options(folder, capsys):
    assert main(["upscale", "noisy.png", "--restore"]) == 0
    assert "judged: noise of 6 levels  tiny_denoise+tiny_x2, " in capsys.readouterr().out
    assert main(["upscale", "noisy.png", "--deblock", "--scale", "3"]) == 0
    assert "  tiny_deblock+tiny_x3, " in capsys.readouterr().out
    assert main(["upscale", "good.png", "--restore"]) == 0
    assert "judged: nothing to restore  tiny_x2, " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("restore", "--denoise", "good.png"), "expected a number from 0 to 1, got 'good.png'; a picture is named"),
        (("restore", "good.png", "--model", "a", "--fast"), "--model and --fast each choose the networks"),
        (("restore", "good.png", "--model", "a", "--denoise"), "--model and --denoise each choose the networks"),
        (("restore", "good.png", "--strength", "0.5", "--denoise"), "give each task its own, as --denoise 0.5"),
        (("upscale", "good.png", "--real", "--restore"), "--real and --restore each undo faults: give one of them"),
    ],
)
def test_wrong_usage(folder, capsys, arguments, message):
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("mode", ["1", "P", "L", "CMYK", "I;16"])
def test_pictures_of_every_mode(folder, mode):
    source = folder / "a.tif"
    pixels = scene()[..., 0] if mode == "I;16" else scene()
    picture = Image.fromarray(pixels.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(pixels)
    (picture if mode == "I;16" else picture.convert(mode)).save(source)
    assert restore(source, "--deblock") == 0
    made = read(folder / "a_restored.tif")
    assert made.size == (144, 192)
    assert made.pixels.dtype == (np.uint16 if mode == "I;16" else np.uint8)
    assert made.source.mode == {"1": "1-bit", "P": "palette", "CMYK": "rgb"}.get(mode, "grey")
