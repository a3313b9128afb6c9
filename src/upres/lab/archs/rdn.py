"""RDN: Residual Dense Network (Zhang et al., 2018, arXiv:1802.08797).

Every layer of a block reads all layers before it, a 1x1 convolution brings the block back to its width, and the
outputs of all blocks are fused before the upsampler. Nothing differs from the paper (D = 16, C = 8, G = 64).
"""

import torch
from torch import Tensor, nn

from upres.lab.blocks.conv import same_conv
from upres.lab.blocks.upsample import staged_upsampler
from upres.models.card import ColorMode


class ResidualDenseBlock(nn.Module):
    """Densely connected 3x3 convolutions, a 1x1 fusion and an identity."""

    def __init__(self, *, num_channels: int, growth: int, num_layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(same_conv(num_channels + i * growth, growth, 3) for i in range(num_layers))
        self.fusion = same_conv(num_channels + num_layers * growth, num_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)``."""
        features = x
        for layer in self.layers:
            features = torch.cat((features, torch.relu(layer(features))), dim=1)
        fused: Tensor = self.fusion(features)
        return fused + x


class RDN(nn.Module):
    """Residual dense network.

    Args:
        scale: How many times larger the output is.
        num_channels: Maps between blocks (the paper's G0).
        num_blocks: The paper's D.
        num_layers: Dense layers in a block, the paper's C.
        growth: Maps each dense layer adds, the paper's G.
        value_range: White inside the network.

    Example:
        >>> RDN(scale=2, num_blocks=2)(torch.rand(1, 3, 8, 12)).shape
        torch.Size([1, 3, 16, 24])
    """

    color_mode: ColorMode = "rgb"
    min_size = 1

    def __init__(
        self,
        *,
        scale: int,
        num_channels: int = 64,
        num_blocks: int = 16,
        num_layers: int = 8,
        growth: int = 64,
        value_range: float = 1.0,
    ) -> None:
        super().__init__()
        self.scale, self.value_range, self.num_layers = scale, value_range, num_layers
        self.head = same_conv(3, num_channels, 3)
        self.second = same_conv(num_channels, num_channels, 3)
        self.blocks = nn.ModuleList(
            ResidualDenseBlock(num_channels=num_channels, growth=growth, num_layers=num_layers)
            for _ in range(num_blocks)
        )
        self.fusion = nn.Sequential(
            same_conv(num_blocks * num_channels, num_channels, 1), same_conv(num_channels, num_channels, 3)
        )
        self.upsampler = staged_upsampler(num_channels, scale)
        self.tail = same_conv(num_channels, 3, 3)

    @property
    def halo(self) -> int | None:
        """Two convolutions, the dense layers, the fusion, and two for the upsampler and the tail."""
        return self.num_layers * len(self.blocks) + 5

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``, both in [0, 1]."""
        shallow = self.head(x * self.value_range)
        features, outputs = self.second(shallow), []
        for block in self.blocks:
            features = block(features)
            outputs.append(features)
        features = self.fusion(torch.cat(outputs, dim=1)) + shallow
        sr: Tensor = self.tail(self.upsampler(features))
        return sr / self.value_range
