"""What an output depends on, and how evenly."""

import pytest
import torch
from torch import nn

from upres.lab.compress.ghost.layer import GhostConv
from upres.lab.inspect.receptive import attribution, diffusion_index, extent


def blur(reach):
    side = 2 * reach + 1
    conv = nn.Conv2d(1, 1, side, padding=reach, bias=False)
    nn.init.constant_(conv.weight, 1 / side**2)
    return conv


def test_nothing_beyond_the_reach_is_attributed():
    x = torch.rand(1, 1, 41, 41, generator=torch.Generator().manual_seed(0))
    for reach in (1, 4):
        strength = attribution(blur(reach), x, window=5)
        reached = strength.nonzero()
        assert reached.min() == 20 - 2 - reach
        assert reached.max() == 20 + 2 + reach
        assert float(strength.sum()) == pytest.approx(1)
        assert extent(strength, share=1 - 1e-6) == 5 + 2 * reach


def test_a_shifted_copy_lets_a_network_see_farther():
    torch.manual_seed(0)
    layer = GhostConv(1, 4, 3, share=0.5)
    network = nn.Sequential(layer, nn.Conv2d(4, 1, 3, padding=1))
    x = torch.rand(1, 1, 41, 41, generator=torch.Generator().manual_seed(0))
    layer.place([0, 1, 2, 3], [0, 1], [(0, 0)])
    copied = attribution(network, x, window=3).nonzero()
    layer.place([0, 1, 2, 3], [0, 1], [(0, 1)])
    moved = attribution(network, x, window=3).nonzero()
    assert (copied[:, 1].min(), copied[:, 1].max()) == (20 - 3, 20 + 3)
    assert (moved[:, 1].min(), moved[:, 1].max()) == (20 - 3, 20 + 4)
    assert moved[:, 0].max() == copied[:, 0].max()


def test_a_wider_reach_is_more_diffuse():
    x = torch.rand(1, 1, 41, 41, generator=torch.Generator().manual_seed(0))
    narrow, wide = (attribution(blur(reach), x) for reach in (1, 6))
    assert diffusion_index(wide) > diffusion_index(narrow) > 0
    assert extent(wide) > extent(narrow)


def test_the_index_goes_from_one_pixel_to_all():
    one = torch.zeros(10, 10)
    one[5, 5] = 3.0
    half = torch.zeros(10, 10)
    half[:5] = 0.1
    assert diffusion_index(one) == pytest.approx(1)
    assert diffusion_index(half) == pytest.approx(50)
    assert diffusion_index(torch.full((10, 10), 0.2)) == pytest.approx(100)
    assert diffusion_index(torch.zeros(10, 10)) == 0


def test_a_picture_without_detail_has_no_attribution_and_nothing_changes():
    network, x = blur(1).train(), torch.full((1, 1, 40, 40), 0.5)
    assert float(attribution(network, x).sum()) == 0
    assert network.training
    assert not x.requires_grad
    assert network.weight.grad is None
