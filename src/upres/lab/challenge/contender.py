"""One network of a challenge run, in a worker process of its own, where it is weighed, judged, counted and timed."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from upres.bench.memory import peak_resident_mib, reset_peak, resident_mib
from upres.bench.workers import timed_turn
from upres.engines.engine import Batch
from upres.engines.select import open_session
from upres.evaluation.faults import Fault
from upres.evaluation.pairs import load_pairs
from upres.evaluation.quality import evaluate
from upres.image.color import luma
from upres.image.convert import fitted, to_batch, to_float
from upres.lab.checkpoint import load
from upres.lab.complexity import measure
from upres.metrics.table import DEFAULT, keyed
from upres.models.card import ColorMode, Task
from upres.models.catalog import find


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A model and how to run it; plain data, sent to the worker."""

    name: str
    source: str
    """Shipped name or path of a checkpoint."""
    data: str
    """Folder of the data set."""
    scale: int
    task: Task = "upscale"
    fault: Fault | None = None
    """What is put into the data set's true pictures, where they do not come in pairs."""
    engine: str = "torch"
    device: str = "cpu"
    """As the engine names it; ``auto``: the one that the engine would take."""
    precision: str = "auto"
    threads: int = 1
    protocol: str = "ntire"
    metrics: tuple[str, ...] = DEFAULT
    """Names of `upres.metrics.table.METRICS`; PSNR, which the gate needs, is among them."""


class ChallengeRunner:
    """A contender made ready, with the data set's low-resolution pictures in memory.

    Raises:
        DataError: If the data set cannot be read.
        EngineError: If the contender cannot run so.
    """

    def __init__(self, contender: Contender) -> None:
        self._contender = contender
        self._card = find(contender.source).card
        self._pairs = load_pairs(contender.data, contender.scale, contender.fault)
        held = _start_weighing()
        self._session = open_session(
            find(contender.source),
            engine=contender.engine,
            threads=contender.threads,
            precision=contender.precision,
            device=contender.device,
        )
        self._peak_mib = _peak_mib(self._session.facts.device, held)
        self._network = fitted(
            self._session, scale=contender.scale, min_size=self._card.min_size, multiple_of=self._card.multiple_of
        )
        self._calls = [self._call(_batch(pair.lr, self._card.color_mode)) for pair in self._pairs.pairs]

    def assess(self) -> dict[str, Any]:
        """Everything but time: what the contender is, its memory, its quality, its counts."""
        for call in self._calls:
            call()
        peak_mib = self._peak_mib()  # before anything else takes memory
        report = evaluate(
            self._network,
            self._pairs,
            scale=self._contender.scale,
            color_mode=self._card.color_mode,
            protocol=self._contender.protocol,
            metrics=self._contender.metrics,
        )
        return {
            "architecture": self._card.architecture,
            "precision": self._session.facts.precision,
            **keyed(report.scores),
            "metrics": report.scores,
            "peak_mib": peak_mib,
            **self._counts(),
        }

    def time_image(self, *, index: int) -> float:
        """Latency in milliseconds of one picture, after an untimed call."""
        (latency,) = timed_turn(self._calls[index], seconds=0, calls=1)
        return latency

    def image_names(self) -> list[str]:
        """Of the data set, in the order of `time_image`."""
        return [pair.name for pair in self._pairs.pairs]

    def _call(self, batch: Batch) -> Callable[[], object]:
        """One picture's call: as the engine is quickest at it, unless every picture must be padded first."""
        return self._session.bind(batch) if self._network is self._session else partial(self._network, batch)

    def _counts(self) -> dict[str, Any]:
        """By both conventions."""
        network, _ = load(find(self._contender.source).weights)
        exact = measure(network, convention="exact")
        ntire = measure(network, convention="ntire", probe_reach=False)
        return {
            "parameters_m": exact.parameters_m,
            "receptive_field": exact.receptive_field,
            **{
                cost.convention: {
                    "flops_g": cost.flops_g,
                    "activations_m": cost.activations_m,
                    "num_convs": cost.num_convs,
                }
                for cost in (exact, ntire)
            },
        }


def _batch(lr: NDArray[np.uint8], color_mode: ColorMode) -> Batch:
    return to_batch(lr if color_mode == "rgb" else luma(to_float(lr), studio=False))


def _start_weighing() -> float:
    """Memory in MiB that the process holds, as late as possible before the network is opened; begins a new peak."""
    F.conv2d(torch.zeros(1, 3, 32, 32), torch.zeros(8, 3, 3, 3))  # torch's own first-use memory is nobody's
    reset_peak()
    return resident_mib()


def _peak_mib(device: str, held_mib: float) -> Callable[[], float]:
    """Gives the peak so far in MiB: of a CUDA device's memory, all the worker's own; else of the process's."""
    if device.startswith("cuda"):
        return lambda: torch.cuda.max_memory_allocated(device) / 2**20
    return lambda: peak_resident_mib() - held_mib
