"""LWFANet: the Just Try team's entry to NTIRE 2022 (Li et al., 2022, arXiv:2205.05675, section 4).

Each block looks at its input through four branches of one to four 3x3 convolutions and adds up three weighted copies:
the branches by channel, the branches by place, the input by place. Features are enlarged by nearest neighbours with a
convolution after each step; the challenge's network enlarges twice by 2, scales 2 and 3 here take one step.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upres.lab.blocks.conv import bias_free_conv, same_conv
from upres.models.card import ColorMode

SLOPE = 0.2


class ChannelAttention(nn.Module):
    """Weights per channel from the mean and the maximum of each map, by one shared bottleneck without biases."""

    def __init__(self, *, num_channels: int, reduction: int) -> None:
        super().__init__()
        self.bottleneck = nn.Sequential(
            bias_free_conv(num_channels, num_channels // reduction, 1),
            nn.ReLU(),
            bias_free_conv(num_channels // reduction, num_channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Weights in (0, 1), ``(N, C, 1, 1)``."""
        mean, peak = x.mean((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
        return torch.sigmoid(self.bottleneck(mean) + self.bottleneck(peak))


class LWFA(nn.Module):
    """Lightweight feature aggregation: four branches of growing depth and three attentions."""

    def __init__(self, *, num_channels: int, reduction: int = 16) -> None:
        super().__init__()
        width = num_channels // 4
        self.branches = nn.ModuleList(self._branch(num_channels, width, depth) for depth in (1, 2, 3, 4))
        self.channel = ChannelAttention(num_channels=num_channels, reduction=reduction)
        self.place_out = same_conv(num_channels, 1, 1)
        self.place_in = same_conv(num_channels, 1, 1)

    @staticmethod
    def _branch(num_channels: int, width: int, depth: int) -> nn.Sequential:
        layers = [same_conv(num_channels, width, 1), *(same_conv(width, width, 3) for _ in range(depth))]
        return nn.Sequential(*(module for layer in layers for module in (layer, nn.LeakyReLU(SLOPE))))

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)``."""
        out = torch.cat([branch(x) for branch in self.branches], dim=1)
        weight = self.channel(out) + torch.sigmoid(self.place_out(out))
        result: Tensor = out * weight + x * torch.sigmoid(self.place_in(x))
        return result


class LWFANet(nn.Module):
    """Lightweight feature aggregation network.

    Args:
        scale: How many times larger the output is: 2 or 3 in one step, 4 in two.
        num_channels: Maps between blocks.
        num_blocks: Blocks.
        tail_channels: Maps while the picture is enlarged.
        value_range: White inside the network.

    Example:
        >>> LWFANet(scale=4, num_blocks=1)(torch.rand(1, 3, 8, 12)).shape
        torch.Size([1, 3, 32, 48])
    """

    color_mode: ColorMode = "rgb"
    min_size = 1

    def __init__(
        self,
        *,
        scale: int,
        num_channels: int = 96,
        num_blocks: int = 10,
        tail_channels: int = 64,
        value_range: float = 1.0,
    ) -> None:
        super().__init__()
        self.scale, self.value_range = scale, value_range
        self.steps = [2, 2] if scale == 4 else [scale]
        self.head = same_conv(3, num_channels, 3)
        self.blocks = nn.Sequential(*(LWFA(num_channels=num_channels) for _ in range(num_blocks)))
        self.body_conv = same_conv(num_channels, num_channels, 3)
        self.narrow = same_conv(num_channels, tail_channels, 1)
        self.enlarge = nn.ModuleList(same_conv(tail_channels, tail_channels, 3) for _ in self.steps)
        self.refine = same_conv(tail_channels, tail_channels, 3)
        self.act = nn.LeakyReLU(SLOPE)
        self.tail = same_conv(tail_channels, 3, 3)

    @property
    def halo(self) -> int | None:
        """``None``: channel attention sees the whole picture."""
        return None

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``, both in [0, 1]."""
        shallow = self.head(x * self.value_range)
        features = self.narrow(self.body_conv(self.blocks(shallow)) + shallow)
        for step, conv in zip(self.steps, self.enlarge, strict=True):
            features = self.act(conv(F.interpolate(features, scale_factor=step, mode="nearest")))
        sr: Tensor = self.tail(self.act(self.refine(features)))
        return sr / self.value_range
