"""The figures of this room, drawn with matplotlib."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upres.errors import MissingExtraError
from upres.lab.inspect.similarity import Pair
from upres.lab.inspect.spectra import LayerSpectrum

SOFT, SMALL = "#555555", 7.5
"""Colour of titles; size of what is written below panels."""


def draw_pairs(pairs: Sequence[Pair]) -> bytes:
    """A row for each pair: feature, partner, shifted partner and what is left, as PNG.

    All but the partner share one range of grey, the difference around its middle, so that it looks as faint as it is.
    """
    columns = ("feature", "partner", "partner, shifted", "difference")
    figure = new_figure(7.2, 1.95 * len(pairs) + 0.2)
    axes = figure.subplots(len(pairs), len(columns), squeeze=False)
    for row, pair in zip(axes, pairs, strict=True):
        like, low, high = pair.likeness, float(pair.feature.min()), float(pair.feature.max())
        half = (high - low) / 2
        ranges = ((low, high), (None, None), (low, high), (-half, half))
        planes = (pair.feature, pair.partner, pair.shifted, pair.difference)
        for panel, plane, (least, most) in zip(row, planes, ranges, strict=True):
            show(panel, plane, least, most)
        dy, dx = like.offset
        row[0].set_xlabel(f"{pair.layer}: {like.channel}", fontsize=SMALL)
        row[1].set_xlabel(f"{like.partner}", fontsize=SMALL)
        row[2].set_xlabel(f"by ({dy}, {dx}), x {like.gain:.3g}", fontsize=SMALL)
        row[3].set_xlabel(f"error {like.error:.3f}", fontsize=SMALL)
    for panel, title in zip(axes[0], columns, strict=True):
        panel.set_title(title, fontsize=9, color=SOFT)
    return png(figure)


def draw_attribution(
    picture: NDArray[np.float32], strength: NDArray[np.float32], *, extent: int, index: float
) -> bytes:
    """The picture and the attribution beside it, on a scale of decades, as PNG.

    Args:
        picture: ``(H, W)`` or ``(H, W, 3)`` in [0, 1].
        strength: ``(H, W)``.
        extent: Side of the square that is drawn around the middle.
        index: The diffusion index, for the title.
    """
    figure = new_figure(7.2, 3.6)
    left, right = figure.subplots(1, 2)
    show(left, picture, 0.0, 1.0)
    decades = np.log10(np.maximum(strength / max(float(strength.max()), 1e-30), 1e-4))
    right.imshow(decades, cmap="magma", vmin=-4, vmax=0)
    height, width = strength.shape
    corner = ((width - extent) / 2 - 0.5, (height - extent) / 2 - 0.5)
    for panel, color in ((left, "red"), (right, "white")):
        panel.set_xticks([])
        panel.set_yticks([])
        panel.add_patch(_rectangle(corner, extent, color))
    left.set_title("picture, and the square that holds 95 %", fontsize=9, color=SOFT)
    right.set_title(f"attribution, four decades; diffusion index {index:.1f}", fontsize=9, color=SOFT)
    return png(figure)


def draw_spectra(layers: Sequence[LayerSpectrum]) -> bytes:
    """Shares of high frequency, layer by layer, as PNG."""
    figure = new_figure(max(5.0, 2.5 + 0.16 * len(layers)), 3.8)
    axes = figure.add_subplot()
    places = range(len(layers))
    for label, marker in (("features", "o"), ("shifted", "x"), ("difference", "^")):
        axes.plot(places, [getattr(each, label) for each in layers], marker=marker, markersize=4, label=label, lw=0.8)
    axes.set_xticks(list(places), [each.name for each in layers], rotation=90, fontsize=6)
    axes.set_ylabel("share of power at high frequencies", fontsize=9, color=SOFT)
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8, frameon=False)
    return png(figure)


def show(panel: Any, plane: NDArray[np.float32], low: float | None, high: float | None) -> None:
    """Draw a plane, or a picture, pixel by pixel; ``None`` for its own least and largest value."""
    panel.imshow(plane, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
    panel.set_xticks([])
    panel.set_yticks([])


def new_figure(width: float, height: float) -> Any:
    """An empty figure of so many inches.

    Raises:
        MissingExtraError: If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("figures", "lab") from error
    return Figure(figsize=(width, height), layout="constrained", dpi=130)


def _rectangle(corner: tuple[float, float], side: int, color: str) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle(corner, side, side, fill=False, edgecolor=color, linewidth=1)


def png(figure: Any) -> bytes:
    """A figure as a PNG file."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()
