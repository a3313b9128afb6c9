"""Channels explained by shifted others."""

import pytest
import torch
from torch import nn

from upres.errors import UnsupportedModelError
from upres.lab.compress.ghost.layer import GhostConv
from upres.lab.inspect.features import visit
from upres.lab.inspect.similarity import layer_similarity, similarities


def noise(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_a_shifted_and_multiplied_copy_is_found():
    wide = noise(1, 22, 23)
    source, copy = wide[:, 1:-1, 1:-1], 2.5 * wide[:, 2:, :-2] + 3  # the copy at (y, x) is the source at (y + 1, x - 1)
    found = layer_similarity("layer", torch.cat([source, copy, noise(2, 20, 21)[1:]]))
    assert found is not None
    first, second, other = found.likenesses
    assert (second.channel, second.partner, second.offset) == (1, 0, (1, -1))
    assert second.gain == pytest.approx(2.5, rel=1e-4)
    assert second.error < 1e-5
    assert (first.partner, first.offset) == (1, (-1, 1))
    assert first.gain == pytest.approx(0.4, rel=1e-4)
    assert other.error > 0.9
    assert found.explained == pytest.approx(2 / 3)
    assert found.explained_in_place == 0
    assert found.median_error < 1e-5 < 0.9 < found.median_error_in_place


def test_the_error_is_the_share_of_variance_that_is_left():
    features = noise(2, 64, 64)
    features[1] = features[0] + 0.5 * features[1]
    found = layer_similarity("layer", features)
    assert found is not None
    assert found.likenesses[0].offset == (0, 0)
    assert found.likenesses[1].error == pytest.approx(0.25 / 1.25, abs=0.02)


def test_no_shift_beyond_the_largest_is_tried():
    wide = noise(1, 24, 24)
    features = torch.cat([wide[:, 2:-2, 2:-2], wide[:, 4:, 2:-2]])
    errors = []
    for reach in (1, 2):
        found = layer_similarity("layer", features, max_offset=reach)
        assert found is not None
        errors.append(found.likenesses[1].error)
    assert errors[0] > 0.9
    assert errors[1] < 1e-5
    with pytest.raises(ValueError, match="too small"):
        layer_similarity("layer", features[:, :4, :4], max_offset=2)


def test_a_copy_turned_over_explains_nothing():
    features = noise(1, 32, 32)
    found = layer_similarity("layer", torch.cat([features, -features]))
    assert found is not None
    assert all(like.error > 0.9 and like.gain >= 0 for like in found.likenesses)


def test_constant_channels_are_counted_and_left_out():
    features = torch.cat([torch.full((1, 16, 16), 7.0), noise(2, 16, 16)])
    found = layer_similarity("layer", features)
    assert found is not None
    assert (found.channels, found.constant) == (3, 1)
    assert [like.channel for like in found.likenesses] == [1, 2]
    assert layer_similarity("layer", features[:2]) is None


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.last = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 1, 1)
        self.drop = nn.Dropout()

    def forward(self, x):
        return self.last(self.drop(self.conv(self.conv(x))))


def test_every_run_of_a_convolution_is_seen_and_the_network_left_alone():
    network = Shared().train()
    network.drop.eval()
    seen = {}
    x = noise(1, 2, 8, 8)
    visit(network, x, seen.__setitem__)
    assert list(seen) == ["conv", "conv@2"], "one channel has no partner"
    torch.testing.assert_close(seen["conv@2"], network.conv(seen["conv"][None])[0].detach())
    assert (network.training, network.drop.training) == (True, False)
    assert not network.conv._forward_hooks


def test_the_copies_of_a_ghost_layer_are_explained_by_what_they_copy():
    torch.manual_seed(0)
    layer = GhostConv(2, 6, 3, share=0.5)
    layer.place([0, 3, 1, 4, 2, 5], [0, 1, 2], [(1, -1)])
    (found,), _ = similarities(nn.Sequential(layer), noise(1, 2, 24, 24))
    assert (found.name, found.channels, found.explained, found.explained_in_place) == ("0", 6, 1, 0)
    assert [like.partner for like in found.likenesses] == [1, 0, 3, 2, 5, 4]
    assert {like.offset for like in found.likenesses[1::2]} == {(1, -1)}
    assert max(like.error for like in found.likenesses) < 1e-5


def test_the_most_similar_pair_of_each_layer_is_kept():
    layers, pairs = similarities(Shared(), noise(1, 2, 16, 18))
    assert [layer.name for layer in layers] == [pair.layer for pair in pairs] == ["conv", "conv@2"]
    for layer, pair in zip(layers, pairs, strict=True):
        assert pair.likeness == min(layer.likenesses, key=lambda like: like.error)
        assert pair.feature.shape == pair.partner.shape == pair.shifted.shape == (14, 16)
        left = pair.difference.var() / pair.feature.var()
        assert left == pytest.approx(pair.likeness.error, abs=1e-4)
    with pytest.raises(UnsupportedModelError, match="no convolution with two channels"):
        similarities(nn.Conv2d(2, 1, 3), noise(1, 2, 18, 18))


def test_maps_of_a_few_pixels_are_passed_over():
    network = nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Conv2d(2, 4, 1))
    layers, _ = similarities(network, noise(1, 2, 16, 16))
    assert [layer.name for layer in layers] == ["0"]
    with pytest.raises(UnsupportedModelError, match="too small for such shifts"):
        similarities(network, noise(1, 2, 16, 16), max_offset=5)
