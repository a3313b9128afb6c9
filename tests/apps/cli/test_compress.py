"""`upres compress`: what every operation has in common, folding, quantising, and mistakes in one line."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from upres.apps.cli.compress import OPERATIONS
from upres.apps.cli.main import main
from upres.lab.checkpoint import build, describe, load, save
from upres.lab.compress.quantize.network import quantized_layers
from upres.models.card import ModelSpec, read_card

SPAN = ModelSpec(architecture="span", scale=2, arguments={"num_channels": 32, "cat_channels": 8, "num_blocks": 1})


@pytest.fixture
def expanded(tmp_path):
    torch.manual_seed(0)
    network = build(SPAN)
    scores = ({"dataset": "Set5", "protocol": "paper", "psnr_db": 30.0, "ssim": 0.9},)
    card = describe(network, SPAN, name="mine", licence="CC0-1.0", training={"steps": 7}, scores=scores)
    save(tmp_path / "mine.safetensors", network, card)
    return tmp_path / "mine.safetensors"


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    monkeypatch.setenv("UPRES_CACHE", str(tmp_path / "cache"))
    (tmp_path / "pictures").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "pictures" / "noise.png")
    return tmp_path / "pictures"


def _said(capsys):
    return json.loads(capsys.readouterr().out)


def test_folding_writes_the_network_that_computes_the_same(expanded, tmp_path, capsys):
    output = tmp_path / "folded.safetensors"
    assert main(["compress", "fold", str(expanded), "-o", str(output), "--json"]) == 0
    report = _said(capsys)
    (before, _), (after, card) = load(expanded), load(output)
    x = torch.rand(1, 3, 24, 20)
    with torch.no_grad():
        expected, found = before(x), after(x)
    assert float((found - expected).abs().max()) < 1e-5 * float(expected.abs().max())
    assert card.spec.transforms == ({"name": "fold"},)
    assert (card.name, card.licence, card.training, card.scores) == ("folded", "CC0-1.0", {"steps": 7}, ())
    layers = report.pop("layers")
    assert sum(layer["before"] - layer["after"] for layer in layers) == (
        report["parameters_before"] - report["parameters_after"]
    )
    assert report["flops_before"] > 2 * report.pop("flops_after") > 0
    assert report == {
        "model": "mine",
        "architecture": "span",
        "transforms": [{"name": "fold"}],
        "parameters_before": read_card(expanded).parameters,
        "parameters_after": card.parameters,
        "flops_before": report["flops_before"],
        "input": "640x360",
        "output": str(output),
    }


def test_a_chain_stands_in_the_card_in_order(expanded, pictures, tmp_path, capsys):
    folded, output = tmp_path / "folded.safetensors", tmp_path / "int8.safetensors"
    assert main(["compress", "fold", str(expanded), "-o", str(folded)]) == 0
    capsys.readouterr()
    command = ["compress", "quantize", str(folded), "--pictures", str(pictures), "-o", str(output), "--json"]
    assert main(command) == 0
    report = _said(capsys)
    network, card = load(output)
    ranges = {name: layer.input_range.tolist() for name, layer in quantized_layers(network).items()}
    assert [step["name"] for step in card.spec.transforms] == ["fold", "quantize"]
    assert report["transforms"] == json.loads(json.dumps(card.spec.transforms))
    assert {layer["name"]: layer["input_range"] for layer in report["layers"]} == ranges
    assert all(low < high for low, high in ranges.values())
    assert report["flops_before"] == report["flops_after"]
    assert report["parameters_after"] == report["parameters_before"] + 2 * len(ranges)
    assert main(["compress", "quantize", str(output), "-o", str(tmp_path / "again.safetensors")]) == 1
    assert "went through quantize already" in capsys.readouterr().err
    assert main(["compress", "fold", str(output), "-o", str(tmp_path / "again.safetensors")]) == 1
    assert "went through quantize already" in capsys.readouterr().err


def test_every_operation_follows_every_other_or_is_refused_in_one_line(pictures, tmp_path, capsys):
    spec = ModelSpec(architecture="edsr", scale=2, arguments={"num_channels": 32, "num_blocks": 1})
    torch.manual_seed(0)
    save(tmp_path / "plain.safetensors", network := build(spec), describe(network, spec, name="plain"))
    options = {"prune": ["--share", "0.25"], "quantize": ["--pictures", str(pictures)]}

    def done(source, *operations):
        for operation in operations:
            output = source.with_name(f"{source.stem}-{operation}.safetensors")
            if not output.exists():
                command = ["compress", operation, str(source), "-o", str(output), *options.get(operation, [])]
                if main(command) == 1:
                    assert capsys.readouterr().err.count("\n") == 1
                    return None
            source = output
        network, card = load(source)
        with torch.no_grad():
            assert torch.isfinite(network(torch.rand(1, 3, 24, 24))).all()
        return [step["name"] for step in card.spec.transforms]

    plain = tmp_path / "plain.safetensors"
    pairs = {(first, second): done(plain, first, second) for first in OPERATIONS for second in OPERATIONS}
    assert {pair: names for pair, names in pairs.items() if names} == {
        ("ghost", "fold"): ["ghost", "fold_ghosts"],
        ("ghost", "quantize"): ["ghost", "quantize"],
        ("prune", "ghost"): ["prune", "ghost"],
        ("prune", "prune"): ["prune", "prune"],
        ("prune", "quantize"): ["prune", "quantize"],
    }
    assert done(plain, "prune", "ghost", "fold", "quantize") == ["prune", "ghost", "fold_ghosts", "quantize"]
    assert done(plain, "ghost", "fold", "prune") == ["ghost", "fold_ghosts", "prune"]
    assert [done(plain, "ghost", "fold", operation) for operation in ("ghost", "fold")] == [None] * 2


def test_a_dry_run_counts_names_of_the_zoo_and_writes_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["compress", "fold", "span_ntire_x4", "--dry-run", "--json"]) == 0
    report = _said(capsys)
    assert report["parameters_after"] == 146_328
    assert (report["input"], report["output"]) == ("320x180", None)
    assert main(["compress", "quantize", "rlfn_c32b6_x4", "--dry-run", "--json"]) == 0
    report = _said(capsys)
    assert {layer["input_range"] for layer in report["layers"]} == {None}
    assert report["flops_after"] == report["flops_before"] > 1e10
    assert list(tmp_path.iterdir()) == []


def test_people_get_a_table(expanded, tmp_path, capsys):
    assert main(["compress", "fold", str(expanded), "-o", str(tmp_path / "folded.safetensors")]) == 0
    head, columns, parameters, flops, tail = capsys.readouterr().out.splitlines()
    assert head.startswith("mine (span): fold, ")
    assert columns.split() == ["before", "after"]
    assert parameters.split()[0] == "parameters"
    assert f"{read_card(expanded).parameters:,}" in parameters
    assert flops.startswith("FLOPs, 640x360 in")
    assert tail == f"wrote {tmp_path / 'folded.safetensors'}"


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("fold rlfn_c32b6_x4 -o {folder}/x.safetensors", "nothing to fold"),
        ("fold rlfn_c32b6_x -o {folder}/x.safetensors", "Did you mean 'rlfn_c32b6_x"),
        ("fold span_x4 -o {folder}/x.safetensors", "has no weights"),
        ("fold {model}", "--dry-run"),
        ("fold {model} -o {folder}/x.pth", "call it x.safetensors"),
        ("fold {model} -o {model}", "--overwrite replaces it"),
        ("fold {model} -o {folder}/none/x.safetensors", "no such folder"),
        ("fold {folder}/none.safetensors --dry-run", "no model"),
        ("quantize {model} --dry-run", "fold it first"),
        ("quantize rlfn_c32b6_x4 -o {folder}/x.safetensors", "--pictures DIR"),
        ("quantize rlfn_c32b6_x4 --dry-run --layers haed", "Did you mean 'head'?"),
        ("quantize esr_tm_x2 --dry-run", "no convolution that gains"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(expanded, tmp_path, command, says, capsys):
    content = expanded.read_bytes()
    words = [word.format(folder=tmp_path, model=expanded) for word in command.split()]
    assert main(["compress", *words]) == 1
    said = capsys.readouterr()
    assert says in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert [path.name for path in tmp_path.iterdir()] == [expanded.name]
    assert expanded.read_bytes() == content


def test_overwriting_is_asked_for(expanded, tmp_path):
    (tmp_path / "there.safetensors").write_bytes(b"x")
    command = ["compress", "fold", str(expanded), "-o", str(tmp_path / "there.safetensors")]
    assert main(command) == 1
    assert main([*command, "--overwrite"]) == 0
    assert read_card(tmp_path / "there.safetensors").name == "there"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_shows_help_with_examples(operation, capsys):
    with pytest.raises(SystemExit) as end:
        main(["compress", operation, "--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    assert f"  upres compress {operation} " in shown
    assert "--dry-run" in shown
