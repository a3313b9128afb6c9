"""`upres import`: the JSON contract, the line for people, and mistakes in one line."""

import json

import pytest
import torch

from upres.apps.cli.main import main
from upres.lab.checkpoint import build, load, spec_of


@pytest.fixture
def foreign(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "net.pth"
    torch.save(build(spec_of("espcn_x3")).state_dict(), path)
    return path


def test_json_is_the_contract(foreign, tmp_path, capfd):
    output = tmp_path / "out.safetensors"
    assert main(["import", str(foreign), "-o", str(output), "--json"]) == 0
    report = json.loads(capfd.readouterr().out)
    assert report == {
        "architecture": "espcn",
        "scale": 3,
        "arguments": {"num_features": 16, "num_shrink": 24, "activation": "tanh", "output": "sigmoid"},
        "parameters": 5849,
        "output": str(output),
    }
    assert load(output)[1].name == "out"


def test_the_line_names_both_files(foreign, tmp_path, capfd):
    assert main(["import", str(foreign), "-o", str(tmp_path / "out.safetensors")]) == 0
    line = capfd.readouterr().out
    assert line.startswith("espcn x3 (")
    assert "5,849 parameters" in line
    assert line.endswith(f"wrote {tmp_path}/out.safetensors and {tmp_path}/out.onnx\n")


def test_no_graph(foreign, tmp_path):
    assert main(["import", str(foreign), "-o", str(tmp_path / "out.safetensors"), "--no-graph"]) == 0
    assert not (tmp_path / "out.onnx").exists()


def test_an_unclear_file_is_settled_by_options(tmp_path, capfd):
    torch.manual_seed(0)
    torch.save({"filter.weight": torch.randn(32, 1, 3, 3)}, tmp_path / "x.model")
    command = ["import", str(tmp_path / "x.model"), "-o", str(tmp_path / "y.safetensors"), "--json"]
    assert main(command) == 1
    error = capfd.readouterr().err
    assert error.count("\n") == 1
    assert "--architecture" in error
    assert main([*command, "--architecture", "esr_max", "--scale", "4"]) == 0
    assert json.loads(capfd.readouterr().out)["arguments"] == {"kernel_size": 3, "num_channels": 2}


def test_an_unknown_file_is_one_line_and_exit_1(tmp_path, capfd):
    (tmp_path / "x.pth").write_bytes(b"nothing of the kind")
    assert main(["import", str(tmp_path / "x.pth"), "-o", str(tmp_path / "y.safetensors")]) == 1
    out, error = capfd.readouterr()
    assert out == ""
    assert error.startswith("upres: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize("arguments", [["import"], ["import", "x.pth"], ["import", "x.pth", "-o", "y", "--scale", "z"]])
def test_wrong_usage_is_exit_2(arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_official_files_from_the_shell(shared, tmp_path, capfd):
    weights = shared / "reference" / "weights" / "eSR-TM_s3_K5_C3.model"
    assert main(["import", str(weights), "-o", str(tmp_path / "tm.safetensors"), "--json"]) == 0
    report = json.loads(capfd.readouterr().out)
    assert (report["architecture"], report["scale"], report["parameters"]) == ("esr_tm", 3, 1350)
