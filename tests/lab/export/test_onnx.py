"""ONNX graphs: runtimes compute what torch does, at any size."""

import numpy as np
import onnx
import openvino
import pytest
import torch
from torch import nn

from upres.errors import CheckpointError, UnsupportedModelError
from upres.lab.checkpoint import build, spec_of
from upres.lab.export import onnx as exporter
from upres.lab.export.onnx import OPSET, TOLERANCE, export

EDGE = ("esr_max", "esr_tm", "esr_tr", "esr_cnn", "espcn", "espcn_opencv", "fsrcnn", "fsrcnn_opencv", "bicubic_conv")


def network_of(name, scale=2):
    torch.manual_seed(0)
    return build(spec_of(f"{name}_x{scale}")).eval()


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", EDGE)
def test_onnx_runtime_agrees_at_any_size(tmp_path, name, scale):
    onnxruntime = pytest.importorskip("onnxruntime")
    network = network_of(name, scale)
    report = export(network, tmp_path / "x.onnx")
    assert report.max_error <= TOLERANCE
    session = onnxruntime.InferenceSession(report.path, providers=["CPUExecutionProvider"])
    for shape in ((1, 1, 1, 1), (3, 1, 5, 31), (1, 1, 40, 17)):
        lr = torch.rand(shape, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            expected = network(lr).numpy()
        (found,) = session.run(None, {"input": lr.numpy()})
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() < 1e-5


@pytest.mark.parametrize("name", ["rlfn_c32b6", "e_rfdn"])
def test_sizes_are_read_from_the_input_so_that_openvino_fuses_every_bias(tmp_path, name):
    path = export(network_of(name), tmp_path / "x.onnx").path
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    parts = compiled.get_runtime_model().get_ops()
    kinds = {part.get_friendly_name(): part.get_rt_info()["layerType"] for part in parts}
    biased = {node.name for node in onnx.load(path).graph.node if node.op_type == "Conv"}
    assert len(biased) > 50
    assert [name for name in biased if kinds.get(name) == "Eltwise"] == []


@pytest.mark.parametrize("name", EDGE)
def test_openvino_agrees(tmp_path, name):
    network = network_of(name, 3)
    path = export(network, tmp_path / "x.onnx").path
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    lr = torch.rand(1, 1, 13, 22, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = network(lr).numpy()
    assert np.abs(compiled(lr.numpy())[0] - expected).max() < 1e-5


def test_the_file_is_plain_small_and_the_same_each_time(tmp_path):
    network = network_of("esr_tm")
    report = export(network, tmp_path / "one.onnx")
    export(network, tmp_path / "other.onnx")
    content = report.path.read_bytes()
    assert content == (tmp_path / "other.onnx").read_bytes()
    assert report.size_bytes == len(content) < 4 * 800 + 3000
    for trace in (b"/work", b"site-packages", b".py", b"torch"):
        assert trace not in content
    model = onnx.load_model_from_string(content)
    onnx.checker.check_model(model)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", OPSET)]
    names = [dim.dim_param or dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
    assert names == ["batch", 1, "height", "width"]
    assert [value.name for value in model.graph.output] == ["output"]


def test_the_network_itself_is_left_as_it_was(tmp_path):
    network = network_of("fsrcnn").double().train()
    export(network, tmp_path / "x.onnx")
    assert network.training
    assert next(network.parameters()).dtype == torch.float64


class Frozen(nn.Module):
    """Right only at the size it is traced with."""

    color_mode = "luma"
    halo = 0
    scale = 1

    def forward(self, x):
        return x + torch.arange(x.shape[-1] if isinstance(x.shape[-1], int) else int(x.shape[-1]))


class Random(Frozen):
    def forward(self, x):
        return x + torch.rand(1)


@pytest.mark.parametrize("network", [Frozen(), Random()])
def test_a_graph_that_computes_otherwise_is_not_written(tmp_path, network, capfd):
    with pytest.raises(UnsupportedModelError):
        export(network, tmp_path / "x.onnx")
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr().out == ""


def test_a_wrong_graph_is_told_by_its_difference(tmp_path, monkeypatch):
    right = exporter._runner
    monkeypatch.setattr(exporter, "_runner", lambda content: lambda batch: right(content)(batch) + np.float32(1e-4))
    with pytest.raises(UnsupportedModelError, match=r"differs from torch by 0\.0001, allowed are 1e-05"):
        export(network_of("espcn"), tmp_path / "x.onnx")


def test_without_onnx_runtime_openvino_checks(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    assert export(network_of("esr_cnn"), tmp_path / "x.onnx").max_error <= TOLERANCE


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(CheckpointError, match="cannot be written"):
        export(network_of("espcn"), tmp_path / "no" / "x.onnx")
