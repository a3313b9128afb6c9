"""IMDN: Information Multi-Distillation Network (Hui et al., 2019, arXiv:1909.11856), winner of AIM 2019's challenge.

Every block keeps a quarter of the maps after each of four convolutions, weights what it kept by contrast-aware channel
attention and fuses it; the outputs of all blocks are fused again. The challenge's form, which is also NTIRE 2022's
baseline with 8 blocks and xilinxSR's entry with 7, has neither the attention nor the second fusion:
``attention_reduction=None, fuse_blocks=False``. Nothing differs from the paper.
"""

import torch
from torch import Tensor, nn

from upres.lab.blocks.attention import CCA
from upres.lab.blocks.conv import same_conv
from upres.lab.blocks.distill import SplitDistillationBlock
from upres.lab.blocks.upsample import pixel_shuffle_tail
from upres.models.card import ColorMode


class IMDN(nn.Module):
    """Information multi-distillation network.

    Args:
        scale: How many times larger the output is.
        num_channels: Maps between blocks.
        num_blocks: 6 in the paper, 8 or 7 in the challenge.
        distillation_ratio: Share of the maps kept at each stage; rounded to whole channels.
        attention_reduction: How many times narrower the channel attention is inside; ``None`` for no attention.
        fuse_blocks: A 1x1 convolution over the outputs of all blocks.
        body_kernel_size: Of the convolution behind the blocks; 1 in the AIM 2020 real-time entry.
        value_range: White inside the network.

    Example:
        >>> IMDN(scale=3)(torch.rand(1, 3, 8, 12)).shape
        torch.Size([1, 3, 24, 36])
    """

    color_mode: ColorMode = "rgb"
    min_size = 1

    def __init__(
        self,
        *,
        scale: int,
        num_channels: int = 64,
        num_blocks: int = 6,
        distillation_ratio: float = 0.25,
        attention_reduction: int | None = 16,
        fuse_blocks: bool = True,
        body_kernel_size: int = 3,
        value_range: float = 1.0,
    ) -> None:
        super().__init__()
        self.scale, self.value_range = scale, value_range
        distilled = round(num_channels * distillation_ratio)
        self.head = same_conv(3, num_channels, 3)
        self.blocks = nn.ModuleList(
            SplitDistillationBlock(
                num_channels=num_channels,
                distilled_channels=distilled,
                attention=CCA(num_channels=4 * distilled, reduction=attention_reduction)
                if attention_reduction
                else None,
            )
            for _ in range(num_blocks)
        )
        self.fusion = (
            nn.Sequential(same_conv(num_blocks * num_channels, num_channels, 1), nn.LeakyReLU(0.05))
            if fuse_blocks
            else None
        )
        self.body_conv = same_conv(num_channels, num_channels, body_kernel_size)
        self.upsampler = pixel_shuffle_tail(num_channels, 3, scale)

    @property
    def halo(self) -> int | None:
        """``None`` with channel attention, which sees the whole picture; the convolutions' reach without."""
        if any(isinstance(module, CCA) for module in self.modules()):
            return None
        return 4 * len(self.blocks) + self.body_conv.kernel_size[0] // 2 + 2

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``, both in [0, 1]."""
        shallow = self.head(x * self.value_range)
        features, outputs = shallow, []
        for block in self.blocks:
            features = block(features)
            outputs.append(features)
        if self.fusion is not None:
            features = self.fusion(torch.cat(outputs, dim=1))
        sr: Tensor = self.upsampler(self.body_conv(features) + shallow)
        return sr / self.value_range
