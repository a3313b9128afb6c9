"""Restoration: what networks undo on true data sets, and what small trainings say of the papers' claims.

Every part shows a file of results; where a file is not there yet, its part says by which command it is made.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from benchmarks.pages import chain, studies
from benchmarks.pages.page import ROOT, Latency, Page, results
from benchmarks.pages.tables import LEFT, RIGHT, machine_line, table
from upres.evaluation.results import dataset_label
from upres.lab.archs.mirnet import CatFusion, MIRNet
from upres.lab.blocks.selective import SelectiveKernelFusion
from upres.lab.studies.summary import markdown
from upres.metrics.table import METRICS, from_figures

SCORES = "restoration"
STUDIES: Mapping[str, str] = {
    "mirnet_ablation": "MIRNet's paper takes its parts away one by one: the skips matter most, then dual attention, "
    "then selective fusion, in which it counts six times fewer parameters than in concatenation. At this width and "
    "budget only the skips are certain; two seeds of the same network differ by up to two decibels, so attention and "
    "the kind of fusion are not told apart, and rows and columns have one seed.",
    "restorers": "MIRNet, its second version, NAFNet and our plain trunk, trained alike, of about as many operations. "
    "Both MIRNets are far behind the plain trunk after as many steps, in more time; NAFNet is as good or better, with "
    "23 times the parameters.",
    "one_resolution": "MIRNet's authors enlarge a picture by bicubic and restore it at that size, as the pairs of "
    "RealSR come; our networks grow it by a pixel shuffle at their end. Photographs with blur, noise and JPEG, x2.",
    "noise_models": "Brooks et al. and CBDNet's authors say that a network trained on Gaussian noise gains little on "
    "photographs, and one trained on a sensor's noise much. The noise of real cameras judges.",
}
"""Study -> the question."""
_EXTRA = {"noise_models": " --validation ../shared/data/test/PolyU50"}

PUBLISHED: Sequence[tuple[str, str, str, str]] = (
    ("DnCNN, colour, blind, 668 k", "CBSD68, noise 15 / 25 / 50", "33.89 / 31.23 / 27.92 dB", "arXiv:1608.03981"),
    ("MIRNet, 31.8 M", "SIDD", "39.72 dB, SSIM 0.959", "arXiv:2003.06792"),
    ("MIRNet, 31.8 M", "LOL at full size, no gain", "24.14 dB, SSIM 0.830", "arXiv:2003.06792"),
    ("NAFNet, 32 channels, 29.2 M", "SIDD", "39.97 dB, SSIM 0.960", "its repository"),
    ("NAFNet, 64 channels, 116 M", "SIDD", "40.30 dB, SSIM 0.961", "its repository"),
)
"""Network, data set, figures, source."""

INTRODUCTION = """# Restoration

Written by `python -m benchmarks` from files in `benchmarks/results`. Protocol `ntire` at scale 1 is 8-bit RGB, `paper`
is Y; neither ignores a border.
"""
_QUALITY = """## On data sets

`input` is the picture as it is. Noise and JPEG are put into true pictures by `--noise` and `--jpeg`
([evaluation.md](../guide/evaluation.md)); PolyU50 and LOL256 are pairs. *Worse*: pictures whose PSNR is below that of
the picture as it was given. PSNR after one gain is never to be compared with plain PSNR.
"""
_PUBLISHED = """### Published

Of other networks on other data sets; CBSD68 is 68 of the pictures of BSD100.
"""
_SETTING = """
{seeds} a row, SOAP or AdamW along a cosine, bf16 autocast. CPU ms: eager PyTorch at 320x180, {threads} threads,
{machine}.
"""
_MISSING = "There are no results yet; `{command}` makes them."


def render(*contents: Mapping[str, Any]) -> str:
    """The Markdown page, from the files of results that there are, whichever these be."""
    found = {content.get("study", SCORES): content for content in contents}
    parts = [INTRODUCTION, _QUALITY]
    if SCORES in found:
        parts += _scores(found[SCORES]["results"])
    else:
        parts += [_MISSING.format(command=_command(SCORES)), ""]
    columns = ("network", "data set", "", "source")
    parts += [_PUBLISHED, table(columns, PUBLISHED), "", _fusions()]
    if chain.NAME in found:
        parts.append(chain.section(found[chain.NAME]))
    for study, question in STUDIES.items():
        parts.append(_study(study, question, found.get(study)))
    return "\n".join(parts)


def fusion_parameters() -> dict[str, int]:
    """Parameters of all places in the paper's MIRNet where rows meet: by selective fusion and by concatenation."""
    kinds = {"selective": SelectiveKernelFusion, "cat": CatFusion}
    counts = {}
    for fusion, kind in kinds.items():
        with torch.device("meta"):
            network = MIRNet(scale=1, fusion=fusion)  # type: ignore[arg-type]
        parts = [module for module in network.modules() if isinstance(module, kind)]
        counts[fusion] = sum(each.numel() for part in parts for each in part.parameters())
    return counts


def _fusions() -> str:
    counts = fusion_parameters()
    return (
        "## Selective fusion by count\n\n"
        f"In MIRNet as published the rows meet by selective fusion of {counts['selective']:,} parameters in all; "
        f"concatenation and a 1x1 convolution in the same places have {counts['cat']:,}, "
        f"{counts['cat'] / counts['selective']:.2f} times as many. Counted from the networks when this page is "
        "written.\n"
    )


def _scores(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """A table for each protocol and set of metrics: a line a model and data set."""
    groups: dict[tuple[str, tuple[str, ...]], list[Mapping[str, Any]]] = {}
    for record in records:
        groups.setdefault((record["protocol"], tuple(from_figures(record))), []).append(record)
    parts = []
    for (protocol, metrics), mine in groups.items():
        columns = ("data set", "model", "parameters", *(METRICS[name].heading for name in metrics), "worse")
        ordered = sorted(mine, key=lambda record: (dataset_label(record), record["run"]["parameters"]))
        rows = [
            (
                dataset_label(record),
                f"`{record['model']}`",
                f"{record['run']['parameters']:,}",
                *(METRICS[name].text(from_figures(record)[name], page=True) for name in metrics),
                f"{record['worse']} of {len(record['images'])}",
            )
            for record in ordered
        ]
        align = (LEFT, LEFT, *[RIGHT] * (len(columns) - 2))
        parts += [f"Protocol `{protocol}`:\n", table(columns, rows, align), ""]
    return parts


def _study(study: str, question: str, summary: Mapping[str, Any] | None) -> str:
    if summary is None:
        return f"## `{study}`\n\n{question}\n\n{_MISSING.format(command=_command(study))}\n"
    environment = summary["environment"]
    setting = _SETTING.format(
        seeds=studies.seeds_of(summary),
        threads=environment["cores"],
        machine=machine_line(environment),
    )
    return f"## {summary['title']}\n\n{question}\n{setting}\n{markdown(summary)}"


def _command(name: str) -> str:
    if name == SCORES:
        return f"upres evaluate input MODEL --data BSD100 --noise 25 --out {results(SCORES)}"
    return f"upres train {name} --data ../shared/data/train{_EXTRA.get(name, '')} --out RUNS"


def _latencies(*contents: Mapping[str, Any]) -> Iterator[Latency]:
    for summary in contents:
        if summary.get("study") in STUDIES:
            yield from studies.latencies(summary, scale=1)


PAGES: Sequence[Page] = (
    Page(
        name="restoration",
        target="docs/reports/restoration.md",
        inputs=tuple(results(name) for name in (SCORES, chain.NAME, *STUDIES) if (ROOT / results(name)).is_file()),
        render=render,
        measure={chain.NAME: chain.measure},
        latencies=_latencies,
        command=f"{_command(SCORES)}; {'; '.join(map(_command, STUDIES))}",
    ),
)
