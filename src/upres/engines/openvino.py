"""OpenVINO, an extra: the fastest general engine on CPUs (`upres bench speed`), from the ``.onnx`` graph.

Arithmetic is set explicitly, because OpenVINO left alone takes bf16 wherever the CPU has it: that costs a luma network
nothing in time, it waits for memory, and 50 dB in exactness. fp16 is refused: it is emulated on CPUs.
"""

import os
import sys
from collections.abc import Callable
from functools import cache, lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from upres.engines.engine import (
    Batch,
    Session,
    SessionFacts,
    made,
    refuse_devices,
    refuse_instruction_sets,
    require_graph,
)
from upres.errors import EngineError, EngineUnavailableError, Hint, UnsupportedModelError
from upres.machine.cache import cache_folder
from upres.models.catalog import Model

PRECISIONS = ("f32", "bf16")
_SIZES_KEPT = 3
"""The bands of a picture come in at most so many sizes: first, inner and last."""
_TIMES_SEEN = 2
"""Batches of one size in a row after which a graph is compiled for it: what that costs is won back in some twenty."""


class OpenVinoSession(Session):
    """A compiled graph with dynamic height and width, and one request to run it."""

    def __init__(self, compiled: Any, scale: int, precision: str) -> None:
        self.facts = SessionFacts(engine="openvino", precision=precision)
        self._scale = scale
        self._request = compiled.create_infer_request()
        self._checked = False

    def __call__(self, batch: Batch, /) -> Batch:
        """Run the network: ``(N, C, H, W)`` to ``(N, C, H * scale, W * scale)``, unclamped.

        Raises:
            EngineError: If the graph makes another shape than the card says, or values that are not finite.
        """
        batch = np.ascontiguousarray(batch, np.float32)
        count, channels, height, width = batch.shape
        shape = (count, channels, height * self._scale, width * self._scale)
        try:
            return made("openvino", self._run(batch, shape), shape)
        except RuntimeError as error:
            raise EngineError(f"openvino: cannot run the graph on {batch.shape}: {_first_line(error)}") from error

    def _run(self, batch: Batch, shape: tuple[int, ...]) -> Batch:
        if not self._checked:  # OpenVINO says nothing when its result does not fit the tensor it was given
            result = np.asarray(self._request.infer([batch])[0], np.float32)
            self._checked = result.shape == shape
            return result
        out = np.empty(shape, np.float32)
        self._request.set_output_tensor(_openvino().Tensor(out, shared_memory=True))
        self._request.infer([batch], share_inputs=True, share_outputs=True)  # into `out`, without a copy
        return out

    def release(self) -> None:
        """Give back the memory between layers; the next batch takes it again."""
        self._request.get_compiled_model().release_memory()


class SteadySession(Session):
    """A graph for any size, and one compiled for the size that keeps coming: bands, a folder, frames of a video.

    A graph of one size is some 5 % faster (RLFN in bf16, 320x180), but takes a tenth of a second to make.

    Args:
        any_size: Used until batches of one size follow each other.
        compile_for: Makes the session of one shape of batch.
    """

    def __init__(self, any_size: OpenVinoSession, compile_for: Callable[[tuple[int, ...]], OpenVinoSession]) -> None:
        self.facts = any_size.facts
        self._any_size = any_size
        self._compile_for = compile_for
        self._sized: OpenVinoSession | None = None
        self._shape: tuple[int, ...] = ()
        self._times = 0

    def __call__(self, batch: Batch, /) -> Batch:
        """As `OpenVinoSession`; only one of the two graphs holds memory between its layers at a time."""
        if batch.shape != self._shape:
            self._shape, self._times, self._sized = batch.shape, 0, None
        self._times += 1
        if self._times <= _TIMES_SEEN:
            return self._any_size(batch)
        if self._sized is None:
            self._any_size.release()
            self._sized = self._compile_for(batch.shape)
        return self._sized(batch)

    def release(self) -> None:
        """Drop the graph of one size, and what the other one keeps."""
        self._sized, self._times = None, 0
        self._any_size.release()


class FixedSizeSession(Session):
    """A graph compiled anew for each size of batch: for int8, which free sizes make a fifth slower.

    Args:
        compile_for: Makes the session of one shape of batch.
        precision: Arithmetic of all of them.
    """

    def __init__(self, compile_for: Callable[[tuple[int, ...]], OpenVinoSession], precision: str) -> None:
        self.facts = SessionFacts(engine="openvino", precision=precision)
        self._session_for = lru_cache(_SIZES_KEPT)(compile_for)

    def __call__(self, batch: Batch, /) -> Batch:
        """As `OpenVinoSession`; the first batch of a size takes some tenths of a second longer."""
        return self._session_for(batch.shape)(batch)


class OpenVinoEngine:
    """Runs every model that has a graph, on the CPU."""

    name = "openvino"

    def unavailable(self) -> str | None:
        """Why OpenVINO cannot be used here; ``None`` where it can."""
        if find_spec("openvino") is None:
            return "OpenVINO is not installed: pip install 'upres[openvino]'"
        return None

    def supports(self, model: Model) -> bool:
        """Whether there is a graph to run."""
        return model.graph is not None

    def precisions(self) -> tuple[str, ...]:
        """Arithmetic that this CPU has instructions for."""
        has_bf16 = "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        return PRECISIONS if has_bf16 else PRECISIONS[:1]

    def facts(self) -> dict[str, list[str]]:
        """Arithmetic that this CPU has instructions for; the CPU."""
        return {"precisions": list(self.precisions()), "devices": ["cpu"]}

    def open(
        self,
        model: Model,
        *,
        threads: int | None = None,
        precision: str = "auto",
        device: str = "cpu",
        isa: str | None = None,
    ) -> Session:
        """Compile the model's graph.

        Args:
            model: A model with a graph.
            threads: Processor threads; ``None``: one for every core.
            precision: ``f32``, ``bf16``, ``int8`` where an ``.int8.onnx`` graph lies beside the weights (the layers
                that are not int8 in bf16 or f32), or ``auto``: bf16 for RGB networks where the CPU has it, else f32.
            device: ``cpu`` or ``auto``.
            isa: ``None``.

        Raises:
            EngineUnavailableError: If OpenVINO is not installed, or does not load.
            UnsupportedModelError: If the model has no graph, or one of other weights, the graph cannot be compiled, the
                CPU lacks the precision, the device is another, or an instruction set is asked for.
            CheckpointError: If the weights cannot be read or are not finite.
        """
        reason = self.unavailable()
        if reason:
            raise EngineUnavailableError(f"openvino: {reason}")
        refuse_devices("openvino", device)
        refuse_instruction_sets("openvino", isa)
        if precision == "int8":
            return self._open_int8(model, threads)
        if model.graph is None:
            raise UnsupportedModelError(f"openvino: {model.card.name} has no .onnx graph beside {model.weights.name}")
        require_graph("openvino", model, model.graph)
        chosen = self._choose(precision, model.card.color_mode)
        rgb = model.card.color_mode == "rgb"
        any_size = OpenVinoSession(_compiled(model.graph, chosen, threads, kept=rgb), model.card.scale, chosen)
        # a luma network waits for memory, whatever its graph is compiled for
        return SteadySession(any_size, _sized(model, model.graph, chosen, threads)) if rgb else any_size

    def _open_int8(self, model: Model, threads: int | None) -> FixedSizeSession:
        graph = model.int8_graph
        if graph is None:
            raise UnsupportedModelError(
                f"openvino: {model.card.name} has no int8 graph beside {model.weights.name}", hint=Hint.MAKE_INT8
            )
        require_graph("openvino", model, graph)
        return FixedSizeSession(_sized(model, graph, self.precisions()[-1], threads), "int8")

    def _choose(self, precision: str, color_mode: str) -> str:
        if precision == "auto":
            # asked only where it matters: the query takes as long as compiling a small network
            return self.precisions()[-1] if color_mode == "rgb" else "f32"
        if precision not in PRECISIONS:
            raise UnsupportedModelError(f"openvino: no precision '{precision}'; there are {', '.join(PRECISIONS)}")
        if precision not in self.precisions():
            raise UnsupportedModelError(f"openvino: this CPU has no {precision} arithmetic; use f32")
        return precision


ENGINE = OpenVinoEngine()


def _sized(
    model: Model, graph: Path, precision: str, threads: int | None
) -> Callable[[tuple[int, ...]], OpenVinoSession]:
    """What compiles the graph for one shape of batch; not kept, as there would be a file for every size of picture."""

    def compile_for(shape: tuple[int, ...]) -> OpenVinoSession:
        compiled = _compiled(graph, precision, threads, kept=False, shape=shape)
        return OpenVinoSession(compiled, model.card.scale, precision)

    return compile_for


@cache
def _core() -> Any:
    return _openvino().Core()


def _compiled(
    graph: Path, precision: str, threads: int | None, *, kept: bool, shape: tuple[int, ...] | None = None
) -> Any:
    """The graph made ready, for batches of one shape or of any; kept for the next process if asked for."""
    properties: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": precision,
        "ENABLE_CPU_PINNING": False,  # a pinned thread waits for its core while another stands idle
    }
    if threads is not None:
        properties["INFERENCE_NUM_THREADS"] = threads
    if kept:
        properties |= _kept_compiled()
    try:
        network: Any = str(graph)  # a path, so that a kept graph is not even read
        if shape is not None:
            network = _core().read_model(network)
            network.reshape(list(shape))
        return _core().compile_model(network, "CPU", properties)
    except RuntimeError as error:
        raise UnsupportedModelError(f"openvino: cannot compile {graph}: {_first_line(error)}") from error


@cache
def _openvino() -> ModuleType:
    """The package without its model converter, which loads telemetry and the network stack: half of the import's time.

    OpenVINO itself treats the converter as optional; here it counts as absent only while the package loads.

    Raises:
        EngineUnavailableError: If what is installed does not load.
    """
    converter = "openvino.tools.ovc"
    hidden = "openvino" not in sys.modules and converter not in sys.modules
    if hidden:
        sys.modules[converter] = None  # type: ignore[assignment]
    try:
        return import_module("openvino")
    except (ImportError, OSError) as error:
        raise EngineUnavailableError(f"openvino: it is installed and does not load ({_first_line(error)})") from error
    finally:
        if hidden:
            del sys.modules[converter]


def _kept_compiled() -> dict[str, Any]:
    """Setting that keeps compiled graphs for the next process, where there is a place to; OpenVINO tells them apart.

    Opening RLFN takes a third of the time then; a small luma network compiles as fast as it is read.
    """
    folder = cache_folder() / "openvino"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return {}
    return {"CACHE_DIR": str(folder)} if os.access(folder, os.W_OK) else {}


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
