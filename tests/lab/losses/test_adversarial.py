"""Adversarial losses against plain loops, the discriminator, and when it begins."""

import math
from typing import Literal

import numpy as np
import pytest
import torch
from torch import nn

from upres.errors import RecipeError
from upres.lab.losses.adversarial import Adversary, discriminator_loss, generator_loss
from upres.lab.losses.discriminator import UNetDiscriminator, discriminator

KINDS: tuple[Literal["hinge", "relativistic"], ...] = ("hinge", "relativistic")


def _logits() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    real, fake = 2 * torch.randn(2, 2, 1, 3, 4, generator=generator, dtype=torch.float64)
    return real.requires_grad_(), fake.requires_grad_()


def _cross_entropy(logit: float, truth: float) -> float:
    probability = 1 / (1 + math.exp(-logit))
    return -(truth * math.log(probability) + (1 - truth) * math.log(1 - probability))


def test_the_losses_are_their_formulas() -> None:
    real, fake = _logits()
    reals, fakes = real.detach().numpy(), fake.detach().numpy()
    expected = {(side, kind): 0.0 for side in ("discriminator", "generator") for kind in KINDS}
    for crop in range(2):
        for y in range(3):
            for x in range(4):
                r, f = reals[crop, 0, y, x], fakes[crop, 0, y, x]
                above, below = r - fakes[crop].mean(), f - reals[crop].mean()
                expected["discriminator", "hinge"] += max(0, 1 - r) + max(0, 1 + f)
                expected["generator", "hinge"] -= f
                expected["discriminator", "relativistic"] += (_cross_entropy(above, 1) + _cross_entropy(below, 0)) / 2
                expected["generator", "relativistic"] += (_cross_entropy(above, 0) + _cross_entropy(below, 1)) / 2
    for kind in KINDS:
        assert discriminator_loss(kind, real, fake).item() == pytest.approx(expected["discriminator", kind] / 24)
        assert generator_loss(kind, real, fake).item() == pytest.approx(expected["generator", kind] / 24)


@pytest.mark.parametrize("kind", KINDS)
def test_the_losses_have_the_gradients_of_their_values(kind: Literal["hinge", "relativistic"]) -> None:
    for loss in (discriminator_loss, generator_loss):
        assert torch.autograd.gradcheck(lambda real, fake, loss=loss: loss(kind, real, fake), _logits())


def test_pressure_begins_and_grows() -> None:
    adversary = Adversary(weight=0.1, after=0.5, ramp=0.2)
    pressures = [adversary.pressure(step, 20) for step in range(20)]
    assert pressures[:10] == [0.0] * 10
    assert pressures[10:14] == pytest.approx([0.025, 0.05, 0.075, 0.1])
    assert pressures[14:] == [0.1] * 6
    assert [Adversary(weight=0.1).pressure(step, 20) for step in (0, 19)] == [0.1, 0.1]


@pytest.mark.parametrize("setting", [{"weight": -1.0}, {"after": 1.0}, {"ramp": 2.0}, {"num_channels": 0}])
def test_settings_without_sense_are_refused(setting: dict[str, float]) -> None:
    with pytest.raises(RecipeError, match="adversary: expected a weight of 0 or more"):
        Adversary(**setting)  # type: ignore[arg-type]


def test_the_discriminator_has_the_layers_of_real_esrgan() -> None:
    """Its 64 channels have 4 376 897 weights, counted layer by layer from the paper's figure and code."""
    down = 64 * 128 * 16 + 128 * 256 * 16 + 256 * 512 * 16
    up = (512 * 256 + 256 * 128 + 128 * 64) * 9
    expected = (3 * 64 * 9 + 64) + down + up + 2 * 64 * 64 * 9 + (64 * 9 + 1)
    network = UNetDiscriminator(num_channels=64)
    assert sum(parameter.numel() for parameter in network.parameters()) == expected == 4_376_897


def test_every_pixel_is_judged_and_every_layer_learns() -> None:
    network = UNetDiscriminator(in_channels=1, num_channels=2)
    logits = network(torch.rand(2, 1, 13, 18))
    assert logits.shape == (2, 1, 13, 18)
    logits.square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert bool(parameter.grad.abs().sum() > 0), name
    with pytest.raises(ValueError, match=r"sides of at least 8 pixels, got \[1, 1, 7, 9\]"):
        network(torch.rand(1, 1, 7, 9))


def test_the_largest_singular_value_of_normed_layers_is_one() -> None:
    network = discriminator(in_channels=3, num_channels=4, seed=1)
    for _ in range(30):  # every pass is a power iteration
        network(torch.rand(1, 3, 16, 16))
    normed = [
        layer for layer in network.modules() if isinstance(layer, nn.Conv2d) and hasattr(layer, "parametrizations")
    ]
    assert len(normed) == 8
    for layer in normed:
        values = np.linalg.svd(layer.weight.detach().flatten(1).numpy(), compute_uv=False)
        assert values[0] == pytest.approx(1, abs=0.02)


def test_a_discriminator_depends_on_its_seed_and_leaves_torchs_generator_alone() -> None:
    before = torch.get_rng_state()
    one, same, other = (discriminator(in_channels=3, num_channels=2, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), same.state_dict().values(), strict=True))
    assert not torch.equal(one.first.weight, other.first.weight)
