"""The ghost layer: its channels and copies, its gradients, and the course of its temperature."""

import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from upres.errors import CheckpointError
from upres.lab.compress.ghost.layer import SCORE_GAIN, GhostConv, ghost_network, intrinsic_count
from upres.lab.compress.ghost.shift import shifted, window


def maps(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("offset", window(2))
@pytest.mark.parametrize("size", [(1, 1), (1, 6), (5, 7)])
def test_a_shift_is_what_its_definition_says(offset, size):
    x, (dy, dx) = maps(1, 1, *size), offset
    expected = torch.zeros_like(x)
    for row, column in itertools.product(range(size[0]), range(size[1])):
        if 0 <= row + dy < size[0] and 0 <= column + dx < size[1]:
            expected[..., row, column] = x[..., row + dy, column + dx]
    assert torch.equal(shifted(x, offset), expected)


@pytest.mark.parametrize("kind", ["layer", "channel"])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_channels_stand_at_their_places_and_ghosts_are_moved_copies(kind, memory_format):
    torch.manual_seed(0)
    layer = GhostConv(3, 5, 3, share=0.5, offsets=kind).eval()
    choice = [(1, 0)] if kind == "layer" else [(1, 0), (-1, 1)]
    layer.place([3, 0, 4, 2, 1], [2, 1], choice)
    x = maps(2, 3, 6, 7).contiguous(memory_format=memory_format)
    own = layer.primary(x)
    ghosts = [shifted(own[:, [2]], choice[0]), shifted(own[:, [1]], choice[-1])]
    expected = torch.cat([ghosts[0], own[:, [0]], ghosts[1], own[:, [2]], own[:, [1]]], dim=1)
    assert torch.equal(layer(x), expected)
    assert layer.reach == 1


def test_a_layer_without_ghosts_is_its_convolution():
    layer = GhostConv(4, 6, 3, share=0.0).eval()
    x = maps(1, 4, 5, 5)
    assert torch.equal(layer(x), layer.primary(x))
    assert layer.reach == 0


@pytest.mark.parametrize("kind", ["layer", "channel"])
def test_training_computes_what_evaluation_does_once_offsets_stay(kind):
    layer = GhostConv(4, 8, 3, offsets=kind)
    layer.place(
        [7, 0, 4, 1, 5, 2, 6, 3], [3, 0, 1, 1], [(0, 1)] if kind == "layer" else [(0, 1), (1, 1), (0, 1), (0, 0)]
    )
    layer.learn()
    layer.advance(step=99, steps=100, seed=(0,))
    x = maps(1, 4, 6, 6)
    assert torch.equal(layer.train()(x), layer.eval()(x))


@pytest.mark.parametrize("kind", ["layer", "channel"])
def test_gradients_are_those_of_the_mixture(kind):
    """Against autograd through a depthwise convolution whose filters are the hard choice forwards, soft backwards."""
    layer = GhostConv(3, 4, 3, offsets=kind).train()
    layer.place([2, 0, 3, 1], [1, 1], [(0, 0)] if kind == "layer" else [(0, 0)] * 2)
    layer.learn()
    layer.advance(step=5, steps=100, seed=(3, 1))
    x, weight = maps(2, 3, 5, 6), maps(2, 4, 5, 6, seed=1)
    (layer(x) * weight).sum().backward()
    found = {name: parameter.grad.clone() for name, parameter in layer.named_parameters()}

    layer.zero_grad()
    noisy = SCORE_GAIN * layer.offsets + layer._temperature * layer._noise
    soft = (noisy / layer._temperature).softmax(1)
    hard = F.one_hot(noisy.argmax(1), 9).float()
    filters = (hard - soft.detach() + soft).view(-1, 1, 3, 3).expand(2, 1, 3, 3)
    own = layer.primary(x)
    ghosts = F.conv2d(own[:, layer.source], filters, padding=1, groups=2)
    (torch.cat((own, ghosts), dim=1)[:, layer.order] * weight).sum().backward()
    for name, parameter in layer.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad, msg=name)
    assert found["offsets"].any()


def test_straight_through_gradients_pass_to_the_scores_as_they_are():
    layer = GhostConv(2, 4, 3, estimator="straight_through").train()
    layer.learn()
    layer.advance(step=0, steps=10, seed=(0,))
    x = maps(1, 2, 4, 4)
    layer(x).sum().backward()
    own = layer.primary(x)
    expected = torch.stack([shifted(own, offset).sum() for offset in window(1)])
    torch.testing.assert_close(layer.offsets.grad[0], SCORE_GAIN * expected)


def test_noise_depends_on_seed_step_and_layer_alone_and_stops():
    def drawn(step, seed):
        layer = GhostConv(2, 4, 3)
        layer.learn()
        layer.advance(step=step, steps=100, seed=seed)
        return layer._noise

    assert torch.equal(drawn(7, (1, 2)), drawn(7, (1, 2)))
    assert not torch.equal(drawn(7, (1, 2)), drawn(8, (1, 2)))
    assert not torch.equal(drawn(7, (1, 2)), drawn(7, (1, 3)))
    assert not torch.equal(drawn(7, (1, 2)), drawn(7, (2, 2)))
    assert drawn(59, (1, 2)) is not None
    assert drawn(60, (1, 2)) is None


def test_the_temperature_falls_geometrically_and_the_last_choice_stays():
    layer = GhostConv(2, 4, 3)
    layer.learn()
    temperatures = []
    for step in (0, 30, 59):
        layer.advance(step=step, steps=100, seed=(0,))
        temperatures.append(layer._temperature)
    assert temperatures == pytest.approx([1, 0.05**0.5, 0.05 ** (59 / 60)])
    for step, place, expected in ((60, 0, (-1, -1)), (61, 8, (-1, -1))):
        with torch.no_grad():
            layer.offsets[0, place] = 10 + step
        layer.advance(step=step, steps=100, seed=(0,))
        assert layer.chosen == (expected,)


def test_a_state_brings_order_sources_and_offsets_along():
    layer, other = (GhostConv(3, 6, 3, offsets="channel").eval() for _ in range(2))
    layer.place([5, 4, 3, 2, 1, 0], [2, 2, 0], [(1, 1), (0, -1), (1, 1)])
    other.load_state_dict(layer.state_dict())
    x = maps(1, 3, 5, 4)
    assert torch.equal(other(x), layer(x))
    assert other.chosen == ((1, 1), (0, -1), (1, 1))


@pytest.mark.parametrize(
    ("order", "source", "choice", "message"),
    [
        ([0, 0, 1, 2], [0, 1], [(0, 0)], "order must hold each of 4"),
        ([0, 1, 2, 9], [0, 1], [(0, 0)], "order must hold each of 4"),
        ([0, 1, 2, 3], [0, 2], [(0, 0)], "sources must be of 2 maps"),
        ([0, 1, 2, 3], [-1, 1], [(0, 0)], "sources must be of 2 maps"),
        ([0, 1, 2, 3], [1, 0], [(0, 0)], "each of its ghost's group"),
        ([0, 1, 2, 3], [0, 1], [(0, 2)], "offsets must be at most 1"),
    ],
)
def test_a_state_that_makes_no_sense_is_refused(order, source, choice, message):
    layer = GhostConv(2, 4, 3, groups=2)
    state = layer.state_dict() | {"order": torch.tensor(order), "source": torch.tensor(source)}
    with pytest.raises(CheckpointError, match=message):
        layer.load_state_dict(state | {"choice": torch.tensor(choice)})


@pytest.mark.parametrize(
    ("channels", "share", "groups", "expected"),
    [(64, 0.25, 1, 48), (64, 0.75, 4, 16), (10, 0.7, 1, 3), (5, 0.5, 1, 3), (6, 0.5, 2, 4), (8, 0.0, 1, 8)],
)
def test_intrinsic_maps_are_rounded_up_in_each_group(channels, share, groups, expected):
    assert intrinsic_count(channels, share, groups) == expected


def test_ghosts_of_groups_copy_from_their_own():
    layer = GhostConv(4, 8, 3, groups=2, share=0.5).eval()
    own = layer.primary(x := maps(1, 4, 4, 4))
    assert torch.equal(layer(x), own[:, [0, 1, 0, 1, 2, 3, 2, 3]])


@pytest.mark.parametrize("arguments", [{"share": 1.0}, {"share": -0.1}, {"max_offset": 0}, {"offsets": "row"}])
def test_arguments_out_of_range_are_refused(arguments):
    with pytest.raises(ValueError, match="expected"):
        GhostConv(2, 4, 3, **arguments)


def test_only_plain_convolutions_get_ghosts():
    network = nn.Sequential(nn.Conv2d(2, 4, 3, stride=2), nn.ReLU())
    for name in ("0", "1", "none"):
        with pytest.raises(CheckpointError, match=f"no suitable convolution '{name}'"):
            ghost_network(network, layers=[name], share=0.5)


def test_depthwise_ghosts_begin_as_copies():
    layer = GhostConv(2, 4, 3, offsets="depthwise")
    own = layer.primary(x := maps(1, 2, 5, 5))
    assert torch.equal(layer(x), torch.cat((own, own), dim=1))
    assert (layer.reach, layer.chosen) == (1, ())
