"""What the league says of the challenge's table, and of the pairs that papers compare."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import correlation
from typing import Any

from benchmarks.pages import sweep_front
from benchmarks.pages.sweep_front import Point
from benchmarks.pages.tables import LEFT, RIGHT, ms, table

IMDN = "imdn"
"""The challenge's baseline, and ours."""
TEAMS = {
    IMDN: "IMDN_baseline",
    "e_rfdn": "RFDN AIM2020 Winner",
    "rlfn_ntire": "ByteESR",
    "fmen": "NJU_Jet",
    "neesr": "NEESR",
    "efdn": "NKU-ESR",
    "megsr": "MegSR",
    "imdn_plus": "rainbow",
    "xilinxsr": "xilinxSR",
    "bsrn": "XPixel",
    "mobilesr": "NJUST_ESR",
    "lwfanet": "Just Try",
}
"""Row of the league -> its team in the challenge's table."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A network and the one that its authors compare it with."""

    newer: str
    older: str
    says: str
    """What they say of it."""


PAIRS: Sequence[Pair] = (
    Pair(newer="rfdn", older=IMDN, says="better with fewer parameters (Liu et al., 2020)"),
    Pair(newer="rfdn_l", older="rfdn", says="52 channels instead of 48: better (Liu et al., 2020)"),
    Pair(newer="e_rfdn", older="rfdn", says="four blocks instead of six: the winner in 2020"),
    Pair(newer="rlfn", older="rfdn", says="as good and faster (Kong et al., 2022)"),
    Pair(newer="rlfn_s", older="rlfn", says="48 channels instead of 52 (Kong et al., 2022)"),
    Pair(newer="rlfn_ntire", older="e_rfdn", says="as good in two thirds of the time (Kong et al., 2022)"),
    Pair(newer="fmen", older="e_rfdn", says="as good, faster and in less memory (Du et al., 2022)"),
    Pair(newer="bsrn", older="rfdn", says="better with half of the parameters (Li et al., 2022)"),
    Pair(newer="efdn", older="rfdn", says="as good and half the size (Wang, 2022)"),
    Pair(newer="span", older="rlfn_s", says="better and faster (Wan et al., 2023)"),
    Pair(
        newer="ghost_rlfn_s",
        older="rlfn_s",
        says="half of the convolutions become shifts at little loss (GhostSR)",
    ),
    Pair(newer="ghost_carn", older="carn", says="likewise"),
    Pair(newer="ghost_edsr", older="edsr", says="likewise"),
)


def front(league: Mapping[str, Any]) -> str:
    """The networks that are better than every faster one, in a sentence."""
    points = [
        Point(family=row["says"], size={}, fps=1000 / row["latency_ms"], psnr=row["psnr_db"]) for row in league["rows"]
    ]
    named = (f"{each.family} ({ms(1000 / each.fps)} ms, {each.psnr:.2f} dB)" for each in sweep_front.front(points))
    return f"Better than whatever is as fast: {', '.join(named)}."


def beside_the_challenge(leagues: Sequence[Mapping[str, Any]], published: Mapping[str, Mapping[str, float]]) -> str:
    """Entrants' distances to IMDN, in the challenge's table and here, and how alike the orders are."""
    rows = {row["label"]: row for row in leagues[0]["rows"]}
    base = published[IMDN]
    lines = [
        (
            rows[label]["says"],
            f"{figures['psnr_val_db'] - base['psnr_val_db']:+.2f}",
            *(f"{gain(league, label, IMDN):+.2f}" for league in leagues),
            f"{figures['latency_ms'] / base['latency_ms']:.2f}",
            f"{rows[label]['latency_ms'] / rows[IMDN]['latency_ms']:.2f}",
        )
        for label, figures in published.items()
        if label != IMDN
    ]
    titles = [f"dB, {title(league)}" for league in leagues]
    columns = ("against IMDN", "dB, published", *titles, "time, published", "time, here")
    labels = list(published)
    theirs = [-published[label]["psnr_val_db"] for label in labels]
    alike = [
        f"{likeness(theirs, [-row_of(league, label)['psnr_db'] for label in labels]):.2f} after {title(league)}"
        for league in leagues
    ]
    times = likeness(
        [published[label]["latency_ms"] for label in labels], [rows[label]["latency_ms"] for label in labels]
    )
    return (
        f"{table(columns, lines, align=(LEFT, *[RIGHT] * (len(columns) - 1)))}\n\n"
        "Published PSNR is of DIV2K's validation pictures, and published times of a Titan Xp. The order by PSNR here "
        f"and there has a rank correlation of {' and '.join(alike)}, the order by time one of {times:.2f} (1: the same "
        "order, 0: none in common)."
    )


def pairs(leagues: Sequence[Mapping[str, Any]]) -> str:
    """What became of each of `PAIRS`: gain in dB, time and parameters as a share of the older's."""
    lines = []
    for pair in PAIRS:
        newer, older = row_of(leagues[0], pair.newer), row_of(leagues[0], pair.older)
        lines.append(
            (
                newer["says"],
                older["says"],
                pair.says,
                *(f"{gain(league, pair.newer, pair.older):+.2f}" for league in leagues),
                f"{newer['latency_ms'] / older['latency_ms']:.2f}",
                f"{newer['parameters_m'] / older['parameters_m']:.2f}",
            )
        )
    titles = [f"dB, {title(league)}" for league in leagues]
    columns = ("", "instead of", "its authors", *titles, "time", "parameters")
    return table(columns, lines, align=(LEFT, LEFT, LEFT, *[RIGHT] * (len(titles) + 2)))


def title(league: Mapping[str, Any]) -> str:
    """Its budget: ``2500 steps``, ``equal time``."""
    steps = {row["steps"] for row in league["rows"]}
    if len(steps) == 1:
        return f"{steps.pop()} steps"
    return "equal time"


def gain(league: Mapping[str, Any], newer: str, older: str) -> float:
    """Of one row over another, in dB."""
    return float(row_of(league, newer)["psnr_db"] - row_of(league, older)["psnr_db"])


def likeness(one: Sequence[float], other: Sequence[float]) -> float:
    """Spearman's correlation of two orders of the same things."""
    return correlation(*([_middle(values, value) for value in values] for values in (one, other)))


def _middle(values: Sequence[float], value: float) -> float:
    """A value's rank; of equal ones the mean of theirs."""
    return sum(other < value for other in values) + (sum(other == value for other in values) + 1) / 2


def row_of(league: Mapping[str, Any], label: str) -> Mapping[str, Any]:
    """A league's row of that label."""
    return next(row for row in league["rows"] if row["label"] == label)
