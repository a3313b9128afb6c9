"""Networks that choose among candidates, begun with fewer, more, smaller or larger filters."""

import pytest
import torch
from torch.nn import functional as F

from upres.lab.checkpoint import build
from upres.lab.training.candidates import candidates_of, recast
from upres.lab.training.recipe import WarmStart
from upres.lab.training.warm_start import adopt
from upres.models.card import ModelSpec

ONE_LAYER = ("esr_max", "esr_tm", "esr_tr")


def _network(architecture, scale=2, **arguments):
    torch.manual_seed(0)
    network = build(ModelSpec(architecture=architecture, scale=scale, arguments=arguments)).eval()
    with torch.no_grad():  # as far from bicubic as trained ones, whose keys are large
        for name, value in network.named_parameters():
            if (name, len(network.roles)) == candidates_of(network):
                keys = torch.unflatten(value, 0, (len(network.roles), -1))[1:]
                keys *= 60
    return network


def _adopt(ours, theirs, **start):
    report = adopt(ours, theirs, WarmStart(**start), source="theirs")
    assert not report.fresh
    return ours


@pytest.mark.parametrize("architecture", ONE_LAYER)
def test_a_larger_kernel_is_the_same_function(architecture):
    theirs = _network(architecture, kernel_size=3, num_channels=3)
    ours = _adopt(_network(architecture, kernel_size=7, num_channels=3), theirs, wide=True)
    x = torch.rand(1, 1, 16, 18)
    torch.testing.assert_close(ours(x), theirs(x), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("architecture", ONE_LAYER)
def test_a_smaller_kernel_is_the_middle_of_the_larger_one(architecture):
    theirs = _network(architecture, kernel_size=5, num_channels=3)
    ours = _adopt(_network(architecture, kernel_size=3, num_channels=3), theirs, narrow=True)
    assert torch.equal(F.pad(ours.filter.weight, (1,) * 4)[..., 1:4, 1:4], theirs.filter.weight[..., 1:4, 1:4])


@pytest.mark.parametrize(("architecture", "worst"), [("esr_max", 0.1), ("esr_tm", 0.1), ("esr_tr", 0.15)])
def test_twice_the_candidates_are_nearly_the_same_function_and_learn_apart(architecture, worst):
    theirs = _network(architecture, kernel_size=5, num_channels=4)
    ours = _adopt(_network(architecture, kernel_size=5, num_channels=8), theirs, wide=True)
    x = torch.rand(1, 1, 16, 18)
    assert (ours(x) - theirs(x)).abs().max() < worst
    flat = torch.full((1, 1, 16, 18), 0.5)
    torch.testing.assert_close(ours(flat)[..., 6:-6, 6:-6], theirs(flat)[..., 6:-6, 6:-6], atol=0.02, rtol=0)
    ours(x).square().mean().backward()
    rows = ours.filter.weight.grad.flatten(1)
    alive = rows[rows.any(dim=1)]
    assert len(alive.unique(dim=0)) == len(alive), "copies that learn alike"


@pytest.mark.parametrize("architecture", ONE_LAYER)
def test_a_candidate_that_differs_least_is_left_out(architecture):
    theirs = _network(architecture, kernel_size=3, num_channels=4)
    group = theirs.filter.weight.detach().unflatten(0, (len(theirs.roles), 4, 4))
    with torch.no_grad():
        group[0, 2] = group[0].mean(0)
    ours = _adopt(_network(architecture, kernel_size=3, num_channels=3), theirs, narrow=True)
    kept = ours.filter.weight.detach().unflatten(0, (len(theirs.roles), 3, 4))
    assert torch.equal(kept, group[:, [0, 1, 3]])


def test_esr_cnn_takes_candidates_or_channels():
    theirs = _network("esr_cnn", num_channels=4, num_features=5, num_shrink=9)
    fewer = _adopt(_network("esr_cnn", num_channels=2, num_features=5, num_shrink=9), theirs, narrow=True)
    assert torch.equal(fewer.filter[2].weight, theirs.filter[2].weight)
    thinner = _adopt(_network("esr_cnn", num_channels=4, num_features=3, num_shrink=9), theirs, narrow=True)
    assert torch.equal(thinner.filter[4].weight, theirs.filter[4].weight)
    both = _network("esr_cnn", num_channels=2, num_features=5, num_shrink=6)
    report = adopt(both, theirs, WarmStart(narrow=True), source="theirs")
    assert report.fresh == ("filter.4.weight",), "which of both to keep cannot be told apart"


def test_candidates_of_another_scale_stay_fresh():
    theirs = _network("esr_cnn", num_channels=4, num_features=5, num_shrink=9)
    ours = _network("esr_cnn", scale=3, num_channels=2, num_features=5, num_shrink=9)
    assert adopt(ours, theirs, WarmStart(narrow=True), source="theirs").fresh == ("filter.4.weight",)


def test_networks_without_candidates_have_none():
    assert candidates_of(build(ModelSpec(architecture="espcn", scale=2))) is None
    assert recast(torch.zeros(8, 1, 3, 3), torch.zeros(9, 1, 3, 3), kinds=1, scale=2) is None
