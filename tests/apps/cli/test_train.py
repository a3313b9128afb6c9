"""`upres train`: runs, queues, studies, and mistakes in one line."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors
import torch
from PIL import Image
from safetensors.torch import load_file

from upres.apps.cli.main import main


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "photos"
    folder.mkdir()
    y, x = np.mgrid[0:64, 0:80]
    for index in range(2):
        planes = [127 + 100 * np.sin(x / (p + index) + y / 5.0) for p in (1.5, 2.5, 4.0)]
        Image.fromarray(np.stack(planes, axis=2).astype(np.uint8)).save(folder / f"{index}.png")
    return folder


@pytest.fixture
def data(photos: Path) -> list[str]:
    return ["--data", str(photos), "--cache", str(photos.parent / "cache")]


def test_train_writes_a_run_and_reports_json(data, tmp_path, capsys) -> None:
    command = [
        "train",
        "esr_tm_x2",
        *data,
        "--out",
        str(tmp_path),
        "--set",
        "steps=3",
        "--set",
        "patch_size=12",
        "--json",
    ]
    assert main(command) == 0
    captured = capsys.readouterr()
    (run,) = json.loads(captured.out)["runs"]
    assert (run["recipe"], run["steps"], run["error"]) == ("esr_tm_x2", 3, None)
    assert run["steps_per_s"] > 0
    assert 0 <= run["waiting_share"] <= 1
    assert "esr_tm_x2" in captured.err, "progress goes to stderr"
    assert Path(run["best"]).is_file()
    assert main([*command, "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_list_names_recipes_and_studies(capsys) -> None:
    assert main(["train", "--list"]) == 0
    names = capsys.readouterr().out.split()
    assert {"esr_tm_x2", "rlfn_s_x2", "rlfn_ntire_x4", "rlfn_real_x2", "ladder_rfdn", "tricks"} <= set(names)


def test_show_prints_what_a_study_would_run(capsys) -> None:
    assert main(["train", "ladder_rfdn", "--show", "--set", "steps=7"]) == 0
    recipes = json.loads(capsys.readouterr().out)
    assert len(recipes) == 7 * 3
    assert {recipe["stages"][0]["steps"] for recipe in recipes} == {7}


def test_what_show_printed_is_a_recipe_again(tmp_path, capsys) -> None:
    assert main(["train", "ladder_rfdn", "--show", "--set", "steps=7"]) == 0
    printed = capsys.readouterr().out
    edited = tmp_path / "edited.json"
    edited.write_text(printed)
    assert main(["train", str(edited), "--show"]) == 0
    assert capsys.readouterr().out == printed
    edited.write_text(json.dumps(json.loads(printed)[3]))
    assert main(["train", str(edited), "--show"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(printed)[3:4]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name a recipe"),
        (["esr_tm_x9"], "no recipe 'esr_tm_x9'. Did you mean 'esr_tm_x"),
        (["esr_tm_x2", "--set", "sed=1"], "Did you mean 'seed'?"),
        (["esr_tm_x2"], "training needs --data DIR and --out DIR"),
        (["esr_tm_x2", "espcn_x2", "--data", "d", "--out", "o"], "several recipes need --queue"),
        (["missing.json"], "missing.json: not a readable recipe"),
    ],
)
def test_mistakes_are_one_line(arguments, message, capsys) -> None:
    assert main(["train", *arguments]) == 1
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1


def test_a_queue_goes_on_after_an_error(data, tmp_path, capsys) -> None:
    bad, good = "esr_tm_x3", "esr_tm_x2"
    (tmp_path / bad).mkdir()
    (tmp_path / bad / "state.safetensors").write_bytes(b"nonsense")
    settings = ["--set", "steps=2", "--set", "patch_size=12", "--quiet", "--json"]
    assert main(["train", "--queue", bad, good, *data, "--out", str(tmp_path), *settings]) == 1
    captured = capsys.readouterr()
    runs = json.loads(captured.out)["runs"]
    assert "not a training state" in runs[0]["error"]
    assert runs[1]["error"] is None


def test_a_study_runs_its_queue_and_ends_with_a_table(data, tmp_path, capsys, monkeypatch) -> None:
    from upres.lab.studies import table
    from upres.lab.studies.study import Row, Study

    row = Row(label="a", says="A", model="esr_max_x2")
    rows = (row, replace(row, label="b", says="B", against="a", model="esr_tm_x2"))
    monkeypatch.setattr(table, "STUDIES", {"toy": Study(name="toy", title="Toy", rows=rows, seeds=(0, 1))})
    results = tmp_path / "results" / "toy.json"
    settings = ["--set", "steps=2", "--set", "patch_size=12", "--quiet", "--results", str(results)]
    command = ["train", "toy", *data, "--out", str(tmp_path), *settings]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert printed.count("in validation at step 2 of 2") == 4
    assert "## Toy" in printed
    assert "| B | 800 |" in printed
    summary = json.loads(results.read_text())
    assert [row["label"] for row in summary["rows"]] == ["a", "b"]
    assert all(set(row["psnr_db"]) == {"0", "1"} and row["latency_ms"] > 0 for row in summary["rows"])
    assert summary["environment"]
    written = (tmp_path / "toy-a-seed0" / "last.safetensors").stat().st_mtime_ns
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["studies"][0]["rows"][1]["gain_db"] == summary["rows"][1]["gain_db"]
    assert (tmp_path / "toy-a-seed0" / "last.safetensors").stat().st_mtime_ns == written, "finished runs are kept"
    (tmp_path / "toy-b-seed1" / "last.safetensors").unlink()
    assert main(["train", "toy", "--summarise", "--out", str(tmp_path), *settings]) == 0
    assert json.loads(results.read_text())["rows"][1]["psnr_db"].keys() == {"0"}
    assert main(["train", "esr_tm_x2", "--summarise", "--out", str(tmp_path)]) == 1
    assert "--summarise needs a study" in capsys.readouterr().err


@pytest.mark.slow
def test_speed_compares_with_a_plain_loop(data, capsys) -> None:
    assert main(["train", "rlfn_c32b6_x2", "--speed", "--json", *data, "--set", "patch_size=16"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["speed"]
    assert row["loop_steps_per_s"] > 0.7 * row["plain_steps_per_s"]
    assert row["waiting_share"] < 0.1


@pytest.mark.slow
def test_two_processes_equal_one_at_the_same_batch(data, tmp_path) -> None:
    def train(devices: int) -> dict[str, torch.Tensor]:
        out = tmp_path / str(devices)
        command = [
            sys.executable, "-m", "upres", "train", "esr_cnn_x2", *data, "--out", str(out), "--devices", str(devices),
            "--set", "steps=12", "--set", "patch_size=12", "--set", "batch_size=4", "--set", "save_every=5", "--json",
            "--set", 'optim={"name": "adam", "learning_rate": 3e-3}',  # SOAP's bases amplify the order of additions
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        (run,) = json.loads(done.stdout)["runs"]
        assert run["steps"] == 12
        return load_file(out / "last.safetensors")

    one, two = train(1), train(2)
    assert one.keys() == two.keys()
    for name in one:
        torch.testing.assert_close(two[name], one[name], atol=2e-5, rtol=1e-3)
    rows = [[json.loads(r) for r in (tmp_path / n / "log.jsonl").read_text().splitlines()] for n in ("1", "2")]
    losses = [[row["loss"] for row in log if "loss" in row] for log in rows]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


@pytest.mark.slow
def test_ctrl_c_stops_two_processes_with_the_state_saved(data, tmp_path) -> None:
    command = [
        sys.executable, "-m", "upres", "train", "esr_cnn_x2", *data, "--out", str(tmp_path), "--devices", "2",
        "--set", "patch_size=12", "--set", "save_every=1000000", "--set", "validate_every=1000000",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
    deadline = time.monotonic() + 120
    while not (tmp_path / "log.jsonl").is_file() or not (tmp_path / "log.jsonl").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors.decode()
    assert b"is saved, the same command goes on" in errors
    with safetensors.safe_open(str(tmp_path / "state.safetensors"), framework="pt") as file:
        assert json.loads(file.metadata()["upres_training"])["progress"]["step"] >= 100
