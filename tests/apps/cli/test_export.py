"""`upres export`: what is written, what the card gets, and mistakes in one line."""

import json

import onnx
import pytest

from upres.apps.cli.main import main
from upres.evaluation.results import Results
from upres.lab.checkpoint import build, describe, save, spec_of
from upres.models.catalog import find


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


def test_into_a_folder_the_card_gets_what_was_measured(model, tmp_path, capfd):
    quality, speed, others = (tmp_path / name for name in ("quality.json", "speed.json", "others.json"))
    score = {"scale": 2, "dataset": "Set5", "protocol": "paper", "psnr_db": 35.43219, "ssim": 0.9}
    native = {"engine": "native", "precision": "f32"}
    run = {**native, "parameters": 800, "weights_sha256": "", "asked": native}
    Results(quality).add([{"model": "mine", **score, "images": [], "run": run}])
    row = {**native, "width": 1920, "height": 1080, "threads": 2}
    for path, name, latency in ((speed, "mine", 1.80049), (others, "mine", 7.25), (others, "another", 3.0)):
        rows = json.loads(path.read_text())["rows"] if path.exists() else []
        rows.append({"model": name, **row, "latency_ms_median": latency, "fps": 1.0})
        path.write_text(json.dumps({"environment": {"cpu": "a CPU"}, "rows": rows}))
    folder = tmp_path / "models"
    folder.mkdir()
    command = ["export", str(model), "-o", str(folder), "--latencies", str(speed), "--latencies", str(others)]
    assert main([*command, "--scores", str(quality)]) == 0
    card = find(folder / "mine.safetensors").card
    assert card.scores == ({"dataset": "Set5", "protocol": "paper", "psnr_db": 35.4322, "ssim": 0.9},)
    assert card.latencies == (
        {**row, "latency_ms": 1.8, "cpu": "a CPU", "file": "speed.json"},
        {**row, "latency_ms": 7.25, "cpu": "a CPU", "file": "others.json"},
    )
    again = tmp_path / "again"
    again.mkdir()
    assert main(["export", str(folder / "mine.safetensors"), "-o", str(again)]) == 0
    assert find(again / "mine.safetensors").card == card
    capfd.readouterr()
    assert main(["models", str(again / "mine.safetensors")]) == 0
    assert "  1920x1080 out  native f32          1.80 ms  2 threads, a CPU, speed.json" in capfd.readouterr().out


def test_a_card_names_the_machine_of_its_latencies(model, tmp_path, capfd):
    row = {"engine": "native", "precision": "f32", "width": 1920, "height": 1080, "threads": 2}
    report = {"rows": [{"model": "mine", **row, "latency_ms_median": 1.8}]}
    (tmp_path / "speed.json").write_text(json.dumps({"environment": {"cpu": "a CPU", "name": "mine-a"}, **report}))
    assert main(["export", str(model), "-o", str(tmp_path), "--latencies", str(tmp_path / "speed.json")]) == 0
    assert find(tmp_path / "mine.safetensors").card.latencies[0]["machine"] == "mine-a"
    capfd.readouterr()
    assert main(["models", str(tmp_path / "mine.safetensors")]) == 0
    assert "1.80 ms  2 threads, mine-a (a CPU), speed.json" in capfd.readouterr().out


@pytest.mark.parametrize("content", ["", "[]", "{}"])
def test_latencies_that_are_no_speed_report_are_one_line(model, tmp_path, content, capfd):
    (tmp_path / "speed.json").write_text(content)
    assert main(["export", str(model), "-o", str(tmp_path), "--latencies", str(tmp_path / "speed.json")]) == 1
    error = capfd.readouterr().err
    assert "speed report" in error
    assert error.count("\n") == 1
    assert main(["export", str(model), "-o", str(tmp_path / "one.onnx"), "--latencies", "speed.json"]) == 1
    assert "--latencies go onto cards" in capfd.readouterr().err


def test_unknown_models_are_one_line(capfd):
    assert main(["export", "no_such_model"]) == 1
    assert "no model 'no_such_model'" in capfd.readouterr().err


def test_foreign_files_are_sent_to_import(tmp_path, capfd):
    (tmp_path / "x.pth").write_bytes(b"x")
    assert main(["export", str(tmp_path / "x.pth")]) == 1
    assert "upres import" in capfd.readouterr().err


def test_a_folder_that_is_not_there_is_made(model, tmp_path, capfd):
    folder = tmp_path / "new" / "models"
    assert main(["export", str(model), "-o", f"{folder}/"]) == 0
    assert sorted(file.suffix for file in folder.iterdir()) == [".onnx", ".safetensors"]
    assert main(["export", str(tmp_path / "none.safetensors"), "-o", f"{tmp_path}/other/models/"]) == 1
    assert not (tmp_path / "other").exists(), "nothing came to lie in it"
    (tmp_path / "file").touch()
    capfd.readouterr()
    assert main(["export", str(model), "-o", f"{tmp_path}/file/"]) == 1
    assert capfd.readouterr().err.rstrip().endswith("cannot be made (File exists)")
    assert main(["export", str(model), str(model), "-o", str(tmp_path / "none")]) == 1
    assert "several models need a folder as -o: DIR/" in capfd.readouterr().err
