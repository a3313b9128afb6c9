"""Every metric by its name: what computes it, and what a reader of its figures must know.

A new metric is a file in this room with a function, a row of `METRICS`, and a test. Whatever measures quality (the
verbs ``evaluate`` and ``challenge``, validation while training, results files, model cards) goes by this table.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any, Literal

from upres.errors import DataError, near_miss


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One way to put a figure to the quality of a picture."""

    function: str
    """``module:name`` in this room, imported when it is first needed.

    Called as ``(sr, hr)``, or ``(sr)`` where there is no ``reference``; where it ``sees`` values, with ``data_range``
    and ``border`` besides.
    """
    title: str
    unit: str = ""
    better: Literal["up", "down"] = "up"
    """Which way quality grows."""
    decimals: int = 3
    """That are shown of a figure; a card holds one more."""
    page_decimals: int = 2
    """That a page of means shows."""
    sees: Literal["values", "picture"] = "picture"
    """``values``: what the protocol compares, luma or RGB, without the protocol's border; ``picture``: the 8-bit RGB
    picture as a user gets it, whole."""
    reference: bool = True
    """Whether the true picture is compared with."""
    least_side: int = 1
    """Pixels of the shorter side, without the border, below which there is no figure."""
    key: str = ""
    """What the figure is called in JSON beside ``"metrics"``, where it had a name of its own before that."""

    @property
    def heading(self) -> str:
        """Title, unit and direction, for tables: ``PSNR dB ↑``."""
        return " ".join(filter(None, (self.title, self.unit, "↑" if self.better == "up" else "↓")))

    def load(self) -> Callable[..., float]:
        """The function."""
        module, _, name = self.function.partition(":")
        function: Callable[..., float] = getattr(import_module(f"{__package__}.{module}"), name)
        return function

    def text(self, value: float | None, *, page: bool = False) -> str:
        """A figure as it is shown, in a terminal or on a page; ``None`` is what JSON holds for infinite."""
        decimals = self.page_decimals if page else self.decimals
        return "inf" if value is None or math.isinf(value) else f"{value:.{decimals}f}"

    def described(self, value: float | None) -> str:
        """A figure by itself, within text: ``30.123 dB``, ``SSIM 0.9000``."""
        return f"{self.text(value)} {self.unit}" if self.unit else f"{self.title} {self.text(value)}"


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "psnr": Metric(function="psnr:psnr", title="PSNR", unit="dB", sees="values", key="psnr_db"),
        "ssim": Metric(
            function="ssim:ssim", title="SSIM", decimals=4, page_decimals=4, sees="values", least_side=11, key="ssim"
        ),
        "ssimulacra2": Metric(function="ssimulacra2:ssimulacra2", title="SSIMULACRA2", least_side=8),
        "psnr_gain": Metric(function="gain:psnr_gain", title="PSNR after one gain", unit="dB"),
        "flat_noise": Metric(
            function="flat_noise:flat_noise", title="noise in flat areas", unit="levels", better="down", least_side=8
        ),
        "niqe": Metric(function="niqe:niqe", title="NIQE", better="down", reference=False, least_side=192),
    }
)
"""Name -> metric, in the order of tables."""

DEFAULT = ("psnr", "ssim")
"""What papers print."""


def find_metric(name: str) -> Metric:
    """The metric of that name.

    Raises:
        DataError: If there is none; the nearest name is suggested.
    """
    if name not in METRICS:
        raise DataError(f"no metric '{name}'.{near_miss(name, METRICS)} There are: {', '.join(METRICS)}.")
    return METRICS[name]


def metric_names(names: Iterable[str]) -> tuple[str, ...]:
    """These names, each once, in the order of the table.

    Raises:
        DataError: If one of them is no metric; the nearest name is suggested.
    """
    wanted = tuple(names)
    for name in wanted:
        find_metric(name)
    return tuple(name for name in METRICS if name in wanted)


def mean_scores(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Mean of every metric over pictures."""
    return {name: math.fsum(each[name] for each in scores) / len(scores) for name in scores[0]}


def to_figures(scores: Mapping[str, float | None], *, digits: int | None = 6) -> dict[str, Any]:
    """Scores as JSON-ready data: ``"metrics"`` with all of them by name, after those that have a key of their own.

    Args:
        scores: By name of metric.
        digits: Decimals to round to; ``None`` for those of a card, one more than is shown.

    Returns:
        ``{"psnr_db": 30.1, "ssim": 0.9, "metrics": {"psnr": 30.1, "ssim": 0.9, "niqe": 3.2}}``; an infinite figure,
        which JSON cannot hold, is ``None``.
    """
    rounded = {
        name: round(value, find_metric(name).decimals + 1 if digits is None else digits)
        if value is not None and math.isfinite(value)
        else None
        for name, value in scores.items()
    }
    return {**keyed(rounded), "metrics": rounded}


def keyed(scores: Mapping[str, float | None]) -> dict[str, float | None]:
    """Those scores whose metric has a key of its own in JSON, under that key: ``psnr_db``."""
    return {METRICS[name].key: value for name, value in scores.items() if METRICS[name].key}


def from_figures(figures: Mapping[str, Any]) -> dict[str, float | None]:
    """The scores in what `to_figures` made, or in what was written before there was ``"metrics"``."""
    named: dict[str, float | None] = {
        name: figures[metric.key] for name, metric in METRICS.items() if metric.key and metric.key in figures
    }
    return {**named, **figures.get("metrics", {})}
