"""Ghost networks as graphs: every engine computes what PyTorch does."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from upres.engines.onnxruntime import ENGINE as ONNXRUNTIME
from upres.engines.openvino import ENGINE as OPENVINO
from upres.engines.torch import ENGINE as TORCH
from upres.lab.checkpoint import build, describe, save
from upres.lab.compress.ghost.convert import convert
from upres.lab.compress.ghost.fold import fold_ghosts
from upres.lab.compress.ghost.layer import ghost_layers
from upres.lab.compress.ghost.shift import window
from upres.lab.export.onnx import export
from upres.models.card import ModelSpec
from upres.models.catalog import find

SPEC = ModelSpec(architecture="edsr", scale=2, arguments={"num_channels": 8, "num_blocks": 1})


@pytest.mark.parametrize("offsets", ["layer", "channel", "depthwise"])
@pytest.mark.parametrize("first", [0, 4, 8])
def test_every_engine_runs_a_ghost_network_alike(tmp_path, offsets, first):
    torch.manual_seed(0)
    network, step = convert(build(SPEC).eval(), offsets=offsets, start="zero")
    places = window(1)
    for index, layer in enumerate(ghost_layers(network).values()):
        choice = [places[(first + index + j) % 9] for j in range(4 if offsets == "channel" else 1)]
        # every slot once, and no permutation that is its own inverse: what OpenVINO would move into weights wrongly
        layer.place([6, 2, 7, 4, 3, 5, 0, 1], [2, 1, 3, 0], [] if offsets == "depthwise" else choice)
    _compare(tmp_path, network, (step,))
    folded, second = fold_ghosts(network)
    assert bool(second["layers"]) == (offsets == "layer")
    _compare(tmp_path, folded, (step, second))


def _compare(tmp_path, network, transforms):
    path = tmp_path / "ghost.safetensors"
    save(path, network, describe(network, replace(SPEC, transforms=transforms), name="ghost"))
    export(network, path.with_suffix(".onnx"), weights=path)
    lr = np.random.default_rng(0).random((1, 3, 19, 23), np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(lr)).numpy()
    for engine in (TORCH, OPENVINO, ONNXRUNTIME):
        found = engine.open(find(path), threads=1, precision="f32")(lr)
        np.testing.assert_allclose(found, expected, atol=1e-5, err_msg=engine.name)
