"""Two networks or one: pictures that are restored and then enlarged, beside those for faulty pictures that do both."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.pages.judge import Pixels, compressed, noisy, scored
from benchmarks.pages.page import Settings, measured_here, write_results
from benchmarks.pages.tables import RIGHT, machine_line, table
from upres.image.picture import Picture
from upres.image.read import read
from upres.image.resize import imresize
from upres.metrics.niqe import niqe
from upres.metrics.protocol import PROTOCOLS
from upres.upscaler import Upscaler

NAME = "chain"


def saved(small: Pixels, index: int, *, sigma: float, quality: int) -> Picture:
    """A noisy picture as a JPEG file holds it."""
    return compressed(noisy(small, index, sigma=sigma).pixels, index, quality=quality)


CONTENDERS: Mapping[str, Mapping[str, Any]] = {
    "bicubic": {"model": "bicubic"},
    "default": {},
    "`--real`": {"real": True},
    "`--restore`": {"restore": True},
}
FAULTS: Mapping[str, Callable[[Pixels, int], Picture]] = {
    **{f"JPEG {quality}": partial(compressed, quality=quality) for quality in (90, 75, 60, 40, 20)},
    **{f"noise {sigma}": partial(noisy, sigma=sigma) for sigma in (4, 15, 30)},
    **{f"noise {sigma}, JPEG 75": partial(saved, sigma=sigma, quality=75) for sigma in (4, 8, 15)},
}
"""Column -> what befalls the small picture of that number."""
SCALES = (2, 4)
_PICTURES = 12

TEXT = """## A chain or one network

`upres upscale --restore` undoes faults at the picture's own size and then enlarges it by the network for clean
pictures; `--real` is one network that does both. Mean PSNR in dB on Y (protocol `paper`) of {pictures} photographs
of CID22's validation set, which are made small by bicubic, then compressed or made noisy as for [the automatic
choice](judge.md); {machine}.
"""
_REAL = """RealLR10 has no truth. NIQE at x4, which is to be compared within a line alone, and smaller is better:
"""


def measure(settings: Settings) -> None:
    """Every contender on photographs with every fault, and on the pictures of RealLR10."""
    test = settings.shared / "data" / "test"
    rows = [*_photographs(sorted((test / "CID22val" / "HR").iterdir())[:_PICTURES])]
    rows += _without_truth(sorted((test / "RealLR10").iterdir()))
    write_results(NAME, {"study": NAME, **measured_here(rows)}, indent=None)


def _photographs(paths: Sequence[Path]) -> Iterator[dict[str, Any]]:
    rules = PROTOCOLS["paper"]
    for scale in SCALES:
        upscalers = {contender: Upscaler(scale, **options) for contender, options in CONTENDERS.items()}
        for index, path in enumerate(paths):
            large = np.asarray(Image.open(path).convert("RGB"))
            large = large[: len(large) // scale * scale, : large.shape[1] // scale * scale]
            reference, small = rules.reference(large), imresize(large, scale=1 / scale)
            for kind, befall in FAULTS.items():
                scores = scored(befall(small, index), reference, upscalers, scale=scale)
                yield {"picture": path.stem, "scale": scale, "kind": kind, "psnr_db": scores}


def _without_truth(paths: Sequence[Path]) -> Iterator[dict[str, Any]]:
    upscalers = {contender: Upscaler(4, **options) for contender, options in CONTENDERS.items()}
    for path in paths:
        picture = read(path)
        choices = {contender: upscaler.choose(picture) for contender, upscaler in upscalers.items()}
        scores = {
            contender: round(niqe(upscaler.upscale_picture(picture).pixels[..., :3]), 3)
            for contender, upscaler in upscalers.items()
        }
        yield {
            "picture": path.stem,
            "scale": 4,
            "kind": None,
            "niqe": scores,
            "default": choices["default"].name,
            "found": choices["`--restore`"].reason,
        }


def section(content: Mapping[str, Any]) -> str:
    """Its part of the page on restoration."""
    rows = [row for row in content["rows"] if row["kind"] is not None]
    pictures = len({row["picture"] for row in rows})
    parts = [TEXT.format(pictures=pictures, machine=machine_line(content["environment"]))]
    for scale in SCALES:
        lines = (
            (
                contender,
                *(
                    f"{mean(r['psnr_db'][contender] for r in rows if (r['kind'], r['scale']) == (kind, scale)):.2f}"
                    for kind in FAULTS
                ),
            )
            for contender in CONTENDERS
        )
        parts += [table((f"x{scale}", *FAULTS), lines, align=RIGHT), ""]
    found = [row for row in content["rows"] if row["kind"] is None]
    columns = ("picture", *CONTENDERS, "default takes", "restore finds")
    cells = (
        (
            f"`{row['picture']}`",
            *(f"{row['niqe'][c]:.2f}" for c in CONTENDERS),
            row["default"],
            row["found"] or "nothing",
        )
        for row in found
    )
    return "\n".join([*parts, _REAL, table(columns, cells), ""])
