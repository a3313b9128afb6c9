"""What every engine offers: open a model once, then run it on numpy arrays."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from upres.models.catalog import Model

Batch = NDArray[np.float32]
"""``(N, C, H, W)``, contiguous, values in [0, 1] (outputs may lie slightly outside)."""


class Session(Protocol):
    """A model made ready to run: weights loaded, kernels chosen. Safe to call from one thread at a time."""

    engine: str
    """Name of the engine."""
    precision: str
    """Arithmetic that is really used: ``f32``, ``bf16``, ``int8`` ..."""

    def __call__(self, batch: Batch, /) -> Batch:
        """Run the network: ``(N, C, H, W)`` in, ``(N, C, H * scale, W * scale)`` out, unclamped."""
        ...


class Engine(Protocol):
    """One way to run networks; each module of this room defines one and lists it in `select`."""

    name: str

    def unavailable(self) -> str | None:
        """Why the engine cannot be used here, with what to do about it; ``None`` where it can."""
        ...

    def supports(self, model: Model) -> bool:
        """Whether this engine runs this model."""
        ...

    def open(self, model: Model, *, threads: int | None = None, precision: str = "auto") -> Session:
        """Make the model ready.

        Raises:
            EngineUnavailableError: Where `unavailable` gives a reason.
            UnsupportedModelError: If the network or the precision is not one that this engine runs.
        """
        ...
