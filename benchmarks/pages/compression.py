"""The report on compression: what papers claim beside what was found here, the studies, and what that means for users.

Studies take hours each; the page shows those whose results are there.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.pages import studies
from benchmarks.pages.compression_facts import ALIKE, PRECISIONS, SIMILAR, measure_counts, measure_looks, measure_speed
from benchmarks.pages.page import ROOT, Latency, Page, results
from benchmarks.pages.tables import LEFT, RIGHT, machine_line, pm, table
from upres.lab.studies.summary import markdown

NOTHING_DB = 0.02
"""A loss that nobody sees and few measure."""

Contents = Mapping[str, Any]
"""Name of a results file -> what it holds."""

STUDIES: Mapping[str, str] = {
    "ghost": """EDSR of 32 channels and 8 blocks is trained for 30 000 steps. Every row takes its weights, does one
thing to the two convolutions of each block, and is trained on for 6000 steps at a quarter of the rate. Pruned to half
of the inner width it has exactly the operations of half ghosts.""",
    "ghost_scratch": """The same kinds of networks from nothing, for the 30 000 steps of the teacher.""",
    "ghost_offsets": """The same teacher, 2500 steps; shares of ghosts, and how their offsets are found. A copy in place
says nothing new to the next convolution, which could add up the weights of both; a shifted copy does.""",
    "ghost_wiring": """A network in which blocks share weights and convolutions are grouped (CARN_M), and a chain
(VDSR): 6000 steps, and 2500 more with and without ghosts.""",
    "ghost_dense": """The same for a network in which features are joined (RDN).""",
    "ghost_x4": """The teacher goes on to x4 for 6000 steps; both rows are trained on from there for 2500.""",
    "shipped_smaller": """RLFN of 32 channels and 6 blocks as it ships, made smaller in four ways, and trained on for
2500 steps at a quarter of the rate that it was made with.""",
    "distilled_x2": """The network that ships, trained on for 1000 steps by the last stage of its recipe,
with and without the output of a wider one beside the truth: itself with 48 channels, trained on for 2000 steps.""",
    "distilled_x4": """The same at x4.""",
}
"""Study -> what it does."""
_PRESENT = tuple(
    name
    for name in (*STUDIES, "ghost_speed", "compression_counts", "compression_looks", "compression_speed")
    if (ROOT / results(name)).is_file()
)
"""Results files that are there."""

INTRODUCTION = """# Compression: the papers' claims, and what they are worth here

GhostSR (Nie et al., 2021, arXiv:2101.08525) replaces half of the maps of a trained network's convolutions by shifted
copies of the other half. How that is done here is told in [compression](../reference/compression.md), what it costs in
milliseconds in [ghost.md](ghost.md). The paper's networks are up to 200 times as large as those below and were trained
for weeks; its tables beyond the abstract could not be had. So claims are compared as they are worded: who is ahead of
whom. A difference counts where it exceeds twice the spread over seeds; studies of one seed have that of the first one.

Written by `python -m benchmarks` from results of `upres train STUDY` ({studies}) and
`python -m benchmarks measure compression`.
"""


def render(*contents: Any) -> str:
    """The Markdown page, from the results that are there."""
    found = dict(zip(_PRESENT, contents, strict=True))
    present = [name for name in STUDIES if name in found]
    parts = [INTRODUCTION.format(studies=", ".join(f"`{name}`" for name in present))]
    parts += [table(("claim", "paper", "here", "holds"), _claims(found), (LEFT, LEFT, LEFT, LEFT)), ""]
    for name in present:
        parts += [f"## {found[name]['title']}\n", STUDIES[name], "", _study(found[name])]
        if name == "shipped_smaller" and "compression_speed" in found:
            parts += [_candidates(found[name], found["compression_speed"]), ""]
    if "compression_counts" in found:
        parts += ["## Counts\n", _counts(found["compression_counts"]["rows"]), ""]
    if "compression_looks" in found:
        parts += [*_looks(found["compression_looks"])]
    lacking = [name for name in STUDIES if name not in found]
    if lacking:
        parts.append(f"Not trained yet: {', '.join(f'`{name}`' for name in lacking)}.\n")
    return "\n".join(parts)


def _study(summary: Mapping[str, Any]) -> str:
    """A study's table with its operations, and where it was timed."""
    flops = {row["label"]: row["flops"] for row in summary["rows"]}
    first = next(iter(flops.values()))
    operations = ", ".join(
        f"{row['says'].split(':')[0]} {flops[row['label']] / first:.0%}" for row in summary["rows"][1:]
    )
    return (
        f"{markdown(summary)}\nMultiply-adds of the first row: {first / 1e9:.2f} G for 1280x720 out; of the others in "
        f"parts of that: {operations}. CPU ms: eager PyTorch at 320x180, {machine_line(summary['environment'])}.\n"
    )


def _row(summary: Mapping[str, Any], label: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(row for row in summary["rows"] if row["label"] == label)
    return found


def _verdict(row: Mapping[str, Any], spread: float | None, *, ahead: int) -> str:
    """Whether a row's gain has the sign that the claim wants, beyond the spread.

    A row of one seed counts with the spread that other rows have, and says so.
    """
    alone = len(row["psnr_db"]) == 1
    if not (row["certain"] or (alone and spread is not None and abs(row["gain_db"]) > 2 * spread)):
        return "not beyond the spread" if spread is not None else "one seed, spread not known"
    return ("yes" if row["gain_db"] * ahead > 0 else "no, the reverse") + " (one seed)" * (not row["certain"])


def _claims(found: Contents) -> Iterator[tuple[str, str, str, str]]:
    """Claim, the paper's figure, ours, whether it holds."""
    yield from _claims_of_cost(found)
    yield from _claims_of_quality(found)
    if "compression_looks" in found:
        yield from _claims_of_looks(found["compression_looks"])


def _claims_of_cost(found: Contents) -> Iterator[tuple[str, str, str, str]]:
    if "compression_counts" in found:
        row = next(row for row in found["compression_counts"]["rows"] if row["model"] == "edsr_x2")
        parameters, flops = (row[f"{key}_after"] / row[f"{key}_before"] - 1 for key in ("parameters", "flops"))
        yield "EDSR x2 has fewer parameters and operations", "-46 %, -46 %", f"{parameters:.1%}, {flops:.1%}", "yes"
    timed = found["ghost_speed"]
    speed = {(row["channels"], row["form"], row["engine"]): row["latency_ms_median"] for row in timed["rows"]}
    plain = speed[256, "plain", "openvino"]
    ghost, folded = (speed[256, form, "openvino"] / plain - 1 for form in ("ghost", "folded"))
    machine = machine_line(timed["environment"])
    here = f"{ghost:.0%} with copies, {folded:.0%} folded (OpenVINO, 256 channels, {machine})"
    yield "it is faster", "-41 to -42 % on a GPU", here, "folded" if folded <= -0.4 < ghost else "partly"


_QUALITY: Sequence[tuple[str, str, str, str, int]] = (
    ("ghost", "ghost", "half ghosts lose nothing that is seen", "about 0", 0),
    ("ghost", "random", "k-means chooses better filters than chance", "ahead", -1),
    ("ghost", "depthwise", "shifts do as well as depthwise ghosts", "ahead", -1),
    ("ghost", "separable", "they are ahead of separable convolutions", "ahead", -1),
    ("ghost", "pruned_l1", "they are ahead of pruning, by L1", "ahead", -1),
    ("ghost", "pruned_fpgm", "by FPGM", "ahead", -1),
    ("ghost", "pruned_taylor", "by Taylor", "ahead", -1),
    ("ghost", "faded", "by SRP", "ahead", -1),
    ("ghost_offsets", "zero50", "learned offsets are ahead of plain copies", "ahead", -1),
    ("ghost_offsets", "drawn50", "and of random ones", "ahead", -1),
    ("ghost_wiring", "carn_m_ghost", "CARN_M does not lose", "about 0", 0),
    ("ghost_x4", "ghost", "x4 does not lose", "about 0", 0),
)
"""Study, row, claim, the paper's finding, and the sign of the gain that the claim wants (0: no loss)."""


def _claims_of_quality(found: Contents) -> Iterator[tuple[str, str, str, str]]:
    for study, label, claim, paper, ahead in _QUALITY:
        if study not in found:
            continue
        row = _row(found[study], label)
        over = _row(found[study], row["against"])["says"].split(":")[0]
        here = f"{row['gain_db']:+.3f} dB over *{over}*"
        if ahead:
            yield claim, paper, here, _verdict(row, _spread(found, study), ahead=ahead)
        else:
            yield claim, paper, here, "yes" if row["gain_db"] > -NOTHING_DB else "no"
    if {"ghost", "ghost_scratch"} <= found.keys():
        both = [_row(found[name], "ghost") for name in ("ghost", "ghost_scratch")]
        converted, scratch = (row["mean_db"] for row in both)
        gain, spread = converted - scratch, _spread(found, "ghost_scratch")
        fewest = min(both, key=lambda row: len(row["psnr_db"]))
        certain = len(fewest["psnr_db"]) > 1 and spread is not None and abs(gain) > 2 * spread
        gained = {"gain_db": gain, "certain": certain, "psnr_db": fewest["psnr_db"]}
        here = f"{gain:+.3f} dB, after 6000 steps and those of the teacher against as many as its"
        says = _verdict(gained, spread, ahead=1)
        yield "a converted network is ahead of one from nothing", "ahead", here, says


def _spread(found: Contents, study: str) -> float | None:
    """Over seeds; of a study of one seed that of `ghost`, whose networks are like its own."""
    spread: float | None = found[study]["spread_db"]
    return found["ghost"]["spread_db"] if spread is None and "ghost" in found else spread


def _claims_of_looks(looks: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    forms = looks["forms"]
    claims = (
        ("extent", "ghosts see further", "side of the square with 95 % of the attribution", ".0f"),
        ("high_share", "ghosts add high frequencies", "high frequencies' share of the blocks' maps", ".3f"),
    )
    for key, claim, says, digits in claims:
        plain, ghost = forms["original"][key], forms["ghost"][key]
        here = f"{says}: {ghost['mean']:{digits}} against {plain['mean']:{digits}}"
        error = 2 * max(plain["spread"], ghost["spread"]) / looks["pictures"] ** 0.5
        holds = "yes" if ghost["mean"] - plain["mean"] > error else "not beyond twice the error of the mean"
        yield claim, "said, not measured", here, holds
    apart = looks["alike"]
    here = f"{apart['ghost_from_original']:.2f} levels of 255 apart; bicubic {apart['bicubic_from_original']:.2f}"
    yield "pictures at x4 look alike", "shown", here, "see below"


def _counts(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = ("half ghosts", "parameters", "after", "", "multiply-adds, G", "after", "")
    lines = [
        (
            f"`{row['model']}`",
            f"{row['parameters_before']:,}",
            f"{row['parameters_after']:,}",
            f"{row['parameters_after'] / row['parameters_before'] - 1:.1%}",
            f"{row['flops_before'] / 1e9:.1f}",
            f"{row['flops_after'] / 1e9:.1f}",
            f"{row['flops_after'] / row['flops_before'] - 1:.1%}",
        )
        for row in rows
    ]
    return table(columns, lines, RIGHT)


def _candidates(study: Mapping[str, Any], timed: Mapping[str, Any]) -> str:
    """Milliseconds of every form, and which of them would make a better default."""
    times = {(row["label"], row["asked"]): row for row in timed["rows"]}
    lines, better = [], []
    for row in study["rows"]:
        found = [times[row["label"], asked] for asked in PRECISIONS]
        first = [times["original", asked] for asked in PRECISIONS]
        ratios = [each["latency_ms_median"] / one["latency_ms_median"] for each, one in zip(found, first, strict=True)]
        gain = row["gain_db"] or 0.0
        if gain > -NOTHING_DB and max(ratios) < 1:
            better.append(row["says"])
        shown = (f"{pm(each)} ({ratio:.2f})" for each, ratio in zip(found, ratios, strict=True))
        lines.append((row["says"].split(":")[0], *shown, f"{gain:+.3f}"))
    headings = ("", *(f"{times['original', asked]['precision']}, ms" for asked in PRECISIONS), "dB")
    verdict = (
        f"Faster in both and not worse by {NOTHING_DB} dB, and so a candidate for the default: {', '.join(better)}."
        if better
        else f"None is faster without losing {NOTHING_DB} dB or more, so none is a candidate for the default."
    )
    said = f"OpenVINO at 320x180 to 640x360, ghosts folded, {machine_line(timed['environment'])}:"
    return f"{said}\n\n{table(headings, lines, RIGHT)}\n\n{verdict}"


def _looks(looks: Mapping[str, Any]) -> Iterator[str]:
    yield "## Features that resemble each other\n"
    for name in SIMILAR:
        similar = looks["similar"][name]
        yield (
            f"{name.upper()}: of {similar['channels']} maps, {similar['explained']:.0%} are explained by another of "
            f"their layer, shifted by at most one pixel, {similar['explained_in_place']:.0%} by one as it is: error "
            f"within {similar['tolerance']:.0%} of the variance. The most similar pairs:\n"
        )
        yield f"![{name.upper()}: features, partners, partners shifted, differences](../pictures/similar_{name}.webp)\n"
    yield "## x4 by both\n"
    yield f"![a photograph at x4: bicubic, original, ghosts](../pictures/{ALIKE})\n"


def _latencies(*contents: Any) -> Iterator[Latency]:
    found = dict(zip(_PRESENT, contents, strict=True))
    for name in STUDIES:
        if name in found:
            yield from studies.latencies(found[name], scale=4 if name.endswith("_x4") else 2)


PAGES: Sequence[Page] = (
    Page(
        name="compression",
        target="docs/reports/compression.md",
        inputs=tuple(map(results, _PRESENT)),
        render=render,
        latencies=_latencies,
        measure={"counts": measure_counts, "looks": measure_looks, "speed": measure_speed},
        command=f"upres train STUDY, of {', '.join(STUDIES)}",
    ),
)
