"""BSRN: Blueprint Separable Residual Network (Li et al., 2022, arXiv:2205.05996), NTIRE 2022's lightest entry.

RFDN's distillation with every convolution split into a pointwise and a depthwise one, exact GELUs, contrast-aware
channel attention behind the spatial one, and the picture repeated four times at the entrance. XPixel's challenge entry
(``challenge=True``, 48 channels, 5 blocks) came first: its pointwise layers are linear and have biases, the strided
convolution of its attention is an ordinary one, and a learned weight per channel and one more pointwise layer stand
where the channel attention is now.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from upres.lab.blocks.attention import CCA, ESA_MIN_SIZE, resize_like
from upres.lab.blocks.conv import same_conv
from upres.lab.blocks.separable import BSConvU, PointwiseLinear
from upres.lab.blocks.upsample import pixel_shuffle_tail
from upres.models.card import ColorMode

COPIES = 4
"""How often the picture is repeated at the entrance."""


def _pointwise(challenge: bool) -> Callable[[int, int], nn.Module]:
    return PointwiseLinear if challenge else lambda i, o: same_conv(i, o, 1)


class SeparableESA(nn.Module):
    """Enhanced spatial attention from blueprint separable convolutions with GELUs."""

    def __init__(self, *, num_channels: int, width: int, challenge: bool) -> None:
        super().__init__()
        point = _pointwise(challenge)
        self.squeeze = point(num_channels, width)
        self.skip = point(width, width)
        self.stride: nn.Module = nn.Conv2d(width, width, 3, stride=2) if challenge else BSConvU(width, width, stride=2)
        self.pool = nn.MaxPool2d(7, stride=3)
        self.convs = nn.Sequential(
            BSConvU(width, width, linear=challenge),
            nn.GELU(),
            BSConvU(width, width, linear=challenge),
            nn.GELU(),
            BSConvU(width, width, linear=challenge),
        )
        self.excite = point(width, num_channels)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` weighted by the mask, ``(N, C, H, W)`` with both sides at least `ESA_MIN_SIZE`."""
        narrow = self.squeeze(x)
        coarse = self.convs(self.pool(self.stride(narrow)))
        return x * torch.sigmoid(self.excite(resize_like(coarse, x) + self.skip(narrow)))


class ChannelWeight(nn.Module):
    """A learned weight per channel and a pointwise layer: what the challenge's block ends in."""

    def __init__(self, *, num_channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(1.0 + 0.2 * torch.randn(1, num_channels))
        self.project = PointwiseLinear(num_channels, num_channels)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)``."""
        result: Tensor = self.project(x * self.weight[..., None, None])
        return result


class ESDB(nn.Module):
    """Efficient separable distillation block."""

    def __init__(self, *, num_channels: int, attention_channels: int, challenge: bool) -> None:
        super().__init__()
        distilled = num_channels // 2
        point = _pointwise(challenge)
        self.distilled = nn.ModuleList(point(num_channels, distilled) for _ in range(3))
        self.remaining = nn.ModuleList(BSConvU(num_channels, num_channels, linear=challenge) for _ in range(3))
        self.last = BSConvU(num_channels, distilled, linear=challenge)
        self.act = nn.GELU()
        self.fusion = point(4 * distilled, num_channels)
        self.attention = SeparableESA(num_channels=num_channels, width=attention_channels, challenge=challenge)
        self.channel: nn.Module = (
            ChannelWeight(num_channels=num_channels) if challenge else CCA(num_channels=num_channels, reduction=16)
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)``."""
        kept, rest = [], x
        for distil, remain in zip(self.distilled, self.remaining, strict=True):
            kept.append(self.act(distil(rest)))
            rest = self.act(remain(rest) + rest)
        kept.append(self.act(self.last(rest)))
        refined: Tensor = self.channel(self.attention(self.fusion(torch.cat(kept, dim=1))))
        return refined + x


class BSRN(nn.Module):
    """Blueprint separable residual network.

    Args:
        scale: How many times larger the output is.
        num_channels: Maps between blocks.
        num_blocks: Blocks.
        attention_channels: Width of the spatial attention; ``None`` for ``num_channels // 4``.
        challenge: XPixel's entry to NTIRE 2022 rather than the paper's network.
        value_range: White inside the network.

    Example:
        >>> BSRN(scale=4)(torch.rand(1, 3, 16, 24)).shape
        torch.Size([1, 3, 64, 96])
    """

    color_mode: ColorMode = "rgb"
    min_size = ESA_MIN_SIZE

    def __init__(
        self,
        *,
        scale: int,
        num_channels: int = 64,
        num_blocks: int = 8,
        attention_channels: int | None = None,
        challenge: bool = False,
        value_range: float = 1.0,
    ) -> None:
        super().__init__()
        self.scale, self.value_range = scale, value_range
        width = attention_channels or num_channels // 4
        self.head = BSConvU(COPIES * 3, num_channels, linear=challenge)
        self.blocks = nn.ModuleList(
            ESDB(num_channels=num_channels, attention_channels=width, challenge=challenge) for _ in range(num_blocks)
        )
        self.fusion = nn.Sequential(_pointwise(challenge)(num_blocks * num_channels, num_channels), nn.GELU())
        self.body_conv = BSConvU(num_channels, num_channels, linear=challenge)
        self.upsampler = pixel_shuffle_tail(num_channels, 3, scale)

    @property
    def halo(self) -> int | None:
        """``None``: spatial attention sees the whole picture."""
        return None

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``, both in [0, 1]; sides of at least `min_size`."""
        shallow = self.head((x * self.value_range).repeat(1, COPIES, 1, 1))
        features, outputs = shallow, []
        for block in self.blocks:
            features = block(features)
            outputs.append(features)
        features = self.body_conv(self.fusion(torch.cat(outputs, dim=1))) + shallow
        sr: Tensor = self.upsampler(features)
        return sr / self.value_range
