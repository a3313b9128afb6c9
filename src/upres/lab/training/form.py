"""The form in which a network is trained: the same function, in coordinates that learn faster.

**Slow means.** Pictures are bright and locally flat, so a filter's mean moves the output ten times as much as any
detail of its shape does: under Adam, whose steps are of one size, the jitter of the means drowns what the details gain.
Learned more slowly, they leave room for high rates.

**Shared orbits**, for networks of one layer. The ``s²`` sub-positions of a pixel shuffle are independent problems, and
pictures look alike mirrored or turned, so the best filters of mirrored sub-positions are mirrored filters. Sharing
them through the eight symmetries of the square leaves 1 of 4 sub-positions to learn at x2, 3 of 9 at x3 and 3 of 16 at
x4: each step sees that many times more pixels a filter. At x2 and x4, where no sub-position lies on an axis, the
network then commutes exactly with flips.

**Offsets** of ghosts (`upres.lab.compress.ghost`) have scores that are trained and not kept.

**Expanded convolutions** of re-parameterisable networks (`upres.lab.blocks.reparam`) are the architecture's own.

`plain` gives the ordinary network back, `deployable` the one that is used, its expanded convolutions folded.
"""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from upres.lab.checkpoint import build
from upres.lab.compress.fold import fold, foldable_layers
from upres.lab.compress.ghost.layer import learn_offsets
from upres.lab.training.recipe import Recipe
from upres.models.card import ModelSpec

MEAN_GAIN = 0.1
"""How much more slowly a filter's mean is learned than its shape."""

KEY_GAIN = 30.0
"""Keys are learned divided by this: they grow to tens while values stay near one."""


class SlowMeans(nn.Module):
    """Filters from their slow-mean coordinates; means are over the last two dimensions."""

    def forward(self, coordinates: Tensor) -> Tensor:
        """The filters."""
        return coordinates - (1 - MEAN_GAIN) * coordinates.mean((-2, -1), keepdim=True)

    def right_inverse(self, filters: Tensor) -> Tensor:
        """The coordinates of filters."""
        return filters + (1 / MEAN_GAIN - 1) * filters.mean((-2, -1), keepdim=True)


class SharedOrbits(nn.Module):
    """Filters of all sub-positions from those of one representative an orbit.

    Args:
        scale: Factor of the pixel shuffle.
        kernel_size: Side of the filters.
        gains: ``(M,)`` what each of the ``M`` channels is multiplied by.
    """

    index: Tensor
    gains: Tensor

    def __init__(self, scale: int, kernel_size: int, gains: Tensor) -> None:
        super().__init__()
        self.scale, self.kernel_size = scale, kernel_size
        self.representatives, index = _orbits(scale, kernel_size)
        self.register_buffer("index", index, persistent=False)
        self.register_buffer("gains", gains.view(-1, 1, 1, 1), persistent=False)

    def forward(self, orbits: Tensor) -> Tensor:
        """``(M, R, K, K)`` filters of the representatives to ``(M * scale², 1, K, K)`` of all sub-positions."""
        full = (orbits * self.gains).flatten(1)[:, self.index]  # (M, s², K²)
        return full.reshape(-1, 1, self.kernel_size, self.kernel_size)

    def right_inverse(self, weight: Tensor) -> Tensor:
        """The representatives' filters of a full weight."""
        filters = weight.reshape(-1, self.scale**2, self.kernel_size, self.kernel_size)
        return filters[:, self.representatives] / self.gains


def slow_means(network: nn.Module) -> nn.Module:
    """The network with every spatial convolution in slow-mean coordinates, in place."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and layer.kernel_size != (1, 1):
            filters = layer.weight.detach().clone()
            parametrize.register_parametrization(layer, "weight", SlowMeans())
            layer.weight = filters  # a second parametrisation does not by itself keep the value
    return network


def share_orbits(network: nn.Module, *, num_channels: int) -> nn.Module:
    """The network with its one layer's filters shared among symmetric sub-positions, in place.

    Args:
        network: eSR-MAX, eSR-TM or eSR-TR.
        num_channels: Its ``C``: the first so many channels are values, the others queries and keys.

    Raises:
        ValueError: If it is not a network of one layer called ``filter``.
    """
    layer, scale = getattr(network, "filter", None), network.scale
    if not isinstance(layer, nn.Conv2d) or not isinstance(scale, int):
        raise ValueError(f"only one-layer networks have free sub-positions, not {type(network).__name__}")
    gains = torch.full((layer.out_channels // scale**2,), KEY_GAIN)
    gains[:num_channels] = 1.0
    parametrize.register_parametrization(layer, "weight", SharedOrbits(scale, layer.kernel_size[0], gains))
    return network


def training_form(network: nn.Module, recipe: Recipe, spec: ModelSpec) -> nn.Module:
    """An ordinary network of a spec, in place in the form in which a recipe trains it."""
    if recipe.share_orbits:
        share_orbits(network, num_channels=spec.arguments["num_channels"])
    learn_offsets(network)
    return slow_means(network) if recipe.slow_means else network


def plain(network: nn.Module, spec: ModelSpec) -> nn.Module:
    """A new network of this spec that computes what the one in training form does."""
    result = build(spec)
    with torch.no_grad():
        result.load_state_dict({name: _find(network, name) for name in result.state_dict()})
    return result


def is_expanded(network: nn.Module) -> bool:
    """Whether a network holds convolutions that are folded for use."""
    return bool(foldable_layers(network))


def deployable(network: nn.Module, spec: ModelSpec) -> tuple[nn.Module, ModelSpec]:
    """The network as it is used, and its spec.

    Args:
        network: An ordinary one; left as it is.
        spec: Its own.

    Returns:
        A folded copy and a spec that says so; the network itself in evaluation mode where there is nothing to fold.
    """
    network.eval()
    if not is_expanded(network):
        return network, spec
    folded, step = fold(network)
    return folded, replace(spec, transforms=(*spec.transforms, step))


def _find(network: nn.Module, name: str) -> Tensor:
    *modules, tensor = name.split(".")
    found = getattr(network.get_submodule(".".join(modules)), tensor)
    assert isinstance(found, Tensor)
    return found


def _orbits(scale: int, kernel_size: int) -> tuple[list[int], Tensor]:
    """Representative sub-positions, and for every sub-position's taps their place in the flattened representatives."""
    positions = torch.arange(scale**2).reshape(scale, scale)
    taps = torch.arange(kernel_size**2).reshape(kernel_size, kernel_size)
    representatives: list[int] = []
    index = torch.full((scale**2, kernel_size**2), -1)
    for position in range(scale**2):
        if index[position, 0] >= 0:
            continue
        offset = len(representatives) * kernel_size**2
        representatives.append(position)
        for moved, kernel in zip(_symmetries(positions), _symmetries(taps), strict=True):
            image = int((moved == position).nonzero()[0] @ torch.tensor([scale, 1]))
            if index[image, 0] < 0:
                index[image] = offset + kernel.flatten()
    return representatives, index


def _symmetries(square: Tensor) -> list[Tensor]:
    """A square array under its eight symmetries, the flips first so that they are used wherever they suffice."""
    flips = [square, square.flip(0), square.flip(1), square.flip(0, 1)]
    return flips + [flip.T for flip in flips]
