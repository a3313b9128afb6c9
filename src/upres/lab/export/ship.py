"""A network as it leaves the lab: as a graph for other runtimes, or as the files that lie in the package."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from upres.lab import checkpoint
from upres.lab.compress.quantize.calibration import quantize
from upres.lab.compress.quantize.network import quantized_layers
from upres.lab.export.half import halve, is_half
from upres.lab.export.int8 import export_int8
from upres.lab.export.interpolate import interpolate
from upres.lab.export.onnx import export
from upres.models.catalog import find

Figures = Mapping[str, Sequence[Mapping[str, Any]]]
"""Name of a model -> what was measured of it, as its card holds it."""

_NONE: Figures = {}


@dataclass(frozen=True, kw_only=True)
class Shipment:
    """What was written."""

    model: str
    format: Literal["onnx", "onnx-int8"]
    output: Path
    """The graph."""
    size_bytes: int
    max_error: float
    """Difference from torch: see `upres.lab.export.onnx.TOLERANCE`, and that of ``int8`` for ``onnx-int8``."""


def ship(
    model: str | Path,
    output: str | Path | None = None,
    *,
    pictures: str | Path | None = None,
    scores: Figures = _NONE,
    latencies: Figures = _NONE,
    half: bool = False,
    towards: tuple[str | Path, float] | None = None,
) -> Shipment:
    """Write a model's graph and, into a folder, its weights with their card.

    Args:
        model: A shipped name or a ``.safetensors`` file.
        output: A file, which stands alone; or a folder that exists, which receives ``NAME.safetensors`` and a
            ``NAME.onnx`` that takes its numbers from there, or of a quantised network ``NAME.int8.onnx`` alone, which
            belongs beside them. ``None``: ``NAME.onnx`` here.
        pictures: Quantise the network first, with input ranges from the pictures in this folder.
        scores: Replace the card's scores, in a folder.
        latencies: Likewise.
        half: Round the weights to 16 bits; so are they stored, as weights are that were before.
        towards: Another model of the same form, and the share that it gets of each weight, see `interpolate`.

    Raises:
        UnknownModelError: If there is no such model.
        UnsupportedModelError: If the network cannot be written as ONNX, or the graph computes otherwise than torch; if
            16 bits lose more than `half.MOST_LEVELS`, or were asked of a quantised network; if two networks are not of
            one form.
        CheckpointError: If a file cannot be read or written.
        DataError: If the folder of pictures holds none.
    """
    weights = find(model).weights
    network, card = checkpoint.load(weights)
    stored_half = half or is_half(weights)
    if towards is not None:
        card = interpolate(network, card, *towards)
    if pictures is not None:
        quantize(network, pictures)
    eight_bit = bool(quantized_layers(network))
    if half or (stored_half and towards is not None):
        halve(network)
    suffix = ".int8.onnx" if eight_bit else ".onnx"
    path = Path(output or f"{card.name}{suffix}")
    if into_folder := path.is_dir():
        if not eight_bit:  # a quantised network's graph lies beside the float network's files
            measured = replace(
                card,
                scores=tuple(scores.get(card.name, card.scores)),
                latencies=tuple(latencies.get(card.name, card.latencies)),
            )
            weights = path / f"{card.name}.safetensors"
            checkpoint.save(weights, network, measured, half=stored_half)
        elif (beside := path / f"{card.name}.safetensors").is_file():
            weights = beside
        path = path / f"{card.name}{suffix}"
    if eight_bit:
        report = export_int8(network, path, weights=weights)
    else:
        report = export(network, path, weights=weights, share=into_folder)
    return Shipment(
        model=card.name,
        format="onnx-int8" if eight_bit else "onnx",
        output=report.path,
        size_bytes=report.size_bytes,
        max_error=report.max_error,
    )
