"""`upres compress ghost`: counts without weights, checkpoints from weights, refusals in one line."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from upres.apps.cli.main import main
from upres.lab.checkpoint import build, describe, load, save
from upres.lab.compress.ghost.layer import ghost_layers
from upres.models.card import ModelSpec

EDSR = ModelSpec(architecture="edsr", scale=2, arguments={"num_channels": 16, "num_blocks": 2})


@pytest.fixture
def trained(tmp_path):
    torch.manual_seed(0)
    network = build(EDSR)
    save(tmp_path / "mine.safetensors", network, describe(network, EDSR, name="mine", training={"steps": 7}))
    return tmp_path / "mine.safetensors"


def _said(capsys):
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("name", "before", "after", "layers"),
    [
        ("edsr_baseline_x2", 1_369_859, 779_011, 32),
        ("vdsr_x2", 664_704, 332_928, 18),
        ("carn_x2", 964_163, 964_163 - 18 * 32 * (9 * 64 + 1), 18),
        ("carn_m_x2", 257_027, 257_027 - 6 * 32 * (9 * 16 + 1), 6),
    ],
)
def test_a_name_of_the_zoo_is_counted_without_weights(name, before, after, layers, capsys):
    assert main(["compress", "ghost", name, "--share", "0.5", "--dry-run", "--json"]) == 0
    report = _said(capsys)
    assert (report["parameters_before"], report["parameters_after"]) == (before, after)
    assert report["flops_after"] < report["flops_before"]
    assert (report["model"], report["output"], len(report["layers"])) == (name, None, layers)
    for layer in report["layers"]:
        assert layer == {"name": layer["name"], "intrinsic": 32, "ghost": 32, "offset": None}
    assert [step["name"] for step in report["transforms"]] == ["ghost"]


@pytest.mark.parametrize("offsets", ["layer", "channel", "depthwise"])
def test_what_is_written_is_what_is_told(trained, offsets, tmp_path, capsys):
    output = tmp_path / "ghost.safetensors"
    command = ["compress", "ghost", str(trained), "--share", "0.25", "--offsets", offsets, "-o", str(output), "--json"]
    assert main(command) == 0
    report = _said(capsys)
    network, card = load(output)
    assert (card.name, card.training) == ("ghost", {"steps": 7})
    assert report["parameters_after"] == card.parameters < report["parameters_before"]
    assert report["transforms"] == json.loads(json.dumps(card.spec.transforms))
    for told, (name, layer) in zip(report["layers"], ghost_layers(network).items(), strict=True):
        assert (told["name"], told["intrinsic"], told["ghost"]) == (name, 12, 4)
        chosen = [list(offset) for offset in layer.chosen]
        assert told["offset"] == {"layer": chosen and chosen[0], "channel": chosen, "depthwise": None}[offsets]


def test_offsets_are_found_on_the_pictures_named(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("UPRES_CACHE", str(tmp_path / "cache"))
    (tmp_path / "pictures").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "pictures" / "noise.png")
    command = ["compress", "ghost", str(trained), "-o", str(tmp_path / "ghost.safetensors")]
    assert main([*command, "--pictures", str(tmp_path / "pictures")]) == 0
    assert "edsr): ghost, 4 layers" in capsys.readouterr().out
    assert main([*command, "--overwrite", "--pictures", str(tmp_path / "none")]) == 1
    assert "none" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["espcn_x2", "--dry-run"], "nothing is known of ghosts in ESPCN"),
        (["span_x2", "--dry-run"], "folded first"),
        (["edsr_x2", "--dry-run", "--share", "1"], "below 1"),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments, message, capsys):
    assert main(["compress", "ghost", *arguments]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_ghosts_are_folded_by_the_verb_fold(trained, tmp_path, capsys):
    ghost, folded = tmp_path / "ghost.safetensors", tmp_path / "folded.safetensors"
    assert main(["compress", "ghost", str(trained), "-o", str(ghost)]) == 0
    capsys.readouterr()
    assert main(["compress", "fold", str(ghost), "-o", str(folded), "--json"]) == 0
    report = _said(capsys)
    assert [step["name"] for step in report["transforms"]] == ["ghost", "fold_ghosts"]
    assert [layer["name"] for layer in report["layers"]] == [f"blocks.{i}.conv{j}" for i in (0, 1) for j in (1, 2)]
    assert report["flops_after"] < report["flops_before"]
    (before, _), (after, card) = load(ghost), load(folded)
    assert not {"blocks.0.conv1", "blocks.1.conv1"} & ghost_layers(after).keys()
    x = torch.rand(1, 3, 40, 44)
    with torch.no_grad():
        inside = (..., slice(24, -24), slice(24, -24))
        torch.testing.assert_close(after(x)[inside], before(x)[inside], rtol=1e-5, atol=1e-5)
    assert card.parameters == report["parameters_after"]
