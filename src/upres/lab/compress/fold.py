"""What training had apart and running has together: branches that equal one convolution, ghosts and their reader."""

from copy import deepcopy
from typing import Any

from torch import nn

from upres.errors import UnsupportedModelError
from upres.lab.blocks.reparam import FoldableConv, fold_network
from upres.lab.compress.ghost.fold import fold_ghosts
from upres.lab.compress.ghost.layer import ghost_layers


def foldable_layers(network: nn.Module) -> tuple[str, ...]:
    """Names of the layers of several branches, which `fold` replaces; those inside another are not named."""
    found: list[str] = []
    for name, layer in network.named_modules():
        if isinstance(layer, FoldableConv) and not any(name.startswith(f"{outer}.") for outer in found):
            found.append(name)
    return tuple(found)


def fold(network: nn.Module) -> tuple[nn.Module, dict[str, Any]]:
    """A folded copy of a network, and the step that rebuilds it.

    Branches become the plain convolution that they equal but for rounding. A network without branches has its ghosts
    folded into the convolutions that read them, which is the same but for a frame at the picture's border
    (`upres.lab.compress.ghost.fold`).

    Raises:
        UnsupportedModelError: If there is nothing to fold.
    """
    if foldable_layers(network):
        return fold_network(deepcopy(network)), {"name": "fold"}
    if ghost_layers(network):
        return fold_ghosts(network)
    raise UnsupportedModelError(f"{type(network).__name__} has nothing to fold: every convolution in it is plain")
