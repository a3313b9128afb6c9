"""Depthwise separable convolutions in place of trained ones."""

import pytest
import torch
from torch import nn

from upres.errors import CheckpointError, UnsupportedModelError
from upres.lab.archs.edsr import EDSR
from upres.lab.checkpoint import build, describe, load, parameter_count, save
from upres.lab.compress.operations import compress
from upres.lab.compress.separable import SeparableConv, separable_network, separate
from upres.models.card import ModelSpec


@pytest.mark.parametrize("groups", [1, 2])
def test_what_is_separable_is_kept(groups):
    torch.manual_seed(0)
    conv = nn.Conv2d(4, 6, 3, padding=1, groups=groups)
    with torch.no_grad():  # every filter is its map's one shape times a number
        shapes, numbers = torch.randn(4, 3, 3), torch.randn(6, 4 // groups, 1, 1)
        own = shapes.reshape(groups, 1, 4 // groups, 3, 3).expand(groups, 6 // groups, -1, -1, -1).reshape(6, -1, 3, 3)
        conv.weight.copy_(numbers * own)
    network, step = separate(nn.Sequential(conv), layers=["0"])
    x = torch.randn(1, 4, 9, 8)
    torch.testing.assert_close(network(x), conv(x), atol=1e-5, rtol=1e-5)
    assert step == {"name": "separable", "layers": ["0"]}


def test_no_separable_convolution_of_one_map_comes_closer():
    torch.manual_seed(0)
    conv = nn.Conv2d(1, 5, 3, padding=1, bias=False)
    made = separate(nn.Sequential(conv), layers=["0"])[0][0]
    weight = conv.weight.detach().flatten(1)
    kernel = made.point.weight.flatten()[:, None] * made.depth.weight.flatten()
    left = torch.linalg.svdvals(weight)[1:].square().sum()
    assert float((weight - kernel.detach()).square().sum()) == pytest.approx(float(left), rel=1e-4)


def test_the_blocks_of_a_network_are_replaced_and_its_card_rebuilds_it(tmp_path):
    spec = ModelSpec(architecture="edsr", scale=2, arguments={"num_channels": 8, "num_blocks": 2})
    network = build(spec).eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    made, step = compress(network, {"name": "separable"})
    assert [name for name, layer in made.named_modules() if isinstance(layer, SeparableConv)] == step["layers"]
    assert len(step["layers"]) == 4
    assert parameter_count(network) - parameter_count(made) == 4 * (8 * 8 * 9 - 8 * 9 - 8 * 8)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    own = ModelSpec(architecture="edsr", scale=2, arguments=spec.arguments, transforms=(step,))
    save(tmp_path / "x.safetensors", made, describe(made, own, name="x"))
    again, card = load(tmp_path / "x.safetensors")
    assert card.spec.transforms == (step,)
    x = torch.rand(1, 3, 16, 12)
    with torch.no_grad():
        assert torch.equal(again(x), made(x))


def test_what_cannot_be_split_is_refused():
    with pytest.raises(CheckpointError, match="no suitable convolution 'head2'"):
        separable_network(EDSR(scale=2, num_channels=4, num_blocks=1), layers=["head2"])
    with pytest.raises(UnsupportedModelError):
        separate(nn.Sequential(nn.Conv2d(4, 4, 3)))
