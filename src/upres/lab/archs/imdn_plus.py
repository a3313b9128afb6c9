"""IMDN+: the rainbow team's entry to NTIRE 2022 (Li et al., 2022, arXiv:2205.05675, section 4).

IMDN's block with six stages in place of four, each one narrower than the last, as many maps kept at every stage as the
last one has, and SiLU activations everywhere; no attention and no fusion of the blocks, as in IMDN's challenge form.
"""

import torch
from torch import Tensor, nn

from upres.lab.blocks.conv import same_conv
from upres.lab.blocks.upsample import pixel_shuffle_tail
from upres.models.card import ColorMode


class NarrowingBlock(nn.Module):
    """Square 3x3 convolutions, each a step narrower; what every stage leaves behind is fused."""

    def __init__(self, *, num_channels: int, num_stages: int) -> None:
        super().__init__()
        self.step = num_channels // num_stages
        self.stages = nn.ModuleList(
            same_conv(width, width, 3)
            for width in range(num_channels, num_channels - self.step * num_stages, -self.step)
        )
        self.act = nn.SiLU()
        self.fusion = same_conv(num_channels, num_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` plus the fused features, ``(N, C, H, W)``."""
        kept, rest = [], x
        for stage in self.stages:
            features = self.act(stage(rest))
            kept.append(features[:, : self.step])
            rest = features[:, self.step :]
        fused: Tensor = self.fusion(torch.cat(kept, dim=1))
        return x + fused


class IMDNPlus(nn.Module):
    """Narrowing multi-distillation network.

    Args:
        scale: How many times larger the output is.
        num_channels: Maps between blocks, a multiple of ``num_stages``.
        num_blocks: 8 in the challenge.
        num_stages: Convolutions in a block.
        value_range: White inside the network.

    Raises:
        ValueError: If ``num_channels`` is no multiple of ``num_stages``.

    Example:
        >>> IMDNPlus(scale=4)(torch.rand(1, 3, 8, 12)).shape
        torch.Size([1, 3, 32, 48])
    """

    color_mode: ColorMode = "rgb"
    min_size = 1

    def __init__(
        self,
        *,
        scale: int,
        num_channels: int = 36,
        num_blocks: int = 8,
        num_stages: int = 6,
        value_range: float = 1.0,
    ) -> None:
        super().__init__()
        if num_channels % num_stages:
            raise ValueError(f"num_channels must be a multiple of num_stages ({num_stages}), got {num_channels}")
        self.scale, self.value_range, self.num_stages = scale, value_range, num_stages
        self.head = same_conv(3, num_channels, 3)
        self.blocks = nn.Sequential(
            *(NarrowingBlock(num_channels=num_channels, num_stages=num_stages) for _ in range(num_blocks))
        )
        self.body_conv = same_conv(num_channels, num_channels, 3)
        self.upsampler = pixel_shuffle_tail(num_channels, 3, scale)

    @property
    def halo(self) -> int | None:
        """One pixel for each 3x3 convolution in a row."""
        return self.num_stages * len(self.blocks) + 3

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``, both in [0, 1]."""
        shallow = self.head(x * self.value_range)
        sr: Tensor = self.upsampler(self.body_conv(self.blocks(shallow)) + shallow)
        return sr / self.value_range
