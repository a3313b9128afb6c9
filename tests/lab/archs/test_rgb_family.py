"""Traits of single networks that neither counts nor shapes show."""

import pytest
import torch
from torch import nn

from upres.lab.archs.carn import CARN
from upres.lab.archs.ecbsr import ECBSR
from upres.lab.archs.edsr import EDSR
from upres.lab.archs.efdn import EFDN
from upres.lab.archs.imdn_plus import IMDNPlus
from upres.lab.archs.mobilesr import MobileSR
from upres.lab.archs.plain import PlainBlock, PlainSR
from upres.lab.archs.rfdn import RFDN
from upres.lab.archs.rlfn import RLFN
from upres.lab.archs.span import SPAB, SPAN
from upres.lab.archs.vdsr import VDSR
from upres.lab.blocks.conv import DIV2K_RGB_MEAN
from upres.lab.blocks.reparam import fold_network
from upres.lab.blocks.upsample import BicubicUpsample


def zeroed(network):
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    return network.eval()


@torch.no_grad()
def test_vdsr_adds_to_bicubic_interpolation():
    lr = torch.rand(1, 1, 6, 7)
    assert torch.equal(zeroed(VDSR(scale=3, num_layers=3))(lr), BicubicUpsample(scale=3)(lr))


@torch.no_grad()
@pytest.mark.parametrize("colors", [1, 3])
def test_ecbsr_adds_to_the_nearest_pixel(colors):
    lr = torch.rand(1, colors, 4, 5)
    sr = zeroed(ECBSR(scale=2, num_colors=colors))(lr)
    assert torch.equal(sr, lr.repeat_interleave(2, 2).repeat_interleave(2, 3))


@torch.no_grad()
def test_mobilesr_adds_to_bilinear_interpolation():
    lr = torch.rand(1, 3, 4, 5)
    sr = zeroed(MobileSR(scale=2, num_channels=8))(lr)
    torch.testing.assert_close(sr, nn.functional.interpolate(lr, scale_factor=2, mode="bilinear"))


@torch.no_grad()
@pytest.mark.parametrize("value_range", [1.0, 255.0])
@pytest.mark.parametrize("architecture", [CARN, EDSR])
def test_networks_with_a_mean_colour_fall_back_to_it(architecture, value_range):
    sizes = {"num_channels": 8} | ({"num_blocks": 1} if architecture is EDSR else {})
    sr = zeroed(architecture(scale=2, value_range=value_range, **sizes))(torch.rand(1, 3, 4, 4))
    torch.testing.assert_close(sr, torch.tensor(DIV2K_RGB_MEAN).view(1, 3, 1, 1).expand_as(sr))


@torch.no_grad()
def test_the_range_matters_to_biases_alone():
    """A network of 0..255 equals one of 0..1 whose biases are 255 times smaller, where activations are ReLUs."""
    torch.manual_seed(0)
    wide = EDSR(scale=2, num_channels=4, num_blocks=1, value_range=255.0)
    small = EDSR(scale=2, num_channels=4, num_blocks=1)
    small.load_state_dict({k: v / 255 if k.endswith("bias") else v for k, v in wide.state_dict().items()})
    lr = torch.rand(1, 3, 6, 6)
    torch.testing.assert_close(small(lr), wide(lr), atol=1e-5, rtol=1e-5)


def test_efdn_clamps_only_where_no_gradient_is_needed():
    network = EFDN(scale=2, num_channels=8)
    nn.init.constant_(network.upsampler[0].bias, 3.0)
    lr = torch.rand(1, 3, 16, 16)
    assert network.train()(lr).max() > 1
    assert network.eval()(lr).max() == 1


@torch.no_grad()
def test_span_keeps_the_last_blocks_first_activation():
    torch.manual_seed(0)
    block = SPAB(num_channels=4, expanded=True)
    x = torch.rand(1, 4, 6, 6)
    _, first = block(x)
    torch.testing.assert_close(first, nn.functional.silu(block.conv1(x)))
    kept = []
    network = SPAN(scale=2, num_channels=4, num_blocks=2)
    network.fusion.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0]))
    network.blocks[-1].register_forward_hook(lambda _, __, outputs: kept.append(outputs[1]))
    network(torch.rand(1, 3, 6, 6))
    assert torch.equal(kept[1][:, -4:], kept[0])


@torch.no_grad()
def test_span_does_not_add_the_mean_back():
    network = zeroed(SPAN(scale=2, num_channels=4, num_blocks=1))
    assert not network(torch.rand(1, 3, 5, 5)).any()


@torch.no_grad()
def test_span_trained_plain_is_what_an_expanded_one_folds_to():
    folded = fold_network(SPAN(scale=2, num_channels=4, num_blocks=2).eval())
    plain = SPAN(scale=2, num_channels=4, num_blocks=2, expanded=False).eval()
    plain.load_state_dict(folded.state_dict())
    lr = torch.rand(1, 3, 9, 7)
    assert torch.equal(plain(lr), folded(lr))


@torch.no_grad()
def test_a_plain_network_adds_to_the_nearest_pixel():
    lr = torch.rand(1, 3, 4, 5)
    assert torch.equal(zeroed(PlainSR(scale=2))(lr), lr.repeat_interleave(2, 2).repeat_interleave(2, 3))
    assert not zeroed(PlainSR(scale=2, nearest_skip=False))(lr).any()


@torch.no_grad()
def test_the_gate_of_a_plain_block_is_spans():
    torch.manual_seed(0)
    span = SPAB(num_channels=4, expanded=False)
    x = torch.randn(1, 4, 6, 6)
    gated = PlainBlock(num_channels=4, activation="silu", gate="span", expanded=False)
    gated.load_state_dict(span.state_dict())
    assert torch.equal(gated(x), span(x)[0])


@torch.no_grad()
@pytest.mark.parametrize(
    ("gate", "last", "expected"),
    [
        ("none", 1.0, 3.0),
        ("skip", 1.0, 2.0 + 3.0 * 0.2310586),
        ("hard", 1.0, 2.0 + 3.0 * 0.25),
        ("hard", 8.0, 2.0 + 10.0 * 0.5),
        ("hard", -8.0, 2.0 + 6.0 * 0.5),
    ],
)
def test_gates_of_a_plain_block(gate, last, expected):
    block = zeroed(PlainBlock(num_channels=4, activation="leaky_relu", gate=gate, expanded=False))
    nn.init.constant_(block.conv3.bias, last)
    x = torch.full((1, 4, 5, 5), 2.0)
    torch.testing.assert_close(block(x), torch.full_like(x, expected))


@torch.no_grad()
def test_a_plain_network_trained_expanded_is_the_plain_one_it_folds_to():
    folded = fold_network(PlainSR(scale=2, num_channels=4, num_blocks=2, expanded=True).eval())
    plain = PlainSR(scale=2, num_channels=4, num_blocks=2).eval()
    plain.load_state_dict(folded.state_dict())
    lr = torch.rand(1, 3, 9, 7)
    assert torch.equal(plain(lr), folded(lr))


def test_carn_m_has_one_residual_block_for_three_places():
    shared = CARN(scale=2, num_channels=8, shared=True)
    assert [len(cascade.blocks) for cascade in shared.body.blocks] == [1, 1, 1]
    assert [len(cascade.fusions) for cascade in shared.body.blocks] == [3, 3, 3]
    calls = []
    shared.body.blocks[0].blocks[0].register_forward_hook(lambda *_: calls.append(1))
    shared(torch.rand(1, 3, 4, 4))
    assert len(calls) == 3


@pytest.mark.parametrize("ratio", [0.125, 0.25, 0.3, 0.5, 10 / 42])
def test_the_distillation_ratio_is_free(ratio):
    network = RFDN(scale=2, num_channels=42, num_blocks=1, distillation_ratio=ratio)
    assert network.blocks[0].last.out_channels == round(42 * ratio)


def test_attention_takes_the_halo_away():
    assert RFDN(scale=2, attention="none").halo == 27
    assert RFDN(scale=2, attention="esa").halo is None
    assert RLFN(scale=2).halo is None


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="multiple of num_stages"):
        IMDNPlus(scale=2, num_channels=35)
    with pytest.raises(ValueError, match="remaining_channels must be 48, got 24"):
        RFDN(scale=2, remaining_channels=24)
