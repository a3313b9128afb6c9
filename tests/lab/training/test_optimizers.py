"""SOAP against Adam where theory says what must happen."""

import pytest
import torch
from torch import Tensor, nn

from upres.lab.training.optimizers import SOAP, optimizer
from upres.lab.training.recipe import Optimizer


def _narrow_valley(name: str, steps: int) -> float:
    """Distance to the optimum after training a filter on inputs as alike as neighbouring pixels."""
    generator = torch.Generator().manual_seed(0)
    common = torch.randn(256, 1, generator=generator)
    pixels = common + 0.05 * torch.randn(256, 25, generator=generator)
    truth = torch.randn(8, 25, generator=generator)
    weight = nn.Parameter(torch.zeros(8, 25))
    optim = optimizer(Optimizer(name=name, learning_rate=3e-2, betas=(0.95, 0.95)), [weight])  # type: ignore[arg-type]
    for _ in range(steps):
        optim.zero_grad()
        (pixels @ (weight - truth).T).square().mean().backward()
        optim.step()
    return float((weight.detach() - truth).norm() / truth.norm())


def test_soap_finds_the_end_of_a_narrow_valley_where_adam_does_not() -> None:
    assert _narrow_valley("soap", 200) < 0.1 * _narrow_valley("adam", 200)


def test_soap_is_adam_for_biases() -> None:
    ours, theirs = (nn.Parameter(torch.linspace(-1, 1, 7)) for _ in range(2))
    pairs = [
        (ours, SOAP([ours], lr=1e-2, betas=(0.9, 0.99))),
        (theirs, torch.optim.Adam([theirs], lr=1e-2, betas=(0.9, 0.99))),
    ]
    for parameter, optim in pairs:
        for step in range(25):
            optim.zero_grad()
            (parameter - step / 10).pow(4).sum().backward()
            optim.step()
    torch.testing.assert_close(ours, theirs)


def _dependence_on_axes(name: str) -> float:
    """How much a solution differs, after a while, when the inputs were turned and the solution is turned back."""
    generator = torch.Generator().manual_seed(1)
    inputs, truth = torch.randn(64, 9, generator=generator), torch.randn(4, 9, generator=generator)
    turn = torch.linalg.qr(torch.randn(9, 9, generator=generator))[0]

    def trained(x: Tensor) -> Tensor:
        weight = nn.Parameter(torch.zeros(4, 9))
        settings = Optimizer(name=name, learning_rate=1e-2, betas=(0.95, 0.95))  # type: ignore[arg-type]
        optim = optimizer(settings, [weight])
        for _ in range(60):
            optim.zero_grad()
            (x @ weight.T - inputs @ truth.T).square().mean().backward()
            optim.step()
        return weight.detach()

    return float((trained(inputs @ turn) @ turn.T - trained(inputs)).norm())


def test_soap_hardly_depends_on_the_axes_of_the_inputs() -> None:
    assert _dependence_on_axes("soap") < 0.2 * _dependence_on_axes("adam")


@pytest.mark.parametrize("size", [0.0, 1e-9, 1e-30, 1.0])
def test_soap_begins_with_any_gradient(size: float) -> None:
    """Of no length, almost none, of a single tap: where a solver of eigenvalues gives up."""
    weight = nn.Parameter(torch.ones(16, 144))
    optim = SOAP([weight])
    for _ in range(12):
        weight.grad = torch.zeros_like(weight)
        weight.grad[:, ::9] = size * torch.randn(16, 16)
        optim.step()
    assert bool(torch.isfinite(weight).all())


@pytest.mark.parametrize("name", ["adamw", "soap"])
def test_weights_decay_apart_from_the_gradient(name: str) -> None:
    weight = nn.Parameter(torch.ones(3, 3))
    settings = Optimizer(name=name, learning_rate=0.1, weight_decay=0.5)  # type: ignore[arg-type]
    optim = optimizer(settings, [weight])
    (weight * 0).sum().backward()
    optim.step()
    torch.testing.assert_close(weight.detach(), torch.full((3, 3), 0.95))
