"""Convolutions split into a depthwise and a pointwise one: what ghosts are compared with, and what they replace.

Reference: Howard et al., 2017, arXiv:1704.04861 (depthwise separable); Guo et al., 2018, arXiv:1808.00168 (from trained
weights).
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, cast

import torch
from torch import Tensor, nn

from upres.errors import CheckpointError
from upres.lab.compress.ghost.convert import suitable


class SeparableConv(nn.Module):
    """A depthwise convolution of each map, then a 1x1 convolution.

    Args:
        in_channels: Maps in.
        out_channels: Maps out.
        kernel_size: Of the depthwise convolution, odd.
        groups: Of the 1x1 convolution.
        bias: Whether it has biases.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, *, groups: int = 1, bias: bool = True
    ) -> None:
        super().__init__()
        self.depth = nn.Conv2d(
            in_channels, in_channels, kernel_size, padding=kernel_size // 2, groups=in_channels, bias=False
        )
        self.point = nn.Conv2d(in_channels, out_channels, 1, groups=groups, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, out_channels, H, W)``."""
        result: Tensor = self.point(self.depth(x))
        return result


def separate(network: nn.Module, *, layers: Sequence[str] = ()) -> tuple[nn.Module, dict[str, Any]]:
    """A copy of the network with separable convolutions that come closest to its own, and the step that rebuilds it.

    What a convolution does to one map in is a matrix, filters by taps; a separable one can hold one column times one
    row of it. The closest is its first pair of singular vectors.

    Args:
        network: A plain one; not changed.
        layers: Names of the convolutions; none: those that get ghosts.

    Raises:
        UnsupportedModelError: If nothing is known of this kind of network, or its convolutions are to be folded first.
        CheckpointError: If one of the names is no plain convolution of odd size and stride 1.
    """
    names = list(layers) or suitable(network)
    result = separable_network(deepcopy(network), layers=names)
    for name in names:
        _fill(cast(SeparableConv, result.get_submodule(name)), cast(nn.Conv2d, network.get_submodule(name)))
    return result.train(network.training), {"name": "separable", "layers": names}


def separable_network(network: nn.Module, *, layers: Sequence[str]) -> nn.Module:
    """The network, in place, with separable convolutions of fresh weights: the transform ``separable``.

    Raises:
        CheckpointError: If one of the names is no plain convolution of odd size and stride 1.
    """
    convolutions = {name: layer for name, layer in network.named_modules() if type(layer) is nn.Conv2d}
    for name in layers:
        conv = convolutions.get(name)
        if conv is None or conv.stride != (1, 1) or conv.kernel_size[0] % 2 == 0:
            raise CheckpointError(f"separable: {type(network).__name__} has no suitable convolution '{name}'")
        parent, _, own = name.rpartition(".")
        separable = SeparableConv(
            conv.in_channels, conv.out_channels, conv.kernel_size[0], groups=conv.groups, bias=conv.bias is not None
        )
        setattr(network.get_submodule(parent), own, separable)
    return network


@torch.no_grad()
def _fill(separable: SeparableConv, conv: nn.Conv2d) -> None:
    groups, maps, taps = conv.groups, conv.in_channels, conv.kernel_size[0] * conv.kernel_size[1]
    # (in, filters of its group, taps): what becomes of each map in
    by_map = conv.weight.reshape(groups, -1, maps // groups, taps).transpose(1, 2).reshape(maps, -1, taps)
    filters, strengths, rows = torch.linalg.svd(by_map.double(), full_matrices=False)
    root = strengths[:, 0].sqrt()
    separable.depth.weight.copy_((rows[:, 0] * root[:, None]).reshape(separable.depth.weight.shape))
    columns = (filters[:, :, 0] * root[:, None]).reshape(groups, maps // groups, -1).transpose(1, 2)
    separable.point.weight.copy_(columns.reshape(separable.point.weight.shape))
    if conv.bias is not None and separable.point.bias is not None:
        separable.point.bias.copy_(conv.bias)
