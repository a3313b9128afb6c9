"""ONNX graphs: any height and width, checked against torch before they are handed over.

The file is one piece, or shares its numbers with the weights beside it; it holds no trace of the machine it was made
on, and comes out the same byte for byte for the same weights and torch. Opset 18 is what OpenVINO 2025 and ONNX Runtime
1.19 read.
"""

import copy
import io
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.jit import TracerWarning  # type: ignore[attr-defined]
from torch.nn import functional as F

from upres.errors import MissingExtraError, UnsupportedModelError
from upres.lab.checkpoint import write_atomically
from upres.lab.export.shared import shared
from upres.models.card import weights_digest
from upres.models.graph import stamped

OPSET = 18
TOLERANCE = 1e-5
"""Largest difference from torch, in the range 0 to 1 (relative to the output where an untrained network exceeds it)."""
SIZES = ((2, 48, 64), (1, 37, 51), (1, 64, 40))
"""Batch, height and width: of the example that is traced, and of others that prove the dimensions free; each rounded
up to what the network takes."""
_POINTWISE = ("Add", "Sub", "Mul", "Div", "LeakyRelu", "Relu", "PRelu", "Sigmoid", "Tanh", "Clip")


@dataclass(frozen=True, kw_only=True)
class ExportReport:
    """What was written and how well it agrees."""

    path: Path
    size_bytes: int
    max_error: float
    """Largest difference from torch's output, as `TOLERANCE` counts it."""


def export(
    network: nn.Module, path: str | Path, *, weights: str | Path | None = None, share: bool = False
) -> ExportReport:
    """Write a network as an ONNX graph from ``input`` to ``output``, both ``(N, C, H, W)`` with N, H and W free.

    A float32 copy in evaluation mode is traced. The file appears only if the graph reproduces torch's output within
    `TOLERANCE` at three sizes.

    Args:
        network: What is traced.
        path: File to write; replaced if it is there.
        weights: The checkpoint that the network was loaded from. Engines run the graph beside that file and no other.
        share: Leave the numbers in that file, which has to lie beside the graph: see `upres.lab.export.shared`.

    Raises:
        UnsupportedModelError: If the network cannot be traced with free dimensions, or the graph computes otherwise.
        MissingExtraError: If the ``lab`` extra is not complete.
        CheckpointError: If the file cannot be written.

    Example:
        >>> export(build(spec_of("espcn_x2")), "espcn_x2.onnx").max_error < 1e-5
        True
    """
    network = copy.deepcopy(network).cpu().float().eval()
    content: bytes = traced(network).SerializeToString(deterministic=True)
    error = _max_error(network, content)
    if share and weights is not None:
        content = shared(content, Path(weights))
    return written(path, content, weights=weights, max_error=error)


def written(path: str | Path, content: bytes, *, weights: str | Path | None, max_error: float) -> ExportReport:
    """Write a graph that was compared with torch, with the digest of its weights in its metadata.

    Raises:
        CheckpointError: If the file cannot be written.
    """
    if weights is not None:
        content = stamped(content, weights_digest(Path(weights)))
    write_atomically(Path(path), content)
    return ExportReport(path=Path(path), size_bytes=len(content), max_error=max_error)


def traced(network: nn.Module) -> Any:
    """The network as an ONNX protocol buffer without anything that only a debugger reads.

    The tracing exporter: torch's newer one (``dynamo=True``) needs 6 s where this takes 0.2 (eSR-TM; RFDN 9 s to 1),
    for graphs that run no faster. A branch or a size that tracing would freeze is an error here, not a warning.
    """
    buffer = io.BytesIO()
    free = {0: "batch", 2: "height", 3: "width"}
    with warnings.catch_warnings(record=True) as caught, _mute():
        warnings.simplefilter("always")
        try:
            torch.onnx.export(
                network,
                (example(network, SIZES[0]),),
                buffer,  # type: ignore[arg-type]  # what dynamo=False takes
                dynamo=False,
                opset_version=OPSET,
                input_names=["input"],
                output_names=["output"],
                dynamic_axes={"input": free, "output": free},
            )
        except ImportError as error:
            raise MissingExtraError("ONNX export", "lab") from error
        except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
            raise _untraceable(network, str(error)) from error
    frozen = [warning for warning in caught if issubclass(warning.category, TracerWarning)]
    if frozen:
        raise _untraceable(network, str(frozen[0].message))
    model = onnx.load_from_string(buffer.getvalue())
    _strip(model)
    _ask_the_input_for_sizes(model.graph)
    return model


def _untraceable(network: nn.Module, reason: str) -> UnsupportedModelError:
    first = reason.strip().splitlines()[0] if reason.strip() else "no reason given"
    return UnsupportedModelError(f"{type(network).__name__} cannot be written as ONNX with a free size: {first}")


def _strip(model: Any) -> None:
    """Drop doc strings, versions and stack traces: they hold paths of this machine and most of a small file."""
    model.producer_name, model.producer_version, model.doc_string = "upres", "", ""
    del model.metadata_props[:]
    del model.functions[:]
    graph = model.graph
    graph.name, graph.doc_string = "upres", ""
    del graph.value_info[:]
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]
    for axis, name in ((0, "batch"), (2, "height"), (3, "width")):
        graph.input[0].type.tensor_type.shape.dim[axis].dim_param = name
        graph.output[0].type.tensor_type.shape.dim[axis].dim_param = name if axis == 0 else f"output_{name}"


def _ask_the_input_for_sizes(graph: Any) -> None:
    """Read heights and widths from the input wherever they are the same there.

    A convolution whose result is asked for its shape has a second reader, and OpenVINO then adds its bias in a pass of
    its own, which costs RLFN 2 to 4 % of its time.
    """
    makers = {name: node for node in graph.node for name in node.output}
    first = graph.input[0].name
    for node in graph.node:
        if node.op_type == "Shape" and _as_large_as_input(node.input[0], makers, first):
            readers = [reader for reader in graph.node if node.output[0] in reader.input]
            if all(reader.op_type == "Gather" and _index(reader, makers) in (2, 3) for reader in readers):
                node.input[0] = first


def _index(gather: Any, makers: dict[str, Any]) -> int | None:
    """What a ``Gather`` takes, where that is a constant number."""
    maker = makers.get(gather.input[1])
    if maker is None or maker.op_type != "Constant":
        return None
    value = onnx.numpy_helper.to_array(maker.attribute[0].t)
    return int(value.item()) if value.size == 1 else None


def _as_large_as_input(name: str, makers: dict[str, Any], first: str) -> bool:
    """Whether a tensor's height and width are the input's, seen along the first operand of each node."""
    while name != first:
        node = makers.get(name)
        if node is None or not _keeps_size(node):
            return False
        name = node.input[0]
    return True


def _keeps_size(node: Any) -> bool:
    of = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    if node.op_type != "Conv":
        return node.op_type in _POINTWISE or (node.op_type == "Concat" and of["axis"] == 1)
    top, left, bottom, right = of["pads"]
    reach = [(size - 1) * step for size, step in zip(of["kernel_shape"], of["dilations"], strict=True)]
    return list(of["strides"]) == [1, 1] and [top + bottom, left + right] == reach


def _max_error(network: nn.Module, content: bytes) -> float:
    run = _runner(content)
    errors = []
    for size in SIZES:
        batch = example(network, size)
        with torch.no_grad():
            expected = network(batch).numpy()
        found = run(batch.numpy())
        if found.shape != expected.shape:
            raise UnsupportedModelError(f"the ONNX graph gives {found.shape} where torch gives {expected.shape}")
        errors.append(float(np.abs(found - expected).max() / max(1.0, float(np.abs(expected).max()))))
    worst = float(np.max(errors))  # NaN stays NaN and fails below
    if not worst <= TOLERANCE:
        raise UnsupportedModelError(f"the ONNX graph differs from torch by {worst:.2g}, allowed are {TOLERANCE:g}")
    return worst


def _runner(content: bytes) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """ONNX Runtime where it is installed, else OpenVINO, which the lab brings; both in float32."""
    try:
        import onnxruntime
    except ImportError:
        import openvino

        core = openvino.Core()
        compiled = core.compile_model(core.read_model(content), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        return lambda batch: np.asarray(compiled(batch)[0])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda batch: np.asarray(session.run(None, {"input": batch})[0])


def example(network: nn.Module, size: tuple[int, int, int]) -> Tensor:
    """A smooth random picture: on noise a steep softmax magnifies rounding beyond what pictures ever see."""
    batch, *sides = size
    multiple = getattr(network, "multiple_of", 1)
    height, width = (-(-side // multiple) * multiple for side in sides)
    channels = 1 if network.color_mode == "luma" else 3
    coarse = torch.rand(batch, channels, height // 4, width // 4, generator=torch.Generator().manual_seed(0))
    return F.interpolate(coarse, size=(height, width), mode="bicubic").clamp(0, 1)


@contextmanager
def _mute() -> Iterator[None]:
    """Send standard output nowhere: torch prints the graph of a failed export from C++, whatever its options say."""
    sys.stdout.flush()
    saved, sink = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 1)
    try:
        yield
    finally:
        os.dup2(saved, 1)
        os.close(saved)
        os.close(sink)
