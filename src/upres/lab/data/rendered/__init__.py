"""Pictures of drawings and screens that a program makes: text, windows, plots, comics, diagrams, pixel art.

Photographs teach networks texture; the edges of print and screens are rarer among them, and free pictures of these are
rarer still. What is drawn here belongs to nobody and has exact edges and colours. ``python -m upres.lab.data.rendered
DIR 40`` writes some to look at, or to validate on.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from numpy.random import Generator
from PIL import Image

from upres.errors import RecipeError
from upres.lab.data.pictures import PicturePair, Pixels, Progress, load_made
from upres.lab.data.rendered.drawings import diagram, drawing
from upres.lab.data.rendered.pages import page, pixels
from upres.lab.data.rendered.plots import plot
from upres.lab.data.rendered.screens import screen

KINDS: Mapping[str, Callable[[Generator, tuple[int, int]], Image.Image]] = {
    "page": page,
    "screen": screen,
    "drawing": drawing,
    "diagram": diagram,
    "plot": plot,
    "pixels": pixels,
}
"""Every kind by its name: functions of random numbers and (width, height)."""

TILE = 512
"""Side of a tile in a training set, as that of the photographs beside."""

_STREAM = 0x72656E64
_FORMAT = 1
"""Grows where the same seed would draw something else, so that no cache keeps what was."""


def rendered(index: int, *, height: int = TILE, width: int = TILE, seed: int = 0) -> Pixels:
    """Picture number ``index`` of a seed, ``(height, width, 3)``; kinds take turns.

    Raises:
        MissingExtraError: If matplotlib, which brings the fonts, is not installed.
    """
    rng = np.random.default_rng((_STREAM, seed, index))
    make = list(KINDS.values())[index % len(KINDS)]
    return np.asarray(make(rng, (width, height)).convert("RGB"))


def load_rendered(
    count: int,
    scale: int,
    *,
    seed: int = 0,
    reduction: float = 1.0,
    cache: str | Path | None = None,
    progress: Progress | None = None,
) -> tuple[PicturePair, ...]:
    """So many tiles as training pairs; parameters beside as those of `upres.lab.data.pictures.load_pictures`.

    Raises:
        RecipeError: If the count is below 0.
        MissingExtraError: If matplotlib is not installed.
        OutputError: If the cache cannot be written.
    """
    if count < 0:
        raise RecipeError(f"rendered: expected 0 tiles or more, got {count}")
    makes = {f"rendered-{index}": partial(rendered, index, seed=seed) for index in range(count)}
    return load_made(
        makes, scale, kind=f"rendered-{_FORMAT}-{seed}", reduction=reduction, cache=cache, progress=progress
    )
