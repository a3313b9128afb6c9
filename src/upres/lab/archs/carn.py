"""CARN: Cascading Residual Network (Ahn et al., 2018, arXiv:1803.08664), and its mobile form CARN_M.

Everything computed so far is concatenated and fused by a 1x1 convolution after every residual block and, one level up,
after every block of them: a cascade inside a cascade. CARN_M groups its convolutions by four and shares one residual
block between the three places of a cascade.

Follows the published code where the paper is silent: inside a block the next concatenation grows the previous
*concatenation*, not the fused map; a ReLU stands before each pixel shuffle; there is no global skip. One published
file holds the heads of all scales; here a network has the head of its own scale.
"""

import torch
from torch import Tensor, nn

from upres.lab.blocks.conv import RgbMean, same_conv
from upres.lab.blocks.upsample import staged_upsampler
from upres.models.card import ColorMode

CASCADE = 3
"""Blocks in a cascade, and cascades in the network."""


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions and an identity; the efficient form is grouped and ends in a 1x1."""

    def __init__(self, *, num_channels: int, groups: int, efficient: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            same_conv(num_channels, num_channels, 3, groups=groups),
            nn.ReLU(),
            same_conv(num_channels, num_channels, 3, groups=groups),
        ]
        if efficient:
            layers += [nn.ReLU(), same_conv(num_channels, num_channels, 1)]
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)``, not negative."""
        return torch.relu(self.body(x) + x)


class Cascade(nn.Module):
    """Blocks in a row, a 1x1 fusion of everything so far after each.

    Args:
        blocks: The blocks; the same one may stand at every place.
        num_channels: Maps in and out.
    """

    def __init__(self, blocks: list[nn.Module], *, num_channels: int) -> None:
        super().__init__()
        self.shared = len({id(block) for block in blocks}) == 1
        self.blocks = nn.ModuleList(blocks[:1] if self.shared else blocks)
        self.fusions = nn.ModuleList(
            nn.Sequential(same_conv(num_channels * (place + 2), num_channels, 1), nn.ReLU())
            for place in range(len(blocks))
        )

    def forward(self, x: Tensor) -> Tensor:
        """The last fusion, ``(N, C, H, W)``, not negative."""
        features = everything = x
        for place, fusion in enumerate(self.fusions):
            block = self.blocks[0 if self.shared else place]
            everything = torch.cat((everything, block(features)), dim=1)
            features = fusion(everything)
        return features


class CARN(nn.Module):
    """Cascading residual network, or with ``efficient`` and ``groups=4`` CARN_M.

    Args:
        scale: How many times larger the output is.
        num_channels: Maps everywhere.
        groups: Groups of the convolutions in residual blocks and upsampler.
        efficient: A third, 1x1 convolution in each residual block.
        shared: One residual block at all three places of a cascade.
        value_range: White inside the network.

    Example:
        >>> CARN(scale=3)(torch.rand(1, 3, 8, 12)).shape
        torch.Size([1, 3, 24, 36])
    """

    color_mode: ColorMode = "rgb"
    min_size = 1

    def __init__(
        self,
        *,
        scale: int,
        num_channels: int = 64,
        groups: int = 1,
        efficient: bool = False,
        shared: bool = False,
        value_range: float = 1.0,
    ) -> None:
        super().__init__()
        self.scale, self.value_range = scale, value_range

        def residual_blocks() -> list[nn.Module]:
            def make() -> nn.Module:
                return ResidualBlock(num_channels=num_channels, groups=groups, efficient=efficient)

            return [make()] * CASCADE if shared else [make() for _ in range(CASCADE)]

        self.mean = RgbMean(value_range=value_range)
        self.head = same_conv(3, num_channels, 3)
        self.body = Cascade(
            [Cascade(residual_blocks(), num_channels=num_channels) for _ in range(CASCADE)], num_channels=num_channels
        )
        self.upsampler = staged_upsampler(num_channels, scale, groups=groups, activation=True)
        self.tail = same_conv(num_channels, 3, 3)

    @property
    def halo(self) -> int | None:
        """Head, two convolutions in each of nine residual blocks, and two for the upsampler and the tail."""
        return 1 + 2 * CASCADE * CASCADE + 2

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``, both in [0, 1]."""
        features = self.body(self.head(self.mean(x * self.value_range)))
        return self.mean.add(self.tail(self.upsampler(features))) / self.value_range
