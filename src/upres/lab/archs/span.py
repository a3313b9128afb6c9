"""SPAN: Swift Parameter-free Attention Network (Wan et al., 2024, arXiv:2311.12770), winner of NTIRE 2024.

A block's own output, pushed through a sigmoid, weights it: attention without a parameter. Every convolution trains as
`Conv3XC`, unless asked not to, and is folded for use. The input loses DIV2K's mean and is stretched to 0..255, the
output is in 0..1.

Two quirks of the published code are kept: the mean is not added back, and the first convolution of the last block
enters the final concatenation *after* its activation, which there runs in place.
"""

import torch
from torch import Tensor, nn

from upres.lab.blocks.conv import RgbMean, same_conv
from upres.lab.blocks.reparam import Conv3XC
from upres.lab.blocks.upsample import pixel_shuffle_tail
from upres.models.card import ColorMode


class SPAB(nn.Module):
    """Three convolutions whose output weights itself."""

    def __init__(self, *, num_channels: int, expanded: bool) -> None:
        super().__init__()
        self.conv1 = _conv(num_channels, num_channels, expanded=expanded)
        self.conv2 = _conv(num_channels, num_channels, expanded=expanded)
        self.conv3 = _conv(num_channels, num_channels, expanded=expanded)
        self.act = nn.SiLU()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Refined features and the first activation, both ``(N, C, H, W)``."""
        first: Tensor = self.act(self.conv1(x))
        last: Tensor = self.conv3(self.act(self.conv2(first)))
        return (last + x) * (torch.sigmoid(last) - 0.5), first


class SPAN(nn.Module):
    """Swift parameter-free attention network.

    Args:
        scale: How many times larger the output is.
        num_channels: Maps everywhere; 48 in the paper, 28 in NTIRE 2025's baseline.
        num_blocks: 6 in the paper.
        cat_channels: Maps after the final concatenation; ``None`` for ``num_channels``, 20 in NTIRE 2025's.
        input_gain: White at the first convolution.
        expanded: Train 3x3 convolutions as `Conv3XC`; plain ones otherwise.

    Example:
        >>> SPAN(scale=2)(torch.rand(1, 3, 8, 12)).shape
        torch.Size([1, 3, 16, 24])
    """

    color_mode: ColorMode = "rgb"
    min_size = 1

    def __init__(
        self,
        *,
        scale: int,
        num_channels: int = 48,
        num_blocks: int = 6,
        cat_channels: int | None = None,
        input_gain: float = 255.0,
        expanded: bool = True,
    ) -> None:
        super().__init__()
        self.scale, self.input_gain = scale, input_gain
        self.mean = RgbMean()
        self.head = _conv(3, num_channels, expanded=expanded)
        self.blocks = nn.ModuleList(SPAB(num_channels=num_channels, expanded=expanded) for _ in range(num_blocks))
        self.body_conv = _conv(num_channels, num_channels, expanded=expanded)
        self.fusion = same_conv(4 * num_channels, cat_channels or num_channels, 1)
        self.upsampler = pixel_shuffle_tail(cat_channels or num_channels, 3, scale)

    @property
    def halo(self) -> int | None:
        """One pixel for each 3x3 convolution in a row."""
        return 3 * len(self.blocks) + 3

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``, both in [0, 1]."""
        shallow = self.head(self.mean(x) * self.input_gain)
        features, outputs = shallow, []
        for block in self.blocks:
            features, first = block(features)
            outputs.append(features)
        kept = torch.cat((shallow, self.body_conv(features), outputs[0], first), dim=1)
        sr: Tensor = self.upsampler(self.fusion(kept))
        return sr


def _conv(in_channels: int, out_channels: int, *, expanded: bool) -> nn.Module:
    return Conv3XC(in_channels, out_channels) if expanded else same_conv(in_channels, out_channels, 3)
