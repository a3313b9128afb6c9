"""What `--crisp` is worth beside `--real` and x4plus: figures on degraded photographs, and crops to look at."""

import base64
import html
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks.drawings import drawings
from benchmarks.pages.page import ROOT, Page, Settings, measured_here, results, write_results
from benchmarks.pages.pictures import side_by_side
from benchmarks.pages.tables import RIGHT, machine_line, table
from benchmarks.x4plus import SCALE, x4plus
from upres.errors import DataError
from upres.image.resize import imresize
from upres.lab.data.degradations import PHOTOGRAPH, degrade
from upres.lab.data.pictures import load_pictures
from upres.lab.data.rendered import rendered
from upres.lab.losses.checkerboard import checkerboard
from upres.lab.studies.crisp import STUDY
from upres.lab.studies.study import run_name
from upres.metrics.niqe import niqe
from upres.metrics.psnr import psnr
from upres.metrics.ssimulacra2 import ssimulacra2
from upres.models.catalog import find
from upres.upscaler import Upscaler

Pixels = NDArray[np.uint8]
Contender = Callable[[Pixels], Pixels]

SIDE = 384
"""Of the middle of each photograph, in pixels."""
SHARES = (0.5, 1.0)
"""Of `--crisp`, that are measured."""
CROPS = ROOT / "runs" / "crisp" / "crops.html"
PHOTOGRAPHS = (2, 5, 7, 9, 11, 16, 17, 18, 23, 27, 28, 32, 34, 35, 36, 37)
"""Which of CID22's validation set are looked at, in the order of their names: faces, print, night, stone, fur."""
_BOX = (64, 80)
"""Height and width of what is looked at, in pixels of the small picture."""

TEXT = """Degraded by `PHOTOGRAPH` of `lab/data/degradations`, once with a fixed seed: the middle, {side} pixels a side,
of each of {count} photographs of CID22's validation set, x4. SSIMULACRA2 (100: the same picture) and PSNR of RGB
compare with the truth; NIQE looks at the picture alone, and what counts is how near it comes to that of the originals.
x4plus ran by ncnn. Written by `python -m benchmarks` from `benchmarks/results/crisp.json`; {machine}.
"""

PIECES = """Each row adds one piece to the row above; the last two change the recipe. {steps} steps each from the same
start, one seed, judged on the same photographs. *Grid*: what errors have in common at each place of the 4x4 cells of
the pixel shuffle. Written by `python -m benchmarks` from `benchmarks/results/crisp_looks.json`, the runs are those of
`upres train crisp_pieces`; {machine}.
"""


def contenders() -> Mapping[str, Contender]:
    """Name -> what makes a picture four times as large."""
    shares = {"`--crisp`" if share == 1 else f"`--crisp {share:g}`": Upscaler(SCALE, crisp=share) for share in SHARES}
    return {
        "bicubic": Upscaler(SCALE, model="bicubic"),
        "`--real`": Upscaler(SCALE, real=True),
        **shares,
        "x4plus": x4plus,
    }


def photographs(shared: Path) -> Iterator[tuple[Pixels, Pixels]]:
    """The middle of each photograph, and what remains of it."""
    for index, pair in enumerate(load_pictures(shared / "data" / "test" / "CID22val" / "HR", SCALE)):
        top, left = ((side - SIDE) // (2 * SCALE) * SCALE for side in pair.hr.shape[:2])
        hr = np.ascontiguousarray(pair.hr[top : top + SIDE, left : left + SIDE])
        yield hr, degrade(hr, SCALE, PHOTOGRAPH, (index, SCALE))


def measure_scores(settings: Settings) -> None:
    """Every contender on every photograph."""
    pairs = list(photographs(settings.shared))
    rows = [{"contender": "the originals", "niqe": mean(niqe(hr) for hr, _ in pairs), "pictures": len(pairs)}]
    for name, contender in contenders().items():
        made = [(contender(lr), hr) for hr, lr in pairs]
        rows.append({"contender": name, **_scored(made), "pictures": len(pairs)})
    write_results("crisp", measured_here(rows))


def measure_pieces(settings: Settings) -> None:
    """The networks of the study `crisp_pieces`, as many as are finished, whose runs lie in ``settings.runs``."""
    pairs = list(photographs(settings.shared))
    start = next(row.start for row in STUDY.rows)
    runs = {row.label: settings.runs / run_name(STUDY, row, 0) / "last.safetensors" for row in STUDY.rows}
    finished = {label: str(path) for label, path in runs.items() if path.is_file()}
    if not finished:
        raise DataError(f"{settings.runs}: no run of {STUDY.name}; --runs names their folder")
    models = {"start": start} | finished
    says = {"start": f"the start, `{start}`"} | {row.label: row.says for row in STUDY.rows}
    rows = []
    for label, model in models.items():
        upscaler = Upscaler(SCALE, model=model)
        made = [(upscaler(lr), hr) for hr, lr in pairs]
        rows.append(
            {"label": label, "says": says[label], **_scored(made), "grid": mean(_grid(sr, hr) for sr, hr in made)}
        )
    steps = find(next(iter(finished.values()))).card.training["steps"]
    write_results("crisp_looks", {"steps": steps, **measured_here(rows)})


def _grid(sr: Pixels, hr: Pixels) -> float:
    """What errors have in common at each place of the cells of the network's pixel shuffle, in levels of 255."""
    batch, truth = (torch.from_numpy(each).permute(2, 0, 1)[None].float() for each in (sr, hr))
    return checkerboard(batch, truth, period=SCALE, window=SIDE).item()


def _scored(made: Sequence[tuple[Pixels, Pixels]]) -> dict[str, float]:
    return {
        "ssimulacra2": mean(ssimulacra2(sr, hr) for sr, hr in made),
        "niqe": mean(niqe(sr) for sr, _ in made),
        "psnr_db": mean(psnr(sr, hr, data_range=255) for sr, hr in made),
    }


def measure_crops(settings: Settings) -> None:
    """A web page of crops, every contender beside the others, pixel for pixel; it is not kept in the repository."""
    opened = contenders()
    rows = []
    for name, small in pictures(settings.shared).items():
        file = io.BytesIO()
        side_by_side({title: contender(small) for title, contender in opened.items()}).save(file, "PNG")
        image = base64.b64encode(file.getvalue()).decode()
        rows.append(f'<h2>{html.escape(name)}</h2><img src="data:image/png;base64,{image}">')
    CROPS.parent.mkdir(parents=True, exist_ok=True)
    CROPS.write_text(f"<!doctype html><meta charset=utf-8><title>crisp</title>{''.join(rows)}")


def pictures(shared: Path) -> dict[str, Pixels]:
    """Name -> a crop of a small picture: real ones, degraded photographs, drawings and screens."""
    real = sorted((shared / "data" / "test" / "RealLR10").iterdir())
    degraded = dict(enumerate(lr for _, lr in photographs(shared)))
    return {
        **{f"RealLR10, {path.stem}": _middle(np.asarray(Image.open(path).convert("RGB"))) for path in real},
        **{f"CID22, {index}": _middle(degraded[index]) for index in PHOTOGRAPHS},
        **{f"drawing {index}": _middle(imresize(each, scale=0.5)) for index, each in enumerate(drawings(2))},
        **{f"screen {seed}": rendered(1, height=_BOX[0], width=_BOX[1], seed=seed) for seed in (2, 3)},
    }


def _middle(picture: Pixels) -> Pixels:
    height, width = (min(box, side) for box, side in zip(_BOX, picture.shape[:2], strict=True))
    top, left = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    return np.ascontiguousarray(picture[top : top + height, left : left + width])


def render(content: Mapping[str, Any]) -> str:
    """The table of scores."""
    rows: Sequence[Mapping[str, Any]] = content["rows"]
    lines = [
        (
            row["contender"],
            *(f"{row[key]:{shown}}" if key in row else "" for key, shown in _COLUMNS.items()),
        )
        for row in rows
    ]
    text = TEXT.format(side=SIDE, count=rows[0]["pictures"], machine=machine_line(content["environment"]))
    return f"{text}\n{table(('', 'SSIMULACRA2', 'NIQE', 'PSNR, dB'), lines, align=RIGHT)}"


def render_pieces(content: Mapping[str, Any]) -> str:
    """The table of the study's networks."""
    columns = {**_COLUMNS, "grid": ".2f"}
    lines = [(row["says"], *(f"{row[key]:{shown}}" for key, shown in columns.items())) for row in content["rows"]]
    text = PIECES.format(steps=content["steps"], machine=machine_line(content["environment"]))
    return f"{text}\n{table(('', 'SSIMULACRA2', 'NIQE', 'PSNR, dB', 'grid, levels'), lines, align=RIGHT)}"


_COLUMNS = {"ssimulacra2": ".1f", "niqe": ".2f", "psnr_db": ".2f"}

PAGES: Sequence[Page] = (
    Page(
        name="crisp",
        target="docs/reports/crisp.md",
        mark="scores",
        inputs=(results("crisp"),),
        render=render,
        measure={"scores": measure_scores, "crops": measure_crops},
    ),
    Page(
        name="crisp_pieces",
        target="docs/reports/crisp.md",
        mark="pieces",
        inputs=(results("crisp_looks"),),
        render=render_pieces,
        measure={"pieces": measure_pieces},
    ),
)
