"""Graphs that take their numbers from the weights beside them, and weights of 16 bits."""

import json
import shutil

import numpy as np
import onnx
import pytest
import torch
from safetensors.numpy import load_file

from upres.apps.cli.main import main
from upres.engines import select
from upres.errors import UnsupportedModelError
from upres.lab.checkpoint import build, load, spec_of
from upres.lab.compress.quantize.network import quantize_network
from upres.lab.export.half import halve, is_half
from upres.lab.export.ship import ship
from upres.models.card import read_weights
from upres.models.catalog import find

ENGINES = [pytest.param("native", marks=pytest.mark.needs("native")), "openvino", "onnxruntime", "torch"]


@pytest.fixture(params=[False, True], ids=["float32", "float16"])
def model(request, tmp_path):
    name = "plain_c32b6_light_x4"  # ships in 32 bits
    ship(name, tmp_path, half=request.param)
    return find(tmp_path / f"{name}.safetensors")


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_takes_its_numbers_from_the_weights(model, engine):
    assert model.graph.stat().st_size < 25_000 < 360_000 < model.weights.stat().st_size
    batch = np.random.default_rng(0).random((1, 3, 24, 32), np.float32)
    with torch.no_grad():
        expected = load(model.weights)[0](torch.from_numpy(batch)).numpy()
    made = select.open_session(model, engine=engine, precision="f32", threads=1)(batch)
    np.testing.assert_allclose(made, expected, atol=2e-5)


def test_a_graph_beside_its_weights_is_valid_onnx(model):
    onnx.checker.check_model(str(model.graph), full_check=True)
    stored = load_file(model.weights)
    moved = [tensor for tensor in onnx.load(model.graph, load_external_data=False).graph.initializer]
    assert sum(bool(tensor.external_data) for tensor in moved) > 15
    for tensor in onnx.load(model.graph).graph.initializer:
        if tensor.name.removesuffix(".stored") in stored:
            values = onnx.numpy_helper.to_array(tensor)
            np.testing.assert_array_equal(values, stored[tensor.name.removesuffix(".stored")])


def test_a_graph_that_is_named_stands_alone(model, tmp_path):
    alone = tmp_path / "alone" / "graph.onnx"
    alone.parent.mkdir()
    ship(model.weights, alone)
    assert not any(tensor.external_data for tensor in onnx.load(alone, load_external_data=False).graph.initializer)


def test_what_is_stored_in_16_bits_stays_so(model, tmp_path):
    half = is_half(model.weights)
    again = tmp_path / "again"
    again.mkdir()
    ship(model.weights, again)
    copy = again / model.weights.name
    assert copy.read_bytes() == model.weights.read_bytes()
    assert (again / model.graph.name).read_bytes() == model.graph.read_bytes()
    assert {array.dtype for array in load_file(copy).values()} == {np.dtype(np.float16 if half else np.float32)}
    assert {array.dtype for array in read_weights(copy)[1].values()} == {np.dtype(np.float32)}


def test_halving_says_what_it_changes_and_refuses_what_is_too_much():
    network, _ = load(find("rlfn_c32b6_x4").weights)
    assert 0.01 < halve(network) < 0.3
    assert halve(network) == 0, "rounded before"
    first = next(network.parameters())
    for value in (1e6, np.nan):
        with torch.no_grad():
            first.view(-1)[0] = value
        with pytest.raises(UnsupportedModelError, match="weights of 16 bits change a pixel by"):
            halve(network)


def test_a_quantised_network_has_no_16_bits():
    network = quantize_network(build(spec_of("plain_c32b6_x2")), layers=["head"])
    with pytest.raises(UnsupportedModelError, match="quantised network has weights of 8 bits"):
        halve(network)


def test_the_verb_halves(tmp_path, capsys):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    source = find("rlfn_c32b6_x4").weights
    shutil.copyfile(source, tmp_path / "mine.safetensors")
    assert main(["export", str(tmp_path / "mine.safetensors"), "-o", str(tmp_path / "a"), "--half", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["format"] == "onnx"
    assert (tmp_path / "a" / source.name).stat().st_size < 0.55 * source.stat().st_size


def test_a_network_stored_in_16_bits_is_quantised_like_any_other(tmp_path):
    from PIL import Image

    (tmp_path / "photos").mkdir()
    Image.effect_noise((96, 96), 60).convert("RGB").save(tmp_path / "photos" / "a.png")
    assert is_half(find("rlfn_c32b6_x2").weights)
    shipped = ship("rlfn_c32b6_x2", tmp_path / "x.int8.onnx", pictures=tmp_path / "photos")
    assert shipped.format == "onnx-int8"
    with pytest.raises(UnsupportedModelError, match="quantised network has weights of 8 bits"):
        ship("rlfn_c32b6_x2", tmp_path / "y.int8.onnx", pictures=tmp_path / "photos", half=True)
