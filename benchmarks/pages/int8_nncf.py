"""The same network quantised by NNCF, if that is installed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.pages.int8_parts import MODEL, data_of, graphs_of, opened, psnr_db, record, stem
from benchmarks.pages.page import Settings
from upres.image.convert import Network
from upres.lab.checkpoint import load
from upres.lab.compress.quantize.calibration import picture_batches
from upres.lab.compress.quantize.network import suitable_layers
from upres.models.catalog import find


def measure_nncf(settings: Settings) -> None:
    """NNCF's post-training quantisation, by its defaults and told to leave alone what we leave alone."""
    import nncf as toolkit
    import openvino

    core, data, graph, rows = openvino.Core(), data_of(settings), find(MODEL).graph, []
    exact = psnr_db(opened(find(MODEL), "f32"), data)
    network, _ = load(find(MODEL).weights)
    suitable = [f"/{name.replace('.', '/')}" for name in suitable_layers(network)]
    batches = picture_batches(settings.shared / "data" / "train", scale=4, color_mode="rgb")
    samples = toolkit.Dataset([crop[None] for batch in batches for crop in batch.numpy()])
    for name, options in _nncf_options(toolkit, core.read_model(graph), suitable).items():
        made = toolkit.quantize(core.read_model(graph), samples, subset_size=64, **options)
        path = graphs_of(settings) / f"{stem(name)}.xml"
        openvino.save_model(made, path, compress_to_fp16=False)
        for shapes in ("fixed size", "free size"):
            run = _openvino_graph(core, path, fixed=shapes == "fixed size")
            rows.append({"graph": f"{name}, {shapes}", **psnr_db(run, data)})
    record("nncf", rows, exact)


def _nncf_options(toolkit: Any, graph: Any, suitable: Sequence[str]) -> dict[str, dict[str, Any]]:
    mixed = toolkit.QuantizationPreset.MIXED
    others = [
        node.get_friendly_name()
        for node in graph.get_ops()
        if node.get_type_name() == "Convolution" and not _is_one_of(node.get_friendly_name(), suitable)
    ]
    rest = toolkit.IgnoredScope(
        names=others, types=["Multiply", "Interpolate", "Sigmoid", "MaxPool", "Add"], validate=False
    )
    return {
        "NNCF, performance": {"preset": toolkit.QuantizationPreset.PERFORMANCE},
        "NNCF, mixed": {"preset": mixed},
        "NNCF, mixed, body and tail": {"preset": mixed, "ignored_scope": rest},
        "NNCF, mixed, body and tail, accurate bias": {
            "preset": mixed,
            "ignored_scope": rest,
            "fast_bias_correction": False,
        },
    }


def _is_one_of(node: str, suitable: Sequence[str]) -> bool:
    dotted = node.replace("/", ".")
    return any(f".{name.strip('/').replace('/', '.')}.Conv" in dotted for name in suitable)


def _openvino_graph(core: Any, path: Path, *, fixed: bool) -> Network:
    compiled: dict[Any, Any] = {}

    def run(batch: Any) -> Any:
        key = batch.shape if fixed else None
        if key not in compiled:
            graph = core.read_model(path)
            if fixed:
                graph.reshape(list(batch.shape))
            compiled[key] = core.compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "bf16"})
        return np.array(compiled[key](batch)[0])

    return run
