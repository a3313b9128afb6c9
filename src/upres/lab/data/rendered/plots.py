"""Plots as matplotlib draws them."""

from threading import Lock
from typing import Any

import numpy as np
from numpy.random import Generator
from PIL import Image

from upres.errors import MissingExtraError
from upres.lab.data.rendered.ink import color, ink, paper, words

_ONE_AT_A_TIME = Lock()
"""Matplotlib's caches of fonts know no threads."""


def plot(rng: Generator, size: tuple[int, int]) -> Image.Image:
    """One to four plots of made-up figures.

    Raises:
        MissingExtraError: If matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise MissingExtraError("rendered pictures", "lab") from error
    dots = float(rng.uniform(60, 130))
    ground = paper(rng)
    text = _share(ink(rng, ground))
    rows, columns = (int(each) for each in rng.integers(1, 3, 2))
    with _ONE_AT_A_TIME:
        figure = Figure((size[0] / dots, size[1] / dots), dpi=dots, facecolor=_share(ground))
        canvas = FigureCanvasAgg(figure)
        for axes in np.ravel(figure.subplots(rows, columns)):
            axes.set_facecolor(_share(ground))
            axes.tick_params(colors=text, labelsize=float(rng.uniform(6, 10)))
            for side in axes.spines.values():
                side.set_color(text)
            _KINDS[int(rng.integers(len(_KINDS)))](rng, axes)
            axes.set_title(words(rng, 2), color=text, fontsize=float(rng.uniform(7, 12)))
            if rng.random() < 0.4:
                axes.grid(color=text, alpha=0.3, linewidth=0.6)
        canvas.draw()  # type: ignore[no-untyped-call]
        shown = np.asarray(canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]
    return Image.fromarray(shown).resize(size, Image.Resampling.NEAREST)  # a pixel less, where sides are rounded


def _share(level: tuple[int, int, int]) -> tuple[float, float, float]:
    return level[0] / 255, level[1] / 255, level[2] / 255


def _lines(rng: Generator, axes: Any) -> None:
    for _ in range(int(rng.integers(1, 6))):
        figures = np.cumsum(rng.normal(size=int(rng.integers(8, 80))))
        marker = str(rng.choice(["", "", "o", "s", "^", "x"]))
        style = str(rng.choice(["-", "--", ":", "-."]))
        axes.plot(figures, style, marker=marker, color=_share(color(rng)), linewidth=float(rng.uniform(0.6, 2.5)))


def _bars(rng: Generator, axes: Any) -> None:
    heights = rng.uniform(0.1, 1, int(rng.integers(3, 16)))
    axes.bar(np.arange(len(heights)), heights, color=[_share(color(rng)) for _ in heights], edgecolor="black")


def _points(rng: Generator, axes: Any) -> None:
    for _ in range(int(rng.integers(1, 4))):
        x, y = rng.normal(size=(2, int(rng.integers(10, 90))))
        axes.scatter(x, y, s=float(rng.uniform(3, 40)), color=_share(color(rng)), marker=str(rng.choice([*"ox+s^."])))


def _cells(rng: Generator, axes: Any) -> None:
    axes.imshow(
        rng.random((int(rng.integers(3, 12)), int(rng.integers(3, 12)))), cmap=str(rng.choice(["viridis", "gray"]))
    )


def _slices(rng: Generator, axes: Any) -> None:
    shares = rng.uniform(0.1, 1, int(rng.integers(2, 7)))
    axes.pie(shares, colors=[_share(color(rng)) for _ in shares], wedgeprops={"edgecolor": "white"})


_KINDS = (_lines, _lines, _bars, _points, _cells, _slices)
