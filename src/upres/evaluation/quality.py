"""PSNR and SSIM of a network on a data set."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from upres.errors import DataError
from upres.evaluation.pairs import LoadedPair, LoadedPairs, dataset_name, find_pairs, load_each
from upres.image.convert import Batch, Network, to_dtype, to_float
from upres.image.resize import imresize
from upres.metrics.protocol import ColorMode, Protocol, find_protocol
from upres.metrics.ssim import WINDOW

Progress = Callable[[int, int], None]
"""Called with the number of pictures done and of all pictures: once before the first, then after each."""


@dataclass(frozen=True, kw_only=True)
class ImageQuality:
    """How well one picture was upscaled."""

    name: str
    psnr_db: float
    ssim: float

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON-ready data to six decimals; an infinite PSNR, which JSON cannot hold, is ``None``."""
        return {"name": self.name, **_figures(self.psnr_db, self.ssim)}


@dataclass(frozen=True, kw_only=True)
class QualityReport:
    """How well a model did on a data set; the figures are means over its pictures."""

    model: str
    scale: int
    dataset: str
    protocol: str
    images: tuple[ImageQuality, ...]

    @property
    def psnr_db(self) -> float:
        """Mean PSNR over the pictures, in dB."""
        return math.fsum(image.psnr_db for image in self.images) / len(self.images)

    @property
    def ssim(self) -> float:
        """Mean SSIM over the pictures."""
        return math.fsum(image.ssim for image in self.images) / len(self.images)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready data: the contract of ``upres evaluate --json``."""
        return {
            "model": self.model,
            "scale": self.scale,
            "dataset": self.dataset,
            "protocol": self.protocol,
            **_figures(self.psnr_db, self.ssim),
            "images": [image.to_dict() for image in self.images],
        }


def evaluate(
    network: Network,
    data: str | Path | LoadedPairs,
    *,
    scale: int,
    color_mode: ColorMode,
    protocol: str = "paper",
    model: str = "network",
    progress: Progress | None = None,
) -> QualityReport:
    """PSNR and SSIM of a network on every picture of a data set.

    Args:
        network: Callable from a float32 batch ``(1, C, H, W)`` in [0, 1] to ``(1, C, scale * H, scale * W)``;
            C is 1 for ``luma`` and 3 for ``rgb``. `bicubic_network` gives the usual baseline.
        data: A folder as `find_pairs` understands it, or what `load_pairs` made of one.
        scale: The network's factor.
        color_mode: ``luma`` or ``rgb``.
        protocol: A name of `upres.metrics.protocol.PROTOCOLS`.
        model: Name for the report.
        progress: Called before the first and after each picture.

    Raises:
        DataError: If the data set, the protocol and the network do not fit each other.
        ImageError: If a picture cannot be read.
        ValueError: If the network returns another shape than its scale asks for.
    """
    (report,) = evaluate_protocols(
        network,
        data,
        scale=scale,
        color_mode=color_mode,
        protocols=[protocol],
        model=model,
        progress=progress,
    )
    return report


def evaluate_protocols(
    network: Network,
    data: str | Path | LoadedPairs,
    *,
    scale: int,
    color_mode: ColorMode,
    protocols: Sequence[str],
    model: str = "network",
    progress: Progress | None = None,
) -> list[QualityReport]:
    """As `evaluate` by several protocols at once, which run the network only where they give it different inputs.

    Returns:
        One report a protocol, in the order asked for.
    """
    rules = [find_protocol(name) for name in protocols]
    for each in rules:
        each.check(color_mode)
    dataset, count, pairs = _open(data, scale)
    images: dict[str, list[ImageQuality]] = {each.name: [] for each in rules}
    if progress:
        progress(0, count)
    for done, pair in enumerate(pairs, start=1):
        remembering = _Remembering(network)
        for each in rules:
            images[each.name].append(_measure(remembering, pair, each, scale, color_mode))
        if progress:
            progress(done, count)
    return [_report(model, scale, dataset, images, each) for each in rules]


def bicubic_network(scale: int, *, eight_bit: bool = True) -> Network:
    """MATLAB's ``imresize`` as a network of any number of planes: the baseline of every paper.

    Args:
        scale: The factor.
        eight_bit: Resize values rounded to 8 bits and round again after each dimension, as the papers' scripts do
            with 8-bit pictures; otherwise resize the float values, neither rounded nor clamped.
    """

    def enlarge(batch: Batch) -> Batch:
        planes = np.moveaxis(batch.reshape(-1, *batch.shape[2:]), 0, -1)
        if eight_bit:
            enlarged = to_float(imresize(to_dtype(planes, np.uint8), scale=scale))
        else:
            enlarged = imresize(planes, scale=scale)
        return np.ascontiguousarray(np.moveaxis(enlarged, -1, 0)).reshape(*batch.shape[:2], *enlarged.shape[:2])

    return enlarge


class _Remembering:
    """A network that does not run twice in a row on the same input."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._last: tuple[Batch, Batch] | None = None

    def __call__(self, batch: Batch) -> Batch:
        if self._last is None or not np.array_equal(self._last[0], batch):
            self._last = (batch, self._network(batch))
        return self._last[1]


def _open(data: str | Path | LoadedPairs, scale: int) -> tuple[str, int, Iterable[LoadedPair]]:
    if not isinstance(data, LoadedPairs):
        found = find_pairs(data, scale)
        return dataset_name(data), len(found), load_each(found, scale)
    if data.scale != scale:
        raise DataError(f"these pairs were loaded for scale {data.scale}, and the network upscales by {scale}")
    return data.dataset, len(data.pairs), data.pairs


def _measure(network: Network, pair: LoadedPair, rules: Protocol, scale: int, color_mode: ColorMode) -> ImageQuality:
    height, width, _ = pair.hr.shape
    least = WINDOW + 2 * rules.border_scales * scale
    if min(height, width) < least:
        raise DataError(
            f"{pair.name}: {width}x{height} pixels are too few for protocol '{rules.name}' at scale {scale}, "
            f"which needs {least}x{least}"
        )
    sr = rules.estimate(network, pair.lr, scale=scale, color_mode=color_mode)
    psnr_db, similarity = rules.score(sr, rules.reference(pair.hr), scale=scale)
    return ImageQuality(name=pair.name, psnr_db=psnr_db, ssim=similarity)


def _report(
    model: str, scale: int, dataset: str, images: Mapping[str, Sequence[ImageQuality]], rules: Protocol
) -> QualityReport:
    return QualityReport(
        model=model, scale=scale, dataset=dataset, protocol=rules.name, images=tuple(images[rules.name])
    )


def _figures(psnr_db: float, ssim: float) -> dict[str, float | None]:
    return {"psnr_db": round(psnr_db, 6) if math.isfinite(psnr_db) else None, "ssim": round(ssim, 6)}
