"""Folded ghosts: the same inside the picture, another frame, fewer multiply-adds."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from upres.errors import CheckpointError, UnsupportedModelError
from upres.lab.checkpoint import build, describe, halo_of, load, save
from upres.lab.complexity import measure, receptive_field
from upres.lab.compress.fold import fold
from upres.lab.compress.ghost.convert import convert
from upres.lab.compress.ghost.fold import DisplacedConv, fold_ghosts
from upres.lab.compress.ghost.layer import ghost_layers
from upres.lab.compress.ghost.shift import window
from upres.lab.export.onnx import export
from upres.models.card import ModelSpec

from .conftest import CASES, network_of, picture, spec

FOLDED = {
    "vdsr": 3,
    "vdsr with biases": 3,
    "edsr": 2,
    "carn": 9,
    "carn_m": 3,
    "rlfn": 4,
    "plain": 4,
}
"""Ghost layers that are read by one convolution alone, through ReLU or leaky ReLU."""


def ghost_of(case, offset=(1, -1), **options):
    ghost, step = convert(network_of(case), start="zero", **options)
    for layer in ghost_layers(ghost).values():
        layer.place(layer.order.tolist(), layer.source.tolist(), [offset] * len(layer.chosen))
    return ghost, step


@pytest.mark.parametrize("activation", [nn.Identity, nn.ReLU, lambda: nn.LeakyReLU(0.05)])
@pytest.mark.parametrize("offset", window(1))
def test_one_block_differs_on_a_frame_of_one_pixel_on_the_sides_that_the_offset_leaves(offset, activation):
    network = network_of("edsr")
    block = network.blocks[0]
    block.act = activation()
    ghost, _ = convert(network, layers=["blocks.0.conv1"], start="zero", intrinsic="random")
    layer = ghost.blocks[0].conv1
    layer.place(layer.order.tolist(), layer.source.tolist(), [offset])
    folded, _ = fold_ghosts(ghost)
    x = torch.randn(1, 8, 9, 11, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        difference = (folded.blocks[0](x) - ghost.blocks[0](x)).abs().amax((0, 1))
    assert float(difference[1:-1, 1:-1].max()) < 1e-5
    dy, dx = offset
    frame = {"top": difference[0, 1:-1], "bottom": difference[-1, 1:-1]}
    frame |= {"left": difference[1:-1, 0], "right": difference[1:-1, -1]}
    changed = {side for side, values in frame.items() if float(values.max()) > 1e-3}
    moved = {"top": dy > 0, "bottom": dy < 0, "left": dx > 0, "right": dx < 0}
    assert changed == {side for side in moved if moved[side]}
    assert all(float(values.max()) < 1e-5 for side, values in frame.items() if side not in changed)


@pytest.mark.parametrize("case", FOLDED)
@pytest.mark.parametrize("offset", [(0, 0), (0, 1), (-1, 1)])
def test_inside_a_folded_network_equals_the_one_with_ghosts(case, offset):
    ghost, _ = ghost_of(case, offset)
    folded, step = fold(ghost)
    # CARN_M's second convolution is read by a 1x1, which a straight offset makes no dearer, a diagonal one does
    folds = FOLDED[case] + (3 if case == "carn_m" and 0 in offset else 0)
    assert (step["name"], len(step["layers"])) == ("fold_ghosts", folds)
    assert len(ghost_layers(folded)) == CASES[case][2] - folds
    halo = halo_of(ghost)
    if halo is None and offset != (0, 0):
        return  # attention carries the frame everywhere
    frame = 2 * (halo or 5)
    x = picture(ghost, 2 * frame + 9, 2 * frame + 11) - 0.5
    with torch.no_grad():
        expected, found = ghost(x), folded(x)
    inside = slice(None) if offset == (0, 0) else slice(2 * frame, -2 * frame)
    torch.testing.assert_close(found[..., inside, inside], expected[..., inside, inside], rtol=1e-5, atol=1e-5)
    if offset != (0, 0):
        assert float((found - expected).abs().max()) > 1e-5, "the frame is another"


@pytest.mark.parametrize("case", FOLDED)
def test_a_folded_network_is_a_checkpoint_like_any_other(case, tmp_path):
    ghost, step = ghost_of(case)
    folded, second = fold(ghost)
    own = replace(spec(case), transforms=(step, second))
    path = tmp_path / "folded.safetensors"
    save(path, folded, describe(folded, own, name="folded"))
    loaded, card = load(path)
    x = picture(folded)
    assert torch.equal(loaded(x), folded(x))
    assert card.spec == own
    assert export(folded, tmp_path / "folded.onnx").max_error < 1e-5
    if card.halo is not None:
        reach = receptive_field(folded)
        assert reach is not None
        assert reach <= 2 * card.halo + 1


@pytest.mark.parametrize(("offset", "taps"), [((0, 0), 9), ((0, 1), 12), ((1, 1), 16)])
def test_a_block_costs_what_was_reckoned(offset, taps):
    """n = 64: 18 n² plain, 9 n² with ghosts, 4.5 n² and a displaced kernel from half to half folded."""
    spec_ = ModelSpec(architecture="edsr", scale=2, arguments={"num_channels": 64, "num_blocks": 1})
    torch.manual_seed(0)
    plain = build(spec_).eval()
    ghost, _ = convert(plain, start="zero")
    for layer in ghost_layers(ghost).values():
        layer.place(layer.order.tolist(), layer.source.tolist(), [offset])
    folded, _ = fold_ghosts(ghost)
    costs = [measure(each.blocks, size=(8, 8), channels=64, probe_reach=False) for each in (plain, ghost, folded)]
    assert [round(cost.flops_g * 1e9 / 64 / 64**2, 6) for cost in costs] == [18, 9, 4.5 + taps / 4]


def test_kernels_that_would_cost_more_are_left_alone():
    ghost, _ = ghost_of("edsr", (1, 1), share=0.25)
    with pytest.raises(UnsupportedModelError, match="no ghosts that one convolution alone reads"):
        fold(ghost)
    straight, _ = ghost_of("edsr", (1, 0), share=0.25)
    assert len(fold(straight)[1]["layers"]) == 2


@pytest.mark.parametrize("kind", ["channel", "depthwise"])
def test_offsets_of_their_own_leave_the_order_to_the_reader(kind):
    ghost, _ = convert(network_of("edsr"), offsets=kind, start="random", seed=2)
    folded, step = fold(ghost)
    assert step == {"name": "fold_ghosts", "layers": []}
    x = picture(ghost)
    with torch.no_grad():
        torch.testing.assert_close(folded(x), ghost(x), rtol=1e-5, atol=1e-6)
    for block, before in zip(folded.blocks, ghost.blocks, strict=True):
        assert block.conv1._in_order
        assert not before.conv1._in_order
        assert not block.conv2._in_order, "what the stream gets keeps its places"


def test_the_network_given_is_not_changed():
    ghost, _ = ghost_of("edsr")
    before = {key: value.clone() for key, value in ghost.state_dict().items()}
    fold(ghost)
    assert all(torch.equal(value, before[key]) for key, value in ghost.state_dict().items())


def test_a_folded_network_can_be_trained():
    folded, _ = fold(ghost_of("edsr")[0])
    folded.train()(picture(folded)).square().mean().backward()
    grown = [layer for layer in folded.modules() if isinstance(layer, DisplacedConv)]
    assert len(grown) == 2
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in folded.parameters())


def test_nothing_else_is_folded():
    for case in ("rdn", "span"):  # dense layers are read by all that follow, SiLU is not followed
        with pytest.raises(UnsupportedModelError, match="no ghosts that one convolution alone reads"):
            fold(ghost_of(case)[0])
    with pytest.raises(UnsupportedModelError, match="nothing to fold"):
        fold(network_of("edsr"))


def test_a_card_that_folds_what_is_not_there_is_refused():
    own = replace(
        spec("edsr"), transforms=({"name": "fold_ghosts", "layers": [{"name": "a", "into": "b", "offset": [0, 0]}]},)
    )
    with pytest.raises(CheckpointError, match="no ghosts 'a' to fold into 'b'"):
        build(own)
