"""Channels that fade while a network trains and are cut out afterwards: SRP's growing regularisation.

The filters and biases that make channels which are to go get an L2 penalty whose factor grows step by step, so that
the network learns to do without them before they are gone. In layers that are added up the same channels go.

Reference: Zhang et al., 2022, ICLR (SRP, "Learning Efficient Image Super-Resolution Networks via Structure-Regularized
Pruning"), section 3; the aligned channels are drawn at random there, too.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from upres.lab.compress.prune.choice import superfluous
from upres.lab.compress.prune.importance import Pairs
from upres.lab.compress.prune.operation import require_plain
from upres.lab.compress.prune.surgery import take_away
from upres.lab.compress.wiring import Wiring, wiring_of
from upres.lab.training.recipe import Shrink


class Fading:
    """The channels of a network that are on their way out.

    Args:
        network: An ordinary one; left as it is.
        shrink: How their penalty grows.
        wiring: That of the network.
        classes: Those of its wiring that go.
    """

    def __init__(self, network: nn.Module, shrink: Shrink, *, wiring: Wiring, classes: Iterable[int]) -> None:
        self.shrink, self.classes, self._wiring = shrink, frozenset(classes), wiring
        self._places = dict(self._filters(network))

    @classmethod
    def chosen(cls, network: nn.Module, shrink: Shrink, pairs: Pairs) -> "Fading":
        """What a stage shrinks by.

        Args:
            network: As it is when the stage begins.
            shrink: Which channels go.
            pairs: Crops to measure on, where ``shrink.importance`` is ``taylor``.

        Raises:
            UnsupportedModelError: If no channel can go, or convolutions are to be folded first.
            ValueError: If the choice is out of range.
        """
        require_plain(network)
        wiring = wiring_of(network)
        return cls(network, shrink, wiring=wiring, classes=superfluous(network, wiring, shrink.choice(), pairs=pairs))

    @classmethod
    def resumed(cls, network: nn.Module, shrink: Shrink, classes: Iterable[int]) -> "Fading | None":
        """What a stage goes on to shrink by, from the classes that were chosen; ``None`` where none were."""
        known = tuple(classes)
        return cls(network, shrink, wiring=wiring_of(network), classes=known) if known else None

    @torch.no_grad()
    def press(self, network: nn.Module, step: int) -> None:
        """Add the penalty's gradient to those of a network in training form, at a step of the stage (from 0)."""
        for name, parameter in network.named_parameters():
            dimension, places = self._places.get(_plain_name(name), (0, None))
            if places is None or parameter.grad is None:
                continue
            weights = parameter.index_select(dimension, places.to(parameter.device))
            parameter.grad.index_add_(dimension, places.to(parameter.device), weights, alpha=self.shrink.factor(step))

    def cut(self, network: nn.Module) -> tuple[nn.Module, Mapping[str, Any]]:
        """A copy of an ordinary network without these channels, and the step that its card gains."""
        result = deepcopy(network)
        return result, {"name": "prune", "layers": take_away(result, self._wiring, self.classes)}

    def _filters(self, network: nn.Module) -> Iterable[tuple[str, tuple[int, Tensor]]]:
        """Weights and biases that make channels which go, with the dimension and the places of these."""
        for name, classes in self._wiring.outputs.items():
            places = torch.tensor([place for place, number in enumerate(classes) if number in self.classes])
            if len(places):
                transposed = isinstance(network.get_submodule(name), nn.ConvTranspose2d)
                yield f"{name}.weight", (int(transposed), places)
                yield f"{name}.bias", (0, places)


def _plain_name(name: str) -> str:
    """A parameter's name in an ordinary network: that of its slow-mean coordinates is longer."""
    return name.replace(".parametrizations.", ".").removesuffix(".original")
