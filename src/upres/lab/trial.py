"""Which of several readings of a weight file is right: the one that upscales a test picture best.

Shapes alone cannot tell a 32-filter eSR-MAX of eight channels from an eSR-TM of four at scale 2, or at which scale a
9x9 transposed convolution ran. Run under a wrong reading, though, a trained network mixes up candidates and keys or
lays pixels in the wrong order, and its picture is decibels below bicubic interpolation; run rightly, it is above. So
each reading upscales a synthetic picture and is judged by its gain over bicubic at the reading's own scale, which
makes scales comparable. This is evidence about behaviour and needs neither the file's name nor its provenance.
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
    """How many dB closer than bicubic interpolation a luma or RGB network comes to the test picture.

    Returns:
        Decibels; minus infinity where the output is not finite or not ``scale`` times the input.
    """
    hr = test_picture()
    lr = _resize(hr, SIDE // scale)
    channels = 1 if network.color_mode == "luma" else 3
    sr = network(lr.expand(1, channels, -1, -1)).mean(dim=1, keepdim=True)
    if sr.shape != hr.shape or not torch.isfinite(sr).all():
        return -torch.inf
    return float(10 * torch.log10(_error(_resize(lr, SIDE), hr) / _error(sr.clamp(0, 1), hr)))


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


def _error(sr: Tensor, hr: Tensor) -> Tensor:
    inside = slice(BORDER, -BORDER)
    return (sr - hr)[..., inside, inside].square().mean().clamp_min(1e-10)
