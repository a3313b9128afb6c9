"""`upres inspect`: files, tables, JSON, and mistakes in one line."""

import json

import pytest
import torch

from upres.apps.cli.main import main
from upres.lab.checkpoint import build
from upres.models.card import ModelSpec


def test_a_shipped_model_on_the_example(tmp_path, capsys):
    command = ["inspect", "espcn_x2", "-o", str(tmp_path / "figures"), "--side", "48"]
    assert main(command) == 0
    shown = capsys.readouterr().out
    for name in ("similarity", "receptive", "spectrum"):
        assert f"{name}: {tmp_path / 'figures'}/{name}.png and .json" in shown
        assert (tmp_path / "figures" / f"{name}.png").is_file()
    assert "median error" in shown
    assert "diffusion index" in shown
    assert main([*command, "--json"]) == 1
    assert "--overwrite replaces it" in capsys.readouterr().err
    assert main([*command, "--json", "--overwrite", "--figures", "receptive,spectrum"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert list(report) == ["receptive", "spectrum"]
    assert (report["receptive"]["model"], report["receptive"]["picture"]) == ("espcn_x2", "chelsea.png")


def test_a_name_of_the_zoo_needs_weights(tmp_path, capsys):
    spec = ModelSpec(architecture="vdsr", scale=2, arguments={"num_channels": 8})
    torch.manual_seed(0)
    torch.save(build(spec).state_dict(), tmp_path / "vdsr.pth")
    options = ["-o", str(tmp_path / "figures"), "--side", "24", "--figures", "similarity", "--json"]
    command = ["inspect", "vdsr_x2", *options]
    assert main(command) == 1
    assert "has no weights" in capsys.readouterr().err
    assert main([*command, "--weights", str(tmp_path / "vdsr.pth")]) == 0
    report = json.loads(capsys.readouterr().out)["similarity"]
    assert len(report["layers"]) == 19
    assert {layer["channels"] for layer in report["layers"]} == {8}
    assert main(["inspect", "edsr_x2", *options, "--weights", str(tmp_path / "vdsr.pth")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["espcn_x", "-o", "figures"], "Did you mean"),
        (["espcn_x2", "-o", "figures", "--picture", "none.png"], "none.png"),
        (["espcn_x2", "-o", "figures", "--figures", "spectra"], "Did you mean 'spectrum'?"),
        (["espcn_x2", "-o", "figures", "--side", "8"], "pixels or more"),
    ],
)
def test_mistakes_are_one_line(words, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["inspect", *words]) == 1
    said = capsys.readouterr()
    assert says in said.err
    assert said.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
