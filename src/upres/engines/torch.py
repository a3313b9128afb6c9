"""PyTorch: runs every network of the lab from its weights alone, on CPU, CUDA or Apple's GPU.

The one module outside ``lab`` that imports torch, and only when a model is opened. Channels-last: up to a third faster
on CPUs (`upres bench speed`).
"""

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from upres.engines.engine import Batch
from upres.errors import EngineUnavailableError, UnsupportedModelError
from upres.models.catalog import Model

if TYPE_CHECKING:
    import torch

PRECISIONS = ("f32", "bf16")


class TorchSession:
    """A network on its device."""

    engine = "torch"

    def __init__(self, network: "torch.nn.Module", device: "torch.device", precision: str, threads: int | None) -> None:
        import torch

        self.precision = precision
        self._dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        self._device = device
        self._threads = threads
        self._network = network.to(device, self._dtype, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]

    def __call__(self, batch: Batch, /) -> Batch:
        """Run the network: ``(N, C, H, W)`` to ``(N, C, H * scale, W * scale)``, unclamped."""
        import torch

        before = torch.get_num_threads()
        torch.set_num_threads(self._threads or before)
        try:
            with torch.inference_mode():
                lr = torch.from_numpy(np.ascontiguousarray(batch, np.float32)).to(self._device, self._dtype)
                sr = self._network(lr.contiguous(memory_format=torch.channels_last))
                result: Batch = sr.to("cpu", torch.float32).contiguous().numpy()
                return result
        finally:
            torch.set_num_threads(before)


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

    def open(self, model: Model, *, threads: int | None = None, precision: str = "auto") -> TorchSession:
        """Build the network and load its weights.

        Args:
            model: What to run.
            threads: Processor threads; ``None`` leaves PyTorch's setting alone.
            precision: ``f32``, ``bf16``, or ``auto``: f32.

        Raises:
            EngineUnavailableError: If PyTorch is not installed.
            UnsupportedModelError: If the precision is another.
            CheckpointError: If the weights do not fit the network that the card describes.
        """
        reason = self.unavailable()
        if reason:
            raise EngineUnavailableError(f"torch: {reason}")
        if precision not in ("auto", *PRECISIONS):
            raise UnsupportedModelError(f"torch: no precision '{precision}'; there are {', '.join(PRECISIONS)}")
        import torch

        from upres.lab.checkpoint import load

        network, _ = load(model.weights)
        device = torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
        return TorchSession(network, device, "f32" if precision == "auto" else precision, threads)


ENGINE = TorchEngine()
