"""PyTorch: runs every network of the lab from its weights alone, on the CPU or on a device that PyTorch knows.

The one module outside ``lab`` that imports torch, and only when a session is made. Channels-last: up to a third faster
on CPUs (`upres bench speed`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from upres.engines.engine import Batch, Session, SessionFacts, made, refuse_instruction_sets
from upres.errors import EngineUnavailableError, UnsupportedModelError
from upres.models.catalog import Model

if TYPE_CHECKING:
    import torch

PRECISIONS = ("f32", "bf16")
ACCELERATOR_BATCH = 8
"""Pictures a call on devices other than the CPU. A guess: it was not measured, as no such device was at hand."""


class TorchSession(Session):
    """A network on its device, run as it is: the session moves and changes nothing of it.

    Args:
        network: In evaluation mode, on ``device``, in the arithmetic of ``precision``.
        device: A torch device.
        precision: ``f32`` or ``bf16``.
        threads: Processor threads; ``None`` leaves PyTorch's setting alone.
        channels_last: Whether the network's weights lie channels-last, as batches then do.
        finite: Whether values that are not finite are an error; a network in training may make some.
    """

    def __init__(
        self,
        network: "torch.nn.Module",
        *,
        device: str = "cpu",
        precision: str = "f32",
        threads: int | None = None,
        channels_last: bool = False,
        finite: bool = False,
    ) -> None:
        import torch

        self.facts = SessionFacts(engine="torch", precision=precision, device=device)
        self._network = network
        self._device = torch.device(device)
        self._dtype = _dtype(precision)
        self._layout = torch.channels_last if channels_last else torch.contiguous_format
        self._threads = threads
        self._finite = finite

    @property
    def best_batch(self) -> int:
        """1 on the CPU, else `ACCELERATOR_BATCH`."""
        return 1 if self._device.type == "cpu" else ACCELERATOR_BATCH

    def __call__(self, batch: Batch, /) -> Batch:
        """Run the network: ``(N, C, H, W)`` to ``(N, C, H * scale, W * scale)``, unclamped.

        Raises:
            EngineError: If the session is for finite values, and the network makes others.
        """
        import torch

        with _inference(self._threads):
            sr = self._network(self._moved(batch))
            result: Batch = sr.to("cpu", torch.float32).contiguous().numpy()
            return made("torch", result, result.shape) if self._finite else result

    def bind(self, batch: Batch, /) -> Callable[[], object]:
        """What runs the network on this batch, on the device already, and waits until the device is done."""
        import torch

        lr = self._moved(batch)

        def run() -> None:
            with _inference(self._threads):
                self._network(lr)
                if self._device.type != "cpu":
                    torch.accelerator.synchronize(self._device)

        return run

    def _moved(self, batch: Batch) -> "torch.Tensor":
        import torch

        lr = torch.from_numpy(np.ascontiguousarray(batch, np.float32)).to(self._device, self._dtype)
        return lr.contiguous(memory_format=self._layout)


class TorchEngine:
    """Runs every model whose architecture is in the lab's zoo."""

    name = "torch"

    def unavailable(self) -> str | None:
        """Why PyTorch cannot be used here; ``None`` where it can."""
        if find_spec("torch") is None:
            return "PyTorch is not installed: pip install 'upres[lab]'"
        return None

    def supports(self, model: Model) -> bool:  # noqa: ARG002
        """True: the lab builds whatever a card describes."""
        return True

    def facts(self) -> dict[str, list[str]]:
        """Arithmetic; the CPU, and the accelerator where there is one."""
        devices = dict.fromkeys(("cpu", find_device("auto").type))
        return {"precisions": list(PRECISIONS), "devices": list(devices)}

    def open(
        self,
        model: Model,
        *,
        threads: int | None = None,
        precision: str = "auto",
        device: str = "cpu",
        isa: str | None = None,
    ) -> TorchSession:
        """Build the network and load its weights.

        Args:
            model: What to run.
            threads: Processor threads; ``None`` leaves PyTorch's setting alone.
            precision: ``f32``, ``bf16``, or ``auto``: f32.
            device: A torch device; ``auto``: the accelerator where there is one, else the CPU.
            isa: ``None``.

        Raises:
            EngineUnavailableError: If PyTorch is not installed, or there is no such device here.
            UnsupportedModelError: If the precision is another, or an instruction set is asked for.
            CheckpointError: If the weights do not fit the network that the card describes.
        """
        reason = self.unavailable()
        if reason:
            raise EngineUnavailableError(f"torch: {reason}")
        refuse_instruction_sets("torch", isa)
        if precision not in ("auto", *PRECISIONS):
            raise UnsupportedModelError(f"torch: no precision '{precision}'; there are {', '.join(PRECISIONS)}")
        import torch

        from upres.lab.checkpoint import load

        place = find_device(device)
        precision = "f32" if precision == "auto" else precision
        network, _ = load(model.weights)
        network = network.to(place, _dtype(precision), memory_format=torch.channels_last)  # type: ignore[call-overload]
        return TorchSession(
            network, device=str(place), precision=precision, threads=threads, channels_last=True, finite=True
        )


ENGINE = TorchEngine()


def find_device(name: str) -> "torch.device":
    """The torch device of that name; ``auto``: the accelerator where there is one, else the CPU.

    Raises:
        EngineUnavailableError: If torch does not know it or the machine lacks it.
    """
    import torch

    if name == "auto":
        return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise EngineUnavailableError(f"torch: no device '{name}' here ({str(error).splitlines()[0]})") from error
    return device


def _dtype(precision: str) -> "torch.dtype":
    import torch

    return torch.bfloat16 if precision == "bf16" else torch.float32


@contextmanager
def _inference(threads: int | None) -> Iterator[None]:
    """PyTorch without gradients, and with that many threads; then with as many as before."""
    import torch

    before = torch.get_num_threads()
    if threads is not None and threads != before:
        torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)
