"""Figures of filters and of the choice among candidates, drawn with matplotlib."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from upres.lab.inspect.choice import BANDS, Choice
from upres.lab.inspect.drawings import SMALL, SOFT, new_figure, png, show
from upres.lab.inspect.kernels import Kernel, Plane

_DECIBELS = 40
"""Below the strongest frequency, down to which responses are drawn."""


def draw_kernels(kernels: Sequence[Kernel]) -> bytes:
    """For each group a row of kernels, and under each what it does to frequencies, as PNG."""
    groups = list(dict.fromkeys(kernel.group for kernel in kernels))
    most = max(sum(kernel.group == group for kernel in kernels) for group in groups)
    figure = new_figure(1.2 * max(most, 4) + 0.4, 2.7 * len(groups))
    axes = figure.subplots(2 * len(groups), max(most, 4), squeeze=False)
    for panel in axes.flat:
        panel.axis("off")
    for row, group in enumerate(groups):
        members = [kernel for kernel in kernels if kernel.group == group]
        largest = max(float(np.abs(kernel.taps).max()) for kernel in members)
        for kernel, taps, response in zip(members, axes[2 * row], axes[2 * row + 1], strict=False):
            for panel in (taps, response):
                panel.axis("on")
            _draw_taps(taps, kernel, largest)
            _draw_response(response, kernel)
        axes[2 * row, 0].set_ylabel(group, fontsize=9, color=SOFT)
    return png(figure)


def _draw_taps(panel: Any, kernel: Kernel, largest: float) -> None:
    panel.imshow(kernel.taps, cmap="RdBu", vmin=-largest, vmax=largest, interpolation="nearest")
    panel.set_title(f"{kernel.number}", fontsize=SMALL, color=SOFT)
    panel.set_xticks([])
    panel.set_yticks([])


def _draw_response(panel: Any, kernel: Kernel) -> None:
    facts, response = kernel.facts(), kernel.response
    decibels = 20 * np.log10(np.maximum(response / max(float(response.max()), 1e-30), 1e-9))
    panel.imshow(decibels, cmap="magma", vmin=-_DECIBELS, vmax=0, extent=(-0.5, 0.5, 0.5, -0.5))
    limit = 0.5 / kernel.scale
    if kernel.scale > 1:  # what the input can hold
        panel.plot([-limit, limit, limit, -limit, -limit], [-limit, -limit, limit, limit, -limit], "w", lw=0.6)
    panel.set_xticks([])
    panel.set_yticks([])
    panel.set_xlabel(
        f"gain {facts['gain']:.2f}\n{round(facts['direction']) % 180}°, {facts['directed']:.0%}", fontsize=6
    )


def draw_choice(picture: Plane, found: Choice) -> bytes:
    """The output, which candidate wins where, and how sure it is, as PNG.

    Args:
        picture: What comes out, ``(H, W)`` in [0, 1].
        found: The choice.
    """
    figure = new_figure(9.6, 3.6)
    left, middle, right = figure.subplots(1, 3)
    show(left, picture, 0.0, 1.0)
    left.set_title("output", fontsize=9, color=SOFT)
    count = len(found.weights)
    image = middle.imshow(found.winners.numpy(), cmap="tab20", vmin=-0.5, vmax=19.5, interpolation="nearest")
    middle.set_title("candidate with the largest weight", fontsize=9, color=SOFT)
    bar = figure.colorbar(image, ax=middle, fraction=0.046, ticks=range(min(count, 20)))
    bar.ax.set_ylim(-0.5, min(count, 20) - 0.5)
    doubt = right.imshow(found.entropy().numpy(), cmap="magma", vmin=0, vmax=max(np.log2(count), 1))
    right.set_title("doubt in bits", fontsize=9, color=SOFT)
    figure.colorbar(doubt, ax=right, fraction=0.046)
    for panel in (middle, right):
        panel.set_xticks([])
        panel.set_yticks([])
    return png(figure)


def draw_bands(labels: Sequence[str], decibels: Plane) -> bytes:
    """How strongly each filter answers in each ring of frequencies, in dB over the reference, as PNG.

    Args:
        labels: A name for each row.
        decibels: ``(len(labels), BANDS)``.
    """
    figure = new_figure(5.2, 1.1 + 0.22 * len(labels))
    axes = figure.add_subplot()
    image = axes.imshow(decibels, cmap="RdBu_r", vmin=-20, vmax=20, aspect="auto")
    axes.set_yticks(range(len(labels)), labels, fontsize=SMALL)
    edges = [f"{(band + 1) / (2 * BANDS):.2f}" for band in range(BANDS)]
    axes.set_xticks(range(BANDS), edges, fontsize=SMALL)
    axes.set_xlabel("up to so many cycles a pixel of the output", fontsize=SMALL, color=SOFT)
    figure.colorbar(image, ax=axes, label="dB over bicubic")
    return png(figure)
