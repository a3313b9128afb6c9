"""Attention blocks: masks, least sizes, statistics."""

import pytest
import torch

from upres.lab.archs.bsrn import SeparableESA
from upres.lab.archs.neesr import PooledESA
from upres.lab.blocks.attention import CCA, ESA, ESA_MIN_SIZE, SlimESA

SPATIAL = {
    "esa": lambda: ESA(num_channels=6, width=3),
    "esa without skip": lambda: ESA(num_channels=6, width=3, project_skip=False),
    "slim": lambda: SlimESA(num_channels=6, width=3),
    "separable": lambda: SeparableESA(num_channels=6, width=3, challenge=True),
    "pooled": lambda: PooledESA(num_channels=6, width=3),
}


@pytest.mark.parametrize("kind", SPATIAL)
def test_spatial_attention_is_a_mask_between_nothing_and_all(kind):
    torch.manual_seed(0)
    x = torch.rand(2, 6, 19, 31) + 0.1
    with torch.no_grad():
        mask = SPATIAL[kind]()(x) / x
    assert mask.shape == x.shape
    assert mask.min() > 0
    assert mask.max() < 1
    assert mask.std(dim=(2, 3)).min() > 0


@pytest.mark.parametrize("kind", ["esa", "slim", "separable"])
def test_esa_needs_fifteen_pixels(kind):
    attention = SPATIAL[kind]()
    assert attention(torch.rand(1, 6, ESA_MIN_SIZE, ESA_MIN_SIZE)).shape[-1] == ESA_MIN_SIZE
    with pytest.raises(RuntimeError, match=r"too small|greater"):
        attention(torch.rand(1, 6, ESA_MIN_SIZE - 1, 40))


def test_cca_sees_the_mean_and_the_deviation_of_the_population():
    torch.manual_seed(0)
    cca = CCA(num_channels=4, reduction=2)
    x = torch.rand(3, 4, 5, 7)
    seen = []
    cca.gate.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    out = cca(x)
    expected = x.mean((2, 3)) + x.var((2, 3), correction=0).sqrt()
    torch.testing.assert_close(seen[0][..., 0, 0], expected)
    ratio = out / x
    torch.testing.assert_close(ratio, ratio[..., :1, :1].expand_as(ratio))


def test_cca_learns_from_flat_maps():
    cca = CCA(num_channels=4, reduction=2)
    x = torch.full((1, 4, 6, 6), 0.25, requires_grad=True)
    cca(x).sum().backward()
    assert torch.isfinite(x.grad).all()
