"""`upres compress prune`."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from upres.apps.cli.main import main
from upres.lab.checkpoint import build, describe, load, save
from upres.models.card import ModelSpec, read_card

RLFN = ModelSpec(architecture="rlfn", scale=2, arguments={"num_channels": 16, "num_blocks": 2, "esa_channels": 4})


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(0)
    network = build(RLFN)
    save(tmp_path / "mine.safetensors", network, describe(network, RLFN, name="mine", licence="CC0-1.0"))
    return tmp_path / "mine.safetensors"


def _said(capsys):
    return json.loads(capsys.readouterr().out)


def test_writes_a_narrower_network_and_says_which_layers(model, tmp_path, capsys):
    output = tmp_path / "narrow.safetensors"
    command = ["compress", "prune", str(model), "--share", "0.5", "--blocks", "1", "--keep", "attention"]
    assert main([*command, "-o", str(output), "--json"]) == 0
    report = _said(capsys)
    network, card = load(output)
    layers = {layer["name"]: (layer["before"], layer["after"]) for layer in report["layers"]}
    assert {name: widths for name, widths in layers.items() if name.startswith("blocks.0.")} == {
        "blocks.0.conv1": (16, 8),
        "blocks.0.conv2": (16, 8),
    }
    assert layers["blocks.1.conv1"] == (16, 0)
    assert network.get_submodule("blocks.0.conv2").weight.shape == (8, 8, 3, 3)
    assert report["transforms"] == json.loads(json.dumps(card.spec.transforms))
    assert report["parameters_after"] == card.parameters < report["parameters_before"]
    assert report["flops_after"] < report["flops_before"]
    assert (card.name, card.licence) == ("narrow", "CC0-1.0")
    with torch.no_grad():
        assert network(torch.rand(1, 3, 16, 20)).shape == (1, 3, 32, 40)


@pytest.mark.parametrize("importance", ["l1", "fpgm", "random"])
def test_the_importance_says_which_channels_stay(model, tmp_path, importance):
    output = tmp_path / "narrow.safetensors"
    command = ["compress", "prune", str(model), "--width", "8", "--kind", "stream", "-o", str(output)]
    assert main([*command, "--importance", importance, "--seed", "3"]) == 0
    (whole, _), (narrow, _) = load(model), load(output)
    rows = [row.tolist() for row in whole.get_submodule("head").weight.detach()]
    kept = [rows.index(row.tolist()) for row in narrow.get_submodule("head").weight.detach()]
    assert len(kept) == 8
    assert kept == sorted(kept) != list(range(8))


def test_the_loss_is_measured_on_pictures(model, tmp_path, monkeypatch):
    monkeypatch.setenv("UPRES_CACHE", str(tmp_path / "cache"))
    (tmp_path / "pictures").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (120, 120, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "pictures" / "noise.png")
    output = tmp_path / "narrow.safetensors"
    command = ["compress", "prune", str(model), "--share", "0.5", "--importance", "taylor", "-o", str(output)]
    assert main(command) == 1
    assert main([*command, "--pictures", str(tmp_path / "pictures")]) == 0
    assert read_card(output).spec.transforms[0]["layers"]["blocks.0.conv1"] == [8, 16]


def test_counts_of_the_challenge_s_pruned_entries(capsys):
    for command, parameters in (
        ("rlfn_s_x4 --kind stream --width 46 --blocks 4", 317_218),  # ByteESR
        ("e_rfdn_x4 --kind all --share 0.2 --keep attention", 289_888),  # MegSR
        ("imdn_ntire_x4 --blocks 7", 790_496),  # xilinxSR
    ):
        assert main(["compress", "prune", *command.split(), "--dry-run", "--json"]) == 0
        report = _said(capsys)
        assert report["parameters_after"] == parameters
        assert report["output"] is None


def test_half_of_the_inner_width_is_what_ghosts_save(capsys):
    command = ["compress", "prune", "edsr_baseline_x2", "--dry-run", "--json"]
    assert main([*command, "--share", "0.5"]) == 0
    report = _said(capsys)
    blocks = 16 * 2 * 64 * 64 * 9 * 640 * 360
    assert report["flops_before"] - report["flops_after"] == blocks // 2
    assert main([*command, "--share", "0.6", "--multiple-of", "16"]) == 0
    assert {layer["after"] for layer in _said(capsys)["layers"]} == {32}


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("{model} --dry-run", "--share 0.5, --width 32, --blocks 4"),
        ("{model} --blocks 2 --dry-run", "has 2 blocks; keep 1 to 1"),
        ("vdsr_x2 --blocks 2 --dry-run", "no list of blocks"),
        ("vdsr_x2 --share 0.5 --kind stream --dry-run", "no channel to take away"),
        ("{model} --share 0.5 --keep atention --dry-run", "Did you mean 'attention'?"),
        ("span_x2 --share 0.5 --dry-run", "fold it first"),
        ("{model} --share 0.5 --importance taylor -o {folder}/x.safetensors", "--pictures DIR"),
    ],
)
def test_mistakes_are_one_line(model, tmp_path, command, says, capsys):
    words = [word.format(folder=tmp_path, model=model) for word in command.split()]
    assert main(["compress", "prune", *words]) == 1
    said = capsys.readouterr()
    assert says in said.err
    assert said.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == [model.name]


@pytest.mark.parametrize("share", ["0", "1", "-0.5", "half", "nan"])
def test_a_share_lies_between_0_and_1(share, capsys):
    with pytest.raises(SystemExit) as end:
        main(["compress", "prune", "vdsr_x2", "--share", share, "--dry-run"])
    assert end.value.code == 2
    assert "expected a number between 0 and 1" in capsys.readouterr().err
