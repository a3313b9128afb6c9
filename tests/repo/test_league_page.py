"""The page of the league: standings, what became of the challenge's order, and of the pairs that papers compare."""

from typing import Any

import pytest

from benchmarks.pages.league import render
from benchmarks.pages.league_verdict import IMDN, PAIRS, TEAMS, front, likeness, pairs, title
from upres.lab.studies.league import STUDY


def _league(name: str, *, steps: int | None = None) -> dict[str, Any]:
    rows = []
    for number, row in enumerate(STUDY.rows):
        psnr = 27 - 0.01 * number
        rows.append(
            {
                "label": row.label,
                "says": row.says,
                "steps": steps or 500 + number,
                "seconds": [299.0, 301.0],
                "seeds_psnr_db": [psnr, psnr - 0.02] if row.seeds else [psnr],
                "ranks": {"main": 20 - number, "sub1": 1, "sub2": 2} if number < 19 else None,
                "psnr_db": psnr,
                "latency_ms": 100.0 - number,
                "parameters_m": 0.9,
                "flops_g": 50.0,
                "activations_m": 100.0,
                "peak_mib": 400.0,
            }
        )
    environment = {"name": "epyc-b", "cpu": "AMD EPYC"}
    return {"name": name, "environment": environment, "threads": 2, "floor_db": 26.82, "rows": rows}


def _row(league: dict[str, Any], label: str) -> dict[str, Any]:
    return next(row for row in league["rows"] if row["label"] == label)


def test_all_that_is_compared_takes_part() -> None:
    labels = {row.label for row in STUDY.rows}
    assert set(TEAMS) <= labels
    assert {pair.newer for pair in PAIRS} | {pair.older for pair in PAIRS} <= labels


def test_standings_go_by_time_and_who_is_below_the_gate_comes_last() -> None:
    order = [row.label for row in STUDY.rows if row.label in TEAMS]
    published = {label: {"psnr_val_db": 29.0 - 0.01 * n, "latency_ms": 50.0 + n} for n, label in enumerate(order)}
    page = render({"leagues": [_league("time"), _league("steps", steps=2500)], "published": published})
    by_time, by_steps = page.split("## ")[1:3]
    assert by_time.startswith("After equal time\n\nA run took 300 s (median)")
    assert by_steps.startswith("After 2500 steps\n")
    lines = [line for line in by_time.splitlines() if line.startswith("| ")][1:]
    assert [line.split(" | ")[-3] for line in lines[:19]] == [str(rank) for rank in range(2, 21)]
    assert lines[19].startswith(f"| {STUDY.rows[19].says} | 519 | 26.810 | 81.0 | 900 | 50.0 | 100 | 400 |  |")
    assert "two seeds is 0.014 dB" in by_time
    assert "more than 0.18 dB below IMDN" in page
    assert (
        "| RFDN-L | RFDN | 52 channels instead of 48: better (Liu et al., 2020) | -0.01 | -0.01 | 0.99 | 1.00 |" in page
    )
    assert "correlation of 1.00 after equal time and 1.00 after 2500 steps, the order by time one of -1.00" in page


def test_a_front_is_what_is_better_than_all_that_is_faster() -> None:
    league = _league("time")
    assert "SRVGGNetCompact (76.0 ms, 26.76 dB), EDSR-baseline, half of it ghosts (77.0 ms, 26.77 dB)" in front(league)
    _row(league, "compact")["psnr_db"] = 30.0
    assert front(league) == "Better than whatever is as fast: SRVGGNetCompact (76.0 ms, 30.00 dB)."


def test_a_pair_shows_what_its_older_network_loses() -> None:
    league = _league("time")
    _row(league, "rfdn")["psnr_db"] = _row(league, IMDN)["psnr_db"] + 0.05
    _row(league, "rfdn")["latency_ms"] = 50.0
    line = pairs([league]).splitlines()[2]
    assert line.endswith("| +0.05 | 0.50 | 1.00 |")
    assert title(league) == "equal time"


@pytest.mark.parametrize(
    ("other", "alike"), [((1, 2, 3), 1.0), ((3, 2, 1), -1.0), ((1, 3, 2), 0.5), ((1, 1, 2), 0.8660254)]
)
def test_the_likeness_of_orders_is_spearmans(other: tuple[float, ...], alike: float) -> None:
    assert likeness((10, 20, 30), other) == pytest.approx(alike)
