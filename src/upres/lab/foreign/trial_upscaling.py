"""Which of several readings of a weight file is right: the one that upscales a test picture best.

Shapes alone cannot tell a 32-filter eSR-MAX of eight channels from an eSR-TM of four at scale 2, or at which scale a
9x9 transposed convolution ran. Run under a wrong reading, though, a trained network mixes up candidates and keys or
lays pixels in the wrong order, and its picture is decibels below bicubic interpolation; run rightly, it is above. So
each reading upscales a synthetic picture and is judged by its gain over bicubic at the reading's own scale, which
makes scales comparable. This is evidence about behaviour and needs neither the file's name nor its provenance.

The large RGB networks are asked something finer, because a reading that is wrong only in its range or in an identity
inside a block can still draw a plausible picture: whether their output, scaled down again, is their input. On a
picture with the spectrum of nature the right reading comes 15 to 25 dB closer to that than a wrong range, and 5 dB
closer than a missing identity whose absence costs 0.1 dB of quality.
"""

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIDE = 96
"""Pixels of the test picture's sides: a multiple of 2, 3 and 4."""
BORDER = 12
"""Pixels left out at each side: networks pad with zeros, interpolation does not."""


@torch.no_grad()
def gain_over_bicubic(network: nn.Module, scale: int) -> float:
    """How many dB closer than bicubic interpolation a network comes to what is asked of it.

    A luma network is asked for the test picture, an RGB network for an output that scales down to its input.

    Returns:
        Decibels; minus infinity where the output is not finite or not ``scale`` times the input.
    """
    if network.color_mode == "rgb":
        return _consistency_gain(network, scale)
    hr = test_picture()
    lr = _resize(hr, SIDE // scale)
    sr = network(lr)
    if sr.shape != hr.shape or not torch.isfinite(sr).all():
        return -torch.inf
    return float(10 * torch.log10(_error(_resize(lr, SIDE), hr) / _error(sr.clamp(0, 1), hr)))


def _consistency_gain(network: nn.Module, scale: int) -> float:
    hr = natural_picture()
    side = hr.shape[-1]
    lr = _resize(hr, side // scale)
    sr = network(lr)
    if sr.shape != hr.shape or not torch.isfinite(sr).all():
        return -torch.inf
    bicubic = _resize(lr, side)
    back, bicubic_back = _resize(sr, side // scale), _resize(bicubic, side // scale)
    border = BORDER // scale
    return float(10 * torch.log10(_error(bicubic_back, lr, border) / _error(back, lr, border)))


@cache
def natural_picture() -> Tensor:
    """An RGB picture ``(1, 3, 144, 144)`` of mid-grey noise whose amplitudes fall with frequency as photographs' do."""
    side = 144
    noise = torch.fft.rfft2(torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(0)))
    frequency = torch.hypot(torch.fft.fftfreq(side)[:, None], torch.fft.rfftfreq(side)[None, :])
    picture: Tensor = torch.fft.irfft2(noise / (frequency + 1 / side) ** 1.4)
    return ((picture - picture.mean()) / picture.std() * 0.1 + 0.5).clamp(0, 1)


@cache
def test_picture() -> Tensor:
    """A luma picture ``(1, 1, SIDE, SIDE)`` of rings, edges at many angles, fine stripes and shades, black to white."""
    axis = torch.linspace(-1, 1, SIDE)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    radius, angle = torch.hypot(x, y), torch.atan2(y, x)
    rings = 0.5 + 0.5 * torch.cos(28 * radius**2)
    star = torch.sigmoid(40 * radius * torch.sin(9 * angle))
    stripes = 0.5 + 0.5 * torch.sin(30 * x + 17 * y)
    shade = 0.5 + 0.5 * x * y
    quadrants = torch.where(x < 0, torch.where(y < 0, rings, star), torch.where(y < 0, stripes, shade))
    disc = torch.sigmoid((0.35 - torch.hypot(x - 0.1, y + 0.05)) * 60)
    return (quadrants * (1 - disc) + disc * (0.85 - 0.8 * star * (radius > 0.2)))[None, None].clamp(0, 1)


def _resize(picture: Tensor, side: int) -> Tensor:
    return F.interpolate(picture, size=(side, side), mode="bicubic", antialias=True)


def _error(sr: Tensor, hr: Tensor, border: int = BORDER) -> Tensor:
    inside = slice(border, -border)
    return (sr - hr)[..., inside, inside].square().mean().clamp_min(1e-10)
