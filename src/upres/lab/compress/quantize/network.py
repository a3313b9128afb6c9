"""Convolutions with 8-bit inputs and weights, imitated in floating point so that networks can be trained with them.

Inputs lie on a grid of 256 values between two limits of each layer, asymmetric because what follows a leaky ReLU is
almost one-sided; weights on 255 values symmetric to zero, one scale an output channel. This is what VNNI multiplies
and what `upres.lab.export.int8` writes.

Gradients pass rounding as if it were not there (the straight-through estimator); the limits are learned with the
weights, each from what it cuts off and from the rounding that its distance to the other causes.

Reference: Esser et al., 2020, arXiv:1902.08153; Bhalgat et al., 2020, arXiv:2004.09576 (asymmetric).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from upres.errors import CheckpointError, UnsupportedModelError, near_miss

INPUT_STEPS = 255
WEIGHT_STEPS = 127
"""Of one sign."""
LEAST_CHANNELS = 32
"""Narrower convolutions wait for memory: with 8 bits they are no faster."""


class QuantConv2d(nn.Conv2d):
    """A convolution whose input and weight are rounded to 8 bits.

    ``input_range`` holds the lowest and the highest input; both are zero until `calibrate` has set them.
    """

    input_range: nn.Parameter
    quantizing: bool = True

    @classmethod
    def of(cls, conv: nn.Conv2d) -> "QuantConv2d":
        """One that takes over an ordinary convolution's parameters."""
        result: Any = conv
        result.__class__ = cls  # parameters, hooks and parametrisations stay what they are
        result.input_range = nn.Parameter(torch.zeros(2))
        return result  # type: ignore[no-any-return]

    def forward(self, x: Tensor) -> Tensor:
        """As an ordinary convolution.

        Raises:
            UnsupportedModelError: If the layer was not calibrated.
        """
        if not self.quantizing:
            return super().forward(x)
        levels: Tensor = _RoundedInput.apply(x.float(), self.input_range)  # type: ignore[no-untyped-call]
        result: Tensor = self._conv_forward(levels, _rounded(self.weight), self.bias)
        return result


def input_grid(limits: Tensor) -> tuple[float, int]:
    """Distance between neighbours of the grid that reaches from one limit to the other, and the place of zero on it.

    Raises:
        UnsupportedModelError: If there is nothing between the limits.
    """
    low, high = limits.tolist()
    low, high = min(low, 0.0), max(high, 0.0)
    if not high > low:
        raise UnsupportedModelError("a quantised layer has no input range; calibrate the network first")
    scale = (high - low) / INPUT_STEPS
    return scale, round(-low / scale)


def weight_scales(weight: Tensor) -> Tensor:
    """What one step of the integer weights is worth, ``(out,)``."""
    return weight.detach().abs().amax((1, 2, 3)).clamp_min(1e-12) / WEIGHT_STEPS


def suitable_layers(network: nn.Module) -> tuple[str, ...]:
    """Names of the convolutions that gain by 8 bits: 3x3, of stride 1 and one group, and not narrow."""
    return tuple(
        name
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Conv2d)
        and layer.kernel_size == (3, 3)
        and layer.stride == (1, 1)
        and layer.groups == 1
        and layer.in_channels >= LEAST_CHANNELS
    )


def quantize_network(network: nn.Module, *, layers: Sequence[str]) -> nn.Module:
    """The network with these convolutions quantised, in place: the transform ``quantize`` of a `ModelSpec`.

    Raises:
        CheckpointError: If one of the names is no convolution.
    """
    convolutions = {name: layer for name, layer in network.named_modules() if type(layer) is nn.Conv2d}
    for name in layers:
        if name not in convolutions:
            raise CheckpointError(
                f"quantize: {type(network).__name__} has no convolution '{name}'.{near_miss(name, convolutions)}"
            )
        QuantConv2d.of(convolutions[name])
    return network


def quantized_layers(network: nn.Module) -> dict[str, QuantConv2d]:
    """The quantised convolutions by name."""
    return {name: layer for name, layer in network.named_modules() if isinstance(layer, QuantConv2d)}


@contextmanager
def unquantized(network: nn.Module) -> Iterator[None]:
    """Within, the network computes in floating point."""
    layers = quantized_layers(network).values()
    for layer in layers:
        layer.quantizing = False
    try:
        yield
    finally:
        for layer in layers:
            layer.quantizing = True


class _RoundedInput(torch.autograd.Function):
    """``x`` on the grid between two limits, with gradients for both."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, limits: Tensor) -> Tensor:
        """The nearest values of the grid."""
        scale, zero = input_grid(limits)
        rounded = torch.fake_quantize_per_tensor_affine(x, scale, zero, 0, INPUT_STEPS)
        ctx.save_for_backward(x, rounded[0], limits)
        return rounded

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Straight through within the limits; what is cut off moves its limit, rounding moves both.

        The first crop speaks for the batch where the limits are concerned: their gradients are sums over millions.
        """
        x, rounded, limits = ctx.saved_tensors
        low, high = limits.tolist()
        inside = gradient * x.ge(low).logical_and_(x.le(high))
        one, g = x[0], gradient[0]
        stretch = (inside[0] * (rounded - one)).sum() / (high - low)
        cut = torch.stack([(g * one.lt(low)).sum(), (g * one.gt(high)).sum()])
        return inside, (cut + torch.stack([-stretch, stretch])) * len(x)


def _rounded(weight: Tensor) -> Tensor:
    """Weights on their grid, with the gradient of weights that are not."""
    scales = weight_scales(weight).view(-1, 1, 1, 1)
    return weight + ((weight / scales).round() * scales - weight).detach()
