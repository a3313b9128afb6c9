"""Which channels go: kinds, shares, widths, multiples, and what is kept."""

import pytest
import torch

from tests.lab.compress.networks import SMALL
from upres.errors import UnsupportedModelError
from upres.lab.archs.bsrn import BSRN
from upres.lab.archs.edsr import EDSR
from upres.lab.compress.prune.choice import Choice, candidates, superfluous
from upres.lab.compress.prune.groups import channel_groups
from upres.lab.compress.wiring import wiring_of


def widths(network, choice, layer):
    """Channels of a layer's output that stay."""
    wiring = wiring_of(network)
    gone = superfluous(network, wiring, choice)
    return sum(number not in gone for number in wiring.outputs[layer])


@pytest.mark.parametrize(
    ("settings", "left"),
    [
        ({"share": 0.25}, 36),
        ({"share": 0.5}, 24),
        ({"share": 0.3}, 34),
        ({"width": 46}, 46),
        ({"share": 0.5, "multiple_of": 16}, 32),
        ({"share": 0.3, "multiple_of": 16}, 32),
        ({"share": 0.9, "multiple_of": 16}, 16),
        ({"share": 0.99}, 1),
    ],
)
def test_what_stays_is_a_share_or_a_width_rounded_to_a_multiple(settings, left):
    network = EDSR(scale=2, num_channels=48, num_blocks=1)
    assert widths(network, Choice(**settings), "blocks.0.conv1") == left
    assert widths(network, Choice(**settings), "head") == 48
    assert widths(network, Choice(kind="stream", **settings), "blocks.0.conv2") == left


def test_narrower_groups_stay_whole():
    network = SMALL["rdn"]  # 8 between blocks, 4 a dense layer
    choice = Choice(kind="all", width=6)
    assert widths(network, choice, "second") == 6
    assert widths(network, choice, "blocks.0.layers.0") == 4


def test_groups_of_a_convolution_keep_as_many_each():
    network = SMALL["carn_m"]
    wiring = wiring_of(network)
    gone = superfluous(network, wiring, Choice(kind="all", share=0.5))
    for name in ("body.blocks.0.blocks.0.body.0", "body.blocks.1.blocks.0.body.2"):
        left = [number not in gone for number in wiring.outputs[name]]
        assert [sum(left[start : start + 2]) for start in range(0, 8, 2)] == [1, 1, 1, 1]


def test_a_shuffle_loses_whole_sets():
    network = SMALL["edsr"]
    wiring = wiring_of(network)
    gone = superfluous(network, wiring, Choice(kind="all", share=0.5))
    left = [number not in gone for number in wiring.outputs["upsampler.0"]]
    assert sum(left) == 16
    assert all(len(set(left[start : start + 4])) == 1 for start in range(0, 32, 4))


def test_the_kinds_of_edsr():
    network = SMALL["edsr"]
    groups = channel_groups(network, wiring_of(network))
    assert {group.writers: group.kind for group in groups} == {
        ("blocks.0.conv1",): "inner",
        ("blocks.1.conv1",): "inner",
        ("blocks.0.conv2", "blocks.1.conv2", "body_conv", "head"): "stream",
        ("upsampler.0",): "other",
        ("upsampler.2",): "other",
    }


def test_what_is_kept_is_named_by_a_part_of_its_name():
    network = SMALL["e_rfdn"]
    wiring = wiring_of(network)
    meant = candidates(network, wiring, Choice(kind="all", share=0.5, keep=("attention",)))
    writers = {name for group in meant for name in group.writers}
    assert "blocks.0.attention.excite" in writers  # it writes what the blocks write, too
    assert not {name for name in writers if "attention" in name and "excite" not in name}
    with pytest.raises(UnsupportedModelError, match=r"no convolution with 'atention'.* Did you mean 'attention'\?"):
        candidates(network, wiring, Choice(share=0.5, keep=("atention",)))


def test_depthwise_convolutions_write_nothing_of_their_own():
    network = BSRN(scale=2, num_channels=16, num_blocks=1)
    groups = channel_groups(network, wiring_of(network))
    assert not {name for group in groups for name in group.writers if name.endswith(".depth")}
    assert any(name.endswith(".point") for group in groups for name in group.writers)


def test_chance_is_seeded():
    network = SMALL["edsr"]
    wiring = wiring_of(network)
    first, same, other = (
        superfluous(network, wiring, Choice(kind="all", share=0.5, importance="random", seed=seed))
        for seed in (1, 1, 2)
    )
    assert first == same != other
    torch.manual_seed(7)  # nor does it look at the global generator
    assert superfluous(network, wiring, Choice(kind="all", share=0.5, importance="random", seed=1)) == first


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"share": 0.5, "width": 4},
        {"share": 1.5, "width": 4},
        {"share": 1.0},
        {"width": -1},
        {"share": 0.5, "multiple_of": 0},
        {"share": "half"},
        {"width": 2.5},
    ],
)
def test_one_of_share_and_width_is_given(settings):
    with pytest.raises(ValueError, match="either a share between 0 and 1 or a width"):
        Choice(**settings)


@pytest.mark.parametrize(("settings", "known"), [({"kind": "outer"}, "inner"), ({"importance": "l2"}, "l1")])
def test_kinds_and_importances_have_names(settings, known):
    with pytest.raises(ValueError, match=f"expected one of .*{known}.*got"):
        Choice(share=0.5, **settings)
