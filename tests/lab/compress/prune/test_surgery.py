"""The transform ``prune`` of a card, which may say anything."""

import pytest
import torch

from upres.errors import CheckpointError
from upres.lab.checkpoint import build, expected_shapes
from upres.lab.compress.prune.operation import prune
from upres.models.card import ModelSpec

CARN_M = {"num_channels": 8, "groups": 4, "efficient": True, "shared": True}
GROUPED = "body.blocks.0.blocks.0.body.0"


def spec(*steps, architecture="carn", arguments=CARN_M):
    return ModelSpec(architecture=architecture, scale=2, arguments=arguments, transforms=steps)


def test_is_built_without_memory():
    _, step = prune(build(spec()), kind="all", share=0.5)
    shapes = expected_shapes(spec(step))
    assert shapes[f"{GROUPED}.weight"] == (4, 1, 3, 3)
    assert shapes["head.weight"] == (4, 3, 3, 3)


def test_slopes_go_with_their_channels():
    arguments = {"num_features": 8, "num_shrink": 4, "num_blocks": 1, "channel_slopes": True}
    network = build(spec(architecture="fsrcnn", arguments=arguments))
    pruned, step = prune(network, kind="all", share=0.5)
    assert step["layers"]["net.1"] == [4]
    assert step["layers"]["net.8"] == [1, 4]  # a transposed convolution
    with torch.no_grad():
        assert pruned(torch.rand(1, 1, 8, 8)).shape == (1, 1, 16, 16)


def test_depthwise_filters_go_with_their_channels():
    network = build(spec(architecture="bsrn", arguments={"num_channels": 16, "num_blocks": 1}))
    pruned, _ = prune(network, kind="stream", width=8)
    layer = pruned.get_submodule("head.depth")
    assert (layer.weight.shape, layer.groups, layer.in_channels) == ((8, 1, 3, 3), 8, 8)
    with torch.no_grad():
        assert pruned(torch.rand(1, 3, 16, 16)).shape == (1, 3, 32, 32)


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        ({"haed": [4, 3]}, "no convolution or PReLU 'haed'"),
        ({"body": [4, 3]}, "no convolution or PReLU 'body'"),
        ({"head": [9, 3]}, r"head has widths \[8, 3\], and \[9, 3\]"),
        ({"head": [0, 3]}, "are none that it can be cut to"),
        ({"head": [4.0, 3]}, "are none that it can be cut to"),
        ({"head": [True, 3]}, "are none that it can be cut to"),
        ({"head": [4]}, "are none that it can be cut to"),
        ({"head": 4}, "are none that it can be cut to"),
        ({GROUPED: [6, 8]}, "are none that it can be cut to"),
        ([4], "cannot go through"),
    ],
)
def test_a_card_that_asks_for_what_cannot_be_is_refused(layers, says):
    with pytest.raises(CheckpointError, match=says):
        build(spec({"name": "prune", "layers": layers}))


@pytest.mark.parametrize("blocks", [-1, 0, 2, True, "1", 1.0])
def test_a_card_that_asks_for_blocks_that_cannot_be_is_refused(blocks):
    step = {"name": "prune", "layers": {}, "blocks": blocks}
    with pytest.raises(CheckpointError, match="has 2 blocks; keep 1 to 1"):
        build(spec(step, architecture="edsr", arguments={"num_channels": 4, "num_blocks": 2}))
