"""MobileSR: NJUST_ESR's entry to NTIRE 2022 (Li et al., 2022, arXiv:2205.05675, section 4).

Attention inside 8x8 windows alternates with inverted residual blocks; a depthwise convolution before each attention
tells it where it is, so windows need neither shifts nor position tables. The enlarged picture is added at the end.
The challenge's network enlarges twice by 2; scales 2 and 3 take one step.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upres.lab.blocks.conv import same_conv
from upres.models.card import ColorMode

SLOPE = 0.2


class WindowAttention(nn.Module):
    """Multi-head self-attention inside windows anchored at the top-left corner.

    The last windows of a row or column are filled up with zeros.
    """

    def __init__(self, *, num_channels: int, num_heads: int, window_size: int) -> None:
        super().__init__()
        self.num_heads, self.window_size = num_heads, window_size
        self.qkv = nn.Linear(num_channels, 3 * num_channels, bias=False)
        self.project = nn.Linear(num_channels, num_channels)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, H, W, C)`` to the same."""
        batch, height, width, channels = x.shape
        size = self.window_size
        x = F.pad(x, (0, 0, 0, -width % size, 0, -height % size))
        rows, columns = x.shape[1] // size, x.shape[2] // size
        x = x.reshape(batch, rows, size, columns, size, channels).transpose(2, 3)
        x = x.reshape(batch * rows * columns, size**2, channels)
        qkv = self.qkv(x).reshape(-1, size**2, 3, self.num_heads, channels // self.num_heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each (windows, heads, tokens, channels / heads)
        weights = torch.softmax(query @ key.transpose(-1, -2) * (channels // self.num_heads) ** -0.5, dim=-1)
        x = self.project((weights @ value).transpose(1, 2).reshape(-1, size**2, channels))
        x = x.reshape(batch, rows, columns, size, size, channels).transpose(2, 3)
        merged: Tensor = x.reshape(batch, rows * size, columns * size, channels)
        return merged[:, :height, :width]


class Transformer(nn.Module):
    """Depthwise position code, window attention and a two-layer perceptron, an identity round each."""

    def __init__(self, *, num_channels: int, num_heads: int, window_size: int, ratio: int) -> None:
        super().__init__()
        self.position = same_conv(num_channels, num_channels, 3, groups=num_channels)
        self.norm1 = nn.LayerNorm(num_channels)
        self.attention = WindowAttention(num_channels=num_channels, num_heads=num_heads, window_size=window_size)
        self.norm2 = nn.LayerNorm(num_channels)
        self.mlp = nn.Sequential(
            nn.Linear(num_channels, num_channels * ratio), nn.GELU(), nn.Linear(num_channels * ratio, num_channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)``."""
        tokens: Tensor = (x + self.position(x)).permute(0, 2, 3, 1)
        tokens = tokens + self.attention(self.norm1(tokens))
        tokens = tokens + self.mlp(self.norm2(tokens))
        return tokens.permute(0, 3, 1, 2)


class InvertedResidual(nn.Module):
    """1x1 out to a wider space, depthwise 3x3 there, 1x1 back, and an identity."""

    def __init__(self, *, num_channels: int, ratio: int) -> None:
        super().__init__()
        wide = num_channels * ratio
        self.body = nn.Sequential(
            same_conv(num_channels, wide, 1),
            nn.LeakyReLU(SLOPE),
            same_conv(wide, wide, 3, groups=wide),
            nn.LeakyReLU(SLOPE),
            same_conv(wide, num_channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)``."""
        residual: Tensor = self.body(x)
        return residual + x


class MobileSR(nn.Module):
    """Window attention and inverted residuals in turn.

    Args:
        scale: How many times larger the output is: 2 or 3 in one step, 4 in two.
        num_channels: Maps, a multiple of ``num_heads``.
        num_heads: Attention heads.
        ratios: How much wider the inside of each pair of blocks is; one number a pair.
        window_size: Side of a window, pixels.
        value_range: White inside the network.

    Example:
        >>> MobileSR(scale=4)(torch.rand(1, 3, 8, 12)).shape
        torch.Size([1, 3, 32, 48])
    """

    color_mode: ColorMode = "rgb"
    min_size = 1

    def __init__(
        self,
        *,
        scale: int,
        num_channels: int = 40,
        num_heads: int = 8,
        ratios: Sequence[int] = (4, 2, 2, 2, 4),
        window_size: int = 8,
        value_range: float = 1.0,
    ) -> None:
        super().__init__()
        self.scale, self.value_range = scale, value_range
        self.head = same_conv(3, num_channels, 3)
        self.blocks = nn.Sequential()
        for ratio in ratios:
            self.blocks.append(
                Transformer(num_channels=num_channels, num_heads=num_heads, window_size=window_size, ratio=ratio)
            )
            self.blocks.append(InvertedResidual(num_channels=num_channels, ratio=ratio))
        self.fusion = same_conv(2 * num_channels, num_channels, 3)
        self.upsampler = nn.Sequential()
        for step in [2, 2] if scale == 4 else [scale]:
            self.upsampler.append(same_conv(num_channels, num_channels * step**2, 1))
            self.upsampler.append(nn.PixelShuffle(step))
        self.act = nn.LeakyReLU(SLOPE)
        self.tail = same_conv(num_channels, 3, 3)

    @property
    def halo(self) -> int | None:
        """``None``: what a pixel sees depends on where the windows begin."""
        return None

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``, both in [0, 1]."""
        x = x * self.value_range
        shallow = self.head(x)
        features = self.upsampler(self.fusion(torch.cat((shallow, self.blocks(shallow)), dim=1)))
        residual: Tensor = self.tail(self.act(features))
        enlarged = F.interpolate(x, scale_factor=self.scale, mode="bilinear", align_corners=False)
        return (residual + enlarged) / self.value_range
