"""PSNR of the network with some of its convolutions in 8 bits: mixes of them, and each alone."""

import hashlib
import shutil
import sys
from pathlib import Path
from typing import Any

import onnx
from torch import nn

from benchmarks.pages.int8_parts import (
    MIXES,
    MODEL,
    SETS,
    TRAINED,
    Data,
    convolutions,
    data_of,
    graphs_of,
    opened,
    psnr_db,
    record,
    stem,
)
from benchmarks.pages.page import Settings
from upres.engines.torch import TorchSession
from upres.errors import UnsupportedModelError
from upres.lab.checkpoint import load
from upres.lab.compress.quantize.calibration import quantize
from upres.lab.compress.quantize.network import quantized_layers
from upres.lab.export.int8 import export_int8
from upres.models.catalog import find
from upres.models.graph import unstamped


def measure_quality(settings: Settings) -> None:
    """PSNR of float, of every calibrated mix, and of the trained network."""
    data, model = data_of(settings), find(MODEL)
    graphs = graphs_of(settings)
    rows = [
        {"graph": precision, **psnr_db(opened(model, precision), data), "sha256": digest(model.graph)}
        for precision in ("f32", "bf16")
    ]
    for mix, chosen in MIXES.items():
        network, _ = load(model.weights)
        layers = [name for name in convolutions(network) if chosen(name)]
        quantize(network, settings.shared / "data" / "train", layers=layers)
        try:
            rows.append(_exported(network, f"{mix}, calibrated", graphs, data))
        except UnsupportedModelError as error:
            print(f"{mix}, left out: {error}", file=sys.stderr)
    trained = settings.runs / "trained" / "best.safetensors"
    if trained.is_file():
        network, card = load(trained)
        steps = card.training["steps"]
        rows.append({**_exported(network, TRAINED, graphs, data), "steps": steps})
        for layer in quantized_layers(network).values():
            layer.quantizing = False
        rows.append({"graph": "the trained network in f32", **psnr_db(TorchSession(network), data)})
    record("quality", rows)


def measure_layers(settings: Settings) -> None:
    """What one convolution alone in 8 bits loses."""
    data = data_of(settings)
    network, _ = load(find(MODEL).weights)
    quantize(network, settings.shared / "data" / "train", layers=list(convolutions(network)))
    quantized = quantized_layers(network)
    for layer in quantized.values():
        layer.quantizing = False
    exact, rows = psnr_db(TorchSession(network), data), []
    for name, layer in quantized.items():
        layer.quantizing = True
        found = psnr_db(TorchSession(network), data)
        rows.append({"layer": name, **{key: exact[key] - found[key] for key in SETS}})
        layer.quantizing = False
    record("layers", rows, exact)


def digest(path: Path | None) -> str:
    """Of what a graph computes, be it stamped or not, wherever its numbers lie.

    Raises:
        UnsupportedModelError: If there is no file.
    """
    if path is None:
        raise UnsupportedModelError(f"expected an ONNX graph beside {MODEL}, got none: upres export {MODEL}")
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        tensor.ClearField("data_location")  # which loading leaves at its default
    return hashlib.sha256(unstamped(model.SerializeToString(deterministic=True))).hexdigest()


def _exported(network: nn.Module, name: str, folder: Path, data: Data) -> dict[str, Any]:
    """Write the graph beside a copy of the float weights, as it would lie in the package, and measure it so."""
    weights = folder / f"{stem(name)}.safetensors"
    shutil.copy(find(MODEL).weights, weights)
    export_int8(network, weights.with_suffix(".int8.onnx"), weights=weights)
    scores = psnr_db(opened(find(weights), "int8"), data)
    return {
        "graph": name,
        "layers": len(quantized_layers(network)),
        **scores,
        "sha256": digest(weights.with_suffix(".int8.onnx")),
    }
