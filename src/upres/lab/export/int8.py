"""ONNX graphs of quantised networks, in the form that OpenVINO and ONNX Runtime compute with 8-bit numbers.

The float graph comes from `upres.lab.export.onnx`. Before each quantised convolution its input goes through
``QuantizeLinear`` and ``DequantizeLinear``; its weights are stored as signed bytes behind another
``DequantizeLinear``, so the file is a third as large.
"""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import openvino
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from torch import Tensor, nn

from upres.errors import UnsupportedModelError
from upres.lab.compress.quantize.network import input_grid, quantized_layers, unquantized, weight_scales
from upres.lab.export.onnx import SIZES, ExportReport, example, traced, written

TOLERANCE = 0.75
"""Largest difference from torch, as a share of what quantising changes in torch (both root mean squares).

Not a small number: a sum added up in another order falls on the other side of some rounding threshold, and from there
on the values differ by whole steps. That comes to half of the noise that quantising makes; a wrong graph to all of it
and more.
"""
_FLOOR = 1e-4
"""Differences smaller than this are none, in the range 0 to 1."""


def export_int8(network: nn.Module, path: str | Path, *, weights: str | Path | None = None) -> ExportReport:
    """Write a quantised network as an ONNX graph from ``input`` to ``output``, both ``(N, C, H, W)``, N, H and W free.

    The file appears only if OpenVINO, compiled for each of three sizes, reproduces torch's output within `TOLERANCE`.
    It must be compiled for a size: with free ones OpenVINO 2026.4 is slower and computes some int8 graphs wrongly.

    Args:
        network: A quantised network.
        path: File to write; replaced if it is there.
        weights: The checkpoint of float weights that the graph is to lie beside; engines run it beside no other.

    Returns:
        The report; ``max_error`` is the worst difference, as `TOLERANCE` counts it.

    Raises:
        UnsupportedModelError: If no layer is quantised or calibrated, or the graph computes otherwise.
        CheckpointError: If the file cannot be written.
    """
    network = copy.deepcopy(network).cpu().float().eval()
    layers = quantized_layers(network)
    if not layers:
        raise UnsupportedModelError("no layer of this network is quantised; export it as float ONNX")
    with unquantized(network):
        model = traced(network)
    for name, layer in layers.items():
        _quantize(model.graph, name, layer.input_range, layer.weight)
    content: bytes = model.SerializeToString(deterministic=True)
    error = _worst_difference(network, content)
    return written(path, content, weights=weights, max_error=error)


def _quantize(graph: Any, name: str, limits: Tensor, weight: Tensor) -> None:
    """Round the input and the weight of one convolution of the graph, the one with this layer's weight."""
    parameter = f"{name}.weight"
    at = next((i for i, node in enumerate(graph.node) if node.op_type == "Conv" and node.input[1] == parameter), None)
    if at is None:
        raise UnsupportedModelError(f"the traced graph has no convolution with the weight of '{name}'")
    node = graph.node[at]
    scale, zero = input_grid(limits)
    scales = weight_scales(weight)
    integers = (weight.detach() / scales.view(-1, 1, 1, 1)).round().to(torch.int8).numpy()
    stored = next(tensor for tensor in graph.initializer if tensor.name == parameter)
    stored.CopyFrom(numpy_helper.from_array(integers, parameter))
    constants = {
        "input_scale": np.float32(scale),
        "input_zero": np.uint8(zero),
        "weight_scale": scales.numpy(),
        "weight_zero": np.zeros(len(scales), np.int8),
    }
    for key, value in constants.items():
        graph.initializer.append(numpy_helper.from_array(np.asarray(value), f"{name}.{key}"))
    grid, per_channel = [f"{name}.input_scale", f"{name}.input_zero"], [f"{name}.weight_scale", f"{name}.weight_zero"]
    added = [
        helper.make_node("QuantizeLinear", [node.input[0], *grid], [f"{name}.levels"]),
        helper.make_node("DequantizeLinear", [f"{name}.levels", *grid], [f"{name}.input"]),
        helper.make_node("DequantizeLinear", [parameter, *per_channel], [f"{name}.rounded"], axis=0),
    ]
    node.input[0], node.input[1] = f"{name}.input", f"{name}.rounded"
    for new in reversed(added):
        graph.node.insert(at, new)


def _worst_difference(network: nn.Module, content: bytes) -> float:
    onnx.checker.check_model(onnx.load_from_string(content))
    core, differences = openvino.Core(), []
    for size in SIZES:
        batch = example(network, size)
        with torch.no_grad():
            expected = network(batch).numpy()
            with unquantized(network):
                exact = network(batch).numpy()
        model = core.read_model(content)
        model.reshape(list(batch.shape))
        compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        found = np.asarray(compiled(batch.numpy())[0])
        if found.shape != expected.shape:
            raise UnsupportedModelError(f"the ONNX graph gives {found.shape} where torch gives {expected.shape}")
        differences.append(_rms(found - expected) / max(_rms(expected - exact), _FLOOR))
    worst = float(np.max(differences))  # NaN stays NaN and fails below
    if not worst <= TOLERANCE:
        raise UnsupportedModelError(
            f"the int8 graph differs from torch by {worst:.2g} of what quantising changes, allowed are {TOLERANCE:g}"
        )
    return worst


def _rms(values: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.square(values, dtype=np.float64).mean()))
