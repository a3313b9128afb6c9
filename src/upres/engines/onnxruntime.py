"""ONNX Runtime: for machines that OpenVINO does not support, from the ``.onnx`` graph beside the weights."""

from importlib.util import find_spec
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
from upres.errors import EngineError, EngineUnavailableError, UnsupportedModelError
from upres.models.catalog import Model


class OnnxRuntimeSession(Session):
    """An optimised graph with dynamic height and width."""

    facts = SessionFacts(engine="onnxruntime", precision="f32")

    def __init__(self, session: Any, scale: int) -> None:
        self._session = session
        self._scale = scale
        self._input = session.get_inputs()[0].name

    def __call__(self, batch: Batch, /) -> Batch:
        """Run the network: ``(N, C, H, W)`` to ``(N, C, H * scale, W * scale)``, unclamped.

        Raises:
            EngineError: If the graph makes another shape than the card says, or values that are not finite.
        """
        count, channels, height, width = batch.shape
        try:
            result: Batch = self._session.run(None, {self._input: np.ascontiguousarray(batch, np.float32)})[0]
        except Exception as error:  # its exception classes live in a private module
            raise EngineError(f"onnxruntime: cannot run the graph on {batch.shape}: {_first_line(error)}") from error
        return made("onnxruntime", result, (count, channels, height * self._scale, width * self._scale))


class OnnxRuntimeEngine:
    """Runs every model that has a graph, on the CPU, in float32."""

    name = "onnxruntime"

    def unavailable(self) -> str | None:
        """Why ONNX Runtime cannot be used here; ``None`` where it can."""
        if find_spec("onnxruntime") is None:
            return "ONNX Runtime is not installed: pip install 'upres[onnxruntime]'"
        return None

    def supports(self, model: Model) -> bool:
        """Whether there is a graph to run."""
        return model.graph is not None

    def facts(self) -> dict[str, list[str]]:
        """Arithmetic and devices, the same on every machine."""
        return {"precisions": ["f32"], "devices": ["cpu"]}

    def open(
        self,
        model: Model,
        *,
        threads: int | None = None,
        precision: str = "auto",
        device: str = "cpu",
        isa: str | None = None,
    ) -> OnnxRuntimeSession:
        """Load and optimise the model's graph.

        Args:
            model: A model with a graph.
            threads: Processor threads; ``None``: one for every core.
            precision: ``auto`` or ``f32``.
            device: ``cpu`` or ``auto``.
            isa: ``None``.

        Raises:
            EngineUnavailableError: If ONNX Runtime is not installed.
            UnsupportedModelError: If the model has no graph, or one of other weights, or it cannot be loaded; if
                precision or device is another, or an instruction set is asked for.
            CheckpointError: If the weights cannot be read or are not finite.
        """
        reason = self.unavailable()
        if reason:
            raise EngineUnavailableError(f"onnxruntime: {reason}")
        refuse_devices("onnxruntime", device)
        refuse_instruction_sets("onnxruntime", isa)
        if model.graph is None:
            raise UnsupportedModelError(
                f"onnxruntime: {model.card.name} has no .onnx graph beside {model.weights.name}"
            )
        if precision not in ("auto", "f32"):
            raise UnsupportedModelError(f"onnxruntime: no precision '{precision}'; there is f32")
        require_graph("onnxruntime", model, model.graph)
        return OnnxRuntimeSession(_load(model, threads), model.card.scale)


ENGINE = OnnxRuntimeEngine()


def _load(model: Model, threads: int | None) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what fails is raised as well
    # Spinning threads burn a core each between two calls, which the decoder and the colour path need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(model.graph), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exception classes live in a private module
        raise UnsupportedModelError(f"onnxruntime: cannot load {model.graph}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
