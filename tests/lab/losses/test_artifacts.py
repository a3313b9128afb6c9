"""Artefact-aware weighting against loops over pixels."""

import numpy as np
import pytest
import torch

from upres.errors import RecipeError
from upres.lab.losses.artifacts import artifact_map, ldl, weighted_l1


def _pictures(count: int) -> torch.Tensor:
    return torch.rand(count, 2, 3, 9, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def _map_by_loops(sr: np.ndarray, hr: np.ndarray, smooth: np.ndarray, window: int) -> np.ndarray:
    half, (crops, _, height, width) = window // 2, sr.shape
    weights = np.zeros((crops, 1, height, width))
    for crop in range(crops):
        residual = np.abs(hr[crop] - sr[crop]).sum(0)
        reference = np.abs(hr[crop] - smooth[crop]).sum(0)
        padded = np.pad(residual, half, mode="reflect")
        for y in range(height):
            for x in range(width):
                if residual[y, x] >= reference[y, x]:
                    local = padded[y : y + window, x : x + window].var(ddof=1)
                    weights[crop, 0, y, x] = local * residual.var(ddof=1) ** 0.2
    return weights


@pytest.mark.parametrize("window", [3, 7])
def test_the_map_and_the_loss_are_their_loops(window: int) -> None:
    sr, hr, smooth = _pictures(3)
    expected = _map_by_loops(sr.numpy(), hr.numpy(), smooth.numpy(), window)
    weights = artifact_map(sr, hr, smooth, window=window)
    assert 0.2 < float((weights == 0).double().mean()) < 0.8, "some pixels are spared and some are not"
    np.testing.assert_allclose(weights.numpy(), expected, rtol=1e-9, atol=1e-12)
    lr = torch.zeros(2, 3, 4, 4)
    loss = ldl(sr, hr, lr, window=window, average=lambda given: smooth if given is lr else sr)
    assert loss.item() == pytest.approx((expected * np.abs((sr - hr).numpy())).mean())


def test_without_an_average_nothing_is_spared() -> None:
    sr, hr, _ = _pictures(3)
    expected = _map_by_loops(sr.numpy(), hr.numpy(), sr.numpy(), 7)
    assert (expected > 0).all()
    assert ldl(sr, hr, None).item() == pytest.approx((expected * np.abs((sr - hr).numpy())).mean())


def test_gradients_are_those_of_a_weighted_difference_and_the_map_is_a_constant() -> None:
    sr, hr, smooth = _pictures(3)
    weights = artifact_map(sr, hr, smooth, window=3)
    sr.requires_grad_()
    assert torch.autograd.gradcheck(lambda picture: weighted_l1(picture, hr, weights), sr)
    ldl(sr, hr, sr.detach()[..., ::2, ::2], window=3, average=lambda _: smooth).backward()
    torch.testing.assert_close(sr.grad, weights * (sr.detach() - hr).sign() / sr.numel())


def test_the_truth_itself_has_finite_gradients() -> None:
    hr = _pictures(1)[0]
    sr = hr.clone().requires_grad_()
    ldl(sr, hr, None).backward()
    assert sr.grad is not None
    assert bool(torch.isfinite(sr.grad).all())


def test_texture_in_the_wrong_place_weighs_more_than_an_even_error() -> None:
    hr = torch.full((1, 3, 16, 16), 0.5)
    flat, rough = hr + 0.1, hr.clone()
    rough[..., ::2, ::2] += 0.4
    assert (rough - hr).abs().mean().item() == pytest.approx((flat - hr).abs().mean().item())
    assert ldl(rough, hr, None).item() > 100 * ldl(flat, hr, None).item()


@pytest.mark.parametrize("window", [1, 4, 17])
def test_windows_without_sense_are_refused(window: int) -> None:
    sr, hr = _pictures(2)
    with pytest.raises(RecipeError, match="ldl: expected an odd window"):
        ldl(sr, hr, None, window=window)


def test_an_average_that_is_written_down_is_refused() -> None:
    sr, hr = _pictures(2)
    with pytest.raises(RecipeError, match="takes its average from the training alone"):
        ldl(sr, hr, sr, average="plain_c32b6_x2")  # type: ignore[arg-type]
