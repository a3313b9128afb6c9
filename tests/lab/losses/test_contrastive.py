"""The contrastive loss against its definition."""

import pytest
import torch
import torch.nn.functional as F

from upres.errors import RecipeError
from upres.lab.losses.contrastive import contrastive, extractor


@pytest.fixture
def triple() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    hr = torch.rand(2, 3, 16, 16, generator=generator)
    return torch.rand(2, 3, 16, 16, generator=generator), hr, F.avg_pool2d(hr, 2)


def test_it_is_the_ratio_of_distances_in_both_layers(triple: tuple[torch.Tensor, ...]) -> None:
    sr, hr, lr = triple
    enlarged = F.interpolate(lr, scale_factor=2, mode="bicubic")
    expected = 0.0
    for weight, layer in ((0.25, 0), (2.0, 1)):
        anchor, positive, negative = (extractor(3, 8, 3)(x)[layer] for x in (sr, hr, enlarged))
        expected += weight * float((anchor - positive).abs().mean() / (anchor - negative).abs().mean())
    value = contrastive(sr, hr, lr, num_features=8, seed=3, weights=(0.25, 2.0))
    assert value.item() == pytest.approx(expected, rel=1e-4)


def test_it_is_zero_at_the_truth_and_huge_at_the_bicubic_picture(triple: tuple[torch.Tensor, ...]) -> None:
    _, hr, lr = triple
    enlarged = F.interpolate(lr, scale_factor=2, mode="bicubic")
    assert contrastive(hr, hr, lr).item() == 0
    assert contrastive(enlarged, hr, lr).item() > 1e3


def test_the_gradient_leads_to_the_truth(triple: tuple[torch.Tensor, ...]) -> None:
    _, hr, lr = triple
    start = F.interpolate(lr, scale_factor=2, mode="bicubic") * 0.5 + hr * 0.5
    sr = start.clone().requires_grad_()
    contrastive(sr, hr, lr).backward()
    assert sr.grad is not None
    assert float((sr.grad * (start - hr)).sum()) > 0, "moving away from the truth costs"


def test_the_extractor_is_fixed_never_trained_and_leaves_the_generator_alone() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    net = extractor(1, 4, 99)
    assert torch.equal(torch.rand(3), expected)
    assert net is extractor(1, 4, 99)
    assert not any(parameter.requires_grad for parameter in net.parameters())
    assert not torch.equal(net.first.weight, extractor(1, 4, 98).first.weight)


def test_without_lr_it_is_refused(triple: tuple[torch.Tensor, ...]) -> None:
    with pytest.raises(RecipeError, match="needs the low-resolution picture"):
        contrastive(triple[0], triple[1], None)
