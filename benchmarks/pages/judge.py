"""What the automatic choice is worth: the same pictures by every network, from JPEGs and with noise."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.drawings import drawings
from benchmarks.pages.page import Page, Settings, measured_here, results, write_results
from benchmarks.pages.tables import RIGHT, machine_line, table
from upres.image.picture import Frame, Picture, Source
from upres.image.read import read
from upres.image.resize import imresize
from upres.lab.data.degradations.correlated_noise import CorrelatedNoise
from upres.lab.data.degradations.step import Crop
from upres.metrics.protocol import PROTOCOLS, Views
from upres.upscaler import Upscaler

Pixels = NDArray[np.uint8]

QUALITIES = (98, 95, 92, 90, 88, 85, 75, 60, 40)
NOISES = (2, 4, 8, 15, 30, 50)
CONTENDERS: Mapping[str, Mapping[str, Any]] = {
    "bicubic": {"model": "bicubic"},
    "`--clean`": {"clean": True},
    "`--real`": {"real": True},
    "**default**": {},
    "`--fast --clean`": {"fast": True, "clean": True},
    "`--fast --real`": {"fast": True, "real": True},
    "**`--fast`**": {"fast": True},
}
AUTOMATIC = {"**default**": ("`--clean`", "`--real`"), "**`--fast`**": ("`--fast --clean`", "`--fast --real`")}
"""What chooses -> what it chooses from."""
_CHOSEN = {"light": "networks for light faults", "drawn": "networks for drawings", "real": "robust networks"}
SETS = ("photographs", "the first eight", "drawings", "drawings, by bicubic")

INTRODUCTION = """# What the automatic choice is worth

`upres upscale` looks at each picture and takes the networks for clean pictures, for light faults, for drawings, or the
robust ones ([how](../reference/pipeline.md)). Below are mean PSNRs in dB on Y (protocol `paper`) at x2. Each small
picture is reduced, photographs by bicubic, then compressed by libjpeg with 4:2:0, or made noisy (correlated over 0.7
pixels, half of the variance in colours). *Photographs* are the {photographs} of CID22's validation set, *the first
eight* the first eight of these, *drawings* are {drawings} that `benchmarks/drawings.py` makes. They are reduced as
programs draw small ones, each pixel the mean of what it covers, and once more by bicubic; photographs by other filters
are in [kernels.md](kernels.md). Written by `python -m benchmarks` from `benchmarks/results/judge.json`; arithmetic:
each engine's own, {machine}.
"""


def kinds() -> Mapping[str, Callable[[Pixels, int], Picture]]:
    """Column -> what befalls the small picture of that number."""
    return {
        "none": lambda small, _: as_png(small),
        **{f"JPEG {quality}": partial(compressed, quality=quality) for quality in QUALITIES},
        **{f"noise {sigma}": partial(noisy, sigma=sigma) for sigma in NOISES},
    }


def compressed(small: Pixels, _: int, *, quality: int) -> Picture:
    """The picture as a JPEG file holds it."""
    stream = io.BytesIO()
    Image.fromarray(small).save(stream, "JPEG", quality=quality)
    return read(stream.getvalue())


def noisy(small: Pixels, index: int, *, sigma: float) -> Picture:
    """The picture with noise as finished photographs have it."""
    step = CorrelatedNoise(sigma=(sigma, sigma), length=(0.7, 0.7), color=(0.5, 0.5))
    return as_png(step.apply(small, Crop(1, (index,))))


def measure(settings: Settings) -> None:
    """Every contender on every picture in every state."""
    folder = settings.shared / "data" / "test" / "CID22val" / "HR"
    photographs = _photographs(folder)
    rows = [
        *_rows("photographs", photographs, bicubic),
        *_rows("drawings", drawings(), mean_of_four),
        *_rows("drawings, by bicubic", drawings(), bicubic),
    ]
    write_results("judge", measured_here(rows), indent=None)


def _photographs(folder: Path) -> list[Pixels]:
    return [np.asarray(Image.open(path).convert("RGB")) for path in sorted(folder.iterdir())]


def scored(picture: Picture, reference: Views, upscalers: Mapping[str, Upscaler], *, scale: int) -> dict[str, float]:
    """PSNR in dB (protocol ``paper``) of what each makes of a picture, beside the protocol's reference."""
    rules = PROTOCOLS["paper"]
    scores = {}
    for contender, upscaler in upscalers.items():
        made = rules.reference(upscaler.upscale_picture(picture).pixels)
        scores[contender] = round(rules.score(made, reference, scale=scale, metrics=("psnr",))["psnr"], 3)
    return scores


def bicubic(large: Pixels) -> Pixels:
    """Half as large by the papers' filter."""
    small: Pixels = imresize(large, scale=0.5)
    return small


def mean_of_four(large: Pixels) -> Pixels:
    """Half as large, each pixel the mean of what it covers."""
    height, width = large.shape[0] // 2, large.shape[1] // 2
    fours = large[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3).astype(np.float32)
    small: Pixels = np.rint(fours.mean(axis=(1, 3))).astype(np.uint8)
    return small


def _rows(name: str, pictures: Sequence[Pixels], reduce: Callable[[Pixels], Pixels]) -> Iterator[dict[str, Any]]:
    upscalers = {contender: Upscaler(2, **options) for contender, options in CONTENDERS.items()}
    rules = PROTOCOLS["paper"]
    for kind, befall in kinds().items():
        for index, large in enumerate(pictures):
            picture = befall(reduce(large), index)
            scores = scored(picture, rules.reference(large), upscalers, scale=2)
            choice = upscalers["**default**"].choose(picture)
            yield {"set": name, "kind": kind, "index": index, "choice": choice.name, "psnr_db": scores}


def render(content: Mapping[str, Any]) -> str:
    """The Markdown page: two tables a set, and what the choice costs."""
    rows = content["rows"]
    count = {name: len({row["index"] for row in rows if row["set"] == name}) for name in ("photographs", "drawings")}
    parts = [INTRODUCTION.format(**count, machine=machine_line(content["environment"]))]
    for name in SETS:
        found = [row for row in rows if row["set"] == ("photographs" if name == "the first eight" else name)]
        if name == "the first eight":
            found = [row for row in found if row["index"] < 8]
        parts.append(f"## {name[0].upper()}{name[1:]}\n")
        for beginning in ("JPEG", "noise"):
            columns = ["none", *(kind for kind in kinds() if kind.startswith(beginning))]
            parts += [table((beginning, *(c.split()[-1] for c in columns)), _lines(found, columns), align=RIGHT), ""]
    return "\n".join(parts)


def _lines(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
    scores = {
        contender: [mean(row["psnr_db"][contender] for row in rows if row["kind"] == kind) for kind in columns]
        for contender in CONTENDERS
    }
    for contender in CONTENDERS:
        yield contender, *(f"{score:.2f}" for score in scores[contender])
    for contender, others in AUTOMATIC.items():
        best = (max(each) for each in zip(*(scores[other] for other in others), strict=True))
        gaps = (own - other for own, other in zip(scores[contender], best, strict=True))
        yield f"{contender} over the better of two", *(f"{gap:+.2f}" for gap in gaps)
    for choice, says in _CHOSEN.items():
        shares = [mean(row["choice"] == choice for row in rows if row["kind"] == kind) for kind in columns]
        yield f"{says} chosen", *(f"{share:.0%}" for share in shares)


def as_png(pixels: Pixels) -> Picture:
    """The picture as a file without loss holds it."""
    return Picture(frames=(Frame(pixels=pixels),), source=Source(format="png", mode="rgb"))


PAGES: Sequence[Page] = (
    Page(
        name="judge",
        target="docs/reports/judge.md",
        inputs=(results("judge"),),
        render=render,
        measure={"judge": measure},
    ),
)
