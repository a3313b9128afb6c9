"""Information distillation: keep a few maps of every stage, refine the rest, fuse what was kept.

`SplitDistillationBlock` is IMDN's block: one convolution a stage whose output is cut in two. `DistillationBlock` is
the family that the RFDN paper walks from there: two parallel convolutions a stage (IMDB-R), the kept one 1x1 (feature
distillation connection), the passed one with an identity (shallow residual block); both together are the RFDB.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from upres.lab.blocks.conv import same_conv


class SplitDistillationBlock(nn.Module):
    """Four 3x3 convolutions, a quarter of the maps kept after each of the first three.

    Args:
        num_channels: Maps in and out.
        distilled_channels: Maps kept at each stage.
        negative_slope: Of the leaky ReLU; the last convolution has none.
        attention: Applied to the kept maps, ``4 * distilled_channels`` of them, before they are fused.

    Reference: Hui et al., 2019, arXiv:1909.11856, section 3.2.
    """

    def __init__(
        self,
        *,
        num_channels: int,
        distilled_channels: int,
        negative_slope: float = 0.05,
        attention: nn.Module | None = None,
    ) -> None:
        super().__init__()
        rest = num_channels - distilled_channels
        self.sizes = [distilled_channels, rest]
        self.stages = nn.ModuleList(same_conv(width, num_channels, 3) for width in (num_channels, rest, rest))
        self.last = same_conv(rest, distilled_channels, 3)
        self.act = nn.LeakyReLU(negative_slope)
        self.attention = nn.Identity() if attention is None else attention
        self.fusion = same_conv(4 * distilled_channels, num_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` plus the fused features, ``(N, C, H, W)``."""
        kept, rest = [], x
        for stage in self.stages:
            distilled, rest = torch.split(self.act(stage(rest)), self.sizes, dim=1)
            kept.append(distilled)
        kept.append(self.last(rest))
        fused: Tensor = self.fusion(self.attention(torch.cat(kept, dim=1)))
        return x + fused


class DistillationBlock(nn.Module):
    """Three stages of two parallel convolutions, one kept and one passed on, and a fourth that is only kept.

    Args:
        num_channels: Maps in and out.
        distilled_channels: Maps kept at each stage.
        remaining_channels: Maps passed on between stages.
        distill_kernel_size: 1 for feature distillation connections, 3 for IMDB-R.
        residual: An identity around each passed convolution (shallow residual block); keeps the width.
        block_skip: An identity around the whole block.
        negative_slope: Of the leaky ReLU after every convolution but the fusion.
        attention: What follows (or, with ``attention_first``, precedes) the fusion.
        attention_first: Attention sees the ``4 * distilled_channels`` kept maps, as in IMDN.
        conv3x3: Makes the 3x3 convolutions that are passed on and the last one; re-parameterisable ones fit.

    Raises:
        ValueError: If ``residual`` and the stages change width.

    Reference: Liu et al., 2020, arXiv:2009.11551, figure 2.
    """

    def __init__(
        self,
        *,
        num_channels: int,
        distilled_channels: int,
        remaining_channels: int,
        distill_kernel_size: int = 1,
        residual: bool = True,
        block_skip: bool = False,
        negative_slope: float = 0.05,
        attention: nn.Module | None = None,
        attention_first: bool = False,
        conv3x3: Callable[[int, int], nn.Module] = lambda i, o: same_conv(i, o, 3),
    ) -> None:
        super().__init__()
        if residual and remaining_channels != num_channels:
            raise ValueError(
                f"a residual stage keeps its width: remaining_channels must be {num_channels}, got {remaining_channels}"
            )
        self.residual, self.block_skip, self.attention_first = residual, block_skip, attention_first
        widths = (num_channels, remaining_channels, remaining_channels)
        self.distilled = nn.ModuleList(same_conv(width, distilled_channels, distill_kernel_size) for width in widths)
        self.remaining = nn.ModuleList(conv3x3(width, remaining_channels) for width in widths)
        self.last = conv3x3(remaining_channels, distilled_channels)
        self.act = nn.LeakyReLU(negative_slope)
        self.fusion = same_conv(4 * distilled_channels, num_channels, 1)
        self.attention = nn.Identity() if attention is None else attention

    def forward(self, x: Tensor) -> Tensor:
        """Refined features, ``(N, C, H, W)``."""
        kept, rest = [], x
        for distil, remain in zip(self.distilled, self.remaining, strict=True):
            kept.append(self.act(distil(rest)))
            rest = self.act(remain(rest) + rest if self.residual else remain(rest))
        kept.append(self.act(self.last(rest)))
        features: Tensor = torch.cat(kept, dim=1)
        if self.attention_first:
            features = self.fusion(self.attention(features))
        else:
            features = self.attention(self.fusion(features))
        return features + x if self.block_skip else features
