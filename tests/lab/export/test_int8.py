"""8-bit graphs: runtimes compute what training imitated."""

import json
from typing import Any

import numpy as np
import onnx
import openvino
import pytest
import torch

from upres.apps.cli.main import main
from upres.engines.openvino import ENGINE
from upres.errors import UnsupportedModelError
from upres.lab.checkpoint import build, describe, save
from upres.lab.compress.quantize.calibration import calibrate
from upres.lab.compress.quantize.network import input_grid, quantized_layers, suitable_layers, unquantized
from upres.lab.export import int8 as exporter
from upres.lab.export.int8 import TOLERANCE, export_int8
from upres.lab.export.onnx import export
from upres.models.card import ModelSpec, weights_digest
from upres.models.catalog import find
from upres.models.graph import stamped

ARGUMENTS = {"num_channels": 32, "num_blocks": 1}
FLOAT = ModelSpec(architecture="rlfn", scale=2, arguments=ARGUMENTS)
LAYERS = list(suitable_layers(build(FLOAT)))
SPEC = ModelSpec(
    architecture="rlfn", scale=2, arguments=ARGUMENTS, transforms=({"name": "quantize", "layers": LAYERS},)
)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    made = build(SPEC).eval()
    calibrate(made, [torch.rand(2, 3, 48, 48)])
    return made


@pytest.fixture(scope="module")
def graph(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("int8") / "x.int8.onnx"
    assert 0 < export_int8(network, path).max_error <= TOLERANCE
    return path


def test_weights_are_bytes_and_inputs_go_through_8_bits(graph):
    model = onnx.load(graph)
    onnx.checker.check_model(model)
    stored = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    for layer in LAYERS:
        assert stored[f"{layer}.weight"] == onnx.TensorProto.INT8
        assert stored[f"{layer}.input_zero"] == onnx.TensorProto.UINT8
    assert stored["blocks.0.fusion.weight"] == onnx.TensorProto.FLOAT
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("QuantizeLinear") == len(LAYERS)
    assert kinds.count("DequantizeLinear") == 2 * len(LAYERS)
    assert b"/work" not in graph.read_bytes()


def test_onnx_runtime_computes_what_torch_imitates(network, graph):
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    lr = torch.rand(1, 3, 20, 33, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = network(lr).numpy()
        with unquantized(network):
            exact = network(lr).numpy()
    (found,) = session.run(None, {"input": lr.numpy()})
    assert np.square(found - expected).mean() < 0.3 * np.square(exact - expected).mean()


def test_openvino_runs_the_chosen_layers_in_8_bits(graph):
    core = openvino.Core()
    model = core.read_model(graph)
    model.reshape([1, 3, 40, 48])
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    nodes = [op for op in compiled.get_runtime_model().get_ops() if op.get_rt_info()["layerType"] == "Convolution"]
    integer = [op for op in nodes if op.get_rt_info()["runtimePrecision"] in ("i8", "u8")]
    assert len(integer) == len(LAYERS) < len(nodes)


def test_a_graph_that_computes_otherwise_is_not_written(network, tmp_path, monkeypatch):
    real = input_grid
    monkeypatch.setattr(exporter, "input_grid", lambda limits: (real(limits)[0] * 1.02, real(limits)[1]))
    with pytest.raises(UnsupportedModelError, match="differs from torch"):
        export_int8(network, tmp_path / "x.int8.onnx")
    assert not list(tmp_path.iterdir())


def test_what_is_not_quantised_or_not_calibrated_is_refused(tmp_path):
    with pytest.raises(UnsupportedModelError, match="no layer of this network is quantised"):
        export_int8(build(FLOAT), tmp_path / "x.onnx")
    with pytest.raises(UnsupportedModelError, match="calibrate"):
        export_int8(build(SPEC), tmp_path / "x.onnx")


@pytest.fixture
def model(network, graph, tmp_path):
    """The float network's files with the int8 graph beside them."""
    path = tmp_path / "x.safetensors"
    plain = build(FLOAT).eval()
    plain.load_state_dict({key: value for key, value in network.state_dict().items() if "input_range" not in key})
    save(path, plain, describe(plain, FLOAT, name="x"))
    export(plain, path.with_suffix(".onnx"), weights=path)
    path.with_suffix(".int8.onnx").write_bytes(stamped(graph.read_bytes(), weights_digest(path)))
    return find(path)


def test_the_engine_takes_it_where_it_is_asked_to(network, model):
    session = ENGINE.open(model, threads=1, precision="int8")
    assert (session.facts.engine, session.facts.precision) == ("openvino", "int8")
    assert ENGINE.open(model, threads=1).facts.precision in ("f32", "bf16"), "only where it is asked to"
    for shape in ((1, 3, 20, 24), (2, 3, 17, 31), (1, 3, 20, 24)):
        batch = np.random.default_rng(1).random(shape, np.float32)
        found = session(batch)
        with torch.no_grad():
            expected = network(torch.from_numpy(batch)).numpy()
            with unquantized(network):
                exact = network(torch.from_numpy(batch)).numpy()
        assert found.shape == expected.shape
        noise = np.square(exact - expected).mean() + 1e-5  # the rest is in bf16 where the CPU has it
        assert np.square(found - expected).mean() < noise


def test_each_size_has_a_graph_of_its_own(model):
    """Free sizes give back a good part of what int8 gains."""
    session: Any = ENGINE.open(model, threads=1, precision="int8")
    one, other = session._session_for((1, 3, 20, 24)), session._session_for((1, 3, 24, 20))
    assert session._session_for((1, 3, 20, 24)) is one is not other
    assert one._request.get_compiled_model().inputs[0].partial_shape.is_static


def test_a_result_outlives_the_next_call(model):
    session = ENGINE.open(model, threads=1, precision="int8")
    batch = np.random.default_rng(1).random((1, 3, 20, 24), np.float32)
    session(batch)
    first = session(batch)
    kept = first.copy()
    session(1 - batch)
    np.testing.assert_array_equal(first, kept)


def test_without_a_graph_the_engine_says_what_is_missing(model):
    model.int8_graph.unlink()
    with pytest.raises(UnsupportedModelError, match="no int8 graph beside x"):
        ENGINE.open(find(model.weights), precision="int8")


def test_the_command_puts_a_quantised_network_beside_its_float_files(network, model, tmp_path, capfd):
    save(tmp_path / "best.safetensors", network, describe(network, SPEC, name="x"))
    before = model.weights.read_bytes()
    model.int8_graph.unlink()
    assert main(["export", str(tmp_path / "best.safetensors"), "-o", str(tmp_path), "--json"]) == 0
    report = json.loads(capfd.readouterr().out)
    assert (report["format"], report["output"]) == ("onnx-int8", str(tmp_path / "x.int8.onnx"))
    assert find(model.weights).int8_graph == tmp_path / "x.int8.onnx"
    assert model.weights.read_bytes() == before, "the float network stays what it is"


def test_the_command_quantises(model, tmp_path, capfd, monkeypatch):
    from PIL import Image

    monkeypatch.setenv("UPRES_CACHE", str(tmp_path / "cache"))
    (tmp_path / "pictures").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "pictures" / "noise.png")
    output = tmp_path / "made.onnx"
    assert main(["export", str(model.weights), "--int8", str(tmp_path / "pictures"), "-o", str(output)]) == 0
    assert "of torch's own rounding noise" in capfd.readouterr().out
    kinds = [node.op_type for node in onnx.load(output).graph.node]
    assert kinds.count("QuantizeLinear") == len(quantized_layers(build(SPEC)))
