"""RRDBNet: the network of ESRGAN (Wang et al., 2018, arXiv:1809.00219) and of Real-ESRGAN (2021, arXiv:2107.10833).

Three dense blocks with a residual make one residual-in-residual dense block, without batch normalisation; residuals are
scaled by a fifth. Pixels are repeated, not shuffled, on the way up. Real-ESRGAN's networks for scale 2 and 1 fold the
picture first, so that the trunk sees a half or a quarter of the size and enlarges fourfold as well.

Nothing differs from the published networks, those for scale 1, 2 and 3 without folding (ESRGAN's first code) included.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upres.lab.blocks.conv import same_conv
from upres.models.card import ColorMode, Task

RESIDUAL_SCALE = 0.2
SLOPE = 0.2
CONVOLUTIONS = 5
"""Of a dense block."""
STEPS = {1: (), 2: (2,), 3: (3,), 4: (2, 2), 8: (2, 2, 2)}
"""How much larger the trunk's maps become -> the enlargements, each with a convolution behind."""


class DenseBlock(nn.Module):
    """Five 3x3 convolutions, each of which reads what all before it made, and a scaled residual."""

    def __init__(self, *, num_channels: int, num_grow_channels: int) -> None:
        super().__init__()
        widths = [num_grow_channels] * (CONVOLUTIONS - 1) + [num_channels]
        self.convs = nn.ModuleList(
            same_conv(num_channels + index * num_grow_channels, width, 3) for index, width in enumerate(widths)
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)``."""
        features = x
        for conv in self.convs[:-1]:
            features = torch.cat((features, F.leaky_relu(conv(features), SLOPE)), dim=1)
        residual: Tensor = self.convs[-1](features)
        return residual * RESIDUAL_SCALE + x


class ResidualInResidual(nn.Module):
    """Three dense blocks and a scaled residual around them."""

    def __init__(self, *, num_channels: int, num_grow_channels: int) -> None:
        super().__init__()
        self.dense = nn.Sequential(
            *(DenseBlock(num_channels=num_channels, num_grow_channels=num_grow_channels) for _ in range(3))
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)``."""
        residual: Tensor = self.dense(x)
        return residual * RESIDUAL_SCALE + x


class RRDBNet(nn.Module):
    """Residual-in-residual dense network; the defaults are ESRGAN's and Real-ESRGAN's for scale 4.

    Args:
        scale: How many times larger the output is; 1 keeps the size, and the task is then ``enhance``.
        num_channels: Maps of the trunk.
        num_grow_channels: Maps that each convolution of a dense block adds.
        num_blocks: Residual-in-residual dense blocks, 6 in the small network for drawings.
        unshuffle: Side of the squares of pixels that become maps of one pixel first; 2 in Real-ESRGAN's network for
            scale 2, 4 in that for scale 1.

    Raises:
        ValueError: If scale times ``unshuffle`` is not 1, 2, 3, 4 or 8.

    Example:
        >>> RRDBNet(scale=2, unshuffle=2, num_blocks=1)(torch.rand(1, 3, 8, 12)).shape
        torch.Size([1, 3, 16, 24])
    """

    color_mode: ColorMode = "rgb"
    min_size = 1

    def __init__(
        self,
        *,
        scale: int,
        num_channels: int = 64,
        num_grow_channels: int = 32,
        num_blocks: int = 23,
        unshuffle: int = 1,
    ) -> None:
        super().__init__()
        if scale < 1 or unshuffle < 1 or scale * unshuffle not in STEPS:
            raise ValueError(f"scale times unshuffle must be one of {list(STEPS)}, got {scale} times {unshuffle}")
        self.scale, self.multiple_of = scale, unshuffle
        self.task: Task = "upscale" if scale > 1 else "enhance"
        self.steps = STEPS[scale * unshuffle]
        self.head = same_conv(3 * unshuffle**2, num_channels, 3)
        self.blocks = nn.Sequential(
            *(
                ResidualInResidual(num_channels=num_channels, num_grow_channels=num_grow_channels)
                for _ in range(num_blocks)
            )
        )
        self.body_conv = same_conv(num_channels, num_channels, 3)
        self.enlarge = nn.ModuleList(same_conv(num_channels, num_channels, 3) for _ in self.steps)
        self.refine = same_conv(num_channels, num_channels, 3)
        self.tail = same_conv(num_channels, 3, 3)

    @property
    def halo(self) -> int | None:
        """Head, fifteen convolutions a block, body; those behind each enlargement as the smaller grid sees them."""
        reach = 2
        for step in reversed(self.steps):
            reach = math.ceil((reach + 1) / step)
        return self.multiple_of * (3 * CONVOLUTIONS * len(self.blocks) + 2 + reach)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``, both in [0, 1]."""
        if self.multiple_of > 1:
            x = F.pixel_unshuffle(x, self.multiple_of)
        shallow = self.head(x)
        features = self.body_conv(self.blocks(shallow)) + shallow
        for step, conv in zip(self.steps, self.enlarge, strict=True):
            features = F.leaky_relu(conv(F.interpolate(features, scale_factor=float(step), mode="nearest")), SLOPE)
        sr: Tensor = self.tail(F.leaky_relu(self.refine(features), SLOPE))
        return sr
