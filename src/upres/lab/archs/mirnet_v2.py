"""MIRNet-v2: the same idea in a fifth of the parameters (Zamir et al., 2022, TPAMI, arXiv:2205.01649).

Contextual blocks stand for dual attention, average pooling and bilinear interpolation for the learned resizing, and
rows tell only those above what they know. As in the published code one contextual block a row serves both columns, and
its convolutions are grouped more the deeper the group lies. No convolution has a bias.
"""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from upres.lab.blocks.conv import bias_free_conv
from upres.lab.blocks.restoring import require_restoring
from upres.lab.blocks.selective import ResidualGroup, SelectiveKernelFusion
from upres.models.card import ColorMode, Task

_SLOPE = 0.2
_GROWTH = 1.5
"""Maps of a row over those of the row above."""
_ROWS = 3
_ALIGNED = 16
"""What the width must be a multiple of, so that all rows have whole groups."""


class ContextualBlock(nn.Module):
    """Two convolutions and what the whole picture says, added to the input (residual contextual block).

    The context is a mean over the picture, weighted by a softmax over its pixels, that goes through two layers.

    Reference: section 3.3, figure 4.
    """

    def __init__(self, num_channels: int, *, groups: int) -> None:
        super().__init__()
        self.act = nn.LeakyReLU(_SLOPE)
        self.body = nn.Sequential(
            bias_free_conv(num_channels, num_channels, 3, groups=groups),
            self.act,
            bias_free_conv(num_channels, num_channels, 3, groups=groups),
        )
        self.mask = bias_free_conv(num_channels, 1, 1)
        self.context = nn.Sequential(
            bias_free_conv(num_channels, num_channels, 1), self.act, bias_free_conv(num_channels, num_channels, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)``."""
        features: Tensor = self.body(x)
        weights = self.mask(features).flatten(2).softmax(2)
        mean = (features.flatten(2) * weights).sum(2)[..., None, None]
        out: Tensor = x + self.act(features + self.context(mean))
        return out


class MultiScaleBlockV2(nn.Module):
    """Three rows of contextual blocks, fused upwards twice, added to the input.

    Reference: section 3.1, figure 2.
    """

    def __init__(self, num_channels: int, *, groups: int) -> None:
        super().__init__()
        widths = [int(num_channels * _GROWTH**row) for row in range(_ROWS)]
        pairs = list(pairwise(widths))
        self.units = nn.ModuleList(ContextualBlock(width, groups=groups) for width in widths)
        self.downs = nn.ModuleList(_halving(*pair) for pair in (pairs[0], *pairs))  # to the second row; to the third
        self.ups = nn.ModuleList(nn.ModuleList(_doubling(*pair) for pair in pairs) for _ in range(2))
        self.fusions = nn.ModuleList(
            SelectiveKernelFusion(width, 2, activation=nn.LeakyReLU(_SLOPE)) for width in widths[:-1]
        )
        self.tail = bias_free_conv(num_channels, num_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)``, sides multiples of four."""
        rows = [x, self.downs[0](x), self.downs[2](self.downs[1](x))]
        for ups in self.ups:
            rows = [unit(row) for unit, row in zip(self.units, rows, strict=True)]
            for row in (1, 0):
                rows[row] = self.fusions[row]([rows[row], ups[row](rows[row + 1])])  # type: ignore[index]
        out: Tensor = x + self.tail(rows[0])
        return out


class MIRNetV2(nn.Module):
    """Multi-scale residual network, second version; the defaults are the paper's, with 5.859 million parameters.

    Contextual blocks and selective fusion take means of the whole picture.

    Args:
        scale: 1: the picture keeps its size.
        task: What it is trained for: ``denoise``, ``deblock`` or ``enhance``.
        num_channels: Maps of the first row, a multiple of 16.
        groups: Groups of the contextual blocks' convolutions, one number for each residual group.
        num_blocks: Multi-scale blocks in each residual group.

    Raises:
        ValueError: If the scale is not 1, the task is ``upscale``, or the width is no multiple of 16.

    Example:
        >>> MIRNetV2(scale=1, num_channels=16, groups=(1,), num_blocks=1)(torch.rand(1, 3, 8, 12)).shape
        torch.Size([1, 3, 8, 12])
    """

    color_mode: ColorMode = "rgb"
    halo: int | None = None
    min_size = multiple_of = 2 ** (_ROWS - 1)

    def __init__(
        self,
        *,
        scale: int,
        task: Task = "denoise",
        num_channels: int = 80,
        groups: Sequence[int] = (1, 2, 4, 4),
        num_blocks: int = 2,
    ) -> None:
        super().__init__()
        require_restoring("MIRNet", scale, task)
        if num_channels % _ALIGNED:
            raise ValueError(f"num_channels: expected a multiple of {_ALIGNED}, got {num_channels}")
        self.scale, self.task = scale, task
        self.head = bias_free_conv(3, num_channels, 3)
        self.groups = nn.Sequential(
            *(
                ResidualGroup(
                    [MultiScaleBlockV2(num_channels, groups=each) for _ in range(num_blocks)], num_channels, skip=True
                )
                for each in groups
            )
        )
        self.tail = bias_free_conv(num_channels, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` in [0, 1], sides multiples of four; the same shape comes back."""
        restored: Tensor = x + self.tail(self.groups(self.head(x)))
        return restored


def _halving(above: int, below: int) -> nn.Sequential:
    return nn.Sequential(nn.AvgPool2d(2), bias_free_conv(above, below, 1))


def _doubling(above: int, below: int) -> nn.Sequential:
    return nn.Sequential(
        bias_free_conv(below, above, 1), nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
    )
