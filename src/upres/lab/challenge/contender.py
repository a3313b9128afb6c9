"""One network of a challenge run, in a worker process of its own, where it is weighed, judged, counted and timed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from upres.bench.memory import peak_resident_mib, reset_peak, resident_mib
from upres.bench.workers import timed_turn
from upres.engines.select import open_session
from upres.errors import EngineUnavailableError, Hint, UnsupportedModelError
from upres.evaluation.pairs import load_pairs
from upres.evaluation.quality import evaluate
from upres.image.color import luma
from upres.image.convert import to_batch, to_float
from upres.lab.checkpoint import load
from upres.lab.complexity import measure
from upres.models.card import ColorMode
from upres.models.catalog import find

Batch = NDArray[np.float32]

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """A model and how to run it; plain data, sent to the worker."""

    name: str
    source: str
    """Shipped name or path of a checkpoint."""
    data: str
    """Folder of the data set."""
    scale: int
    engine: str = "torch"
    device: str = "cpu"
    """A torch device; engines other than torch run on the CPU."""
    precision: str = "auto"
    threads: int = 1
    protocol: str = "ntire"


class TorchNetwork:
    """A checkpoint on a torch device.

    Raises:
        EngineUnavailableError: If there is no such device here.
        UnsupportedModelError: If the precision is none of `DTYPES`.
    """

    def __init__(self, source: str, *, device: str, precision: str, threads: int) -> None:
        self.precision = "f32" if precision == "auto" else precision
        if self.precision not in DTYPES:
            raise UnsupportedModelError(f"torch: no precision '{precision}'; there are {', '.join(DTYPES)}")
        self._dtype = DTYPES[self.precision]
        self._device = torch_device(device)
        torch.set_num_threads(threads)
        network, _ = load(find(source).weights)
        self._network = network.eval().to(self._device, self._dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def bind(self, batch: Batch) -> Callable[[], object]:
        """What runs the network on this batch, already on the device, and waits until it is done."""
        lr = self._moved(batch)
        return lambda: self._run(lr)

    def __call__(self, batch: Batch) -> Batch:
        """``(N, C, H, W)`` to ``(N, C, H * scale, W * scale)``, on the CPU."""
        sr: Batch = self._run(self._moved(batch)).to("cpu", torch.float32).contiguous().numpy()
        return sr

    def _moved(self, batch: Batch) -> Tensor:
        return torch.from_numpy(batch).to(self._device, self._dtype).contiguous(memory_format=torch.channels_last)

    @torch.inference_mode()
    def _run(self, lr: Tensor) -> Tensor:
        sr: Tensor = self._network(lr)
        if self._device.type != "cpu":
            torch.accelerator.synchronize(self._device)
        return sr


class SessionNetwork:
    """A checkpoint in one of the other engines, with the same face."""

    def __init__(self, source: str, *, engine: str, precision: str, threads: int) -> None:
        self._session = open_session(find(source), engine=engine, threads=threads, precision=precision)
        self.precision = self._session.precision

    def bind(self, batch: Batch) -> Callable[[], object]:
        """What runs the network on this batch."""
        return lambda: self._session(batch)

    def __call__(self, batch: Batch) -> Batch:
        """``(N, C, H, W)`` to ``(N, C, H * scale, W * scale)``."""
        return self._session(batch)


class ChallengeRunner:
    """An entrant made ready, with the data set's low-resolution pictures in memory.

    Raises:
        DataError: If the data set cannot be read.
        EngineError: If the entrant cannot run so.
    """

    def __init__(self, entrant: Entrant) -> None:
        if entrant.device != "cpu" and entrant.engine != "torch":
            raise UnsupportedModelError(
                f"{entrant.engine} runs on the CPU, not on {entrant.device}", hint=Hint.TORCH_ENGINE
            )
        self._entrant = entrant
        self._card = find(entrant.source).card
        self._pairs = load_pairs(entrant.data, entrant.scale)
        self._peak_mib = _start_weighing(entrant.device)
        self._network = _open(entrant)
        self._calls = [self._network.bind(_batch(pair.lr, self._card.color_mode)) for pair in self._pairs.pairs]

    def assess(self) -> dict[str, Any]:
        """Everything but time: what the entrant is, its memory, its quality, its counts."""
        for call in self._calls:
            call()
        peak_mib = self._peak_mib()  # before anything else takes memory
        report = evaluate(
            self._network,
            self._pairs,
            scale=self._entrant.scale,
            color_mode=self._card.color_mode,
            protocol=self._entrant.protocol,
        )
        return {
            "architecture": self._card.architecture,
            "precision": self._network.precision,
            "psnr_db": report.psnr_db,
            "ssim": report.ssim,
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

    def _counts(self) -> dict[str, Any]:
        """By both conventions."""
        network, _ = load(find(self._entrant.source).weights)
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


def torch_device(name: str) -> torch.device:
    """The torch device of that name.

    Raises:
        EngineUnavailableError: If torch does not know it or the machine lacks it.
    """
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise EngineUnavailableError(f"torch: no device '{name}' here ({str(error).splitlines()[0]})") from error
    return device


def _open(entrant: Entrant) -> TorchNetwork | SessionNetwork:
    settings: dict[str, Any] = {"precision": entrant.precision, "threads": entrant.threads}
    if entrant.engine == "torch":
        return TorchNetwork(entrant.source, device=entrant.device, **settings)
    return SessionNetwork(entrant.source, engine=entrant.engine, **settings)


def _batch(lr: NDArray[np.uint8], color_mode: ColorMode) -> Batch:
    return to_batch(lr if color_mode == "rgb" else luma(to_float(lr), studio=False))


def _start_weighing(device: str) -> Callable[[], float]:
    """Starts a new peak now, as late as possible before the network is opened; gives what it came to, in MiB."""
    if device.startswith("cuda"):
        on = torch_device(device)
        torch.cuda.reset_peak_memory_stats(on)
        before = torch.cuda.memory_allocated(on)
        return lambda: (torch.cuda.max_memory_allocated(on) - before) / 2**20
    F.conv2d(torch.zeros(1, 3, 32, 32), torch.zeros(8, 3, 3, 3))  # torch's own first-use memory is nobody's
    reset_peak()
    held = resident_mib()
    return lambda: peak_resident_mib() - held
