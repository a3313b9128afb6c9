"""Quality of a network on a data set, by any protocol and any metrics."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from upres.errors import DataError
from upres.evaluation.faults import Fault
from upres.evaluation.pairs import LoadedPair, LoadedPairs, dataset_name, find_pairs, load_each
from upres.image.convert import Batch, Network, to_dtype, to_float
from upres.image.resize import imresize
from upres.metrics.protocol import ColorMode, Protocol, default_protocol, find_protocol
from upres.metrics.table import DEFAULT, mean_scores, to_figures

Progress = Callable[[int, int], None]
"""Called with the number of pictures done and of all pictures: once before the first, then after each."""


@dataclass(frozen=True, kw_only=True)
class ImageQuality:
    """How well one picture was upscaled."""

    name: str
    scores: Mapping[str, float]
    """Name of a metric -> its figure."""
    worse: bool | None = None
    """At scale 1: whether the PSNR is below that of the picture as it was given."""

    @property
    def psnr_db(self) -> float:
        """PSNR in dB, where it was measured."""
        return self.scores["psnr"]

    @property
    def ssim(self) -> float:
        """SSIM, where it was measured."""
        return self.scores["ssim"]

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON-ready data to six decimals; an infinite figure, which JSON cannot hold, is ``None``."""
        return {"name": self.name, **to_figures(self.scores)}


@dataclass(frozen=True, kw_only=True)
class QualityReport:
    """How well a model did on a data set; the figures are means over its pictures."""

    model: str
    scale: int
    dataset: str
    protocol: str
    images: tuple[ImageQuality, ...]
    fault: Fault | None = None
    """What the network was to undo, where it was put into true pictures."""

    @property
    def scores(self) -> dict[str, float]:
        """Name of a metric -> its mean over the pictures."""
        return mean_scores([image.scores for image in self.images])

    @property
    def psnr_db(self) -> float:
        """Mean PSNR over the pictures, in dB, where it was measured."""
        return self.scores["psnr"]

    @property
    def ssim(self) -> float:
        """Mean SSIM over the pictures, where it was measured."""
        return self.scores["ssim"]

    @property
    def worse(self) -> int | None:
        """Pictures that the network made worse than they were; ``None`` above scale 1."""
        return sum(bool(image.worse) for image in self.images) if self.scale == 1 else None

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready data: the contract of ``upres evaluate --json``."""
        return {
            "model": self.model,
            "scale": self.scale,
            "dataset": self.dataset,
            **({"fault": self.fault.to_dict()} if self.fault else {}),
            "protocol": self.protocol,
            **to_figures(self.scores),
            **({} if self.worse is None else {"worse": self.worse}),
            "images": [image.to_dict() for image in self.images],
        }


def evaluate(
    network: Network,
    data: str | Path | LoadedPairs,
    *,
    scale: int,
    color_mode: ColorMode,
    protocol: str | None = None,
    metrics: Sequence[str] = DEFAULT,
    model: str = "network",
    fault: Fault | None = None,
    progress: Progress | None = None,
) -> QualityReport:
    """Quality of a network on every picture of a data set.

    Args:
        network: Callable from a float32 batch ``(1, C, H, W)`` in [0, 1] to ``(1, C, scale * H, scale * W)``;
            C is 1 for ``luma`` and 3 for ``rgb``. `bicubic_network` gives the usual baseline, and `unchanged` that of
            restoration.
        data: A folder as `find_pairs` understands it, or what `load_pairs` made of one.
        scale: The network's factor; 1 restores, and takes a data set of noisy and clean pictures.
        color_mode: ``luma`` or ``rgb``.
        protocol: A name of `upres.metrics.protocol.PROTOCOLS`; ``None``: ``paper``, and at scale 1 ``ntire``.
        metrics: Names of `upres.metrics.table.METRICS`.
        model: Name for the report.
        fault: What is put into the true pictures of a folder, for networks that restore.
        progress: Called before the first and after each picture.

    Raises:
        DataError: If the data set, the protocol, the metrics and the network do not fit each other.
        ImageError: If a picture cannot be read.
        ValueError: If the network returns another shape than its scale asks for.
    """
    (report,) = evaluate_protocols(
        network,
        data,
        scale=scale,
        color_mode=color_mode,
        protocols=[default_protocol(scale) if protocol is None else protocol],
        metrics=metrics,
        model=model,
        fault=fault,
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
    metrics: Sequence[str] = DEFAULT,
    model: str = "network",
    fault: Fault | None = None,
    progress: Progress | None = None,
) -> list[QualityReport]:
    """As `evaluate` by several protocols at once, which run the network only where they give it different inputs.

    Returns:
        One report a protocol, in the order asked for.
    """
    check_protocols(protocols, color_mode, metrics)
    dataset, count, pairs, fault = _open(data, scale, fault)
    rows = list[Sequence[ImageQuality]]()
    if progress:
        progress(0, count)
    for done, pair in enumerate(pairs, start=1):
        row = measure_pair(network, pair, protocols, metrics=metrics, scale=scale, color_mode=color_mode)
        rows.append(row)
        if progress:
            progress(done, count)
    return reports_of(rows, protocols, model=model, scale=scale, dataset=dataset, fault=fault)


def check_protocols(protocols: Sequence[str], color_mode: ColorMode, metrics: Sequence[str]) -> None:
    """Refuse what cannot be measured together.

    Raises:
        DataError: If there is no such protocol, or one does not fit the network or a metric.
    """
    for name in protocols:
        rules = find_protocol(name)
        rules.check(color_mode)
        rules.check_metrics(metrics)


def measure_pair(
    network: Network,
    pair: LoadedPair,
    protocols: Sequence[str],
    *,
    metrics: Sequence[str],
    scale: int,
    color_mode: ColorMode,
) -> list[ImageQuality]:
    """How well a network did on one picture, by each of several protocols; as for `evaluate_protocols`.

    Raises:
        DataError: If the picture is too small for a metric.
        ValueError: If the network returns another shape than its scale asks for.
    """
    remembering = _Remembering(network)
    return [_measure(remembering, pair, find_protocol(name), metrics, scale, color_mode) for name in protocols]


def reports_of(
    rows: Sequence[Sequence[ImageQuality]],
    protocols: Sequence[str],
    *,
    model: str,
    scale: int,
    dataset: str,
    fault: Fault | None,
) -> list[QualityReport]:
    """A report a protocol.

    Args:
        rows: What `measure_pair` said of each picture, in the data set's order.
        protocols: As for `measure_pair`.
        model: Name for the report.
        scale: The network's factor.
        dataset: Name of the data set.
        fault: What was put into its pictures.
    """
    return [
        QualityReport(
            model=model,
            scale=scale,
            dataset=dataset,
            protocol=find_protocol(name).name,
            images=tuple(row[index] for row in rows),
            fault=fault,
        )
        for index, name in enumerate(protocols)
    ]


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


def unchanged(batch: Batch) -> Batch:
    """The picture as it is: the network of scale 1 that restoration has to beat."""
    return batch


class _Remembering:
    """A network that does not run twice in a row on the same input."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._last: tuple[Batch, Batch] | None = None

    def __call__(self, batch: Batch) -> Batch:
        if self._last is None or not np.array_equal(self._last[0], batch):
            self._last = (batch, self._network(batch))
        return self._last[1]


def _open(
    data: str | Path | LoadedPairs, scale: int, fault: Fault | None
) -> tuple[str, int, Iterable[LoadedPair], Fault | None]:
    if not isinstance(data, LoadedPairs):
        found = find_pairs(data, scale, fault)
        return dataset_name(data), len(found), load_each(found, scale, fault), fault
    if data.scale != scale:
        raise DataError(f"these pairs were loaded for scale {data.scale}, and the network upscales by {scale}")
    return data.dataset, len(data.pairs), data.pairs, data.fault


def _measure(
    network: Network, pair: LoadedPair, rules: Protocol, metrics: Sequence[str], scale: int, color_mode: ColorMode
) -> ImageQuality:
    height, width, _ = pair.hr.shape
    least = rules.least_side(metrics, scale=scale)
    if min(height, width) < least:
        raise DataError(
            f"{pair.name}: {width}x{height} pixels are too few for {', '.join(metrics)} by protocol '{rules.name}' at "
            f"scale {scale}, which needs {least}x{least}"
        )
    sr, hr = rules.estimate(network, pair.lr, scale=scale, color_mode=color_mode), rules.reference(pair.hr)
    scores = rules.score(sr, hr, scale=scale, metrics=metrics)
    worse = None
    if scale == 1:
        ours, before = (rules.score(each, hr, scale=1, metrics=["psnr"]) for each in (sr, rules.reference(pair.lr)))
        worse = ours["psnr"] < before["psnr"]
    return ImageQuality(name=pair.name, scores=scores, worse=worse)
