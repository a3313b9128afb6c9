"""The page of the sweep: distances to the pool, by family and scale, and whether they keep their bars."""

import pytest

from benchmarks.pages.page import ROOT, read
from benchmarks.pages.sweep import FAMILIES, REFERENCE, distances, pool_name, render
from upres.lab.studies.sweep.pool import sizes


def _row(family: str, scale: int, set14: float, **letters: int) -> dict[str, str]:
    size = "".join(f"{letter.lower()}{number}" for letter, number in letters.items())
    scores = {f"psnr_{name}_esr": str(set14) for name in ("set5", "set14", "bsd100")}
    named = {letter: str(letters.get(letter, "")) for letter in "KCDSM"}
    return {
        "name": f"{family}_{size}_x{scale}",
        "family": family,
        "scale": str(scale),
        "seconds": "36",
        **named,
        **scores,
    }


def _known(row: dict[str, str], set14: float) -> dict[str, str]:
    columns = {f"psnr_{name}": str(set14) for name in ("Set5", "Set14", "BSDS100")}
    return {"name": pool_name(row["family"], row["scale"], row), **columns}


def test_every_network_of_the_sweep_has_a_figure_of_the_pool() -> None:
    known = {row["name"] for row in read(ROOT / REFERENCE)}
    ours = {pool_name(size.family, size.scale, dict(size.letters)) for size in sizes()}
    assert len(ours) == 1182
    assert known == ours | {f"Bicubic_s{scale}" for scale in (2, 3, 4)}


def test_distances_are_ours_less_theirs() -> None:
    row = _row("espcn", 3, 29.5, D=0, S=15)
    known = _known(row, 29.25)
    assert known["name"] == "ESPCN_s3_D0_S15"
    assert distances([row], {known["name"]: known}, "set14") == {"espcn_d0s15_x3": pytest.approx(0.25)}


def test_the_page_counts_and_measures_against_the_bars() -> None:
    rows = [_row("esr_tm", 2, 31.5 + 0.1 * number, K=5, C=4 + number) for number in range(4)]
    rows += [_row("fsrcnn", 4, 27.0, D=6, S=1, M=4), {**_row("espcn", 2, 30), "family": "bicubic"}]
    page = render(
        rows, [_known(row, 31.6 if row["family"] == "esr_tm" else 27.2) for row in rows if row["family"] in FAMILIES]
    )
    assert "5 of 1182 networks are trained, in 0.1 hours of one core; the figures are of these" in page
    assert "| one layer | 4 | -0.05 | 75% (90%) | +0.050 (+0.05) |" in page
    assert "| several layers | 1 | -0.15 | 0% (90%) | -0.200 (-0.03) |" in page
    assert "| eSR-TM x2 | 4 of 48 | +0.05 | +0.05 | +0.05 | -0.10 | +0.20 | 36 |" in page
    worst = page.split("## Furthest below the pool")[1]
    assert "| fsrcnn_d6s1m4_x4 | FSRCNN_s4_D6_S1_M4 | 27.00 | -0.20 |" in worst.splitlines()[4]
