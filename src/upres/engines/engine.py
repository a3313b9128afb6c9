"""What every engine offers: open a model once, then run it on numpy arrays (docs/reference/engines.md)."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from upres.errors import EngineError, GraphError, UnsupportedModelError
from upres.models.card import require_finite
from upres.models.catalog import Model
from upres.models.graph import require_graph as require_fitting

Batch = NDArray[np.float32]
"""``(N, C, H, W)``, contiguous, values in [0, 1] (outputs may lie slightly outside)."""

Plane = NDArray[Any]
"""Pixels as they lie in memory: ``(H, W)``, or ``(H, W, 3)`` for RGB; uint8, uint16 or float32 in [0, 1]."""


@dataclass(frozen=True, kw_only=True)
class SessionFacts:
    """How a session really runs its model."""

    engine: str
    """Name of the engine."""
    precision: str
    """Arithmetic that is really used: ``f32``, ``bf16``, ``int8`` ..."""
    device: str = "cpu"
    """Where the network is: ``cpu``, or a name that the engine gives to another device, such as ``cuda:0``."""
    isa: str | None = None
    """Instruction set of the kernels, where the engine tells."""
    passed_over: str | None = None
    """Why a faster engine was not taken, where that is the fault of a file: a graph that is not the weights' own."""


class PlaneSession(Protocol):
    """Pixels in, pixels out: no batch of floats is made on the way. Rows of an array may lie apart in memory."""

    @property
    def rows_together(self) -> tuple[int, ...]:
        """Numbers of rows that the kernels make at a time, which one depending on dtype and arithmetic.

        Kernels round each row of such a group in its own way: a window of a plane gives the plane's pixels to the bit
        if it begins at a multiple of all these numbers, and its groups see what they see in the plane.
        """
        ...

    def run_plane(self, plane: Plane, out: Plane | None = None, *, peak: int | None = None) -> Plane:
        """Upscale one luma plane ``(H, W)``.

        Args:
            plane: Pixels.
            out: ``(H * scale, W * scale)`` to write to; ``None``: a new array like ``plane``.
            peak: White of an integer plane, e.g. 1023 for 10 bits in uint16; ``None``: the largest value of the dtype.
        """
        ...

    def upscale_rgb(self, image: Plane, out: Plane | None = None, *, peak: int | None = None) -> Plane:
        """Upscale an RGB picture ``(H, W, 3)``, luma by the network and chroma by bicubic; or a grey one ``(H, W)``.

        Args:
            image: Pixels.
            out: Array to write to, ``scale`` times as high and wide, of the same dtype; ``None``: a new one.
            peak: White of an integer picture; ``None``: the largest value of the dtype.
        """
        ...

    def plane_precision(self, peak: int) -> str:
        """Arithmetic that an integer plane with this white gets."""
        ...


class Slabs(Protocol):
    """One picture through a network from the top down: slabs of its rows, none of which is given or made twice.

    Of what the network makes on the way only the rows that are still needed are held. The result is that of the whole
    picture, to the bit.
    """

    @property
    def ends(self) -> Sequence[tuple[int, int]]:
        """Of each slab: rows of the picture that have to be given, and rows of the result that are made, until it."""
        ...

    @property
    def bytes(self) -> int:
        """Memory besides what goes in and comes out."""
        ...

    def __call__(self, batch: Batch, /) -> Batch:
        """The next slab: ``(1, C, rows, W)`` that were not given yet to ``(1, C, rows made, W * scale)``.

        What is returned is overwritten by the next call.

        Raises:
            EngineError: If the network makes values that are not finite.
        """
        ...


class Session(Protocol):
    """A model made ready to run: weights loaded, kernels chosen. Safe to call from one thread at a time.

    A class that names `Session` as its base gets the members of an engine without planes and without another device.
    """

    facts: SessionFacts

    @property
    def planes(self) -> PlaneSession | None:
        """The same model for planes of pixels; ``None`` where the engine takes batches alone."""
        return None

    @property
    def for_bytes(self) -> "Session | None":
        """The same model in a faster arithmetic that suffices for pictures of 8 bits: no level changes by more than
        one. ``None`` where there is none.
        """
        return None

    @property
    def grid(self) -> tuple[int, int]:
        """Where a window of a picture has to begin to give the picture's own pixels to the bit: at a multiple of the
        first number of pixels; and how far around a piece it has to reach at least. The second is 0 where the network's
        own reach will do.
        """
        return 1, 0

    def slabs(self, height: int, width: int, *, rows: int) -> Slabs | None:
        """The network for one picture from the top down; ``None`` where the engine or the network cannot.

        Args:
            height: Of the picture, in pixels; a multiple of what the network needs.
            width: Likewise.
            rows: Of a slab, in pixels of the picture; the engine takes a few more.
        """
        del height, width, rows
        return None

    @property
    def best_batch(self) -> int:
        """Pictures a call that run fastest for each picture; 1 on a CPU, whose cores one picture fills."""
        return 1

    @property
    def bytes_per_pixel(self) -> int | None:
        """Memory of the network for each pixel that goes in, besides what goes in and comes out; ``None`` where the
        engine does not know it before it runs.
        """
        return None

    @abstractmethod
    def __call__(self, batch: Batch, /) -> Batch:
        """Run the network: ``(N, C, H, W)`` in, ``(N, C, H * scale, W * scale)`` out, unclamped.

        Raises:
            EngineError: If the network makes another shape, or values that are not finite.
        """
        ...

    def release(self) -> None:
        """Give back the memory that is kept from one call to the next; the next call takes it again."""
        return

    def bind(self, batch: Batch, /) -> Callable[[], object]:
        """What runs the network on this batch and waits until it is done, for timing.

        The batch is moved to the session's device now, and the result stays there.
        """
        return partial(self, batch)


class Engine(Protocol):
    """One way to run networks; each module of this room defines one and lists it in `select`."""

    name: str
    """Key in `upres.engines.select.ENGINES`; where the engine is a package, the package's name, whose version is told
    by it."""

    def unavailable(self) -> str | None:
        """Why the engine cannot be used here, with what to do about it; ``None`` where it can."""
        ...

    def supports(self, model: Model) -> bool:
        """Whether this engine runs this model."""
        ...

    def facts(self) -> Mapping[str, Any]:
        """What the engine has on this machine, as lists of names: ``precisions``, ``devices``, ``instruction_sets``.

        Asked only where the engine is available.
        """
        ...

    def open(
        self,
        model: Model,
        *,
        threads: int | None = None,
        precision: str = "auto",
        device: str = "cpu",
        isa: str | None = None,
    ) -> Session:
        """Make the model ready.

        Args:
            model: What to run.
            threads: Processor threads; ``None`` leaves the choice to the engine.
            precision: ``auto``, or arithmetic that the engine names.
            device: ``cpu``, a device that the engine names, or ``auto``: the one that the engine would take.
            isa: Instruction set of the kernels; ``None``: the best that this processor has.

        Raises:
            EngineUnavailableError: Where `unavailable` gives a reason, or this machine lacks the device or the
                instruction set.
            UnsupportedModelError: If the network, the precision, or a choice of device or instruction set is not one
                that this engine has.
        """
        ...


def require_graph(engine: str, model: Model, graph: Path) -> None:
    """See that a graph may be run in the place of the model's weights.

    Raises:
        GraphError: If it was made of other weights, or is no graph of a network.
        CheckpointError: If the weights cannot be read or are not finite.
    """
    require_finite(model.weights)  # the graph is run, but the weights are what the card speaks of
    channels = 1 if model.card.color_mode == "luma" else 3
    try:
        require_fitting(graph, weights=model.weights, channels=channels)
    except GraphError as error:
        raise GraphError(f"{engine}: cannot load {graph}: {error}", hint=error.hint) from error
    except OSError as error:
        raise GraphError(f"{engine}: cannot load {graph}: {error.strerror}") from error


def made(engine: str, batch: Batch, shape: tuple[int, ...]) -> Batch:
    """The batch, looked at: what a graph computes is known only when it has run.

    Args:
        engine: Name, for the message.
        batch: What the network made.
        shape: What it should be.

    Raises:
        EngineError: If the shape is another, or a value is NaN or infinite.
    """
    if batch.shape != shape:
        raise EngineError(f"{engine}: the network made {batch.shape}, expected {shape} by its card")
    with np.errstate(all="ignore"):
        total = batch.sum()  # one NaN or infinity makes it one; a fraction of a percent of any network's time
    if not np.isfinite(total):
        raise EngineError(f"{engine}: the network made values that are not finite (NaN or infinity)")
    return batch


def refuse_devices(engine: str, device: str) -> None:
    """For an engine of the CPU alone.

    Raises:
        UnsupportedModelError: If the device is neither ``cpu`` nor ``auto``.
    """
    if device not in ("cpu", "auto"):
        raise UnsupportedModelError(f"{engine}: no device '{device}'; it runs on the CPU. The engine torch has others")


def refuse_instruction_sets(engine: str, isa: str | None) -> None:
    """For an engine that picks its instructions by itself.

    Raises:
        UnsupportedModelError: If an instruction set is asked for.
    """
    if isa is not None:
        raise UnsupportedModelError(
            f"{engine}: no choice of instruction set, asked for '{isa}'. The engine native has one"
        )
