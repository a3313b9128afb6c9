import json

import onnx
import pytest

from upres.apps.cli.main import main
from upres.lab.checkpoint import build, describe, save, spec_of


@pytest.fixture
def model(tmp_path):
    network = build(spec_of("esr_tm_x2"))
    save(tmp_path / "mine.safetensors", network, describe(network, spec_of("esr_tm_x2"), name="mine"))
    return tmp_path / "mine.safetensors"


def test_json_says_what_was_written(model, tmp_path, capfd):
    output = tmp_path / "graph.onnx"
    assert main(["export", str(model), "-o", str(output), "--json"]) == 0
    report = json.loads(capfd.readouterr().out)
    assert report.pop("max_error") <= 1e-5
    size = output.stat().st_size
    assert report == {"model": "mine", "format": "onnx", "output": str(output), "bytes": size}
    onnx.checker.check_model(output)


def test_the_default_name_is_the_models(model, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["export", str(model)]) == 0
    assert capfd.readouterr().out.startswith("mine: wrote mine.onnx, ")
    assert (tmp_path / "mine.onnx").is_file()


def test_unknown_models_are_one_line(capfd):
    assert main(["export", "no_such_model"]) == 1
    assert "no model 'no_such_model'" in capfd.readouterr().err


def test_foreign_files_are_sent_to_import(tmp_path, capfd):
    (tmp_path / "x.pth").write_bytes(b"x")
    assert main(["export", str(tmp_path / "x.pth")]) == 1
    assert "upres import" in capfd.readouterr().err
