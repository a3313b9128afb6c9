"""What the networks for photographs are worth.

Each photograph of CID22's validation set is degraded once, by its place and a fixed seed, in the ranges of
`upres.lab.data.degradations.PHOTOGRAPH`; the networks are measured on these and on plain bicubic reductions.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.pages.page import Page, Settings, results, write_results
from benchmarks.pages.tables import RIGHT, table
from upres.engines.select import open_session
from upres.evaluation.pairs import LoadedPair, LoadedPairs
from upres.evaluation.quality import QualityReport, bicubic_network, evaluate_protocols
from upres.image.convert import Network
from upres.lab.data.degradations import BICUBIC, PHOTOGRAPH, Degradation, degraded_pairs
from upres.lab.data.pictures import load_pictures
from upres.metrics.protocol import ColorMode
from upres.metrics.table import keyed
from upres.models.catalog import find
from upres.models.choices import names

SETS = {"bicubic": BICUBIC, "degraded": PHOTOGRAPH}
"""Name in the results -> how the small pictures are made."""
PROTOCOLS = {"paper": "", "ntire": ", RGB"}
"""Protocol -> what a heading adds to the set's name."""

INTRODUCTION = """# Photographs as they are

Some networks were trained on photographs with blur, noise and JPEG compression. They smooth what the others take for
detail; on clean pictures they are worse, so `upres upscale` takes them where it finds faults ([judge.md](judge.md)),
and `--real` always. Degraded here means `PHOTOGRAPH` in `lab/data/degradations`: {ranges}.

Written by `python -m benchmarks` from `benchmarks/results/real.json`: mean PSNR in dB on {count}
photographs of CID22's validation set, each reduced by bicubic or degraded once with a fixed seed; protocol `paper` (of
Y), and `ntire` under *RGB*.
"""


def pictures(shared: Path, scale: int, degradation: Degradation, name: str) -> LoadedPairs:
    """CID22's validation photographs with their small partners."""
    pairs = load_pictures(shared / "data" / "test" / "CID22val" / "HR", scale)
    made = degraded_pairs(pairs, scale, degradation)
    loaded = (LoadedPair(name=str(index), hr=pair.hr, lr=pair.lr) for index, pair in enumerate(made))
    return LoadedPairs(dataset=f"CID22val, {name}", scale=scale, pairs=tuple(loaded))


def measure(settings: Settings) -> None:
    """Every contender on both sets."""
    write_results("real", {"results": list(_scores(settings.shared))})


def _scores(shared: Path) -> Iterator[dict[str, Any]]:
    for scale, real in names("real").items():
        for name, degradation in SETS.items():
            data = pictures(shared, scale, degradation, name)
            others = (names(choice).get(scale) for choice in ("fast", "default", "light", "fast-real"))
            for model in ("bicubic", *(name for name in others if name is not None), real):
                for report in _reports(model, data, scale):
                    yield {
                        "model": model,
                        "scale": scale,
                        "set": name,
                        "protocol": report.protocol,
                        "pictures": len(report.images),
                        **keyed(report.scores),
                    }


def render(content: Mapping[str, Any]) -> str:
    """The Markdown page: a table a scale."""
    rows = content["results"]
    scores = {(row["scale"], row["model"], row["set"], row["protocol"]): row["psnr_db"] for row in rows}
    drawn: dict[str, Any] = PHOTOGRAPH.settings()
    ranges = (
        f"resized by any\nof four kernels, by turns blurred by σ up to {drawn['blur_sigma'][1]} pixels, white noise of "
        f"σ up to {drawn['noise_sigma'][1]:g} levels, correlated\nnoise of up to "
        f"{drawn['correlated_noise_sigma'][1]:g}, JPEG of quality {drawn['jpeg_quality'][0]:g} and better"
    )
    headings = [f"{name}{addition}" for addition in PROTOCOLS.values() for name in SETS]
    parts = [INTRODUCTION.format(ranges=ranges, count=rows[0]["pictures"])]
    for scale, real in names("real").items():
        own, default = (scores[scale, model, "degraded", "paper"] for model in (real, names("default")[scale]))
        lines = [
            (
                model,
                *(f"{scores[scale, model, name, rules]:.2f}" for rules in PROTOCOLS for name in SETS),
                f"{own - default:+.2f}" if model == real else "",
            )
            for model in dict.fromkeys(row["model"] for row in rows if row["scale"] == scale)
        ]
        columns = ("model", *headings, "over the default, degraded")
        parts += [f"## x{scale}\n", table(columns, lines, align=RIGHT), ""]
    return "\n".join(parts)


def _reports(model: str, data: LoadedPairs, scale: int) -> list[QualityReport]:
    network: Network = bicubic_network(scale)
    color_mode: ColorMode = "rgb"
    if model != "bicubic":
        found = find(model)
        network, color_mode = open_session(found, precision="f32"), found.card.color_mode
    return evaluate_protocols(network, data, scale=scale, color_mode=color_mode, protocols=[*PROTOCOLS], model=model)


PAGES: Sequence[Page] = (
    Page(
        name="photographs",
        target="docs/reports/photographs.md",
        inputs=(results("real"),),
        render=render,
        measure={"photographs": measure},
    ),
)
