"""Pruned networks compute what the original computes with nothing in the channels that went, and rebuild from cards."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import nn

from tests.lab.compress.networks import SMALL
from upres.errors import CheckpointError, UnsupportedModelError
from upres.lab.archs.bsrn import BSRN
from upres.lab.archs.ecbsr import ECBSR
from upres.lab.checkpoint import build, describe, load, parameter_count, save, spec_of
from upres.lab.compress.ghost.convert import convert
from upres.lab.compress.prune.choice import Choice, superfluous
from upres.lab.compress.prune.operation import prune
from upres.lab.compress.wiring import Wiring, wiring_of
from upres.models.card import ModelSpec


def emptied(network: nn.Module, wiring: Wiring, gone: frozenset[int]) -> nn.Module:
    """A copy with zeros wherever a parameter has a channel of these classes."""
    result = deepcopy(network)
    with torch.no_grad():
        for name, parameter in result.named_parameters():
            for dimension, classes in enumerate(wiring.axes.get(name, ())):
                places = [place for place, number in enumerate(classes or ()) if number in gone]
                parameter.index_fill_(dimension, torch.tensor(places, dtype=torch.int64), 0.0)
    return result


CASES = [(name, kind) for name in SMALL for kind in ("inner", "stream", "all")]
CHAINS = {"vdsr", "ecbsr"}
"""Networks that add up nothing but the picture."""


@pytest.mark.parametrize(("name", "kind"), [case for case in CASES if case[1] != "stream" or case[0] not in CHAINS])
def test_equals_the_original_with_the_channels_empty(name, kind):
    network, choice = SMALL[name].eval(), Choice(kind=kind, share=0.5)
    wiring = wiring_of(network)
    pruned, _ = prune(network, kind=kind, share=0.5)
    x = torch.rand(2, 1 if network.color_mode == "luma" else 3, 20, 24)
    with torch.no_grad():
        expected = emptied(network, wiring, superfluous(network, wiring, choice))(x)
        found = pruned(x)
        assert float((network(x) - expected).abs().max()) > 1e-4  # something went
    assert parameter_count(pruned) < parameter_count(network)
    assert float((found - expected).abs().max()) <= 1e-6 * float(expected.abs().max())


@pytest.mark.parametrize("kind", ["inner", "all"])
@pytest.mark.parametrize("architecture", ["rlfn", "imdn", "carn", "rrdbnet", "vdsr"])
def test_a_card_rebuilds_the_network(architecture, kind, tmp_path):
    arguments = {
        "rlfn": {"num_channels": 8, "num_blocks": 2, "esa_channels": 4},
        "imdn": {"num_channels": 16, "num_blocks": 2, "attention_reduction": 4},
        "carn": {"num_channels": 8, "groups": 4, "efficient": True, "shared": True},
        "rrdbnet": {"num_channels": 8, "num_grow_channels": 4, "num_blocks": 2},
        "vdsr": {"num_channels": 8, "num_layers": 4},
    }[architecture]
    spec = ModelSpec(architecture=architecture, scale=2, arguments=arguments)
    network = build(spec).eval()
    deep = architecture in {"imdn", "rrdbnet", "rlfn"}
    pruned, step = prune(network, kind=kind, share=0.5, blocks=1 if deep else None)
    pruned_spec = replace(spec, transforms=(step,))
    path = tmp_path / "pruned.safetensors"
    save(path, pruned, describe(pruned, pruned_spec, name="pruned"))
    again, card = load(path)
    x = torch.rand(1, 1 if network.color_mode == "luma" else 3, 20, 24)
    with torch.no_grad():
        assert torch.equal(again(x), pruned(x))
    assert card.parameters == parameter_count(pruned)
    assert card.spec == pruned_spec


def test_a_pruned_network_can_be_pruned_again():
    spec = ModelSpec(architecture="edsr", scale=2, arguments={"num_channels": 16, "num_blocks": 2})
    once, first = prune(build(spec), share=0.5)
    twice, second = prune(once, kind="stream", width=8)
    rebuilt = build(replace(spec, transforms=(first, second)))
    assert {k: v.shape for k, v in rebuilt.state_dict().items()} == {k: v.shape for k, v in twice.state_dict().items()}
    assert twice.get_submodule("blocks.0.conv1").weight.shape == (8, 8, 3, 3)


def test_what_has_no_ghosts_is_pruned_around_them():
    spec = ModelSpec(architecture="rlfn", scale=2, arguments={"num_channels": 8, "num_blocks": 2, "esa_channels": 4})
    ghost, first = convert(build(spec).eval(), share=0.5)
    wiring, choice = wiring_of(ghost), Choice(kind="all", share=0.5)
    pruned, second = prune(ghost, kind="all", share=0.5)
    x = torch.rand(1, 3, 20, 24)
    with torch.no_grad():
        expected = emptied(ghost, wiring, superfluous(ghost, wiring, choice))(x)
        assert torch.allclose(pruned(x), expected, atol=1e-6)
    assert pruned.get_submodule("blocks.0.attention.squeeze").weight.shape == (2, 8, 1, 1)
    rebuilt = build(replace(spec, transforms=(first, second))).eval()
    rebuilt.load_state_dict(pruned.state_dict())
    with torch.no_grad():
        assert torch.equal(rebuilt(x), pruned(x))
    edsr = build(ModelSpec(architecture="edsr", scale=2, arguments={"num_channels": 8, "num_blocks": 2}))
    ghosts, _ = convert(edsr, share=0.5)
    with pytest.raises(UnsupportedModelError, match="no channel to take away"):
        prune(ghosts, share=0.5)


def test_a_narrower_edsr_has_the_weights_of_a_narrower_edsr():
    network = build(ModelSpec(architecture="edsr", scale=4, arguments={"num_channels": 12, "num_blocks": 2}))
    pruned, _ = prune(network, kind="all", width=8)
    narrow = build(ModelSpec(architecture="edsr", scale=4, arguments={"num_channels": 8, "num_blocks": 2}))
    assert {k: v.shape for k, v in pruned.state_dict().items()} == {k: v.shape for k, v in narrow.state_dict().items()}


def test_48_to_46_is_the_winner_of_the_challenge():
    """ByteESR: RLFN-S's four blocks with 46 maps between them and 48 within (NTIRE 2022)."""
    pruned, _ = prune(build(spec_of("rlfn_s_x4")), kind="stream", width=46, blocks=4)
    theirs = build(spec_of("rlfn_ntire_x4"))
    assert parameter_count(pruned) == parameter_count(theirs) == 317_218
    assert {k: v.shape for k, v in pruned.state_dict().items()} == {k: v.shape for k, v in theirs.state_dict().items()}


def test_50_to_40_is_megsr_with_its_attention_kept():
    """MegSR: E-RFDN with four fifths of its maps, 12 in the attention as before (NTIRE 2022)."""
    pruned, _ = prune(build(spec_of("e_rfdn_x4")), kind="all", share=0.2, keep=("attention",))
    theirs = build(spec_of("megsr_x4"))
    assert parameter_count(pruned) == parameter_count(theirs) == 289_888
    assert {k: v.shape for k, v in pruned.state_dict().items()} == {k: v.shape for k, v in theirs.state_dict().items()}


def test_8_to_7_blocks_is_xilinxsr():
    """XilinxSR: IMDN without one of eight blocks (NTIRE 2022)."""
    network = build(spec_of("imdn_ntire_x4")).eval()
    with torch.no_grad():
        for parameter in network.get_submodule("blocks.7.fusion").parameters():
            parameter.zero_()  # the block then gives back what it gets
    pruned, step = prune(network, blocks=7)
    x = torch.rand(1, 3, 12, 16)
    with torch.no_grad():
        assert torch.equal(pruned(x), network(x))
    assert step == {"name": "prune", "layers": {}, "blocks": 7}
    assert parameter_count(pruned) == parameter_count(build(spec_of("xilinxsr_x4"))) == 790_496


def test_the_original_stays_as_it_was():
    network = SMALL["edsr"]
    before = {name: value.clone() for name, value in network.state_dict().items()}
    prune(network, kind="all", share=0.5, blocks=1)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_branches_are_folded_first():
    with pytest.raises(UnsupportedModelError, match="fold it first"):
        prune(ECBSR(scale=2), share=0.5)


def test_nothing_to_prune_is_said_with_what_there_is():
    with pytest.raises(UnsupportedModelError, match=r"kind 'stream', share 0.5.*groups of kind inner"):
        prune(SMALL["vdsr"], kind="stream", share=0.5)
    with pytest.raises(UnsupportedModelError, match="no channel to take away"):
        prune(SMALL["vdsr"], width=8)


def test_layers_it_cannot_cut_keep_their_channels():
    network = BSRN(scale=2, num_channels=16, num_blocks=1, challenge=True)  # linear layers and weights per channel
    with pytest.raises(UnsupportedModelError, match="no channel to take away"):
        prune(network, kind="stream", share=0.5)


def test_something_must_be_asked_for():
    with pytest.raises(ValueError, match="either a share between 0 and 1 or a width"):
        prune(SMALL["edsr"])


@pytest.mark.parametrize("blocks", [0, 2, 7])
def test_blocks_that_are_not_there_cannot_stay(blocks):
    with pytest.raises(CheckpointError, match="has 2 blocks; keep 1 to 1"):
        prune(SMALL["edsr"], blocks=blocks)
    with pytest.raises(CheckpointError, match="no list of blocks"):
        prune(SMALL["vdsr"], blocks=1)
