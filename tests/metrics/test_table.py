"""The table of metrics: every row computes, and says how."""

import inspect
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from upres.errors import DataError
from upres.metrics.protocol import PROTOCOLS
from upres.metrics.table import (
    DEFAULT,
    METRICS,
    find_metric,
    from_figures,
    mean_scores,
    metric_names,
    to_figures,
)

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("name", METRICS)
def test_every_row_measures_and_knows_which_way_is_better(photographs, spoil, name):
    rules, picture = PROTOCOLS["ntire"], photographs["astronaut"]
    hr = rules.reference(picture)
    slight, strong = (
        rules.score(rules.reference(spoil(picture, "blur", radius)), hr, scale=2, metrics=[name])[name]
        for radius in (1, 5)
    )
    assert (slight > strong) == (METRICS[name].better == "up")


@pytest.mark.parametrize("name", METRICS)
def test_every_row_says_what_its_function_takes(name):
    metric = METRICS[name]
    parameters = inspect.signature(metric.load()).parameters
    expected = ["sr", "hr"][: 1 + metric.reference] + ["data_range", "border"] * (metric.sees == "values")
    assert list(parameters) == expected


@pytest.mark.parametrize("name", METRICS)
def test_every_row_knows_the_smallest_picture(name):
    side = METRICS[name].least_side
    views = [PROTOCOLS["ntire"].reference(np.full((length, length, 3), 9, np.uint8)) for length in (side, side - 1)]
    PROTOCOLS["ntire"].score(views[0], views[0], scale=1, metrics=[name])
    with pytest.raises(ValueError, match=f"{side - 1} x {side - 1}"):
        PROTOCOLS["ntire"].score(views[1], views[1], scale=1, metrics=[name])


@pytest.mark.parametrize("name", METRICS)
def test_every_row_is_explained_in_the_pages(name):
    (page,) = DOCS.rglob("evaluation.md")
    (row,) = [line for line in page.read_text().splitlines() if line.startswith(f"| `{name}` |")]
    metric = METRICS[name]
    _, _, unit, better, _, least_side, *_ = (cell.strip() for cell in row.split("|"))
    assert (unit, better, int(least_side)) == (
        metric.unit,
        {"up": "higher", "down": "lower"}[metric.better],
        metric.least_side,
    )


def test_nothing_is_imported_before_it_is_needed():
    code = (
        "import sys, upres.metrics.table as table; before = set(sys.modules); table.find_metric('niqe').load();"
        "print('upres.metrics.niqe' in before, 'numpy' in before, 'upres.metrics.niqe' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False", "True"]


def test_unknown_metrics_suggest_the_nearest():
    with pytest.raises(DataError, match=r"no metric 'nique'\. Did you mean 'niqe'\? There are: psnr, ssim"):
        find_metric("nique")
    with pytest.raises(DataError, match="no metric ''"):
        metric_names(["psnr", ""])


def test_names_come_once_and_in_the_order_of_the_table():
    assert metric_names(["niqe", "psnr", "niqe"]) == ("psnr", "niqe")
    assert metric_names(DEFAULT) == DEFAULT


def test_means_are_over_pictures():
    assert mean_scores([{"psnr": 20.0, "niqe": 3.0}, {"psnr": 40.0, "niqe": 4.0}]) == {"psnr": 30.0, "niqe": 3.5}


def test_figures_keep_their_old_keys_beside_the_new():
    figures = to_figures({"psnr": math.inf, "ssim": 0.12345678, "niqe": 3.2})
    assert figures == {
        "psnr_db": None,
        "ssim": 0.123457,
        "metrics": {"psnr": None, "ssim": 0.123457, "niqe": 3.2},
    }
    assert from_figures(figures) == {"psnr": None, "ssim": 0.123457, "niqe": 3.2}
    assert to_figures({"psnr": 35.43219, "ssim": 0.1234567}, digits=None)["metrics"] == {
        "psnr": 35.4322,
        "ssim": 0.12346,
    }


def test_figures_of_before_there_were_metrics_are_read():
    assert from_figures({"model": "m", "psnr_db": 30.0, "ssim": 0.9}) == {"psnr": 30.0, "ssim": 0.9}
    assert from_figures({"model": "m"}) == {}


def test_text_names_unit_and_direction():
    assert [METRICS[name].heading for name in METRICS][:2] == ["PSNR dB ↑", "SSIM ↑"]
    assert METRICS["niqe"].heading == "NIQE ↓"
    assert METRICS["psnr"].text(30.12345) == "30.123"
    assert METRICS["psnr"].text(30.12345, page=True) == "30.12"
    assert METRICS["psnr"].text(None) == METRICS["psnr"].text(math.inf) == "inf"
    assert METRICS["psnr"].described(30.0) == "30.000 dB"
    assert METRICS["ssim"].described(0.9) == "SSIM 0.9000"
