"""Convolutions trained as several branches, folded into the plain ones that they equal."""

from copy import deepcopy
from typing import Any

from torch import nn

from upres.errors import UnsupportedModelError
from upres.lab.blocks.reparam import FoldableConv, fold_network


def foldable_layers(network: nn.Module) -> tuple[str, ...]:
    """Names of the layers that `fold` replaces; those inside another are not named."""
    found: list[str] = []
    for name, layer in network.named_modules():
        if isinstance(layer, FoldableConv) and not any(name.startswith(f"{outer}.") for outer in found):
            found.append(name)
    return tuple(found)


def fold(network: nn.Module) -> tuple[nn.Module, dict[str, Any]]:
    """A folded copy of a network, which computes the same but for rounding, and the step that rebuilds it.

    Raises:
        UnsupportedModelError: If there is nothing to fold.
    """
    if not foldable_layers(network):
        raise UnsupportedModelError(f"{type(network).__name__} has nothing to fold: every convolution in it is plain")
    return fold_network(deepcopy(network)), {"name": "fold"}
