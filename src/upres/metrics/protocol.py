"""The five ways in which the literature measures super-resolution, each one entry of `PROTOCOLS`.

Restoration is measured by the same rules at scale 1, where no border is ignored: a network that is given every pixel
answers for every pixel, and the papers on denoising cut nothing.

A decibel figure means something only beside its protocol: the same network differs by up to half a decibel between
them. Each says what the network is given, what is measured of its output, and how wide a border is ignored.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from upres.errors import DataError, near_miss
from upres.image.color import luma
from upres.image.convert import Network, run_network, to_float
from upres.metrics.table import DEFAULT, METRICS, Metric, find_metric

ColorMode = Literal["luma", "rgb"]
"""What a network works on, as its card says."""

Picture8 = NDArray[np.uint8]
"""``(H, W, 3)`` RGB; a grey picture has three equal planes, as the papers' scripts load it."""

Values = NDArray[Any]
"""``(H, W)`` or ``(H, W, 3)`` on the scale 0..255."""

DATA_RANGE = 255


@dataclass(frozen=True, kw_only=True)
class Views:
    """One picture as metrics see it."""

    values: Values
    """What the protocol compares."""
    picture: Picture8 | None = None
    """The picture as a user gets it; ``None`` where the protocol looks at one unrounded plane."""


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """One set of rules by which a network's output is compared with the truth."""

    name: str
    summary: str
    values: Callable[[NDArray[Any]], Values]
    """What is compared, 0..255: of an 8-bit RGB picture, or of a `plane` where the protocol has one."""
    plane: Callable[[Picture8], NDArray[np.float32]] | None = None
    """The ``(H, W)`` luma that is given to the network and measured unrounded; ``None``: the colour path of a user."""
    border_scales: int = 1
    """Ignored border in units of the scale."""

    @property
    def luma_only(self) -> bool:
        """Whether the protocol has a meaning only for networks that upscale one luma plane."""
        return self.plane is not None

    def check(self, color_mode: ColorMode) -> None:
        """Nothing where the protocol can measure networks of this colour mode.

        Raises:
            DataError: If it cannot.
        """
        if self.luma_only and color_mode != "luma":
            raise DataError(
                f"protocol '{self.name}' measures luma networks only, and this one works on {color_mode}; "
                "use 'paper', 'ntire' or 'matlab-uint8'"
            )

    def check_metrics(self, names: Iterable[str]) -> None:
        """Nothing where the protocol shows all of these metrics what they look at.

        Raises:
            DataError: If it does not, or if there is no such metric.
        """
        blind = [name for name in names if not self.shows(find_metric(name))]
        if blind:
            raise DataError(
                f"protocol '{self.name}' compares one plane of luma, and {', '.join(blind)} looks at RGB pictures; "
                "use 'paper', 'ntire' or 'matlab-uint8'"
            )

    def shows(self, metric: Metric) -> bool:
        """Whether the protocol has what the metric looks at."""
        return metric.sees == "values" or self.plane is None

    def border(self, scale: int) -> int:
        """Pixels that are ignored at each side of the values; none at scale 1."""
        return self.border_scales * scale if scale > 1 else 0

    def least_side(self, metrics: Iterable[str], *, scale: int) -> int:
        """Pixels that the shorter side of a true picture must have for all of these metrics."""
        found = [find_metric(name) for name in metrics]
        return max((each.least_side + 2 * self.border(scale) * (each.sees == "values") for each in found), default=1)

    def reference(self, hr: Picture8) -> Views:
        """The true picture."""
        if self.plane is None:
            return Views(values=self.values(hr), picture=hr)
        return Views(values=self.values(self.plane(hr)))

    def estimate(self, network: Network, lr: Picture8, *, scale: int, color_mode: ColorMode) -> Views:
        """What the network makes of ``lr``: as large as the true picture.

        Raises:
            DataError: If the network is of a colour mode that the protocol cannot measure.
        """
        self.check(color_mode)
        if self.plane is None:
            picture = run_network(lr, network, scale=scale, color_mode=color_mode)
            return Views(values=self.values(picture), picture=picture)
        return Views(values=self.values(network(np.ascontiguousarray(self.plane(lr)[None, None]))[0, 0]))

    def score(self, sr: Views, hr: Views, *, scale: int, metrics: Iterable[str] = DEFAULT) -> dict[str, float]:
        """The figures of an estimate beside the truth.

        Args:
            sr: What `estimate` gave.
            hr: What `reference` gave.
            scale: Says how wide the border is.
            metrics: Names of `upres.metrics.table.METRICS`.

        Returns:
            Name -> figure, in the order of ``metrics``.

        Raises:
            DataError: If the protocol does not show a metric what it looks at, or there is no such metric.
            ValueError: If the shapes differ, or the pictures are too small for a metric.
        """
        names = tuple(metrics)
        self.check_metrics(names)
        return {name: self._measure(METRICS[name], sr, hr, self.border(scale)) for name in names}

    def _measure(self, metric: Metric, sr: Views, hr: Views, border: int) -> float:
        pictures = (sr, hr) if metric.reference else (sr,)
        if metric.sees == "picture":
            return metric.load()(*(each.picture for each in pictures))
        return metric.load()(*(each.values for each in pictures), data_range=DATA_RANGE, border=border)


def default_protocol(scale: int) -> str:
    """The protocol of most papers: on luma for networks that enlarge, on RGB without a border for those that restore.

    Example:
        >>> default_protocol(2), default_protocol(1)
        ('paper', 'ntire')
    """
    return "paper" if scale > 1 else "ntire"


def find_protocol(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        DataError: If there is none; the nearest name is suggested.
    """
    if name not in PROTOCOLS:
        raise DataError(f"no protocol '{name}'.{near_miss(name, PROTOCOLS)} There are: {', '.join(PROTOCOLS)}.")
    return PROTOCOLS[name]


def _studio_luma(picture: Picture8) -> NDArray[np.float32]:
    return luma(to_float(picture), studio=True)


def _luma_red_and_blue_exchanged(picture: Picture8) -> NDArray[np.float32]:
    # The edge-SR authors' figures are met only so: their loader gave BGR to a formula for RGB.
    return luma(to_float(picture[..., ::-1]), studio=False)


def _table(*protocols: Protocol) -> Mapping[str, Protocol]:
    return MappingProxyType({protocol.name: protocol for protocol in protocols})


PROTOCOLS = _table(
    Protocol(
        name="paper",
        summary="studio-range Y, unrounded, of the 8-bit RGB output; border = scale",
        values=lambda picture: 255.0 * _studio_luma(picture),
    ),
    Protocol(
        name="ntire",
        summary="8-bit RGB; border = scale",
        values=lambda picture: picture,
    ),
    Protocol(
        name="matlab-uint8",
        summary="studio-range Y, rounded to 8 bits, of the 8-bit RGB output; border = scale",
        values=lambda picture: np.floor(255.0 * _studio_luma(picture) + 0.5),
    ),
    Protocol(
        name="luma-float",
        summary="luma networks: unrounded studio-range Y in, clamped and not rounded Y out; border = scale",
        plane=_studio_luma,
        values=lambda plane: 255.0 * np.clip(plane, 0, 1),
    ),
    Protocol(
        name="esr",
        summary="luma networks, as the edge-SR pool: full-range luma with red and blue exchanged; border = 2 x scale",
        plane=_luma_red_and_blue_exchanged,
        values=lambda plane: 16.0 + 219.0 * np.clip(plane, 0, 1),
        border_scales=2,
    ),
)
"""Every protocol by its name."""
