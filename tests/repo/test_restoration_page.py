"""The page on restoration: counted figures, and parts that have no results yet."""

from typing import Any

from benchmarks.pages import restoration


def summary(study: str) -> dict[str, Any]:
    row = {"label": "full", "says": "all of it", "against": None, "parameters": 1000, "latency_ms": None, "flops": 10}
    figures = {"psnr_db": {"0": 30.0}, "mean_db": 30.0, "spread_db": None, "gain_db": None, "certain": False}
    return {
        "study": study,
        "title": "MIRNet without its parts",
        "steps": 4000,
        "spread_db": None,
        "validation": {"dataset": "CID22val, degraded", "protocol": "paper", "pictures": 41},
        "rows": [row | figures | {"paper_gain_db": None}],
        "environment": {"name": "epyc-b", "cpu": "AMD EPYC", "cores": 2},
    }


def test_fusion_by_concatenation_has_six_times_the_parameters() -> None:
    counts = restoration.fusion_parameters()
    # a block has selective fusion at 64, 128 and 256 maps of 3 rows: C/8 (C + 3 C) and a PReLU; the other way 3 C * C
    blocks, widths = 6, (64, 128, 256)
    assert counts["selective"] == blocks * sum(width // 8 * 4 * width + 1 for width in widths)
    assert counts["cat"] == blocks * sum(3 * width**2 for width in widths)
    assert 5.9 < counts["cat"] / counts["selective"] <= 6


def test_parts_without_results_say_what_makes_them() -> None:
    nothing = restoration.render()
    assert nothing.count("There are no results yet") == 5
    assert "`upres train noise_models --data ../shared/data/train --validation ../shared/data/test/PolyU50" in nothing
    some = restoration.render(summary("mirnet_ablation"))
    assert some.count("There are no results yet") == 4
    assert "## MIRNet without its parts" in some
    assert "| all of it | 1 000 | | 30.000 |".replace(" ", "") in some.replace(" ", "")
    assert "epyc-b" in some


def test_scores_are_shown_with_the_count_of_harm_and_gains_apart_from_plain_figures() -> None:
    record = {
        "model": "ours",
        "scale": 1,
        "dataset": "BSD100",
        "fault": {"noise": 25},
        "protocol": "ntire",
        "metrics": {"psnr": 31.0},
        "worse": 2,
        "images": [{"name": "a"}, {"name": "b"}],
        "run": {"parameters": 1234},
    }
    gained = {**record, "dataset": "LOL256", "fault": {}, "metrics": {"psnr": 20.0, "psnr_gain": 27.0}}
    text = restoration.render({"written_by": "upres evaluate", "results": [record, gained]})
    assert "| BSD100, noise 25 | `ours` | 1,234 | 31.00 | 2 of 2 |" in text
    assert "| LOL256 | `ours` | 1,234 | 20.00 | 27.00 | 2 of 2 |" in text
