"""Real-ESRGAN's discriminator: a U-Net with spectral norm that judges every pixel.

Three convolutions of stride 2 go down to an eighth, three bilinear steps come back, the maps of one size are added, and
three convolutions end in one logit for each pixel: the verdict says where a picture looks made, not only that it does.
Spectral norm keeps it from growing steep, which makes training stable.

Reference: Wang et al., 2021, arXiv:2107.10833, section 3.3; spectral norm of Miyato et al., 2018, arXiv:1802.05957.
There the maps at full size are 64; here any number.
"""

from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

_LEAST_SIDE = 8


class UNetDiscriminator(nn.Module):
    """Logits for every pixel of a picture.

    Args:
        in_channels: Planes of a picture.
        num_channels: Maps at full size.

    Example:
        >>> UNetDiscriminator(num_channels=4)(torch.rand(2, 3, 20, 28)).shape
        torch.Size([2, 1, 20, 28])
    """

    def __init__(self, *, in_channels: int = 3, num_channels: int = 16) -> None:
        super().__init__()
        widths = [num_channels * factor for factor in (1, 2, 4, 8)]
        self.first = nn.Conv2d(in_channels, num_channels, 3, padding=1)
        self.down = nn.ModuleList(_normed(fine, coarse, 4, stride=2) for fine, coarse in pairwise(widths))
        self.up = nn.ModuleList(_normed(coarse, fine, 3) for coarse, fine in pairwise(reversed(widths)))
        self.refine = nn.ModuleList(_normed(num_channels, num_channels, 3) for _ in range(2))
        self.last = nn.Conv2d(num_channels, 1, 3, padding=1)

    def forward(self, picture: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, 1, H, W)``: above 0 where the picture looks true.

        Raises:
            ValueError: If a side is below 8 pixels.
        """
        if min(picture.shape[-2:]) < _LEAST_SIDE:
            raise ValueError(f"the discriminator needs sides of at least {_LEAST_SIDE} pixels, got {[*picture.shape]}")
        x = _active(self.first(picture))
        skips = []
        for layer in self.down:
            skips.append(x)
            x = _active(layer(x))
        for layer, skip in zip(self.up, reversed(skips), strict=True):
            x = _active(layer(F.interpolate(x, size=skip.shape[-2:], mode="bilinear", align_corners=False))) + skip
        for layer in self.refine:
            x = _active(layer(x))
        logits: Tensor = self.last(x)
        return logits


def discriminator(*, in_channels: int, num_channels: int, seed: int) -> UNetDiscriminator:
    """A new one by ``seed``; torch's own generator, which belongs to the run, is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return UNetDiscriminator(in_channels=in_channels, num_channels=num_channels)


def _normed(in_channels: int, out_channels: int, kernel_size: Literal[3, 4], *, stride: int = 1) -> nn.Module:
    layer = nn.Conv2d(in_channels, out_channels, kernel_size, stride=stride, padding=1, bias=False)
    normed: nn.Module = spectral_norm(layer)
    return normed


def _active(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2)
