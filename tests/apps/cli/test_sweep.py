"""`upres sweep`: planned, done by workers that are killed, told and collected; mistakes in one line."""

import csv
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from upres.apps.cli._sweep_reports import duration
from upres.apps.cli.main import main
from upres.machine.ledger import TRIES, Ledger

DOZEN = ["bicubic_x2", "esr_max_k[35]c[1-4]_x2", "esr_tm_k5c[124]_x2"]


def _picture(path, shift):
    y, x = np.mgrid[0:48, 0:64]
    planes = [127 + 100 * np.sin(x / (period + shift) + y / 5.0) for period in (1.5, 2.5, 4.0)]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.stack(planes, axis=2).astype(np.uint8)).save(path)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for index in range(2):
        _picture(folder / "photos" / f"{index}.png", index)
    _picture(folder / "Tiny" / "0.png", 3)
    tiny = str(folder / "Tiny")
    return ["--data", str(folder / "photos"), "--validation", tiny, "--sets", tiny]


@pytest.fixture
def plan(pictures, tmp_path):
    """Plans some of the pool's networks, trained for two steps."""

    def make(*names):
        settings = ["--set", "steps=2", "--set", "patch_size=12", "--protocol", "esr"]
        assert main(["sweep", "plan", "pool", "-o", str(tmp_path / "s"), "--only", *names, *settings, *pictures]) == 0
        return tmp_path / "s"

    return make


def _worker(folder, operation, slots):
    command = [sys.executable, "-m", "upres", "sweep", operation, str(folder), "--nice", "0", "--slots", str(slots)]
    return subprocess.Popen([*command, "--cache", str(folder.parent / "cache")], stderr=subprocess.DEVNULL)


def _await_done(ledger, count):
    end = time.monotonic() + 600
    while ledger.standing().count("done") < count:
        assert time.monotonic() < end
        time.sleep(0.1)


def _done(folder):
    return {path: path.read_text() for path in (folder / "ledger").glob("*.done")}


@pytest.mark.slow
def test_a_dozen_jobs_are_done_once_though_driver_and_worker_are_killed(plan, tmp_path, capsys):
    folder = plan(*DOZEN)
    ledger = Ledger(folder)
    assert len(ledger.jobs) == 12
    driver, worker = _worker(folder, "run", 1), _worker(folder, "work", 1)
    _await_done(ledger, 2)
    driver.kill()
    driver.wait()
    _await_done(ledger, 4)
    worker.kill()
    worker.wait()
    before = _done(folder)
    assert _worker(folder, "run", 2).wait() == 0
    after = _done(folder)
    assert len(after) == 12
    assert {path: after[path] for path in before} == before, "what was done is not done again"
    capsys.readouterr()
    assert main(["sweep", "status", str(folder), "--json"]) == 0
    expected = {"jobs": 12, "done": 12, "running": 0, "failed": 0, "waiting": 0, "eta_s": None}
    assert json.loads(capsys.readouterr().out) == expected
    assert main(["sweep", "collect", str(folder), "-o", str(tmp_path / "sweep.csv")]) == 0
    with (tmp_path / "sweep.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [job.name for job in ledger.jobs]
    assert all(float(row["psnr_tiny_esr"]) > 0 for row in rows)


@pytest.mark.slow
def test_what_fails_is_told_and_tried_again_when_asked(plan, tmp_path, capsys):
    folder = plan("esr_max_k5c8_x2")
    state = folder / "runs" / "esr_max_k5c4_x2" / "state.safetensors"
    state.parent.mkdir(parents=True)
    state.write_bytes(b"nonsense")
    capsys.readouterr()
    command = ["sweep", "run", str(folder), "--slots", "1", "--nice", "0", "--cache", str(tmp_path / "cache")]
    assert main(command) == 1
    told = capsys.readouterr().err
    assert told.count("esr_max_k5c4_x2 failed: ended with status 1") == TRIES
    assert "not a training state" in told
    assert "failed: 1, waiting for them: 1; --retry tries them again" in told
    assert main(["sweep", "status", str(folder)]) == 0
    assert "failed: esr_max_k5c4_x2, ended with status 1" in capsys.readouterr().out
    state.unlink()
    assert main([*command, "--retry"]) == 0
    assert "esr_max_k5c8_x2: done after" in capsys.readouterr().err


def test_one_job_by_hand_prints_its_row(plan, pictures, tmp_path, capsys):
    folder = plan("esr_max_k5c4_x2")
    capsys.readouterr()
    command = ["sweep", "job", str(folder), "esr_max_k5c4_x2", "--quiet", "--cache", str(tmp_path / "cache")]
    assert main([*command, *pictures]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["name"], row["K"], row["C"], row["steps"]) == ("esr_max_k5c4_x2", 5, 4, 2)
    assert row["scores"].keys() == {"psnr_tiny_esr", "ssim_tiny_esr"}
    assert Ledger(folder).standing().count("done") == 0, "the ledger hears nothing of it"


def test_a_plan_says_how_large_it_is_and_lists_its_jobs(plan, pictures, tmp_path, capsys):
    plan("esr_tm_k5c8_x2")
    assert capsys.readouterr().out == f"{tmp_path / 's'}: 2 jobs, some 0.0 hours by the plan\n"
    command = ["sweep", "plan", "pool", "-o", str(tmp_path / "t"), "--only", "esr_tm_k5c8_x2", *pictures, "--json"]
    assert main(command) == 0
    jobs = json.loads(capsys.readouterr().out)
    assert [(job["name"], job["needs"]) for job in jobs] == [
        ("esr_tm_k5c4_x2", []),
        ("esr_tm_k5c8_x2", ["esr_tm_k5c4_x2"]),
    ]


def test_status_counts_and_names_what_runs(plan, capsys):
    folder = plan("esr_tm_k5c8_x2")
    Ledger(folder).claim()
    capsys.readouterr()
    assert main(["sweep", "status", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "jobs         2\n" in out
    assert "waiting      1\n" in out
    assert "  runs: esr_tm_k5c4_x2 on " in out
    assert main(["sweep", "status", str(folder), "--json"]) == 0
    counts = json.loads(capsys.readouterr().out)
    assert counts.keys() == {"jobs", "done", "running", "failed", "waiting", "eta_s"}
    assert 15 < counts["eta_s"] < 25, "seconds of two starts and evaluations"


def test_collect_prints_what_is_there(plan, capsys):
    folder = plan("esr_tm_k5c4_x2")
    capsys.readouterr()
    assert main(["sweep", "collect", str(folder)]) == 0
    header = "name,family,scale,K,C,D,S,M,parameters,steps,seconds,memory_mib,threads,engine,latency_ms,machine\n"
    assert capsys.readouterr().out == header


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["status", "nowhere"], "nowhere: no folder of jobs; make a plan in it first"),
        (["run", "nowhere"], "nowhere: no folder of jobs"),
        (["plan", "pol", "-o", "o", "--data", "d", "--sets", "s"], "no recipe 'pol'"),
        (
            ["plan", "esr_tm_x2", "-o", "o", "--data", "d", "--sets", "s"],
            "no such folder; expected a folder of pictures",
        ),
        (["plan", "esr_tm_x2", "-o", "o", "--data", "d", "--sets", "s", "--protocol", "papr"], "no protocol 'papr'"),
    ],
)
def test_mistakes_are_one_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", *arguments]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not Path("o").exists()


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "120 min"), (11_520, "3.2 h")]
)
def test_durations_are_said_as_people_say_them(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize("operation", ["plan", "run", "work", "status", "collect", "job"])
def test_every_operation_shows_examples(operation, capsys):
    with pytest.raises(SystemExit):
        main(["sweep", operation, "--help"])
    assert (
        f"upres sweep {operation if operation != 'work' else 'run'} " in capsys.readouterr().out.split("examples:")[1]
    )
