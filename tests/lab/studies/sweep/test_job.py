"""One job: trained, measured, and not done again; and the table of all."""

import csv
import io

import pytest

from upres.errors import LedgerError
from upres.evaluation.quality import evaluate_protocols
from upres.evaluation.results import Results
from upres.lab.studies.sweep.collect import to_csv, write_csv
from upres.lab.studies.sweep.job import do, find_job, result_file, scores
from upres.lab.studies.sweep.plan import read_plan
from upres.lab.training.state import saved_progress


def _do(ledger, name, places, tmp_path):
    job = find_job(ledger.jobs, name)
    return do(ledger.folder, job, sweep=read_plan(ledger.folder), places=places, cache=tmp_path / "cache")


def test_a_job_trains_measures_and_is_not_done_twice(sweep, places, tmp_path, monkeypatch):
    row = _do(sweep, "second", places, tmp_path)
    facts = {key: row[key] for key in ("name", "family", "scale", "D", "S", "steps")}
    assert facts == {"name": "second", "family": "espcn", "scale": 2, "D": 16, "S": 5, "steps": 4}
    assert row["parameters"] == 416 + 725 + 184
    assert row["seconds"] > 0
    protocols = ("esr", "luma_float", "paper")
    assert row["scores"].keys() == {f"{metric}_tiny_{name}" for metric in ("psnr", "ssim") for name in protocols}
    assert result_file(sweep.folder, find_job(sweep.jobs, "second")).is_file()
    state = sweep.folder / "runs" / "second" / "state.safetensors"
    before = state.read_bytes()
    monkeypatch.setattr("upres.evaluation.contenders.evaluate_protocols", lambda *_, **__: pytest.fail("again"))
    assert _do(sweep, "second", places, tmp_path) == row
    assert state.read_bytes() == before
    assert saved_progress(state).step == 4


def test_what_an_interrupted_job_has_measured_is_kept(sweep, places, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("upres.evaluation.contenders.evaluate_protocols", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _do(sweep, "first", places, tmp_path)
    assert not result_file(sweep.folder, find_job(sweep.jobs, "first")).exists()
    monkeypatch.setattr("upres.evaluation.contenders.evaluate_protocols", evaluate_protocols)
    assert _do(sweep, "first", places, tmp_path)["steps"] == 4


def test_the_table_has_a_row_a_finished_job_in_the_order_of_the_plan(sweep, places, tmp_path):
    for name in ("bicubic_x2", "first"):
        claim = sweep.claim()
        assert claim.job.name == name
        sweep.finish(claim, _do(sweep, name, places, tmp_path), seconds=1)
    rows = list(csv.DictReader(io.StringIO(to_csv(sweep))))
    assert [row["name"] for row in rows] == ["bicubic_x2", "first"]
    assert list(rows[0])[:11] == ["name", "family", "scale", "K", "C", "D", "S", "M", "parameters", "steps", "seconds"]
    assert list(rows[0])[-2:] == ["latency_ms", "machine"]
    assert (rows[1]["K"], rows[1]["C"], rows[1]["D"], rows[0]["K"]) == ("5", "4", "", "")
    bicubic = scores(Results(sweep.folder / "runs" / "bicubic_x2" / "quality.json").records)
    assert float(rows[0]["psnr_tiny_paper"]) == round(bicubic["psnr_tiny_paper"], 4)
    assert write_csv(sweep, tmp_path / "out" / "sweep.csv") == 2
    assert (tmp_path / "out" / "sweep.csv").read_text() == to_csv(sweep)


def test_no_job_of_that_name_is_an_error(sweep):
    with pytest.raises(LedgerError, match="no job is called 'fourth'; one is called bicubic_x2"):
        find_job(sweep.jobs, "fourth")
