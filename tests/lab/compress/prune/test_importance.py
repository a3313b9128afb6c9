"""What channels are worth, against sums written out."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from upres.lab.archs.edsr import EDSR
from upres.lab.compress.prune.importance import class_scores
from upres.lab.compress.wiring import wiring_of


@pytest.fixture
def network():
    torch.manual_seed(0)
    return EDSR(scale=2, num_channels=4, num_blocks=1, residual_scale=1.0).eval()


def scores_of(network, layer, **settings):
    wiring = wiring_of(network)
    scores = class_scores(network, wiring, **settings)
    return torch.tensor([scores[number] for number in wiring.outputs[layer]])


def conv(network, name):
    layer = network.get_submodule(name)
    assert isinstance(layer, nn.Conv2d)
    return layer


def test_the_norm_of_a_filter_over_the_layer_s_mean(network):
    norms = conv(network, "blocks.0.conv1").weight.detach().abs().sum((1, 2, 3))
    assert torch.allclose(scores_of(network, "blocks.0.conv1", importance="l1"), norms / norms.mean())


def test_all_who_write_a_stream_have_their_say(network):
    expected = torch.zeros(4)
    for name in ("head", "blocks.0.conv2", "body_conv"):
        norms = conv(network, name).weight.detach().abs().sum((1, 2, 3))
        expected += norms / norms.mean()
    assert torch.allclose(scores_of(network, "head", importance="l1"), expected)


def test_a_set_of_a_shuffle_is_scored_as_one(network):
    norms = conv(network, "upsampler.0").weight.detach().abs().sum((1, 2, 3))
    expected = (norms / norms.mean()).view(4, 4).mean(1).repeat_interleave(4)
    assert torch.allclose(scores_of(network, "upsampler.0", importance="l1"), expected)


def test_the_filter_in_the_middle_of_the_others_is_worth_least_by_distance(network):
    weight = conv(network, "blocks.0.conv1").weight
    with torch.no_grad():
        weight[3] = weight[:3].mean(0)
    assert scores_of(network, "blocks.0.conv1", importance="fpgm").argmin() == 3
    rows = weight.detach().flatten(1)
    distances = torch.stack([(rows - row).norm(dim=1).sum() for row in rows])
    found = scores_of(network, "blocks.0.conv1", importance="fpgm")
    assert torch.allclose(found, distances / distances.mean(), rtol=1e-4)


def test_what_the_loss_does_not_depend_on_is_worth_nothing(network):
    with torch.no_grad():
        conv(network, "blocks.0.conv2").weight[:, 2] = 0.0
    batch = (torch.rand(2, 3, 8, 8), torch.rand(2, 3, 16, 16))
    found = scores_of(network, "blocks.0.conv1", importance="taylor", pairs=[batch])
    assert found[2] == 0.0
    assert (found[[0, 1, 3]] > 0).all()


def test_the_part_in_the_loss_is_the_square_of_weight_times_gradient(network):
    batches = [(torch.rand(1, 3, 8, 8), torch.rand(1, 3, 16, 16)) for _ in range(2)]
    layer, expected = conv(network, "blocks.0.conv1"), torch.zeros(4)
    for lr, hr in batches:
        network.zero_grad()
        F.l1_loss(network(lr), hr).backward()
        expected += (layer.weight * layer.weight.grad).detach().sum((1, 2, 3)).square()
    network.zero_grad()
    found = scores_of(network, "blocks.0.conv1", importance="taylor", pairs=batches)
    assert torch.allclose(found, expected / expected.mean(), rtol=1e-4)
    assert layer.weight.grad is None


def test_the_loss_needs_pictures(network):
    with pytest.raises(ValueError, match="was given none"):
        scores_of(network, "head", importance="taylor")
