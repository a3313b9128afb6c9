"""What networks are worth for photographs that programs made small in different ways."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import mean
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.pages.judge import Pixels, as_png, compressed, scored
from benchmarks.pages.page import Page, Settings, measured_here, results, write_results
from benchmarks.pages.tables import RIGHT, machine_line, table
from upres.image.picture import Picture
from upres.image.resize import imresize
from upres.lab.data.pictures import load_pictures
from upres.metrics.protocol import PROTOCOLS
from upres.upscaler import Upscaler

SCALES = (2, 3, 4)
FILTERS = ("Lanczos", "bicubic", "Hamming", "bilinear", "box", "nearest")
"""Pillow's, the sharpest first."""
CONTENDERS: Mapping[str, Mapping[str, Any]] = {
    "bicubic": {"model": "bicubic"},
    "`--fast`": {"fast": True},
    "`--model rlfn_c32b6`": {"model": "rlfn_c32b6"},
    "**nothing given**": {},
    "**`--best`**": {"best": True},
}
FILES = ("PNG", "JPEG of quality 90")

INTRODUCTION = """# Photographs made small in other ways

Papers reduce pictures by one filter, MATLAB's bicubic, and networks trained on that invert that filter: they are worth
most for it and less for every other. Nobody knows by what a photograph on a disk was made small, or whether it was. So
the networks that `upres upscale` takes for clean photographs saw any filter in training
([how](../guide/training.md#filters)), and `rlfn_c32b6`, which is what papers compare, is there by name.

Mean PSNR in dB on Y (protocol `paper`) on the {count} photographs of CID22's validation set, reduced by MATLAB's
bicubic and by Pillow's filters, kept as PNG or as JPEG. Written by `python -m benchmarks` from
`benchmarks/results/kernels.json`; arithmetic: each engine's own, {machine}.
"""


def reductions(scale: int) -> Mapping[str, Callable[[Pixels], Pixels]]:
    """Column -> what makes a picture that many times smaller."""

    def by_matlab(large: Pixels) -> Pixels:
        small: Pixels = imresize(large, scale=1 / scale)
        return small

    def by_pillow(name: str) -> Callable[[Pixels], Pixels]:
        kernel = Image.Resampling[name.upper()]

        def reduced(large: Pixels) -> Pixels:
            size = large.shape[1] // scale, large.shape[0] // scale
            return np.asarray(Image.fromarray(large).resize(size, kernel))

        return reduced

    return {"MATLAB's bicubic": by_matlab, **{name: by_pillow(name) for name in FILTERS}}


def measure(settings: Settings) -> None:
    """Every contender on every photograph, by every filter."""
    write_results("kernels", measured_here(_rows(settings)))


def _rows(settings: Settings) -> Iterator[dict[str, Any]]:
    folder, rules = settings.shared / "data" / "test" / "CID22val" / "HR", PROTOCOLS["paper"]
    for scale in SCALES:
        pictures = [pair.hr for pair in load_pictures(folder, scale)]
        upscalers = {contender: Upscaler(scale, **options) for contender, options in CONTENDERS.items()}
        for kind in FILES:
            for name, reduced in reductions(scale).items():
                found = [
                    scored(_file(reduced(large), kind), rules.reference(large), upscalers, scale=scale)
                    for large in pictures
                ]
                means = {contender: round(mean(each[contender] for each in found), 3) for contender in CONTENDERS}
                yield {"scale": scale, "file": kind, "filter": name, "pictures": len(found), "psnr_db": means}


def _file(small: Pixels, kind: str) -> Picture:
    """The small picture as a file of that kind holds it."""
    if kind.startswith("JPEG"):
        return compressed(small, 0, quality=int(kind.split()[-1]))
    return as_png(small)


def render(content: Mapping[str, Any]) -> str:
    """The Markdown page: a table a scale and kind of file."""
    rows = content["rows"]
    parts = [INTRODUCTION.format(count=rows[0]["pictures"], machine=machine_line(content["environment"]))]
    for scale in SCALES:
        for kind in FILES:
            found = [row for row in rows if (row["scale"], row["file"]) == (scale, kind)]
            lines = [(each, *(f"{row['psnr_db'][each]:.2f}" for row in found)) for each in CONTENDERS]
            columns = ("", *(row["filter"] for row in found))
            parts += [f"## x{scale}, {kind}\n", table(columns, lines, align=RIGHT), ""]
    return "\n".join(parts)


PAGES: Sequence[Page] = (
    Page(
        name="kernels",
        target="docs/reports/kernels.md",
        inputs=(results("kernels"),),
        render=render,
        measure={"kernels": measure},
    ),
)
