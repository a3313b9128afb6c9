"""Converted networks: wiring, counts, offsets from pictures."""

import itertools

import pytest
import torch
from torch import nn

from upres.errors import UnsupportedModelError
from upres.lab.checkpoint import build, describe, expected_shapes, halo_of, load, parameter_count, save, spec_of
from upres.lab.complexity import receptive_field
from upres.lab.compress.ghost.calibrate import CROPS, Copies, made_up_pictures, shift_errors
from upres.lab.compress.ghost.convert import convert, suitable
from upres.lab.compress.ghost.layer import ghost_layers
from upres.lab.compress.ghost.shift import shifted, window
from upres.models.card import ModelSpec

from .conftest import CASES, network_of, picture, spec


class Computed(nn.Module):
    """A ghost layer whose ghosts are computed by the filters that they replaced."""

    def __init__(self, ghost, conv):
        super().__init__()
        slots = ghost.order.argsort()  # slot -> channel
        self.ghost, self.conv, self.slots = ghost, conv, slots

    def forward(self, x):
        own = self.ghost.primary(x)
        computed = self.conv(x)[:, self.slots[self.ghost.intrinsic :]]
        return torch.cat((own, computed), dim=1)[:, self.ghost.order]


@pytest.mark.parametrize("case", CASES)
def test_with_all_maps_intrinsic_nothing_changes(case):
    network = network_of(case)
    ghost, _ = convert(network, share=0.0)
    x = picture(network)
    assert torch.equal(ghost(x), network(x))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("intrinsic", ["kmeans", "random"])
def test_the_permuted_network_equals_the_original_to_rounding(case, intrinsic):
    network = network_of(case)
    ghost, step = convert(network, share=0.5, intrinsic=intrinsic, start="zero")
    assert len(step["layers"]) == CASES[case][2]
    moved = 0
    for name, layer in ghost_layers(ghost).items():
        moved += layer.order.tolist() != list(range(layer.out_channels))
        parent, _, own = name.rpartition(".")
        setattr(ghost.get_submodule(parent), own, Computed(layer, network.get_submodule(name)))
    assert moved, "some layer has its channels in another order"
    x = picture(network)
    with torch.no_grad():
        torch.testing.assert_close(ghost(x), network(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_filters_that_exist_twice_lose_nothing(case):
    """Half of the filters equal others, at places that nothing announces: copies of copies are exact."""
    network = network_of(case)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name in suitable(network):
            conv = network.get_submodule(name)
            size = conv.out_channels // conv.groups
            for first in range(0, conv.out_channels, size):
                mixed = first + torch.randperm(size, generator=generator)
                conv.weight[mixed[size // 2 : 2 * (size // 2)]] = conv.weight[mixed[: size // 2]]
                if conv.bias is not None:
                    conv.bias[mixed[size // 2 : 2 * (size // 2)]] = conv.bias[mixed[: size // 2]]
    ghost, _ = convert(network, share=0.5)
    assert all(set(layer.chosen) == {(0, 0)} for layer in ghost_layers(ghost).values())
    x = picture(network)
    with torch.no_grad():
        torch.testing.assert_close(ghost(x), network(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("edsr_x2", 40_729_603, 21_847_043),
        ("edsr_baseline_x2", 1_369_859, 779_011),
        ("rdn_x2", 22_123_395, 11_502_467),
        ("vdsr_x2", 664_704, 332_928),
    ],
)
def test_counts_are_those_of_the_paper(name, before, after):
    with torch.device("meta"):
        network = build(spec_of(name))
        assert parameter_count(network) == before
        transforms = ({"name": "ghost", "layers": suitable(network), "share": 0.5},)
        base = spec_of(name)
        ghost = build(ModelSpec(**{**vars(base), "transforms": transforms}))
    assert parameter_count(ghost) == after


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("offsets", ["layer", "channel", "depthwise"])
def test_a_ghost_network_is_a_checkpoint_like_any_other(case, offsets, tmp_path):
    network = network_of(case)
    ghost, step = convert(network, offsets=offsets, start="random", seed=3)
    own = ModelSpec(**{**vars(spec(case)), "transforms": (step,)})
    save(tmp_path / "ghost.safetensors", ghost, describe(ghost, own, name="ghost"))
    loaded, card = load(tmp_path / "ghost.safetensors")
    x = picture(network)
    assert torch.equal(loaded(x), ghost(x))
    assert card.spec == own
    assert expected_shapes(own) == {key: value.shape for key, value in ghost.state_dict().items()}


@pytest.mark.parametrize("case", [case for case in CASES if case != "rlfn"])
def test_the_halo_covers_what_shifts_add(case):
    ghost, _ = convert(network_of(case), offsets="channel", max_offset=2, start="random", seed=1)
    halo, reach = halo_of(ghost), receptive_field(ghost)
    assert halo is not None
    assert reach is not None
    assert reach <= 2 * halo + 1
    assert halo_of(network_of(case)) < halo


def test_the_network_given_is_not_changed():
    network = network_of("edsr")
    before = {key: value.clone() for key, value in network.state_dict().items()}
    ghost, _ = convert(network)
    assert not ghost_layers(network)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert not any(a is b for a, b in itertools.product(network.parameters(), ghost.parameters()))


def test_calibration_finds_the_shift_between_filters():
    """Two filters that are one filter at two places of a wider kernel: the map of one is that of the other, moved."""
    conv = nn.Conv2d(1, 4, 5, padding=2, bias=False)
    with torch.no_grad():
        conv.weight.zero_()
        conv.weight[0, 0, 1:4, 1:4] = torch.rand(3, 3, generator=torch.Generator().manual_seed(0))
        conv.weight[1, 0, 0:3, 1:4] = conv.weight[0, 0, 1:4, 1:4]  # sees a row higher
        conv.weight[2, 0, 1:4, 2:5] = conv.weight[0, 0, 1:4, 1:4]  # sees a column further right
        conv.weight[3, 0, 2:5, 0:3] = conv.weight[0, 0, 1:4, 1:4]
    network = nn.Sequential(conv)
    errors = shift_errors(network, {"0": Copies([1, 2, 3], [0, 0, 0])}, made_up_pictures("luma"), max_offset=1)
    assert [window(1)[at] for at in errors["0"].argmin(1)] == [(-1, 0), (0, 1), (1, -1)]
    x = torch.rand(1, 1, 9, 9)
    with torch.no_grad():
        out = conv(x)
        torch.testing.assert_close(shifted(out[:, :1], (1, -1))[..., 2:-2, 2:-2], out[:, 3:, 2:-2, 2:-2])


def test_calibration_looks_at_the_pictures_given():
    network, seen = network_of("edsr"), 0

    def pairs():
        nonlocal seen
        while True:
            seen += 8
            yield torch.rand(8, 3, 12, 12), torch.rand(8, 3, 24, 24)

    convert(network, pairs=pairs())
    assert seen == CROPS


@pytest.mark.parametrize("offsets", ["layer", "channel"])
def test_starts_differ(offsets):
    found = {}
    for start in ("calibrated", "random", "zero"):
        ghost, _ = convert(network_of("edsr"), start=start, offsets=offsets, max_offset=2)
        found[start] = [layer.chosen for layer in ghost_layers(ghost).values()]
    assert {offset for layer in found["zero"] for offset in layer} == {(0, 0)}
    assert found["random"] != found["zero"]
    assert found["calibrated"] != found["random"]


def test_what_cannot_have_ghosts_says_so():
    with pytest.raises(UnsupportedModelError, match="nothing is known of ghosts in ESPCN"):
        convert(build(spec_of("espcn_x2")))
    expanded = build(ModelSpec(architecture="span", scale=2, arguments={"num_channels": 8, "num_blocks": 1}))
    with pytest.raises(UnsupportedModelError, match="folded first"):
        convert(expanded)
    ghost, _ = convert(network_of("edsr"), start="zero")
    with pytest.raises(UnsupportedModelError, match="gets none again"):
        convert(ghost)
    with pytest.raises(ValueError, match="calibrated, random or zero"):
        convert(network_of("edsr"), start="far")
