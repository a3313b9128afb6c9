"""The challenge's CSV, Markdown, plots and page."""

import csv
import io
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from upres.lab.challenge.rank import RULES
from upres.lab.challenge.report import COSTS, cells, draw, pareto, plot, to_csv, to_html, to_markdown, write_files
from upres.lab.challenge.run import contenders_of, run_challenge
from upres.lab.challenge.table import METRICS


@pytest.fixture
def report(models, data, fake_worker):
    return run_challenge(contenders_of(models, data=str(data), scale=2), RULES[2022], gate_db=0.2, rounds=2)


def test_the_csv_holds_what_ranking_needs(report):
    rows = list(csv.DictReader(io.StringIO(to_csv(report))))
    assert [row["entry"] for row in rows] == ["esr_max", "esr_tm", "espcn"]
    assert {"psnr_db", "main_rank", *METRICS} <= set(rows[0])
    assert float(rows[1]["latency_ms"]) == 30.0
    assert rows[2]["main_rank"] == ""


def test_the_markdown_table(report):
    text = to_markdown(report)
    assert text.startswith("# Two x2, ranked by the NTIRE 2022 rules\n")
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 3
    assert {line.count("|") for line in lines} == {lines[0].count("|")}
    assert lines[2].startswith("| 1 | ")
    assert lines[4].startswith("| – | – | – | espcn | 29.700 |")
    assert "score" not in lines[0]
    assert "at least 29.80 dB to be ranked, set by esr_max" in text


def test_further_metrics_are_columns_with_unit_and_direction(report):
    heading = next(line for line in to_markdown(report).splitlines() if line.startswith("|"))
    assert "| PSNR dB ↑ | NIQE ↓ |" in heading
    (first, *_) = csv.DictReader(io.StringIO(to_csv(report)))
    assert first["niqe"] == "4.5"
    assert "metrics" not in first
    assert to_html(report).count(">4.500<") == 3


def test_the_axes_are_labelled_with_plain_numbers(report):
    figure = draw(report.results, "latency_ms", report.floor_db)
    figure.draw_without_rendering()
    labels = [tick.get_text() for tick in figure.axes[0].get_xticklabels()]
    assert {"10", "20"} <= set(labels)


def test_small_networks_keep_their_digits(report):
    row = report.rows[0] | {"parameters_m": 0.0008, "flops_g": 0.0524288, "activations_m": 2.097152, "spread": 0.05}
    assert cells(row, ["parameters_m", "flops_g", "activations_m", "spread"]) == ["0.0008", "0.0524", "2.10", "5%"]
    assert cells({"receptive_field": None, "main_rank": None}, ["receptive_field", "main_rank"]) == ["all", "–"]


def test_the_page_needs_nothing_else_and_shows_everything(report):
    page = to_html(report)
    assert not re.findall(
        r"""(?:src|href)\s*=\s*["']?(?!#)""", page.replace("xlink:href", "href").replace('href="#', "")
    )
    assert "@import" not in page
    assert page.count("<svg") == len(COSTS)
    assert page.count("<tr") == 1 + 3
    assert page.count("class=failed") == 1
    assert "$" not in page  # every place of the template is filled
    assert "svg text" in page
    for name in ("esr_max", "esr_tm", "espcn"):
        assert page.count(name) >= 1 + len(COSTS)


def test_names_cannot_break_the_page(report):
    bad = replace(report.results[0], entry="<script>&")
    ElementTree.fromstring(plot([bad, *report.results[1:]], "latency_ms", 29.8))
    ranking = replace(
        report.ranking, standings=(replace(report.ranking.standings[0], entry="<script>&"),), not_ranked=()
    )
    page = to_html(replace(report, results=(bad,), ranking=ranking))
    assert page.count("<script>") == 1
    assert "&lt;script&gt;&amp;" in page


def test_the_plots_are_the_same_every_time(report):
    first = plot(report.results, "flops_g", report.floor_db)
    assert first == plot(report.results, "flops_g", report.floor_db)
    assert ElementTree.fromstring(first).tag.endswith("svg")
    assert "FLOPs, G" in first


def test_the_line_of_those_nobody_beats(report):
    cheap, good = report.results[2], report.results[1]
    worse = replace(good, entry="worse", latency_ms=99.0, psnr_db=30.4)
    assert [r.entry for r in pareto([worse, good, cheap, report.results[0]], "latency_ms")] == [
        "espcn",
        "esr_max",
        "esr_tm",
    ]


def test_all_files_are_written(report, tmp_path):
    paths = write_files(report, tmp_path)
    assert [path.name for path in paths] == ["results.csv", "results.md", "report.json", "report.html"]
    assert all(path.stat().st_size > 300 for path in paths)
