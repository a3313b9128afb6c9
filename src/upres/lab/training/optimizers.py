"""The optimisers of recipes: PyTorch's Adam and AdamW, and SOAP."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from upres.lab.training.recipe import Optimizer


def optimizer(settings: Optimizer, parameters: Iterable[Tensor]) -> torch.optim.Optimizer:
    """The optimiser that a stage asks for, over these parameters."""
    rate, betas, decay = settings.learning_rate, (settings.betas[0], settings.betas[1]), settings.weight_decay
    if settings.name == "soap":
        return SOAP(parameters, lr=rate, betas=betas, weight_decay=decay, per_mode=settings.per_mode)
    kind = torch.optim.Adam if settings.name == "adam" else torch.optim.AdamW
    return kind(parameters, lr=rate, betas=betas, weight_decay=decay, fused=True)


class SOAP(torch.optim.Optimizer):
    """Adam in the eigenbasis of Shampoo's preconditioner; plain Adam for parameters of one dimension.

    Neighbouring pixels are almost equal, so a small network's loss is a narrow valley: steep for the sum of a filter's
    taps, flat for their differences. Adam's steps are of one size along every tap and cannot see the valley. SOAP keeps
    second moments of the rows and columns of each weight matrix, turns the gradient into their eigenbasis, takes
    Adam's step there and turns back. For matrices of a few dozen rows that costs less than the convolutions.

    Args:
        parameters: What is trained; convolutions count as matrices of ``out`` rows.
        lr: Learning rate, of Adam's size.
        betas: Shares kept of the first and second moments at each step; the second is also the preconditioner's.
        eps: Added to the root of the second moment.
        weight_decay: Decoupled, times the learning rate.
        refresh_every: Steps between two refinements of the eigenbases.
        per_mode: A convolution has three bases, of its outputs, inputs and taps, instead of two: outputs, and inputs
            times taps. A 3x3 layer of 64 channels then has a basis of 64 where it has one of 576.

    Reference: Vyas et al., 2024, arXiv:2409.11321, algorithm 3.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        *,
        lr: float = 3e-3,
        betas: tuple[float, float] = (0.95, 0.95),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        refresh_every: int = 10,
        per_mode: bool = False,
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(parameters, defaults)
        self.refresh_every, self.per_mode = refresh_every, per_mode

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        assert closure is None
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, parameter.grad, group)

    def _update(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state, slope = self.state[parameter], self._arranged(gradient)
        sides = slope.shape if parameter.ndim > 1 else ()
        if not state:
            state["step"] = torch.zeros(())
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(slope), torch.zeros_like(slope)
            for side, size in enumerate(sides):
                state[f"moment{side}"], state[f"basis{side}"] = torch.zeros(size, size), torch.eye(size)
        first, second = group["betas"]
        step = int(state["step"]) + 1
        state["step"] += 1
        for side in range(len(sides)):
            outer = _outer(slope, side)
            state[f"moment{side}"].lerp_(outer, 1 - second)
            if step == 1:
                state[f"basis{side}"] = _eigenvectors(outer)
        bases = [state[f"basis{side}"] for side in range(len(sides))]
        state["exp_avg"].lerp_(slope, 1 - first)
        turned, momentum = _turn(slope, bases), _turn(state["exp_avg"], bases)
        state["exp_avg_sq"].mul_(second).addcmul_(turned, turned, value=1 - second)
        scale = (state["exp_avg_sq"] / (1 - second**step)).sqrt_().add_(group["eps"])
        update = _turn(momentum / (1 - first**step) / scale, [basis.T for basis in bases])
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.add_(self._as_before(update, parameter.shape), alpha=-group["lr"])
        if step % self.refresh_every == 0:
            self._refresh(state, len(sides))

    def _arranged(self, gradient: Tensor) -> Tensor:
        """A matrix ``(out, in * taps)``, ``(1, n)`` for one dimension; per mode ``(taps, out, in)`` for filters."""
        if gradient.ndim == 1:
            return gradient.reshape(1, -1)
        if self.per_mode and gradient[0, 0].numel() > 1:
            return gradient.flatten(2).movedim(2, 0).contiguous()
        return gradient.reshape(len(gradient), -1)

    def _as_before(self, update: Tensor, shape: torch.Size) -> Tensor:
        """What `_arranged` laid out, in the shape of its parameter."""
        return (update.movedim(0, 2) if update.ndim == 3 else update).reshape(shape)

    def _refresh(self, state: dict[str, Any], sides: int) -> None:
        """Bring the bases nearer to the eigenvectors by one step of orthogonal iteration."""
        for side in range(sides):
            moment, basis = state[f"moment{side}"], state[f"basis{side}"]
            order = (basis * (moment @ basis)).sum(0).argsort(descending=True)
            state["exp_avg_sq"] = state["exp_avg_sq"].index_select(side, order)
            # in the order in which a state is read back: products of another layout end on other bits
            state[f"basis{side}"] = torch.linalg.qr(moment @ basis[:, order])[0].contiguous()


def _eigenvectors(moment: Tensor) -> Tensor:
    """Eigenvectors by falling eigenvalue; scaled and lifted first, as the solver fails on tiny and empty matrices."""
    scaled = moment.double() / moment.trace().double().clamp_min(torch.finfo(torch.float64).tiny)
    lifted = scaled + 1e-9 * torch.eye(len(moment), dtype=torch.float64)
    vectors: Tensor = torch.linalg.eigh(lifted)[1]
    return vectors.flip(1).to(moment.dtype).contiguous()


def _outer(tensor: Tensor, side: int) -> Tensor:
    """Products of every two slices along ``side``, ``(size, size)``."""
    if side == tensor.ndim - 1:
        columns = tensor.flatten(0, -2)
        return columns.T @ columns
    rows = tensor.movedim(side, 0).flatten(1)
    return rows @ rows.T


def _turn(tensor: Tensor, bases: Sequence[Tensor]) -> Tensor:
    """``bases[0].T @ tensor @ bases[1]`` of a matrix, the third side likewise; the tensor itself without bases."""
    if not bases:
        return tensor
    turned = (bases[0].T @ tensor.flatten(1)).view(tensor.shape)
    for basis in bases[1:-1]:
        turned = basis.T @ turned
    return turned @ bases[-1]
