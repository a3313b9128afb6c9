"""The report on compression says of a claim what the studies show, whatever they show."""

from typing import Any

import pytest

from benchmarks.pages import compression, compression_facts
from benchmarks.pages.page import ROOT, read, results


def study(**gains: tuple[float, bool]) -> dict[str, Any]:
    rows: list[dict[str, Any]] = [{"label": "original", "says": "original: EDSR", "against": None, "mean_db": 30.0}]
    rows += [
        {
            "label": label,
            "says": label,
            "against": "original",
            "mean_db": 30 + gain,
            "gain_db": gain,
            "certain": certain,
            "psnr_db": {"0": 30 + gain, "1": 30 + gain},
        }
        for label, (gain, certain) in gains.items()
    ]
    return {"rows": rows, "spread_db": 0.01}


def verdicts(**found: Any) -> dict[str, str]:
    everything = {"ghost_speed": read(ROOT / results("ghost_speed")), **found}
    return {claim: holds for claim, _, _, holds in compression._claims(everything)}


@pytest.mark.parametrize(
    ("gain", "certain", "expected"),
    [(-0.1, True, "yes"), (-0.1, False, "not beyond the spread"), (0.1, True, "no, the reverse")],
)
def test_a_rival_counts_as_beaten_only_beyond_the_spread(monkeypatch, gain, certain, expected):
    monkeypatch.setattr(compression, "_QUALITY", (("ghost", "pruned_l1", "ahead of L1", "ahead", -1),))
    assert verdicts(ghost=study(ghost=(0.0, False), pruned_l1=(gain, certain)))["ahead of L1"] == expected


@pytest.mark.parametrize(
    ("gain", "spread", "expected"),
    [(-0.1, 0.04, "yes (one seed)"), (-0.1, 0.06, "not beyond the spread"), (-0.1, None, "one seed, spread not known")],
)
def test_a_row_of_one_seed_borrows_the_spread_and_says_so(monkeypatch, gain, spread, expected):
    monkeypatch.setattr(compression, "_QUALITY", (("ghost", "pruned_l1", "ahead of L1", "ahead", -1),))
    found = study(pruned_l1=(gain, False))
    found["rows"][1]["psnr_db"] = {"0": 30 + gain}
    assert verdicts(ghost={**found, "spread_db": spread})["ahead of L1"] == expected


@pytest.mark.parametrize(("gain", "expected"), [(-0.01, "yes"), (-0.05, "no")])
def test_no_loss_means_less_than_anybody_sees(monkeypatch, gain, expected):
    monkeypatch.setattr(compression, "_QUALITY", (("ghost", "ghost", "nothing lost", "about 0", 0),))
    assert verdicts(ghost=study(ghost=(gain, True)))["nothing lost"] == expected


def test_claims_of_studies_that_are_not_there_are_left_out():
    assert list(verdicts()) == ["it is faster"]


def test_conversion_is_compared_with_a_network_from_nothing(monkeypatch):
    monkeypatch.setattr(compression, "_QUALITY", ())
    found = {"ghost": study(ghost=(-0.05, True)), "ghost_scratch": study(ghost=(-0.2, True))}
    assert verdicts(**found)["a converted network is ahead of one from nothing"] == "yes"
    found["ghost_scratch"] = study(ghost=(-0.06, True))
    assert verdicts(**found)["a converted network is ahead of one from nothing"] == "not beyond the spread"


def test_every_claim_is_about_a_row_of_its_study():
    from upres.lab.studies.table import STUDIES

    for name, label, *_ in compression._QUALITY:
        row = next(row for row in STUDIES[name].rows if row.label == label)
        assert row.against


@pytest.mark.parametrize(("gain", "ms", "named"), [(-0.01, 8.0, True), (-0.05, 8.0, False), (-0.01, 11.0, False)])
def test_a_candidate_is_faster_and_no_worse(gain, ms, named):
    timed = {
        "environment": read(ROOT / results("ghost_speed"))["environment"],
        "rows": [
            {"label": label, "asked": asked, "precision": "f32", "latency_ms_median": each, "spread": 0.1}
            for label, each in (("original", 10.0), ("small", ms))
            for asked in compression_facts.PRECISIONS
        ],
    }
    summary = study(small=(gain, False))
    summary["rows"][0]["gain_db"] = None
    said = compression._candidates(summary, timed).splitlines()[-1]
    assert said.startswith("Faster in both") == named
    assert ("small" in said) == named


@pytest.mark.parametrize(("scratch", "expected"), [(-0.2, "yes (one seed)"), (0.2, "no, the reverse (one seed)")])
def test_a_network_from_nothing_with_one_seed_is_compared_by_the_spread_of_the_other_study(
    monkeypatch, scratch, expected
):
    monkeypatch.setattr(compression, "_QUALITY", ())
    found = {"ghost": study(ghost=(0.0, True)), "ghost_scratch": {**study(ghost=(scratch, False)), "spread_db": None}}
    found["ghost_scratch"]["rows"][1]["psnr_db"] = {"0": 30 + scratch}
    assert verdicts(**found)["a converted network is ahead of one from nothing"] == expected
