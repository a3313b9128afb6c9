"""The challenge's rules of every year, and the published table of 2022."""

import json
import math

import pytest

from upres.apps.cli.main import main
from upres.errors import DataError, Hint
from upres.lab.challenge.rank import RULES, competition_ranks, rank, rules_of
from upres.lab.challenge.table import METRICS, Entry, read_table


def entry(name, latency, parameters, flops, activations=1.0, memory=1.0, **more):
    figures = dict(zip(METRICS, (latency, parameters, flops, activations, memory), strict=True))
    return Entry(name=name, figures=figures | more)


def standing(ranking, name):
    return next(s for s in ranking.standings if s.entry == name)


@pytest.mark.parametrize(
    ("values", "expected"), [([5.0], [1]), ([3.0, 1.0, 2.0], [3, 1, 2]), ([1.0, 2.0, 2.0, 4.0], [1, 2, 2, 4])]
)
def test_equal_values_share_the_better_rank(values, expected):
    assert competition_ranks(values) == expected


def test_2022_ranks_by_run_time_and_sums_ranks_in_the_sub_tracks():
    ranking = rank(
        [entry("slow", 30, 0.1, 9, 50, 400), entry("fast", 10, 0.3, 20, 80, 300), entry("mid", 20, 0.2, 20, 70, 500)],
        RULES[2022],
    )
    assert [s.entry for s in ranking.standings] == ["fast", "mid", "slow"]
    assert standing(ranking, "slow").to_dict() == {
        "entry": "slow", "main_rank": 3, "sub1_score": 2, "sub1_rank": 1, "sub2_score": 8, "sub2_rank": 1,
    }  # fmt: skip
    assert standing(ranking, "fast").to_dict()["sub1_score"] == 3 + 2
    assert standing(ranking, "mid").to_dict()["sub2_score"] == 2 + 2 + 2 + 2 + 3
    assert ranking.gate == {}


def test_who_misses_the_gate_is_not_ranked_and_takes_no_rank():
    entries = [
        entry("blurred", 1, 0.1, 1, psnr_val_db=28.94, psnr_test_db=28.80),
        entry("overfit", 2, 0.1, 1, psnr_val_db=29.10, psnr_test_db=28.64),
        entry("good", 9, 0.2, 2, psnr_val_db=28.95, psnr_test_db=28.65),
        entry("IMDN_baseline", 3, 0.1, 1, psnr_val_db=29.13, psnr_test_db=28.78),
    ]
    ranking = rank(entries, RULES[2022])
    assert [(s.entry, s.ranks["main"]) for s in ranking.standings] == [("good", 1)]
    assert ranking.not_ranked == ("blurred", "overfit", "IMDN_baseline")
    assert len(rank(entries, RULES[2022], gate={}).standings) == 3
    with pytest.raises(DataError, match="no entry passes the gate") as raised:
        rank(entries, RULES[2022], gate={"psnr_val_db": 40.0})
    assert raised.value.hint is Hint.OTHER_GATE


def test_a_table_of_a_run_keeps_the_gate_of_the_run(tmp_path, capsys):
    (tmp_path / "results.csv").write_text(
        "entry,passed,psnr_db,latency_ms,parameters_m,flops_g,activations_m,peak_mib,main_rank\n"
        "good,True,32.1,20,0.3,2,1,9,1\nfast,False,31.0,1,0.1,1,1,9,\n"
    )
    assert main(["challenge", "rank", str(tmp_path / "results.csv"), "--rules", "2022"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "not ranked: fast\n" in out
    assert "contradiction" not in out
    assert main(["challenge", "rank", str(tmp_path / "results.csv"), "--rules", "2022", "--gate", "0", "--json"]) == 0
    assert [row["entry"] for row in json.loads(capsys.readouterr().out)["rows"]] == ["fast", "good"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("a,nan\n", "latency_ms of 'a' is nan; expected a finite number of 0 or more"),
        ("a,-5\n", "latency_ms of 'a' is -5; expected"),
        ("a,1\nb,2\na,3\n", "several entries named 'a'"),
    ],
)
def test_a_table_of_nonsense_is_refused(tmp_path, lines, message):
    (tmp_path / "t.csv").write_text("entry,latency_ms\n" + lines)
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / "t.csv")


def test_2025_scores_are_exponentials_relative_to_the_baseline():
    # The organisers' own worked example: the baseline itself scores 7.3891 in every track.
    baseline = entry("EFDN", 16.69, 0.276, 16.70)
    ranking = rank([entry("same", 16.69, 0.276, 16.70), entry("half", 8.345, 0.138, 8.35), baseline], RULES[2025])
    assert [s.entry for s in ranking.standings] == ["half", "same"]
    assert standing(ranking, "same").scores == pytest.approx(
        dict.fromkeys(("main", "sub1", "sub2", "sub3"), 7.3891), abs=1e-4
    )
    assert standing(ranking, "half").scores["main"] == pytest.approx(math.e)
    assert ranking.not_ranked == ("EFDN",)
    mixed = rank([entry("mixed", 16.69, 0.138, 8.35), baseline], RULES[2025])
    assert standing(mixed, "mixed").scores["main"] == pytest.approx(0.7 * math.e**2 + 0.3 * math.e)
    assert [row["sub3_score"] for row in mixed.rows()] == [pytest.approx(math.e)]


def test_2024_differs_from_2025_by_its_baseline():
    with pytest.raises(DataError, match="baseline 'RLFN', which is not in the table"):
        rank([entry("a", 1, 1, 1)], rules_of(2024))
    renamed = rank([entry("a", 1, 1, 1), entry("b", 2, 2, 2)], rules_of(2024), baseline="B")
    assert standing(renamed, "a").scores["main"] == pytest.approx(math.e)


def test_a_year_without_a_citable_rule_is_refused():
    with pytest.raises(DataError, match="no ranking rule for 2023"):
        rules_of(2023)


def test_a_missing_metric_names_the_entry():
    lacking = Entry(name="lacking", figures={"latency_ms": 1.0, "parameters_m": 1.0, "flops_g": 1.0, "peak_mib": 2.0})
    with pytest.raises(DataError, match="activations_m is missing for 'lacking'"):
        rank([entry("a", 1, 1, 1), lacking], RULES[2022])
    with pytest.raises(DataError, match="activations_m is missing for every entry"):
        rank([lacking], RULES[2022])
    assert rank([lacking, entry("EFDN", 1, 1, 1)], RULES[2025]).standings[0].entry == "lacking"


def test_printed_figures_are_checked_against_the_rule():
    ranking = rank([entry("a", 1, 1, 1, main_rank=1, sub1_score=3), entry("b", 2, 2, 2, main_rank=2)], RULES[2022])
    assert ranking.contradictions == ({"entry": "a", "column": "sub1_score", "printed": 3, "computed": 2},)


def test_the_2022_table_comes_out_with_its_five_contradictions_a_track(shared, capsys):
    assert main(["challenge", "rank", str(shared / "reference/published.csv"), "--rules", "2022", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    entries, _ = read_table(shared / "reference/published.csv", year=2022)
    printed = {e.name: e.figures["main_rank"] for e in entries if "main_rank" in e.figures}
    assert len(report["rows"]) == len(printed) == 35
    assert {row["entry"]: row["main_rank"] for row in report["rows"]} == printed
    assert set(report["rows"][0]) == {"entry", "main_rank", "sub1_score", "sub1_rank", "sub2_score", "sub2_rank"}
    teams = ["NKU-ESR", "Alpan Team", "Dragon", "Aselsan Research", "Express"]
    by_column = {
        c: [x["entry"] for x in report["contradictions"] if x["column"] == c] for c in ("sub1_score", "sub2_score")
    }
    assert by_column == {"sub1_score": teams, "sub2_score": teams}
    # Each is a tie by the printed digits that the organisers broke by digits they did not print.
    assert all(x["printed"] == x["computed"] + 1 for x in report["contradictions"])
    assert len(report["contradictions"]) == 10
