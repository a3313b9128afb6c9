"""EFDN: Edge-enhanced Feature Distillation Network (Wang, 2022, arXiv:2204.08759), NKU-ESR's entry to NTIRE 2022.

A cell keeps a distilled copy of its input and of three successive features and fuses them; cells are joined by the
path that an architecture search found. The 3x3 convolutions train as edge-enhanced diverse branch blocks, which fold
into plain ones. The second and third junction both reach back to the second cell, as in the published network.

The published network clamps its output to [0, 1]. So does this one in evaluation; in training the clamp would cut the
gradient of pixels beyond.
"""

import torch
from torch import Tensor, nn

from upres.lab.blocks.attention import ESA, ESA_MIN_SIZE
from upres.lab.blocks.conv import same_conv
from upres.lab.blocks.reparam import EDBB
from upres.lab.blocks.upsample import pixel_shuffle_tail
from upres.models.card import ColorMode


class Cell(nn.Module):
    """1x1, 3x3 and 3x3 in a row with slopes per channel; input and all three are distilled, fused and attended."""

    def __init__(self, *, num_channels: int, attention_channels: int, expansion: float | None, identity: bool) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            (
                same_conv(num_channels, num_channels, 1),
                EDBB(num_channels, num_channels, expansion=expansion, identity=identity),
                EDBB(num_channels, num_channels, expansion=expansion, identity=identity),
            )
        )
        self.acts = nn.ModuleList(nn.PReLU(num_channels) for _ in range(3))
        self.distilled = nn.ModuleList(same_conv(num_channels, num_channels // 2, 1) for _ in range(4))
        self.fusion = same_conv(num_channels // 2 * 4, num_channels, 1)
        self.attention = ESA(num_channels=num_channels, width=attention_channels)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)``."""
        features = [x]
        for conv, act in zip(self.convs, self.acts, strict=True):
            features.append(act(conv(features[-1])))
        kept = [distil(feature) for distil, feature in zip(self.distilled, features, strict=True)]
        attended: Tensor = self.attention(self.fusion(torch.cat(kept, dim=1)))
        return attended + x


class EFDN(nn.Module):
    """Edge-enhanced feature distillation network: four cells.

    Args:
        scale: How many times larger the output is.
        num_channels: Maps between cells.
        attention_channels: Width of the attention; ``None`` for ``num_channels // 4``.
        expansion: How many times wider the 1x1 to 3x3 branch of the training form is inside; ``None`` for none.
        identity: An identity in the training form.
        value_range: White inside the network.

    Example:
        >>> EFDN(scale=4)(torch.rand(1, 3, 16, 24)).shape
        torch.Size([1, 3, 64, 96])
    """

    color_mode: ColorMode = "rgb"
    min_size = ESA_MIN_SIZE

    def __init__(
        self,
        *,
        scale: int,
        num_channels: int = 48,
        attention_channels: int | None = None,
        expansion: float | None = 2.0,
        identity: bool = True,
        value_range: float = 1.0,
    ) -> None:
        super().__init__()
        self.scale, self.value_range = scale, value_range
        width = attention_channels or num_channels // 4
        self.head = same_conv(3, num_channels, 3)
        self.cells = nn.ModuleList(
            Cell(num_channels=num_channels, attention_channels=width, expansion=expansion, identity=identity)
            for _ in range(4)
        )
        self.junctions = nn.ModuleList(same_conv(2 * num_channels, num_channels, 1) for _ in range(3))
        self.upsampler = pixel_shuffle_tail(num_channels, 3, scale)

    @property
    def halo(self) -> int | None:
        """``None``: spatial attention sees the whole picture."""
        return None

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``, both in [0, 1]; sides of at least `min_size`."""
        shallow = self.head(x * self.value_range)
        first = self.cells[0](shallow)
        second = self.cells[1](first)
        features = self.junctions[0](torch.cat((first, second), dim=1))
        for cell, junction in zip(self.cells[2:], self.junctions[1:], strict=True):
            features = junction(torch.cat((second, cell(features)), dim=1))
        sr: Tensor = self.upsampler(features + shallow) / self.value_range
        return sr if self.training else sr.clamp(0.0, 1.0)
