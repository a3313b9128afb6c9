"""The page of the sweep: distances to the pool, by family and scale, and whether they keep their bars."""

from xml.etree import ElementTree

import pytest

from benchmarks.pages.page import ROOT, read
from benchmarks.pages.sweep import REFERENCE, distances, pool_name, render
from benchmarks.pages.sweep_drawing import drawing
from benchmarks.pages.sweep_front import DEVICES, FAMILIES, Point, claims, front, fronts, ours, published
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
    reference = {row["name"]: row for row in read(ROOT / REFERENCE)}
    for row in rows[:-1]:
        reference |= {
            (known := _known(row, 31.6 if row["family"] == "esr_tm" else 27.2))["name"]: reference[known["name"]]
            | known
        }
    page = render(rows, list(reference.values()))
    assert "5 of 1182 networks are trained, in 0.1 hours of one core; the figures are of these" in page
    assert "| one layer | 4 | -0.05 | 75% (90%) | +0.050 (+0.05) |" in page
    assert "| several layers | 1 | -0.15 | 0% (90%) | -0.200 (-0.03) |" in page
    assert "| eSR-TM x2 | 4 of 48 | +0.05 | +0.05 | +0.05 | -0.10 | +0.20 | 36 |" in page
    worst = page.split("## Furthest below the pool")[1]
    assert "| fsrcnn_d6s1m4_x4 | FSRCNN_s4_D6_S1_M4 | 27.00 | -0.20 |" in worst.splitlines()[4]


def test_a_front_has_whatever_is_better_than_all_that_is_faster() -> None:
    points = [
        Point(family=family, size={}, fps=fps, psnr=psnr)
        for family, fps, psnr in (("a", 9, 30.0), ("b", 9, 30.5), ("c", 5, 30.4), ("d", 5, 31.0), ("e", 1, 31.0))
    ]
    assert [point.family for point in front(points)] == ["b", "d"]
    assert [point.family for point in front(reversed(points))] == ["b", "d"]


def test_every_front_of_the_authors_has_a_line_and_every_claim_a_figure() -> None:
    reference = read(ROOT / REFERENCE)
    assert len(published(reference, "RPI", 4)) == 395
    lines = fronts(reference).splitlines()[2:]
    assert len(lines) == 3 * len(DEVICES)
    assert all(line.rstrip(" |").endswith("ESPCN") for line in lines), "the best network of each"
    text = claims(reference, [])
    assert len(text.splitlines()) == 2 + 6
    assert "eSR-MAX 26%, eSR-TM 2%, eSR-TR 5% |" in text
    rows = [_row("esr_max", 2, quality, K=5, C=c) for c, quality in ((1, 30.0), (2, 31.0), (3, 30.5))]
    assert "eSR-MAX 26% (ours 33%), eSR-TM 2%" in claims(reference, rows)
    assert ours([rows[0] | {"latency_ms": "8"}], 2)[0].fps == 125


def test_the_drawing_has_a_point_for_each_network_of_a_front() -> None:
    reference = read(ROOT / REFERENCE)
    image = ElementTree.fromstring(drawing(reference))
    shape = "{http://www.w3.org/2000/svg}"
    points = sum(len(front(published(reference, device, scale))) for device in DEVICES for scale in (2, 3, 4))
    assert len(image.findall(f"{shape}circle")) == points + len(FAMILIES)
    width, height = float(image.get("width", "0")), float(image.get("height", "0"))
    for circle in image.findall(f"{shape}circle"):
        assert 0 < float(circle.get("cx", "0")) < width
        assert 0 < float(circle.get("cy", "0")) < height
