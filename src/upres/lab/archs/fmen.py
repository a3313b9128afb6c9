"""FMEN: Fast and Memory-Efficient Network (Du et al., 2022, arXiv:2204.08397), NJU_Jet's entry to NTIRE 2022.

No dense connection and no pooling: pairs of plain convolutions alternate with high-frequency attention, a narrow stack
of convolutions whose sigmoid weights its input. Memory is two maps deep. Training starts from residual-in-residual
blocks and from convolutions between batch normalisations, which take the whole batch into account and keep the sigmoid
from saturating; folded, all of them are plain 3x3 convolutions. The published network computes in 0..255.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upres.lab.blocks.conv import same_conv
from upres.lab.blocks.reparam import RRRB, FoldableConv
from upres.lab.blocks.upsample import pixel_shuffle_tail
from upres.models.card import ColorMode

SLOPE = 0.1


class NormedConv(FoldableConv):
    """Batch normalisation, a 3x3 convolution and, if asked, a second normalisation.

    The border is filled with what the first normalisation makes of zero, so that it can be folded.
    """

    def __init__(self, in_channels: int, out_channels: int, *, norm_after: bool) -> None:
        super().__init__(in_channels, out_channels)
        self.norm_before = nn.BatchNorm2d(in_channels)
        self.conv = nn.Conv2d(in_channels, out_channels, 3)
        self.norm_after = nn.BatchNorm2d(out_channels) if norm_after else None

    def forward(self, x: Tensor) -> Tensor:
        """``(N, out_channels, H, W)``; while it trains, a batch is normalised by itself and no kernel is the same."""
        return self.branches(x)

    def branches(self, x: Tensor) -> Tensor:
        """``(N, out_channels, H, W)``."""
        norm = self.norm_before
        normed = norm(x)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        black = norm.bias - norm.running_mean * norm.weight / torch.sqrt(norm.running_var + norm.eps)
        black = black[:, None, None]
        result: Tensor = self.conv(F.pad(normed - black, (1, 1, 1, 1)) + black)
        return result if self.norm_after is None else self.norm_after(result)


class ERB(nn.Module):
    """Two re-parameterisable convolutions with an activation between."""

    def __init__(self, *, num_channels: int, expansion: int) -> None:
        super().__init__()
        self.conv1 = RRRB(num_channels, expansion=expansion)
        self.conv2 = RRRB(num_channels, expansion=expansion)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)``."""
        result: Tensor = self.conv2(F.leaky_relu(self.conv1(x), SLOPE))
        return result


class HFAB(nn.Module):
    """High-frequency attention block: a narrow stack of convolutions weights its input."""

    def __init__(self, *, num_channels: int, width: int, num_pairs: int, expansion: int) -> None:
        super().__init__()
        self.squeeze = NormedConv(num_channels, width, norm_after=False)
        self.pairs = nn.Sequential(*(ERB(num_channels=width, expansion=expansion) for _ in range(num_pairs)))
        self.excite = NormedConv(width, num_channels, norm_after=True)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)``."""
        narrow = F.leaky_relu(self.squeeze(x), SLOPE)
        narrow = F.leaky_relu(self.pairs(narrow), SLOPE)
        return x * torch.sigmoid(self.excite(narrow))


class FMEN(nn.Module):
    """Fast and memory-efficient network.

    Args:
        scale: How many times larger the output is.
        num_channels: Maps in the trunk.
        attention_channels: Maps in each attention after the first, which has ``warmup_channels``.
        warmup_channels: ``None`` for four less than ``attention_channels``.
        attention_pairs: Pairs of convolutions in each attention; one more attention than pairs in the trunk.
        trunk_expansion: How many times wider a trunk convolution is while it trains.
        attention_expansion: The same inside attentions.
        value_range: White inside the network; 255 in the published file.

    Example:
        >>> FMEN(scale=4)(torch.rand(1, 3, 8, 12)).shape
        torch.Size([1, 3, 32, 48])
    """

    color_mode: ColorMode = "rgb"
    min_size = 1

    def __init__(
        self,
        *,
        scale: int,
        num_channels: int = 50,
        attention_channels: int = 16,
        warmup_channels: int | None = None,
        attention_pairs: Sequence[int] = (2, 1, 1, 1, 1),
        trunk_expansion: int = 2,
        attention_expansion: int = 2,
        value_range: float = 1.0,
    ) -> None:
        super().__init__()
        self.scale, self.value_range = scale, value_range
        self.num_pairs = sum(attention_pairs) + len(attention_pairs) - 1
        first_width = warmup_channels or attention_channels - 4

        def attention(width: int, num_pairs: int) -> HFAB:
            return HFAB(num_channels=num_channels, width=width, num_pairs=num_pairs, expansion=attention_expansion)

        self.head = same_conv(3, num_channels, 3)
        self.warmup = nn.Sequential(
            same_conv(num_channels, num_channels, 3), attention(first_width, attention_pairs[0])
        )
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    ERB(num_channels=num_channels, expansion=trunk_expansion), attention(attention_channels, pairs)
                )
                for pairs in attention_pairs[1:]
            )
        )
        self.body_conv = same_conv(num_channels, num_channels, 3)
        self.upsampler = pixel_shuffle_tail(num_channels, 3, scale)

    @property
    def halo(self) -> int | None:
        """Two pixels for each pair of convolutions and for each attention's own two, four for the rest."""
        return 2 * self.num_pairs + 2 * (len(self.blocks) + 1) + 4

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``, both in [0, 1]."""
        shallow = self.head(x * self.value_range)
        features = self.body_conv(self.blocks(self.warmup(shallow))) + shallow
        sr: Tensor = self.upsampler(features)
        return sr / self.value_range
