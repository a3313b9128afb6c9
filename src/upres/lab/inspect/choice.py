"""Which candidate an edge-SR network believes where, and how sure it is."""

from dataclasses import dataclass
from math import isqrt

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upres.errors import UnsupportedModelError
from upres.lab.complexity import evaluation_mode
from upres.lab.inspect.spectra import power_spectrum

SURE = 0.9
"""Weight from which on a pixel counts as one candidate's alone."""
BANDS = 8
"""Rings of equal width into which frequencies are parted, up to half a cycle an output pixel."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What was chosen on one picture, at the resolution of the output."""

    values: Tensor
    """The candidates, ``(C, H, W)``."""
    weights: Tensor
    """Of each candidate at each pixel; they add up to 1."""

    @property
    def winners(self) -> Tensor:
        """The candidate with the largest weight, ``(H, W)``."""
        return self.weights.argmax(0)

    def entropy(self) -> Tensor:
        """Bits of doubt at each pixel, ``(H, W)``: 0 where one candidate is believed, 2 where four are alike."""
        return -(self.weights * self.weights.clamp_min(1e-12).log2()).sum(0)


def choice(network: nn.Module, batch: Tensor) -> Choice:
    """What a network chooses on a picture.

    Args:
        network: One that chooses among candidates; left as it was found.
        batch: ``(1, 1, H, W)``.

    Raises:
        UnsupportedModelError: If it is another.
    """
    candidates = getattr(network, "candidates", None)
    if candidates is None:
        raise UnsupportedModelError(f"{type(network).__name__} does not choose among candidates")
    with evaluation_mode(network), torch.no_grad():
        values, scores = candidates(batch)
    if values is scores:  # the largest alone counts
        weights = F.one_hot(scores.argmax(1), scores.shape[1]).movedim(-1, 1).to(scores)
    else:
        weights = scores.softmax(1)
    planes = (F.pixel_shuffle(each[0], isqrt(each.shape[2]))[:, 0].float() for each in (values, weights))
    return Choice(**dict(zip(("values", "weights"), planes, strict=True)))


def power_of_bands(planes: Tensor) -> Tensor:
    """Power of each plane in `BANDS` rings of frequency, ``(C, BANDS)``, corners of the plane in the last one.

    Args:
        planes: ``(C, H, W)``, looked at as `power_spectrum` does.
    """
    power, radius = power_spectrum(planes)
    ring = (radius * BANDS).long().clamp_max(BANDS - 1)
    return torch.zeros(len(planes), BANDS).index_add_(1, ring.flatten(), power.flatten(1))
