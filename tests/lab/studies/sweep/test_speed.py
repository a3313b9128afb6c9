"""Networks of a sweep timed on this machine, once each, and their figures in the table."""

import csv
import io
import json

import pytest

from upres.apps.cli.main import main
from upres.errors import LedgerError
from upres.lab.studies.sweep import speed
from upres.lab.studies.sweep.collect import to_csv
from upres.lab.studies.sweep.job import do
from upres.lab.studies.sweep.plan import read_plan
from upres.lab.studies.sweep.speed import measure_speed
from upres.lab.studies.sweep.speeds import speeds

QUICK = {"rounds": 1, "seconds": 0.01}


@pytest.fixture
def finished(sweep, places, tmp_path, monkeypatch):
    """A sweep of bicubic and two networks that are done, measured to a size that takes no time."""
    monkeypatch.setattr(speed, "SIZE", (120, 60))
    for _ in range(3):
        claim = sweep.claim()
        row = do(sweep.folder, claim.job, sweep=read_plan(sweep.folder), places=places, cache=tmp_path / "cache")
        sweep.finish(claim, row, seconds=1)
    return sweep


def test_what_is_finished_is_measured_once(finished):
    told = []
    assert measure_speed(finished, threads=1, only=["first"], **QUICK) == 1
    assert measure_speed(finished, threads=1, progress=lambda *counts: told.append(counts), **QUICK) == 2
    assert told == [(3, 3)]
    assert measure_speed(finished, threads=1, **QUICK) == 0
    found = speeds(finished)
    assert found.keys() == {"bicubic_x2", "first", "third"}
    assert (found["first"].engine, found["bicubic_x2"].engine) == ("native", "pillow")
    assert found["bicubic_x2"].latency_ms == found["bicubic_x2"].bicubic_ms == found["third"].bicubic_ms
    assert found["third"].memory_mib > 20
    assert found["bicubic_x2"].memory_mib is None


def test_the_table_has_what_was_measured_last(finished):
    measure_speed(finished, threads=1, only=["first", "bicubic_x2"], **QUICK)
    measure_speed(finished, threads=2, only=["first"], **QUICK)
    rows = {row["name"]: row for row in csv.DictReader(io.StringIO(to_csv(finished)))}
    assert [rows[name]["threads"] for name in ("bicubic_x2", "first", "third")] == ["1", "2", ""]
    assert float(rows["first"]["latency_ms"]) > 0
    assert rows["first"]["machine"] == speeds(finished)["first"].machine
    assert rows["third"]["latency_ms"] == ""


def test_mistakes_are_told(sweep, finished):
    with pytest.raises(LedgerError, match="no finished job is called 'second'; one is called bicubic_x2"):
        measure_speed(finished, threads=1, only=["second"])
    measure_speed(finished, threads=1, only=["first"], **QUICK)
    path = next((finished.folder / "speed").glob("*.jsonl"))
    path.write_text(path.read_text() + json.dumps({"name": "first"}) + "\n")
    with pytest.raises(LedgerError, match=r"damaged .*remove it and measure again"):
        speeds(finished)


def test_the_verb_measures_and_says_how_many(finished, capsys):
    command = ["sweep", "measure", str(finished.folder), "--rounds", "1", "--seconds", "0.01", "--threads", "1"]
    assert main([*command, "--only", "first", "third"]) == 0
    assert capsys.readouterr() == ("2 measured\n", "2 of 2 measured\n")
    assert main([*command, "--quiet"]) == 0
    assert capsys.readouterr() == ("1 measured\n", "")


def test_nothing_finished_is_an_error(sweep, capsys):
    assert main(["sweep", "measure", str(sweep.folder)]) == 1
    assert "no network of it is finished yet" in capsys.readouterr().err
