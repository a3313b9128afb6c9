"""ECBSR: Edge-oriented Convolution Block for mobile super-resolution (Zhang et al., 2021, doi:10.1145/3474085.3475291).

A plain stack of 3x3 convolutions that a phone runs in real time, each trained as an edge-oriented block of five
branches and folded afterwards. The picture itself is added to every sub-position before the pixel shuffle. The
published networks work on luma; ``num_colors=3`` is the RGB form of the paper's repository, in which every colour
is added to its own sub-positions (the repository's broadcast there fails unless there is one colour).
"""

from typing import Literal

import torch
from torch import Tensor, nn

from upres.lab.blocks.reparam import ECB
from upres.models.card import ColorMode


class ECBSR(nn.Module):
    """Plain convolutions trained as edge-oriented blocks; the paper names sizes M (blocks) and C (channels).

    Args:
        scale: How many times larger the output is.
        num_blocks: ``M``, blocks between the first and the last.
        num_channels: ``C``.
        num_colors: 1 for luma, 3 for RGB.
        activation: ``prelu`` has a slope per channel.
        identity: An identity in every block whose width allows it.
        value_range: White inside the network; 255 in the repository's recipes.

    Example:
        >>> ECBSR(scale=2)(torch.rand(1, 1, 8, 12)).shape
        torch.Size([1, 1, 16, 24])
    """

    min_size = 1

    def __init__(
        self,
        *,
        scale: int,
        num_blocks: int = 4,
        num_channels: int = 16,
        num_colors: int = 1,
        activation: Literal["prelu", "relu"] = "prelu",
        identity: bool = False,
        value_range: float = 1.0,
    ) -> None:
        super().__init__()
        self.scale, self.value_range = scale, value_range
        self.color_mode: ColorMode = "luma" if num_colors == 1 else "rgb"
        widths = [num_colors, *[num_channels] * (num_blocks + 1)]
        layers: list[nn.Module] = []
        for in_channels in widths[:-1]:
            layers.append(ECB(in_channels, num_channels, identity=identity))
            layers.append(nn.PReLU(num_channels) if activation == "prelu" else nn.ReLU())
        layers.append(ECB(num_channels, num_colors * scale**2, identity=identity))
        self.body = nn.Sequential(*layers)
        self.shuffle = nn.PixelShuffle(scale)

    @property
    def halo(self) -> int | None:
        """One pixel for each convolution."""
        return len(self.body) // 2 + 1

    def forward(self, x: Tensor) -> Tensor:
        """``(N, num_colors, H, W)`` to ``(N, num_colors, scale * H, scale * W)``, both in [0, 1]."""
        x = x * self.value_range
        sr: Tensor = self.shuffle(self.body(x) + torch.repeat_interleave(x, self.scale**2, dim=1))
        return sr / self.value_range
