"""MIRNet: enriched features for restoration and enhancement (Zamir et al., 2020, arXiv:2003.06792).

Streams at several resolutions stay beside each other through the whole network; each is cleaned by dual attention, and
all tell each other what they know through selective kernel fusion. As in the published code no convolution has a bias,
one PReLU serves every dual attention unit of the network, one unit serves all columns of its row, and the fusion of the
first row serves the end of the block as well. `skips`, `attention` and `fusion` leave out what the paper's ablations
leave out; nothing else differs.
"""

from itertools import combinations
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upres.lab.blocks.conv import bias_free_conv
from upres.lab.blocks.restoring import require_restoring
from upres.lab.blocks.selective import REDUCTION, ResidualGroup, SelectiveKernelFusion
from upres.models.card import ColorMode, Task

Fusion = Literal["selective", "sum", "cat"]
_SPATIAL_KERNEL = 5


class BlurDown(nn.Module):
    """Every second pixel of the maps after a binomial 3x3 blur, edges reflected: halved without aliasing.

    Reference: Zhang, 2019, arXiv:1904.11486.
    """

    kernel: Tensor

    def __init__(self, num_channels: int) -> None:
        super().__init__()
        line = torch.tensor([1.0, 2.0, 1.0]) / 4
        kernel = torch.outer(line, line).expand(num_channels, 1, 3, 3).clone()
        self.register_buffer("kernel", kernel, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)``, sides even, to ``(N, C, H / 2, W / 2)``."""
        return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), self.kernel, stride=2, groups=x.shape[1])


class HalvingBlock(nn.Module):
    """Half the size and twice the maps, by two convolutions beside a short way.

    Reference: section 3.4, figure 5.
    """

    def __init__(self, num_channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            bias_free_conv(num_channels, num_channels, 1),
            nn.PReLU(),
            bias_free_conv(num_channels, num_channels, 3),
            nn.PReLU(),
            BlurDown(num_channels),
            bias_free_conv(num_channels, 2 * num_channels, 1),
        )
        self.short = nn.Sequential(BlurDown(num_channels), bias_free_conv(num_channels, 2 * num_channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, 2 C, H / 2, W / 2)``."""
        halved: Tensor = self.body(x) + self.short(x)
        return halved


class DoublingBlock(nn.Module):
    """Twice the size and half the maps, by a transposed convolution beside bilinear interpolation.

    Reference: section 3.4, figure 5.
    """

    def __init__(self, num_channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            bias_free_conv(num_channels, num_channels, 1),
            nn.PReLU(),
            nn.ConvTranspose2d(num_channels, num_channels, 3, stride=2, padding=1, output_padding=1, bias=False),
            nn.PReLU(),
            bias_free_conv(num_channels, num_channels // 2, 1),
        )
        self.short = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
            bias_free_conv(num_channels, num_channels // 2, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, C / 2, 2 H, 2 W)``."""
        doubled: Tensor = self.body(x) + self.short(x)
        return doubled


class SpatialGate(nn.Module):
    """Weights every pixel by what the largest and the mean map say there."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = bias_free_conv(2, 1, _SPATIAL_KERNEL)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)``."""
        summary = torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], 1)
        return x * torch.sigmoid(self.conv(summary))


class ChannelGate(nn.Module):
    """Weights every map by what the means of all maps say."""

    def __init__(self, num_channels: int) -> None:
        super().__init__()
        narrow = num_channels // REDUCTION
        self.body = nn.Sequential(
            bias_free_conv(num_channels, narrow, 1), nn.ReLU(), bias_free_conv(narrow, num_channels, 1), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)``."""
        weighted: Tensor = x * self.body(x.mean((2, 3), keepdim=True))
        return weighted


class DualAttentionUnit(nn.Module):
    """Two convolutions whose result is weighted by pixel and by map, joined, and added to the input.

    Args:
        num_channels: Maps in and out, at least eight where there is attention.
        activation: Between the convolutions; the same module in every unit of a network.
        attention: Without it the two convolutions alone are added.
        skip: Without it nothing is added to.

    Reference: section 3.3, figure 4.
    """

    def __init__(self, num_channels: int, activation: nn.Module, *, attention: bool, skip: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(
            bias_free_conv(num_channels, num_channels, 3), activation, bias_free_conv(num_channels, num_channels, 3)
        )
        self.gates = nn.ModuleList([SpatialGate(), ChannelGate(num_channels)] if attention else [])
        self.join = bias_free_conv(2 * num_channels, num_channels, 1) if attention else nn.Identity()
        self.skip = skip

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)``."""
        features: Tensor = self.body(x)
        if self.gates:
            features = self.join(torch.cat([gate(features) for gate in self.gates], 1))
        return x + features if self.skip else features


class SumFusion(nn.Module):
    """The sum of the inputs, for the paper's ablation."""

    def forward(self, inputs: list[Tensor]) -> Tensor:
        """Tensors ``(N, C, H, W)`` to one."""
        return torch.stack(inputs, 1).sum(1)


class CatFusion(nn.Module):
    """One 1x1 convolution of all inputs, for the paper's ablation."""

    def __init__(self, num_channels: int, num_inputs: int) -> None:
        super().__init__()
        self.conv = bias_free_conv(num_inputs * num_channels, num_channels, 1)

    def forward(self, inputs: list[Tensor]) -> Tensor:
        """Tensors ``(N, C, H, W)`` to one."""
        joined: Tensor = self.conv(torch.cat(inputs, 1))
        return joined


class MultiScaleBlock(nn.Module):
    """Rows of dual attention at sizes that halve from row to row, fused between the columns and at the end.

    Args:
        num_channels: Maps of the first row; each further row has twice as many.
        num_rows: Sizes.
        num_columns: How often each row's unit is applied.
        activation: Shared by all units.
        attention: See `DualAttentionUnit`.
        fusion: How rows are joined.
        skips: Whether inputs are added to results.

    Reference: section 3.1, figure 2.
    """

    def __init__(
        self,
        num_channels: int,
        num_rows: int,
        num_columns: int,
        activation: nn.Module,
        *,
        attention: bool,
        fusion: Fusion,
        skips: bool,
    ) -> None:
        super().__init__()
        self.num_columns, self.skips = num_columns, skips
        widths = [num_channels * 2**row for row in range(num_rows)]
        self.units = nn.ModuleList(
            DualAttentionUnit(width, activation, attention=attention, skip=skips) for width in widths
        )
        meeting = num_rows if num_columns > 1 else 1  # rows that others come to
        self.fusions = nn.ModuleList(_fusion(fusion, width, num_rows) for width in widths[:meeting])
        self.down = nn.ModuleDict()
        self.up = nn.ModuleDict()
        for above, below in combinations(range(num_rows), 2):
            if num_columns > 1 or below == above + 1:
                self.down[f"{above}_{below}"] = _chain(HalvingBlock, widths[above:below])
            if num_columns > 1:
                self.up[f"{below}_{above}"] = _chain(DoublingBlock, widths[below:above:-1])
        self.last_up = nn.ModuleList(_chain(DoublingBlock, widths[row:0:-1]) for row in range(1, num_rows))
        self.tail = bias_free_conv(num_channels, num_channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)``, sides multiples of two to the power of the rows but one."""
        rows = [self.units[0](x)]
        for row in range(1, len(self.units)):
            rows.append(self.units[row](self.down[f"{row - 1}_{row}"](rows[-1])))
        for _ in range(1, self.num_columns):
            fused = [self._fused(rows, target) for target in range(len(rows))]
            rows = [unit(each) for unit, each in zip(self.units, fused, strict=True)]
        raised = [up(each) for up, each in zip(self.last_up, rows[1:], strict=True)]
        out: Tensor = self.tail(self.fusions[0]([rows[0], *raised]))
        return x + out if self.skips else out

    def _fused(self, rows: list[Tensor], target: int) -> Tensor:
        """All rows at the size of one, joined."""
        resized = []
        for source, each in enumerate(rows):
            if source < target:
                resized.append(self.down[f"{source}_{target}"](each))
            else:
                resized.append(self.up[f"{source}_{target}"](each) if source > target else each)
        fused: Tensor = self.fusions[target](resized)
        return fused


class MIRNet(nn.Module):
    """Multi-scale residual network; the defaults are the paper's, with 31,787,419 parameters.

    Channel attention and selective fusion take means of the whole picture.

    Args:
        scale: 1: the picture keeps its size.
        task: What it is trained for: ``denoise``, ``deblock`` or ``enhance``.
        num_channels: Maps of the first row.
        num_groups: Recursive residual groups.
        num_blocks: Multi-scale blocks in each.
        num_rows: Sizes in each block.
        num_columns: How often each row's unit is applied in a block.
        attention: Dual attention in the units; without it they are plain residual blocks.
        fusion: How rows are joined: ``selective``, ``sum`` or ``cat``.
        skips: Whether units, blocks, groups and the network add their input.

    Raises:
        ValueError: If the scale is not 1, the task is ``upscale``, or there are fewer than eight maps for attention.

    Example:
        >>> MIRNet(scale=1, num_channels=8, num_groups=1, num_blocks=1)(torch.rand(1, 3, 8, 12)).shape
        torch.Size([1, 3, 8, 12])
    """

    color_mode: ColorMode = "rgb"
    halo: int | None = None

    def __init__(
        self,
        *,
        scale: int,
        task: Task = "denoise",
        num_channels: int = 64,
        num_groups: int = 3,
        num_blocks: int = 2,
        num_rows: int = 3,
        num_columns: int = 2,
        attention: bool = True,
        fusion: Fusion = "selective",
        skips: bool = True,
    ) -> None:
        super().__init__()
        require_restoring("MIRNet", scale, task)
        if attention and num_channels < REDUCTION:
            raise ValueError(f"dual attention needs {REDUCTION} maps or more, got {num_channels}")
        self.scale, self.task, self.skips = scale, task, skips
        self.multiple_of = self.min_size = 2 ** (num_rows - 1)
        self.head = bias_free_conv(3, num_channels, 3)
        activation = nn.PReLU()
        self.groups = nn.Sequential(
            *(
                ResidualGroup(
                    [
                        MultiScaleBlock(
                            num_channels,
                            num_rows,
                            num_columns,
                            activation,
                            attention=attention,
                            fusion=fusion,
                            skips=skips,
                        )
                        for _ in range(num_blocks)
                    ],
                    num_channels,
                    skip=skips,
                )
                for _ in range(num_groups)
            )
        )
        self.tail = bias_free_conv(num_channels, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` in [0, 1], sides multiples of `multiple_of`; the same shape comes back."""
        restored: Tensor = self.tail(self.groups(self.head(x)))
        return x + restored if self.skips else restored


def _fusion(kind: str, num_channels: int, num_inputs: int) -> nn.Module:
    if kind == "sum" or num_inputs == 1:  # the weights of a single input are ones, whatever would make them
        return SumFusion()
    if kind == "selective":
        return SelectiveKernelFusion(num_channels, num_inputs)
    if kind == "cat":
        return CatFusion(num_channels, num_inputs)
    raise ValueError(f"no fusion '{kind}'; there are selective, sum, cat")


def _chain(step: type[nn.Module], widths: list[int]) -> nn.Sequential:
    return nn.Sequential(*(step(width) for width in widths))
