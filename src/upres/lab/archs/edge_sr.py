"""edge-SR: super-resolution for the masses (Navarrete Michelini, Lu, Jiang; WACV 2022, arXiv:2108.10335).

One convolution makes several candidate pictures at the high resolution and a second group of its channels says which
candidate to believe at each pixel: the maximum of them (eSR-MAX), a softmax over learned keys (eSR-TM), or a softmax
over the product of query and key (eSR-TR). eSR-CNN puts two small convolutions with tanh before the same template
matching. At the cost of one or two filters a pixel they beat bicubic interpolation by one to three decibels.

Differs from the paper: the choice among candidates is made before the pixel shuffle, on ``(N, C, s², H, W)``. The
values are the same and only one plane is shuffled instead of ``C`` to ``3C``. eSR-CNN squares its keys, as the
official code does and the official weights need; the paper's listing does not. Filters start at bicubic interpolation.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upres.lab.blocks.bicubic import phase_filters
from upres.models.card import ColorMode

VALUE_NOISE = 0.02
"""Spread of the noise by which value filters start apart from bicubic, times the kernel size."""

LUMA_GAIN = 0.5
"""How much of the luma eSR-CNN's first feature carries at the start."""


class EdgeSRMax(nn.Module):
    """eSR-MAX: the largest of ``num_channels`` linear upscalings at each pixel.

    Luma ``(N, 1, H, W)`` to ``(N, 1, scale * H, scale * W)``, range 0 to 1, unclamped.
    """

    color_mode: ClassVar[ColorMode] = "luma"
    candidates: ClassVar[tuple[str, int]] = ("filter.weight", 1)
    """The tensor that makes the candidates, and the kinds of maps it makes: values."""

    def __init__(self, *, scale: int = 2, kernel_size: int = 5, num_channels: int = 4) -> None:
        super().__init__()
        self.scale = scale
        self.filter = _filters(scale, kernel_size, num_channels)
        self.reset_parameters()

    @property
    def halo(self) -> int:
        """Low-resolution pixels at each side that an output pixel depends on."""
        return int(self.filter.kernel_size[0]) // 2

    def reset_parameters(self) -> None:
        """Start every channel near bicubic interpolation."""
        _start_at_bicubic(self.filter.weight, self.scale, values=self.filter.out_channels // self.scale**2)

    def forward(self, x: Tensor) -> Tensor:
        """The upscaled luma plane."""
        values = self.filter(x).unflatten(1, (-1, self.scale**2))  # (N, C, s², H, W)
        return F.pixel_shuffle(values.amax(dim=1), self.scale)


class EdgeSRTM(nn.Module):
    """eSR-TM, template matching: ``num_channels`` linear upscalings weighted by the softmax of as many learned keys.

    Luma ``(N, 1, H, W)`` to ``(N, 1, scale * H, scale * W)``, range 0 to 1, unclamped.
    """

    color_mode: ClassVar[ColorMode] = "luma"
    candidates: ClassVar[tuple[str, int]] = ("filter.weight", 2)
    """The tensor that makes the candidates, and the kinds of maps it makes: values and keys."""

    def __init__(self, *, scale: int = 2, kernel_size: int = 5, num_channels: int = 4) -> None:
        super().__init__()
        self.scale = scale
        self.filter = _filters(scale, kernel_size, 2 * num_channels)
        self.reset_parameters()

    @property
    def halo(self) -> int:
        """Low-resolution pixels at each side that an output pixel depends on."""
        return int(self.filter.kernel_size[0]) // 2

    def reset_parameters(self) -> None:
        """Start the values near bicubic interpolation and the keys small and random."""
        _start_at_bicubic(self.filter.weight, self.scale, values=self.filter.out_channels // (2 * self.scale**2))

    def forward(self, x: Tensor) -> Tensor:
        """The upscaled luma plane."""
        values, keys = self.filter(x).unflatten(1, (2, -1, self.scale**2)).unbind(1)  # each (N, C, s², H, W)
        return _weighted(values, keys, self.scale)


class EdgeSRTR(nn.Module):
    """eSR-TR, transformer: the softmax's argument is query times key, element by element.

    Luma ``(N, 1, H, W)`` to ``(N, 1, scale * H, scale * W)``, range 0 to 1, unclamped.
    """

    color_mode: ClassVar[ColorMode] = "luma"
    candidates: ClassVar[tuple[str, int]] = ("filter.weight", 3)
    """The tensor that makes the candidates, and the kinds of maps it makes: values, queries and keys."""

    def __init__(self, *, scale: int = 2, kernel_size: int = 5, num_channels: int = 4) -> None:
        super().__init__()
        self.scale = scale
        self.filter = _filters(scale, kernel_size, 3 * num_channels)
        self.reset_parameters()

    @property
    def halo(self) -> int:
        """Low-resolution pixels at each side that an output pixel depends on."""
        return int(self.filter.kernel_size[0]) // 2

    def reset_parameters(self) -> None:
        """Start the values near bicubic interpolation, queries and keys small and random."""
        _start_at_bicubic(self.filter.weight, self.scale, values=self.filter.out_channels // (3 * self.scale**2))

    def forward(self, x: Tensor) -> Tensor:
        """The upscaled luma plane."""
        values, queries, keys = self.filter(x).unflatten(1, (3, -1, self.scale**2)).unbind(1)
        return _weighted(values, queries * keys, self.scale)


class EdgeSRCNN(nn.Module):
    """eSR-CNN: two small tanh convolutions, then template matching with squared keys.

    Luma ``(N, 1, H, W)`` to ``(N, 1, scale * H, scale * W)``, range 0 to 1, unclamped.

    Args:
        scale: Upscaling factor.
        num_channels: ``C`` candidate pictures.
        num_features: ``D`` channels of the 5x5 convolution.
        num_shrink: ``S`` channels of the 3x3 convolution.
    """

    color_mode: ClassVar[ColorMode] = "luma"
    candidates: ClassVar[tuple[str, int]] = ("filter.4.weight", 2)
    """The tensor that makes the candidates, and the kinds of maps it makes: values and keys."""
    halo: ClassVar[int] = 4
    """Low-resolution pixels at each side that an output pixel depends on."""

    def __init__(self, *, scale: int = 2, num_channels: int = 4, num_features: int = 3, num_shrink: int = 6) -> None:
        super().__init__()
        self.scale = scale
        first = nn.Conv2d(1, num_features, 5, padding=2)
        second = nn.Conv2d(num_features, num_shrink, 3, padding=1)
        last = nn.Conv2d(num_shrink, 2 * num_channels * scale**2, 3, padding=1, bias=False)
        self.filter = nn.Sequential(first, nn.Tanh(), second, nn.Tanh(), last)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Start near bicubic interpolation, with features that tell edges from flat areas.

        One channel carries half of the luma, moved to where tanh is all but linear. The others are compact filters
        without a mean, so strong that faint edges drive tanh to its ends and tell directions apart: weak features stay
        linear in the pixels for good, and carry nothing that the first channel does not. After 2000 steps norms of 6
        and 16 are 0.13 dB better than 2 and 4; from 24 on training fails. What comes of them counts little at first.
        """
        first, second, last = (layer for layer in self.filter if isinstance(layer, nn.Conv2d))
        _compact_noise(first.weight, norm=6.0, without_mean=slice(None))
        _compact_noise(second.weight, norm=16.0, without_mean=slice(1))
        half = LUMA_GAIN / 2
        for layer, gain, bias, spread in ((first, LUMA_GAIN, -half, 0.0), (second, 1.0, half, 0.2)):
            layer.weight[0].zero_()
            layer.weight[0, 0, layer.kernel_size[0] // 2, layer.kernel_size[1] // 2] = gain
            assert layer.bias is not None
            nn.init.normal_(layer.bias, std=spread)
            layer.bias[0] = bias
        nn.init.xavier_uniform_(last.weight)
        values, keys = torch.unflatten(last.weight, 0, (2, -1, self.scale**2))  # each (C, s², S, 3, 3)
        keys *= 0.5
        values *= 0.02
        values[:, :, 0] += phase_filters(self.scale, 3)[:, 0] / LUMA_GAIN

    def forward(self, x: Tensor) -> Tensor:
        """The upscaled luma plane."""
        values, keys = self.filter(x).unflatten(1, (2, -1, self.scale**2)).unbind(1)
        return _weighted(values, keys.square(), self.scale)


def _filters(scale: int, kernel_size: int, num_channels: int) -> nn.Conv2d:
    if kernel_size % 2 == 0:
        raise ValueError(f"kernel_size must be odd, got {kernel_size}")
    return nn.Conv2d(1, num_channels * scale**2, kernel_size, padding=kernel_size // 2, bias=False)


def _weighted(values: Tensor, keys: Tensor, scale: int) -> Tensor:
    """Sum of the values weighted by the softmax of the keys over the channels, shuffled to one plane."""
    return F.pixel_shuffle((values * keys.softmax(dim=1)).sum(dim=1), scale)


@torch.no_grad()
def _compact_noise(weight: Tensor, *, norm: float, without_mean: slice) -> None:
    """Fill filters with noise that fades from the middle, each of length ``norm``.

    Args:
        weight: ``(N, C, K, K)``, changed in place.
        norm: Root of the sum of squares of each of the ``N`` filters.
        without_mean: Of the ``C`` inputs those whose part sums to nothing: those that carry the luma.
    """
    taps = torch.arange(weight.shape[-1]) - weight.shape[-1] // 2
    bell = torch.exp(-taps.square() / 2)
    window = bell[:, None] * bell
    nn.init.normal_(weight)
    weight *= window
    part = weight[:, without_mean]
    part -= window / window.sum() * part.sum((-2, -1), keepdim=True)
    weight *= norm / weight.flatten(1).norm(dim=1).view(-1, 1, 1, 1)


@torch.no_grad()
def _start_at_bicubic(weight: Tensor, scale: int, *, values: int) -> None:
    """Fill the first ``values`` channels with bicubic filters and a little noise, the others with noise alone."""
    kernel_size = weight.shape[-1]
    channels = torch.unflatten(weight, 0, (-1, scale**2))  # (kC, s², 1, K, K)
    nn.init.normal_(weight, std=1.0 / kernel_size)
    channels[:values] *= VALUE_NOISE
    channels[:values] += phase_filters(scale, kernel_size)
