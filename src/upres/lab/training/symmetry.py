"""Train one-layer networks on what is really free in them.

The ``s²`` sub-positions of a pixel shuffle are independent problems, and pictures look alike mirrored or turned, so the
best filters of mirrored sub-positions are mirrored filters. Sharing them through the eight symmetries of the square
leaves 1 of 4 sub-positions to learn at x2, 3 of 9 at x3 and 3 of 16 at x4: each step sees that many times more pixels
a filter, and nothing is lost. At x2 and x4, where no sub-position lies on an axis, the network commutes exactly with
flips. `plain` gives the ordinary network back.
"""

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

KEY_GAIN = 10.0
"""Keys are learned divided by this: they grow to tens while values stay near one, and Adam's steps know no scale."""


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
        self.register_buffer("gains", gains.view(-1, 1, 1), persistent=False)

    def forward(self, orbits: Tensor) -> Tensor:
        """``(M, R, K * K)`` filters of the representatives to ``(M * scale², 1, K, K)`` of all sub-positions."""
        full = (orbits * self.gains).flatten(1)[:, self.index]  # (M, s², K²)
        return full.reshape(-1, 1, self.kernel_size, self.kernel_size)

    def right_inverse(self, weight: Tensor) -> Tensor:
        """The representatives' filters of a full weight."""
        filters = weight.reshape(-1, self.scale**2, self.kernel_size**2)
        return filters[:, self.representatives] / self.gains


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


def plain(network: nn.Module) -> nn.Module:
    """A copy without shared filters; any other network is copied as it is."""
    result = copy.deepcopy(network)
    layer = getattr(result, "filter", None)
    if isinstance(layer, nn.Module) and parametrize.is_parametrized(layer):
        parametrize.remove_parametrizations(layer, "weight")
    return result


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
