"""Foreign files made ours: the same output, a card, a graph."""

import hashlib

import numpy as np
import onnx
import pytest
import torch

from upres.errors import CheckpointError
from upres.lab.checkpoint import build, describe, load, save, spec_of
from upres.lab.foreign.convert import convert
from upres.models.card import read_card


@pytest.fixture
def foreign(tmp_path):
    torch.manual_seed(0)
    network = build(spec_of("fsrcnn_small_opencv_x3")).eval()
    path = tmp_path / "someone's net.pth"
    torch.save({"params": network.state_dict(), "epoch": 7}, path)
    return path, network


def test_a_converted_file_computes_the_same(foreign, tmp_path):
    path, network = foreign
    result = convert(path, tmp_path / "small.safetensors")
    loaded, card = load(result.output)
    lr = torch.rand(1, 1, 7, 9)
    assert torch.equal(loaded(lr), network(lr))
    assert (card.name, card.architecture, card.scale, card.parameters) == ("small", "fsrcnn", 3, 1782)
    assert card == result.card == read_card(result.output)


def test_the_card_says_where_it_came_from(foreign, tmp_path):
    path, _ = foreign
    card = convert(path, tmp_path / "small.safetensors", with_graph=False).card
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert card.training == {"imported": {"file": "someone's net.pth", "sha256": digest}}
    assert card.licence == "not stated in the imported file"


def test_the_graph_lies_beside_it(foreign, tmp_path):
    path, _ = foreign
    result = convert(path, tmp_path / "small.safetensors")
    assert result.graph == tmp_path / "small.onnx"
    onnx.checker.check_model(result.graph)
    assert convert(path, tmp_path / "small.safetensors", with_graph=False).graph is None
    assert not (tmp_path / "small.onnx").exists()  # it may belong to other weights


def test_no_graph_is_a_remark_and_not_an_error(foreign, tmp_path, monkeypatch):
    monkeypatch.setattr("upres.lab.export.onnx.TOLERANCE", -1.0)
    result = convert(foreign[0], tmp_path / "small.safetensors")
    assert result.graph is None
    assert any("only the torch engine" in remark and "differs from torch" in remark for remark in result.remarks)


def test_what_is_left_out_is_remarked_on(tmp_path):
    state = build(spec_of("fsrcnn_opencv_x2")).state_dict()
    torch.save({**state, "epoch": 3}, tmp_path / "x.pth")
    result = convert(tmp_path / "x.pth", tmp_path / "y.safetensors", with_graph=False)
    assert result.remarks == ("left out what is no tensor: epoch",)


def test_a_checkpoint_of_ours_keeps_its_word(tmp_path):
    network = build(spec_of("esr_tm_x4")).eval()  # untrained: no trial could tell what it is
    save(tmp_path / "a.safetensors", network, describe(network, spec_of("esr_tm_x4"), name="a"))
    card = convert(tmp_path / "a.safetensors", tmp_path / "b.safetensors").card
    assert (card.name, card.spec) == ("b", spec_of("esr_tm_x4"))


def test_the_output_is_a_safetensors_file(foreign, tmp_path):
    with pytest.raises(CheckpointError, match=r"the output is a .safetensors file; call it small\.safetensors"):
        convert(foreign[0], tmp_path / "small.pth")


def test_an_unknown_file_leaves_nothing(tmp_path):
    torch.save({"embedding": torch.zeros(3)}, tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match="not recognised"):
        convert(tmp_path / "x.pth", tmp_path / "y.safetensors")
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.pth"]


def test_an_imported_model_runs_on_the_engines(foreign, tmp_path):
    from upres.engines.select import open_session
    from upres.models.catalog import find

    path, network = foreign
    model = find(convert(path, tmp_path / "small.safetensors").output)
    lr = np.random.default_rng(0).random((1, 1, 12, 15), dtype=np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(lr)).numpy()
    for engine in ("openvino", "torch"):
        sr = open_session(model, engine=engine, precision="f32")(lr)
        np.testing.assert_allclose(sr, expected, atol=1e-5)
