"""Pixel losses against their formulas, and sums of terms."""

import pytest
import torch

from upres.errors import RecipeError
from upres.lab.losses.criterion import LOSSES, LossTerm, criterion

_NEEDED = {"distillation": {"teacher": "plain_c32b6_light_x2"}, "features": {"teacher": "plain_c48b6_deblock"}}


def _call(name: str, sr: torch.Tensor, hr: torch.Tensor) -> torch.Tensor:
    return criterion([LossTerm(name=name, arguments=_NEEDED.get(name, {}))])(sr, hr, hr[..., ::2, ::2])


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    sr, hr = torch.rand(2, 2, 3, 16, 16, generator=generator)
    return sr.requires_grad_(), hr


def test_pixel_losses_are_their_formulas(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    sr, hr = pair
    difference = (sr - hr).detach().double()
    expected = {
        "l1": difference.abs().mean(),
        "l2": difference.square().mean(),
        "charbonnier": (difference.square() + 1e-6).sqrt().mean(),
    }
    assert expected.keys() <= LOSSES.keys()
    for name, value in expected.items():
        assert LOSSES[name](sr, hr).item() == pytest.approx(value.item(), rel=1e-5)


def test_a_focused_squared_error_is_the_mean_of_powers(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    sr, hr = pair
    crops = (sr - hr).detach().square().mean((1, 2, 3))
    loss = LOSSES["l2"](sr, hr, focus=3.0)
    assert loss.item() == pytest.approx((crops**3).mean().item(), rel=1e-5)
    assert LOSSES["l2"](sr, hr, focus=1.0).item() == pytest.approx(crops.mean().item(), rel=1e-5)


def test_the_luma_share_of_a_squared_error_measures_y(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    sr, hr = pair
    red, green, blue = (sr - hr).detach().unbind(1)
    luma = (0.299 * red + 0.587 * green + 0.114 * blue).square().mean()
    assert LOSSES["l2"](sr, hr, luma=1.0).item() == pytest.approx(luma.item(), rel=1e-5)
    both = 0.2 * (sr - hr).detach().square().mean() + 0.8 * luma
    assert LOSSES["l2"](sr, hr, luma=0.8).item() == pytest.approx(both.item(), rel=1e-5)
    assert LOSSES["l2"](sr[:, :1], hr[:, :1], luma=0.8).item() == pytest.approx(red.square().mean().item(), rel=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_has_gradients_and_is_least_at_the_truth(name: str, pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    sr, hr = pair
    loss = _call(name, sr, hr)
    loss.backward()
    assert sr.grad is not None
    assert bool(torch.isfinite(sr.grad).all())
    assert _call(name, hr, hr).item() < loss.item()


def test_terms_are_weighted_and_summed(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    terms = [LossTerm(name="l1", weight=2.0), LossTerm(name="charbonnier", arguments={"epsilon": 0.1})]
    expected = 2 * LOSSES["l1"](*pair) + LOSSES["charbonnier"](*pair, epsilon=0.1)
    torch.testing.assert_close(criterion(terms)(*pair, None), expected)


def test_a_term_of_weight_0_is_checked_and_not_computed(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    off = LossTerm(name="contrastive", weight=0.0)  # which could not do without the low-resolution picture
    assert torch.equal(criterion([LossTerm(name="l1"), off])(*pair, None), LOSSES["l1"](*pair))
    with pytest.raises(RecipeError, match="at least one loss term"):
        criterion([off])
    with pytest.raises(RecipeError, match="no loss 'l3'"):
        criterion([LossTerm(name="l1"), LossTerm(name="l3", weight=0.0)])


def test_unknown_loss_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"no loss 'carbonnier'\. Did you mean 'charbonnier'\?"):
        criterion([LossTerm(name="carbonnier")])
    with pytest.raises(RecipeError, match="at least one loss term"):
        criterion([])
    with pytest.raises(RecipeError, match=r"loss 'charbonnier' has no setting 'epsilom'\. Did you mean 'epsilon'\?"):
        criterion([LossTerm(name="charbonnier", arguments={"epsilom": 1})])
