"""NAFNet: restoration without activations (Chen et al., 2022, arXiv:2204.04676).

A U-Net of blocks in which a product of two halves of the maps stands for activation and gate, and a mean over the
picture for attention. Nothing differs from the published code.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from upres.lab.blocks.conv import bias_free_conv, same_conv
from upres.lab.blocks.restoring import require_restoring
from upres.models.card import ColorMode, Task

_EPSILON = 1e-6


class MapNorm(nn.Module):
    """Every pixel's maps brought to mean 0 and variance 1, scaled and shifted map by map (layer normalisation)."""

    def __init__(self, num_channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(num_channels))
        self.bias = nn.Parameter(torch.zeros(num_channels))

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)``."""
        centred = x - x.mean(1, keepdim=True)
        normal = centred * torch.rsqrt(centred.square().mean(1, keepdim=True) + _EPSILON)
        return normal * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


class NAFBlock(nn.Module):
    """Two residual steps: a depthwise one with attention over the picture, and a pointwise one.

    Reference: section 3.3, figure 3.
    """

    def __init__(self, num_channels: int) -> None:
        super().__init__()
        twice = 2 * num_channels
        self.norm1 = MapNorm(num_channels)
        self.expand1 = same_conv(num_channels, twice, 1)
        self.depthwise = same_conv(twice, twice, 3, groups=twice)
        self.attention = same_conv(num_channels, num_channels, 1)
        self.project1 = same_conv(num_channels, num_channels, 1)
        self.norm2 = MapNorm(num_channels)
        self.expand2 = same_conv(num_channels, twice, 1)
        self.project2 = same_conv(num_channels, num_channels, 1)
        self.beta = nn.Parameter(torch.zeros(1, num_channels, 1, 1))
        self.gamma = nn.Parameter(torch.zeros(1, num_channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)``."""
        gated = _gate(self.depthwise(self.expand1(self.norm1(x))))
        gated = gated * self.attention(gated.mean((2, 3), keepdim=True))
        middle = x + self.project1(gated) * self.beta
        out: Tensor = middle + self.project2(_gate(self.expand2(self.norm2(middle)))) * self.gamma
        return out


class NAFNet(nn.Module):
    """U-Net of blocks without activations; the defaults are the network of width 32 for denoising.

    The attention takes means of the whole picture.

    Args:
        scale: 1: the picture keeps its size.
        task: What it is trained for: ``denoise``, ``deblock`` or ``enhance``.
        num_channels: Maps at full size; they double where the size halves.
        encoder_blocks: Blocks before each halving.
        middle_blocks: Blocks at the smallest size.
        decoder_blocks: Blocks after each doubling, smallest size first; as many entries as ``encoder_blocks``.

    Raises:
        ValueError: If the scale is not 1, the task is ``upscale``, or the numbers of entries differ.

    Example:
        >>> small = NAFNet(scale=1, num_channels=4, encoder_blocks=(1,), middle_blocks=1, decoder_blocks=(1,))
        >>> small(torch.rand(1, 3, 8, 12)).shape
        torch.Size([1, 3, 8, 12])
    """

    color_mode: ColorMode = "rgb"
    halo: int | None = None

    def __init__(
        self,
        *,
        scale: int,
        task: Task = "denoise",
        num_channels: int = 32,
        encoder_blocks: Sequence[int] = (2, 2, 4, 8),
        middle_blocks: int = 12,
        decoder_blocks: Sequence[int] = (2, 2, 2, 2),
    ) -> None:
        super().__init__()
        require_restoring("NAFNet", scale, task)
        if len(encoder_blocks) != len(decoder_blocks):
            raise ValueError(f"expected as many decoders as encoders, got {len(decoder_blocks)}, {len(encoder_blocks)}")
        self.scale, self.task = scale, task
        self.multiple_of = self.min_size = 2 ** len(encoder_blocks)
        widths = [num_channels * 2**level for level in range(len(encoder_blocks) + 1)]
        self.head = same_conv(3, num_channels, 3)
        self.encoders = nn.ModuleList(_blocks(*each) for each in zip(widths, encoder_blocks, strict=False))
        self.downs = nn.ModuleList(nn.Conv2d(width, 2 * width, 2, stride=2) for width in widths[:-1])
        self.middle = _blocks(widths[-1], middle_blocks)
        deepest_first = widths[:0:-1]
        self.ups = nn.ModuleList(
            nn.Sequential(bias_free_conv(width, 2 * width, 1), nn.PixelShuffle(2)) for width in deepest_first
        )
        self.decoders = nn.ModuleList(
            _blocks(width // 2, count) for width, count in zip(deepest_first, decoder_blocks, strict=True)
        )
        self.tail = same_conv(num_channels, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` in [0, 1], sides multiples of `multiple_of`; the same shape comes back."""
        features, kept = self.head(x), list[Tensor]()
        for encoder, down in zip(self.encoders, self.downs, strict=True):
            kept.append(encoder(features))
            features = down(kept[-1])
        features = self.middle(features)
        for up, decoder in zip(self.ups, self.decoders, strict=True):
            features = decoder(up(features) + kept.pop())
        restored: Tensor = x + self.tail(features)
        return restored


def _blocks(num_channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(NAFBlock(num_channels) for _ in range(count)))


def _gate(x: Tensor) -> Tensor:
    first, second = x.chunk(2, 1)
    return first * second
