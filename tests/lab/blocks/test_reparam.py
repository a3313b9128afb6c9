"""Foldable blocks: folded, they compute what their branches do."""

from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from upres.lab.blocks.reparam import (
    ECB,
    EDBB,
    LAPLACIAN,
    RRRB,
    SOBEL_X,
    SOBEL_Y,
    Conv3XC,
    FoldableConv,
    PointThenFilter,
    fold_network,
)

BLOCKS = {
    "ecb": lambda: ECB(5, 7),
    "ecb with identity": lambda: ECB(6, 6, identity=True),
    "edbb": lambda: EDBB(6, 6),
    "edbb without its 1x1 to 3x3": lambda: EDBB(6, 6, expansion=None, identity=False),
    "edbb of other widths": lambda: EDBB(4, 6),
    "rrrb": lambda: RRRB(6, expansion=3),
    "conv3xc": lambda: Conv3XC(3, 8),
}


@pytest.fixture(params=BLOCKS)
def block(request):
    torch.manual_seed(3)
    made = BLOCKS[request.param]()
    for parameter in made.parameters():  # edge branches start near zero, where a mistake would not show
        nn.init.normal_(parameter, std=0.3)
    return made


def test_folded_equals_expanded_to_the_border(block):
    x = torch.rand(2, block.in_channels, 6, 9)
    plain = block.fold()
    assert type(plain) is nn.Conv2d
    assert (plain.kernel_size, plain.padding) == ((3, 3), (1, 1))
    torch.testing.assert_close(plain(x), block.branches(x), atol=1e-5, rtol=1e-5)


def test_training_computes_with_the_folded_kernel_what_the_branches_do(block):
    block.double()
    x = torch.rand(2, block.in_channels, 6, 9, dtype=torch.float64, requires_grad=True)
    weights = torch.rand(2, block.out_channels, 6, 9, dtype=torch.float64)
    wanted = [x, *block.parameters()]
    results = [block.train()(x), block.branches(x), block.eval()(x)]
    torch.testing.assert_close(results[0], results[1])
    assert torch.equal(results[1], results[2])
    gradients = [torch.autograd.grad((result * weights).sum(), wanted) for result in results[:2]]
    torch.testing.assert_close(*gradients)


def test_under_autocast_the_kernel_is_computed_in_float32(block):
    x = torch.rand(1, block.in_channels, 6, 9)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        trained = block.train()(x)
        folded = block.fold()(x)
    assert trained.dtype == torch.bfloat16
    torch.testing.assert_close(trained, folded, atol=0.03, rtol=0.01)


def test_folding_leaves_the_block_as_it_was(block):
    before = deepcopy(block.state_dict())
    assert block.train().fold().training
    assert not block.eval().fold().training
    assert all(torch.equal(value, before[name]) for name, value in block.state_dict().items())


def test_folded_keeps_the_precision(block):
    assert block.double().fold().weight.dtype == torch.float64


def test_training_the_expanded_form_and_folding_gives_what_was_trained(block):
    x = torch.rand(4, block.in_channels, 8, 8)
    target = torch.rand(4, block.out_channels, 8, 8)
    optimizer = torch.optim.SGD(block.parameters(), lr=1e-3)
    first = None
    for _ in range(5):
        loss = F.mse_loss(block(x), target)
        first = first or loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < first
    torch.testing.assert_close(block.fold()(x), block(x), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("edge", "ramp_x", "ramp_y", "bowl"),
    [(SOBEL_X, -8.0, 0.0, 0.0), (SOBEL_Y, 0.0, -8.0, 0.0), (LAPLACIAN, 0.0, 0.0, 4.0)],
)
def test_edge_filters_answer_to_their_own_edges(edge, ramp_x, ramp_y, bowl):
    branch = PointThenFilter(1, 1, edge)
    with torch.no_grad():
        for parameter in branch.parameters():
            parameter.zero_()
        branch.point.weight.fill_(1.0)
        branch.gain.fill_(1.0)
        y, x = torch.meshgrid(torch.arange(5.0), torch.arange(5.0), indexing="ij")
        for picture, expected in ((x, ramp_x), (y, ramp_y), (torch.ones(5, 5), 0.0), (x**2 + y**2, None)):
            answer = branch(picture[None, None])
            assert answer.shape == (1, 1, 3, 3)
            if expected is not None:
                assert torch.equal(answer, torch.full_like(answer, expected))
        assert bowl == 0.0 or torch.equal(answer, torch.full_like(answer, bowl))


def test_a_network_is_folded_wherever_its_blocks_stand():
    torch.manual_seed(0)
    shared = RRRB(4)
    network = nn.Sequential(ECB(3, 4), nn.ModuleDict({"a": nn.Sequential(shared, nn.PReLU())})["a"], nn.Conv2d(4, 2, 1))
    x = torch.rand(1, 3, 5, 6)
    expected = network(x)
    folded = fold_network(network)
    assert folded is network
    assert not any(isinstance(module, FoldableConv) for module in folded.modules())
    torch.testing.assert_close(folded(x), expected, atol=1e-5, rtol=1e-5)
    assert sum(p.numel() for p in folded.parameters()) == (27 + 1) * 4 + (36 + 1) * 4 + 1 + 10
