"""How much of a feature map is high frequency, and what a shift does to that.

A shift alone changes phases and no magnitude, so a shifted copy has the spectrum of its source. High frequencies come
where the next convolution combines both: the difference of a map and its shifted copy is a derivative.

Reference: Nie et al., 2021, arXiv:2101.08525 (GhostSR), for the claim.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from upres.lab.inspect.features import visit

CUTOFF = 0.5
"""Frequencies above this share of the highest that a row of pixels can hold are high."""


@dataclass(frozen=True, kw_only=True)
class LayerSpectrum:
    """Shares of high frequency in what a convolution gives, means over its channels."""

    name: str
    features: float
    shifted: float
    """Of the maps moved by one pixel to the side."""
    difference: float
    """Of the maps less their shifted copies."""


def spectra(network: nn.Module, batch: Tensor) -> list[LayerSpectrum]:
    """The spectrum of every convolution of a network on a picture.

    Args:
        network: See `upres.lab.inspect.features.visit`.
        batch: ``(1, C, H, W)``.
    """
    found: list[LayerSpectrum] = []

    def look(name: str, features: Tensor) -> None:
        here, moved = features[..., 1:], features[..., :-1]
        shares = [float(high_share(maps).mean()) for maps in (here, moved, here - moved)]
        found.append(LayerSpectrum(name=name, features=shares[0], shifted=shares[1], difference=shares[2]))

    visit(network, batch, look)
    return found


def high_share(features: Tensor, *, cutoff: float = CUTOFF) -> Tensor:
    """Share of each map's power at high frequencies, ``(C,)``; 0 for a map that is constant.

    Args:
        features: ``(C, H, W)``, looked at as `power_spectrum` does.
        cutoff: Radius in the plane of frequencies, of the highest along an axis.
    """
    power, radius = power_spectrum(features)
    total = power.sum((1, 2))
    high = (power * (radius > cutoff)).sum((1, 2))
    return torch.where(total > 0, high / total.clamp_min(1e-30), torch.zeros_like(total))


def power_spectrum(planes: Tensor) -> tuple[Tensor, Tensor]:
    """Power of each frequency of each plane, and how far that frequency is from 0, of the highest along an axis.

    Args:
        planes: ``(C, H, W)``. Means are taken off and the edges faded (Hann), which would be edges of their own.

    Returns:
        ``(C, H, W)`` and ``(H, W)``.
    """
    height, width = planes.shape[1:]
    window = torch.hann_window(height, periodic=False)[:, None] * torch.hann_window(width, periodic=False)
    centred = planes - (planes * window).sum((1, 2), keepdim=True) / window.sum()
    power = torch.fft.fft2(centred * window).abs().square()
    return power, torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.fftfreq(width)) / 0.5
