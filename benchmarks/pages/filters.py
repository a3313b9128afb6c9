"""What the filters of small networks mean: kernels and frequencies, and what the choice among candidates is worth."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from math import log2
from pathlib import Path
from statistics import mean, median
from typing import Any

import torch
from PIL import Image
from torch import nn

from benchmarks.pages.page import ROOT, Page, Settings, results, write_results
from benchmarks.pages.pictures import FOLDER
from benchmarks.pages.tables import RIGHT, table
from upres.evaluation.pairs import load_pairs
from upres.evaluation.quality import evaluate
from upres.image.convert import Batch
from upres.lab.inspect.choice import SURE, choice
from upres.lab.inspect.figures import inspect
from upres.lab.inspect.kernels import kernels
from upres.lab.subject import open_subject

OWN = ("esr_max_x2", "esr_tm_x2", "esr_tr_x2", "esr_cnn_x2", "esr_max_k7c8_x2", "esr_tm_k7c8_x2", "esr_tr_k7c8_x2")
PUBLISHED: Mapping[str, str] = {
    "esr_max_k7c2_x2": "eSR-MAX_s2_K7_C2",
    "esr_tm_k7c4_x2": "eSR-TM_s2_K7_C4",
    "esr_cnn_x2": "eSR-CNN_s2_C4_D3_S6",
}
"""Model -> the authors' weights for it."""
CONVOLUTIONAL = ("espcn_d22s32_x2", "fsrcnn_x2", "rlfn_c32b6_x2", "rlfn_c32b6_x4")
DRAWN: Mapping[str, Sequence[str]] = {
    "esr_tm_x2": ("filters",),
    "rlfn_c32b6_x2": ("filters",),
}
"""Model -> its figures on the page."""
FIGURES = tuple(f"{figure}_{name}.webp" for name, figures in DRAWN.items() for figure in figures)
FORMS = ("chosen", "averaged", "winner")
"""The network as it is, with all candidates weighed alike, and with the likeliest candidate alone."""
_SET = "CID22val"
_NO_PICTURE = 10.0
"""Loss in dB from which on a candidate alone is no picture."""
_ALMOST_ALL, _SAME = 0.9, 0.05


def measure(settings: Settings) -> None:
    """What kernels do to frequencies, what is chosen on photographs, and what the choice is worth."""
    reference = settings.shared / "reference" / "weights"
    rows = [_row(name, None, settings) for name in OWN]
    rows += [_row(name, reference / f"{file}.safetensors", settings) for name, file in PUBLISHED.items()]
    ends = [{"model": name, "groups": _groups(open_subject(name).network)} for name in CONVOLUTIONAL]
    for name, figures in DRAWN.items():
        with tempfile.TemporaryDirectory() as folder:
            inspect(open_subject(name), None, folder, figures=figures)
            for figure in figures:
                with Image.open(Path(folder) / f"{figure}.png") as drawn:  # a tenth of the bytes
                    drawn.convert("RGB").save(ROOT / FOLDER / f"{figure}_{name}.webp", quality=60, method=6)
    write_results("filters", {"dataset": _SET, "rows": rows, "ends": ends})


class _Chosen:
    """A network that chooses, run in one of `FORMS`, and what it chose as it is."""

    def __init__(self, network: nn.Module, form: str) -> None:
        self._network, self._form = network, form
        self.weights: list[list[float]] = []
        self.doubts: list[float] = []
        self.sure: list[float] = []

    def __call__(self, batch: Batch, /) -> Batch:
        found = choice(self._network, torch.from_numpy(batch))
        self.weights.append(found.weights.mean((1, 2)).tolist())
        self.doubts.append(float(found.entropy().mean()))
        self.sure.append(float((found.weights.amax(0) >= SURE).float().mean()))
        if self._form == "winner":
            made = found.values.gather(0, found.winners[None])[0]
        elif self._form == "averaged":
            made = found.values.mean(0)
        else:
            made = (found.values * found.weights).sum(0)
        result: Batch = made[None, None].numpy()
        return result


def _row(name: str, weights: Path | None, settings: Settings) -> dict[str, Any]:
    network = open_subject(name, weights=weights).network
    data = load_pairs(settings.shared / "data" / "test" / _SET, 2)
    runs = {form: _Chosen(network, form) for form in FORMS}
    psnr = {
        form: evaluate(run, data, scale=2, color_mode="luma", protocol="paper", metrics=["psnr"]).psnr_db
        for form, run in runs.items()
    }
    seen = runs["chosen"]
    return {
        "model": name,
        "published": weights is not None,
        "groups": _groups(network),
        "weights": [round(mean(each), 4) for each in zip(*seen.weights, strict=True)],
        "doubt_bits": round(mean(seen.doubts), 4),
        "sure": round(mean(seen.sure), 4),
        "psnr_db": {form: round(value, 4) for form, value in psnr.items()},
    }


def _groups(network: nn.Module) -> dict[str, dict[str, Any]]:
    """For each group of kernels how many there are, and medians of what they do."""
    facts = [kernel.facts() for kernel in kernels(network)]
    groups = {group: [each for each in facts if each["group"] == group] for group in (f["group"] for f in facts)}
    keys = ("gain", "peak", "directed", "beyond")
    return {
        group: {"count": len(members)} | {key: round(median(each[key] for each in members), 4) for key in keys}
        for group, members in groups.items()
    }


def render(found: Mapping[str, Any]) -> str:
    """The page in Markdown."""
    return "\n".join(_parts(found)) + "\n"


def _parts(found: Mapping[str, Any]) -> Iterator[str]:
    yield "# What the filters of small networks mean\n"
    yield (
        "By `python -m benchmarks measure filters`, with the figures of [`upres inspect`](../guide/inspect.md). Means "
        f"over the 41 photographs of {found['dataset']} at x2; no figure depends on the machine.\n"
    )
    yield "## What the choice among candidates is worth\n"
    yield (
        "edge-SR makes several candidates for every pixel and weighs them. Below is the same network as it is, with "
        "all candidates weighed alike, and with the heaviest candidate alone: PSNR in dB, protocol `paper`. Doubt is "
        "the entropy of the weights; sure pixels have a candidate of 90 %.\n"
    )
    yield f"{_table_of_choices(found['rows'])}\n"
    yield f"{_said_of_choices(found['rows'])}\n"
    yield "## What kernels do to frequencies\n"
    yield (
        "Medians over the kernels of a group: gain of a flat area, frequency of the largest answer in cycles a pixel "
        "of the input, how much a kernel keeps to one direction, and share of its power beyond what the input can "
        "hold.\n"
    )
    yield f"{_table_of_kernels([*found['rows'], *found['ends']])}\n"
    yield f"{_said_of_kernels(found['rows'])}\n"
    for name in DRAWN:
        yield f"![kernels of {name} and their frequencies](../pictures/filters_{name}.webp)\n"


def _table_of_choices(rows: Sequence[Mapping[str, Any]]) -> str:
    facts = ("weights by", "candidates", "largest mean weight", "doubt, bits", "sure")
    lines = []
    for row in rows:
        psnr = row["psnr_db"]
        apart = [f"{psnr[form]:.2f} ({psnr[form] - psnr['chosen']:+.2f})" for form in FORMS[1:]]
        lines.append(
            (
                f"`{row['model']}`",
                "authors" if row["published"] else "us",
                str(len(row["weights"])),
                f"{max(row['weights']):.0%}",
                f"{row['doubt_bits']:.2f}",
                f"{row['sure']:.0%}",
                f"{psnr['chosen']:.2f}",
                *apart,
            )
        )
    return table(("", *facts, "as it is", "weighed alike", "heaviest"), lines, RIGHT)


def _table_of_kernels(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        (
            f"`{row['model']}`",
            "authors" if row.get("published") else "us",
            group,
            str(facts["count"]),
            f"{facts['gain']:.2f}",
            f"{facts['peak']:.2f}",
            f"{facts['directed']:.0%}",
            f"{facts['beyond']:.0%}",
        )
        for row in rows
        for group, facts in row["groups"].items()
    ]
    return table(("", "weights by", "group", "kernels", "gain", "peak", "directed", "beyond"), lines, RIGHT)


def _said_of_choices(rows: Sequence[Mapping[str, Any]]) -> str:
    """What the table says, whatever it says; a maximum chooses by definition and is left out of the sums."""

    def lost(row: Mapping[str, Any], form: str) -> float:
        return float(row["psnr_db"]["chosen"] - row["psnr_db"][form])

    soft = [row for row in rows if row["doubt_bits"] > 0]
    whole = [row for row in soft if lost(row, "winner") < _NO_PICTURE]
    parts = [
        f"Weights that differ are worth {min(lost(row, 'averaged') for row in soft):.1f} to "
        f"{max(lost(row, 'averaged') for row in soft):.1f} dB over equal ones, and blending is worth "
        f"{min(lost(row, 'winner') for row in whole):.1f} to {max(lost(row, 'winner') for row in whole):.1f} dB over "
        "the heaviest candidate: a softmax does not pick, it mixes."
    ]
    if sums := [row for row in soft if row not in whole]:
        parts.append(
            f"In {_names(sums)} no candidate is a picture: the heaviest alone loses "
            f"{min(lost(row, 'winner') for row in sums):.0f} dB or more, though doubt is "
            f"{min(row['doubt_bits'] / log2(len(row['weights'])) for row in sums):.0%} of what it can be. There large "
            "values cancel, and small differences of weights decide what is left."
        )
    if single := [row for row in rows if max(row["weights"]) > _ALMOST_ALL]:
        parts.append(
            f"One candidate has more than {_ALMOST_ALL:.0%} of the pixels in {_names(single)}: it is nearly one filter."
        )
    return " ".join(parts)


def _said_of_kernels(rows: Sequence[Mapping[str, Any]]) -> str:
    layered = [row for row in rows if "first" not in row["groups"]]
    kept = [row for row in layered if abs(row["groups"]["values"]["gain"] - 1) <= _SAME]
    others = [row for row in layered if row not in kept]
    judges = [row["groups"][group] for row in layered for group in ("queries", "keys") if group in row["groups"]]
    values = [row["groups"]["values"] for row in layered]
    directed, beyond = (
        tuple(median(each[key] for each in group) for group in (values, judges)) for key in ("directed", "beyond")
    )
    said = (
        f"In one-layer networks values keep to no direction ({directed[0]:.0%} in the median) and have {beyond[0]:.0%} "
        f"of their power beyond the input; queries and keys are directed by {directed[1]:.0%} and have {beyond[1]:.0%} "
        "there, where they tell the positions of a pixel's square from each other. "
        f"Each value by itself passes what is flat (gain 1 within {_SAME:.0%}) in {_names(kept)}"
    )
    return f"{said}, not in {_names(others)}." if others else f"{said}."


def _names(rows: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"`{row['model']}` ({'the authors' if row['published'] else 'ours'})" for row in rows)


PAGES: Sequence[Page] = (
    Page(
        name="filters",
        target="docs/reports/filters.md",
        inputs=(results("filters"),),
        render=render,
        measure={"filters": measure},
    ),
)
