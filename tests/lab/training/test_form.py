"""Training coordinates: forms of a network that compute the same."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from upres.lab.checkpoint import build, spec_of
from upres.lab.training.form import MEAN_GAIN, deployable, is_expanded, plain, share_orbits, slow_means

FREE = {2: 1, 3: 3, 4: 3}
"""Orbits of the sub-positions under the square's symmetries."""


def _shared(name: str, network: nn.Module | None = None) -> nn.Module:
    spec = spec_of(name)
    return share_orbits(network or build(spec), num_channels=spec.arguments["num_channels"])


@pytest.mark.parametrize("scale", FREE)
@pytest.mark.parametrize("family", ["esr_max", "esr_tm", "esr_tr_k7c8"])
def test_one_representative_an_orbit_is_learned(family: str, scale: int) -> None:
    name = f"{family}_x{scale}"
    network = _shared(name)
    (orbits,) = network.parameters()
    assert orbits.shape[1] == FREE[scale]
    full = plain(network, spec_of(name))
    assert list(full.state_dict()) == ["filter.weight"]
    assert full.filter.weight.numel() * FREE[scale] == orbits.numel() * scale**2


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("axis", [2, 3])
def test_flipping_before_and_after_agree(scale: int, axis: int) -> None:
    network = _shared(f"esr_tr_x{scale}")
    nn.init.normal_(network.filter.parametrizations.weight.original, std=0.1)
    x = torch.rand(1, 1, 9, 7, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(network(x.flip(axis)), network(x).flip(axis), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["esr_tm_x2", "esr_max_x3", "esr_tr_k7c8_x4", "espcn_x3", "fsrcnn_x2", "esr_cnn_x4"])
def test_plain_network_computes_the_same_and_leaves_the_original(name: str) -> None:
    network = slow_means(_shared(name) if name.startswith(("esr_t", "esr_m")) else build(spec_of(name)))
    x = torch.rand(1, 1, 8, 8)
    before = network(x)
    ordinary = plain(network, spec_of(name))
    torch.testing.assert_close(ordinary(x), before)
    assert ordinary.state_dict().keys() == build(spec_of(name)).state_dict().keys()
    torch.testing.assert_close(network(x), before)


@pytest.mark.parametrize("name", ["espcn_x2", "fsrcnn_x3"])
def test_taking_a_form_changes_no_output(name: str) -> None:
    network = build(spec_of(name))
    x = torch.rand(1, 1, 10, 10)
    before = network(x)
    torch.testing.assert_close(slow_means(network)(x), before)


def test_sharing_keeps_a_symmetric_network() -> None:
    network = plain(_shared("esr_tm_x3"), spec_of("esr_tm_x3"))
    before = network.filter.weight.clone()
    torch.testing.assert_close(_shared("esr_tm_x3", network).filter.weight, before)


@pytest.mark.parametrize("name", ["esr_max_x2", "esr_tm_x3", "esr_tr_x4"])
def test_both_forms_together_keep_a_symmetric_network(name: str) -> None:
    network = plain(_shared(name), spec_of(name))
    before = network.filter.weight.clone()
    torch.testing.assert_close(slow_means(_shared(name, network)).filter.weight, before)


def test_means_learn_more_slowly_and_shapes_as_before() -> None:
    network = slow_means(build(spec_of("espcn_x2")))
    layer = network.net[0]
    slow = layer.parametrizations.weight.original
    layer.weight.sum().backward()
    torch.testing.assert_close(slow.grad, torch.full_like(slow, MEAN_GAIN), atol=1e-6, rtol=0)
    slow.grad = None
    (layer.weight[0, 0, 0, 0] - layer.weight[0, 0, 4, 4]).backward()
    assert slow.grad[0, 0, 0, 0] == pytest.approx(1.0)


def test_only_one_layer_networks_can_share() -> None:
    with pytest.raises(ValueError, match="only one-layer networks have free sub-positions, not ESPCN"):
        share_orbits(build(spec_of("espcn_x2")), num_channels=4)


def test_an_expanded_network_is_folded_for_use_and_kept_for_training() -> None:
    spec = replace(spec_of("ecbsr_m4c8_x2"), arguments={"num_channels": 4, "num_blocks": 1})
    network = slow_means(build(spec))
    x = torch.rand(1, 1, 9, 11)
    expected = network(x)
    ordinary = plain(network, spec)
    folded, folded_spec = deployable(ordinary, spec)
    assert is_expanded(ordinary)
    assert not is_expanded(folded)
    torch.testing.assert_close(folded(x), expected, atol=1e-5, rtol=0)
    assert folded.state_dict().keys() == build(folded_spec).state_dict().keys()
    other = build(spec_of("espcn_x2"))
    assert deployable(other, spec_of("espcn_x2")) == (other, spec_of("espcn_x2"))
