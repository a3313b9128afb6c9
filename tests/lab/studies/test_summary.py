"""Means, spreads and gains of finished runs, and the table of them."""

from dataclasses import replace
from pathlib import Path

import pytest

from upres.errors import DataError
from upres.lab.checkpoint import build, describe, save
from upres.lab.studies.study import Row, Study, run_name
from upres.lab.studies.summary import markdown, summarise

ROW = Row(label="a", says="A: the baseline", model="esr_max_x2")
STUDY = Study(
    name="toy", title="Toy", seeds=(0, 1),
    rows=(
        ROW,
        replace(ROW, label="b", says="B", against="a", paper_gain_db=0.12),
        replace(ROW, label="c", says="C", against="a"),
    ),
)  # fmt: skip


def _finish(out: Path, label: str, seed: int, psnr_db: float, steps: int = 10) -> None:
    row = next(row for row in STUDY.rows if row.label == label)
    folder = out / run_name(STUDY, row, seed)
    folder.mkdir(parents=True, exist_ok=True)
    recipe = next(recipe for recipe in STUDY.recipes() if recipe.name == folder.name)
    validation = {"dataset": "set", "pictures": 3, "protocol": "paper", "psnr_db": psnr_db}
    training = {"steps": steps, "validation": validation}
    network = build(recipe.spec())
    save(folder / "last.safetensors", network, describe(network, recipe.spec(), name=recipe.name, training=training))


def test_an_ordering_is_claimed_only_beyond_twice_the_spread(tmp_path: Path) -> None:
    for label, scores in {"a": (30.0, 30.1), "b": (30.5, 30.6), "c": (30.1, 30.3)}.items():
        for seed, score in enumerate(scores):
            _finish(tmp_path, label, seed, score)
    summary = summarise(STUDY, tmp_path, steps=10, latency_ms={"a": 1.25})
    a, b, c = summary["rows"]
    assert summary["spread_db"] == pytest.approx(0.0707 / 0.6745, rel=0.02)  # of 0.071, 0.071 and 0.141
    assert (a["gain_db"], a["certain"], a["latency_ms"], a["parameters"]) == (None, False, 1.25, 400)
    assert b["psnr_db"] == {"0": 30.5, "1": 30.6}
    assert b["gain_db"] == pytest.approx(0.5)
    assert b["spread_db"] == pytest.approx(0.1 / 2**0.5)
    assert b["certain"]
    assert c["gain_db"] == pytest.approx(0.15)
    assert not c["certain"]
    table = markdown(summary)
    assert "| A: the baseline | 400 | 1.2 | 30.050 ± 0.071 |  |  |  |" in table
    assert "| B | 400 |  | 30.550 ± 0.071 | **+0.500** | A | +0.12 |" in table
    assert "| C | 400 |  | 30.200 ± 0.141 | +0.150 | A |  |" in table
    assert "on set (3 pictures, protocol `paper`) after 10 steps" in table


def test_seeds_that_lie_close_by_chance_prove_nothing(tmp_path: Path) -> None:
    for label, scores in {"a": (30.0,), "b": (30.1, 30.1), "c": (30.0, 30.3)}.items():
        for seed, score in enumerate(scores):
            _finish(tmp_path, label, seed, score)
    assert not summarise(STUDY, tmp_path, steps=10)["rows"][1]["certain"], "the study's spread is 0.15 dB"


def test_one_wild_row_does_not_hide_what_the_others_say(tmp_path: Path) -> None:
    for label, scores in {"a": (30.0, 30.1), "b": (30.5, 30.6), "c": (26.0, 31.0)}.items():
        for seed, score in enumerate(scores):
            _finish(tmp_path, label, seed, score)
    assert [row["certain"] for row in summarise(STUDY, tmp_path, steps=10)["rows"]] == [False, True, False]


def test_unfinished_runs_do_not_count(tmp_path: Path) -> None:
    for label in "abc":
        _finish(tmp_path, label, 0, 30.0)
    _finish(tmp_path, "b", 1, 99.0, steps=4)
    rows = summarise(STUDY, tmp_path, steps=10)["rows"]
    assert rows[1]["psnr_db"] == {"0": 30.0}
    assert (rows[1]["spread_db"], rows[1]["certain"]) == (None, False)
    with pytest.raises(DataError, match="toy: no finished run of a, b, c"):
        summarise(STUDY, tmp_path, steps=11)
