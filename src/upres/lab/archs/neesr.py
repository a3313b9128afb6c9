"""NEESR's entry to NTIRE 2022 (Li et al., 2022, arXiv:2205.05675, section 4).

E-RFDN with 42 channels of which 10 are kept at a stage, without identities and without the fusion of the blocks; its
3x3 convolutions train as edge-oriented blocks, and its attention pools straight to a seventh of the resolution. The
published network computes in 0..255 and is folded; how its training form looked beyond the paper's word is ECBSR's.
"""

import torch
from torch import Tensor, nn

from upres.lab.blocks.attention import resize_like
from upres.lab.blocks.conv import same_conv
from upres.lab.blocks.distill import DistillationBlock
from upres.lab.blocks.reparam import ECB
from upres.lab.blocks.upsample import pixel_shuffle_tail
from upres.models.card import ColorMode


class PooledESA(nn.Module):
    """Spatial attention with one 7x7 pooling and two parallel convolutions at the coarse resolution."""

    def __init__(self, *, num_channels: int, width: int) -> None:
        super().__init__()
        self.squeeze = same_conv(num_channels, width, 1)
        self.skip = same_conv(width, width, 1)
        self.pool = nn.MaxPool2d(7, stride=7, padding=1)
        self.conv1 = same_conv(width, width, 3)
        self.conv2 = same_conv(width, width, 3)
        self.act = nn.ReLU()
        self.merge = same_conv(2 * width, width, 3)
        self.excite = same_conv(width, num_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` weighted by the mask, ``(N, C, H, W)`` with both sides at least 5."""
        narrow = self.squeeze(x)
        pooled = self.pool(narrow)
        coarse = self.merge(torch.cat((self.act(self.conv1(pooled)), self.act(self.conv2(pooled))), dim=1))
        return x * torch.sigmoid(self.excite(resize_like(coarse, x) + self.skip(narrow)))


class NEESR(nn.Module):
    """Distillation network from edge-oriented convolutions.

    Args:
        scale: How many times larger the output is.
        num_channels: Maps between blocks.
        distilled_channels: Maps kept at each stage.
        num_blocks: Blocks.
        attention_channels: Width of the attention; ``None`` for ``num_channels // 4``.
        value_range: White inside the network; 255 in the published file.

    Example:
        >>> NEESR(scale=4)(torch.rand(1, 3, 8, 12)).shape
        torch.Size([1, 3, 32, 48])
    """

    color_mode: ColorMode = "rgb"
    min_size = 5

    def __init__(
        self,
        *,
        scale: int,
        num_channels: int = 42,
        distilled_channels: int = 10,
        num_blocks: int = 4,
        attention_channels: int | None = None,
        value_range: float = 1.0,
    ) -> None:
        super().__init__()
        self.scale, self.value_range = scale, value_range
        width = attention_channels or num_channels // 4
        self.head = same_conv(3, num_channels, 3)
        self.blocks = nn.Sequential(
            *(
                DistillationBlock(
                    num_channels=num_channels,
                    distilled_channels=distilled_channels,
                    remaining_channels=num_channels,
                    residual=False,
                    attention=PooledESA(num_channels=num_channels, width=width),
                    conv3x3=ECB,
                )
                for _ in range(num_blocks)
            )
        )
        self.body_conv = same_conv(num_channels, num_channels, 3)
        self.upsampler = pixel_shuffle_tail(num_channels, 3, scale)

    @property
    def halo(self) -> int | None:
        """``None``: spatial attention sees the whole picture."""
        return None

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``, both in [0, 1]; sides of at least `min_size`."""
        shallow = self.head(x * self.value_range)
        sr: Tensor = self.upsampler(self.body_conv(self.blocks(shallow)) + shallow)
        return sr / self.value_range
