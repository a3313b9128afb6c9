"""8-bit convolutions as training sees them: rounding, gradients, limits."""

import pytest
import torch
from torch import nn

from upres.errors import CheckpointError, UnsupportedModelError
from upres.lab.checkpoint import build, describe, load, save
from upres.lab.compress.quantize.network import (
    QuantConv2d,
    input_grid,
    quantize_network,
    quantized_layers,
    suitable_layers,
    unquantized,
    weight_scales,
)
from upres.models.card import ModelSpec

LAYERS = ["blocks.0.conv2", "body_conv"]
SPEC = ModelSpec(
    architecture="rlfn",
    scale=2,
    arguments={"num_channels": 32, "num_blocks": 1},
    transforms=({"name": "quantize", "layers": LAYERS},),
)


def layer_with(low, high):
    torch.manual_seed(0)
    layer = QuantConv2d.of(nn.Conv2d(2, 3, 3, padding=1))
    with torch.no_grad():
        layer.input_range.copy_(torch.tensor([low, high]))
    return layer


def rounded_input(layer, x):
    """What the layer's arithmetic sees of ``x``, through filters that pass the first channel on."""
    with torch.no_grad():
        layer.weight.zero_()
        layer.weight[:, 0, 1, 1] = 1.0
        layer.bias.zero_()
    return layer(x)[:, :1]


def test_inputs_lie_on_256_values_with_zero_among_them():
    x = torch.linspace(-1, 3, 4000).reshape(1, 1, 40, 100).repeat(1, 2, 1, 1)
    seen = rounded_input(layer_with(-0.5, 2.0), x).detach()
    assert 250 <= len(seen.unique()) <= 256
    assert 0 in seen
    assert float(seen.min()) == pytest.approx(-0.5, abs=2.5 / 255)
    assert float(seen.max()) == pytest.approx(2.0, abs=2.5 / 255)
    inside = (x[:, :1] > -0.49) & (x[:, :1] < 1.99)
    assert float((seen - x[:, :1])[inside].abs().max()) <= 2.5 / 255 / 2 + 1e-6


def test_weights_are_whole_multiples_of_one_step_a_channel():
    layer = layer_with(0.0, 1.0)
    with torch.no_grad():
        layer.bias.zero_()
        layer.weight[1] *= 100
    steps = weight_scales(layer.weight)
    assert float(steps[1]) == pytest.approx(float(layer.weight[1].detach().abs().max()) / 127)
    impulse = torch.zeros(1, 2, 3, 3)
    impulse[0, 0, 1, 1] = 1.0
    found = layer(impulse)[0].detach() / steps.view(-1, 1, 1)
    assert float((found - found.round()).abs().max()) < 1e-3
    assert float(found.abs().max()) <= 127 + 1e-3


def test_gradients_pass_rounding_and_stop_at_the_limits():
    layer = layer_with(-1.0, 1.0)
    x = torch.tensor([-3.0, -0.4, 0.3, 2.0]).reshape(1, 1, 2, 2).repeat(1, 2, 1, 1).requires_grad_()
    rounded_input(layer, x).sum().backward()
    assert x.grad[0, 0].flatten().tolist() == [0, 1, 1, 0]
    assert layer.weight.grad.abs().sum() > 0
    # one value is cut off at each side, and each moves with its limit
    assert layer.input_range.grad.tolist() == pytest.approx([1, 1], abs=0.02)


def test_a_limit_learns_what_it_should_be():
    """Values up to 2 and a limit of 1: the squared error opens it; a limit of 50 is drawn in by coarse rounding."""
    x = torch.linspace(-2, 2, 4096).reshape(1, 1, 64, 64).repeat(1, 2, 1, 1)
    for high, factor in ((1.0, 1.0), (50.0, -1.0)):
        layer = layer_with(-2.0, high)
        (rounded_input(layer, x) - x[:, :1]).square().sum().backward()
        assert float(layer.input_range.grad[1]) * factor < 0


def test_a_layer_without_a_range_is_refused():
    with pytest.raises(UnsupportedModelError, match="calibrate"):
        layer_with(0.0, 0.0)(torch.ones(1, 2, 4, 4))
    with pytest.raises(UnsupportedModelError, match="calibrate"):
        input_grid(torch.zeros(2))


def test_without_quantising_it_is_the_ordinary_convolution():
    layer, x = layer_with(-0.1, 0.1), torch.randn(1, 2, 8, 8)
    network = nn.Sequential(layer)
    exact = nn.functional.conv2d(x, layer.weight, layer.bias, padding=1)
    with unquantized(network):
        assert torch.equal(network(x), exact)
    assert not torch.allclose(network(x), exact, atol=1e-2)


def test_suitable_are_the_wide_3x3_convolutions():
    network = build(ModelSpec(architecture="rlfn", scale=4, arguments={"num_channels": 32, "num_blocks": 2}))
    body = {f"blocks.{block}.conv{number}" for block in (0, 1) for number in (1, 2, 3)}
    assert set(suitable_layers(network)) == body | {"body_conv", "upsampler.0"}


def test_a_quantised_checkpoint_rebuilds_itself(tmp_path):
    torch.manual_seed(0)
    network = build(SPEC).eval()
    assert list(quantized_layers(network)) == LAYERS
    for layer in quantized_layers(network).values():
        layer.input_range.data.copy_(torch.tensor([-0.3, 0.7]))
    save(tmp_path / "x.safetensors", network, describe(network, SPEC, name="x"))
    again, card = load(tmp_path / "x.safetensors")
    assert list(quantized_layers(again)) == card.spec.transforms[0]["layers"] == LAYERS
    x = torch.rand(1, 3, 16, 20)
    with torch.no_grad():
        assert torch.equal(again(x), network(x))


@pytest.mark.parametrize("name", ["blocks.0.conv9", "blocks.0", "blocks.0.act"])
def test_what_is_no_convolution_is_named(name):
    with pytest.raises(CheckpointError, match=f"no convolution '{name}'"):
        quantize_network(build(ModelSpec(architecture="rlfn", scale=2)), layers=[name])
