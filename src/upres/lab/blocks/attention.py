"""Spatial and channel attention of the light networks.

All of them multiply their input by a mask in (0, 1). Enhanced spatial attention (ESA) looks at the whole picture
through a strided convolution and a strided pooling anchored at the top-left corner, so its output depends on where a
tile begins; contrast-aware channel attention (CCA) takes statistics of the whole picture. Networks that hold either
have no halo.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upres.lab.blocks.conv import same_conv

ESA_MIN_SIZE = 15
"""Shortest side that leaves one value after ESA's 3x3 stride 2 and 7x7 pooling."""


_TINY = 1e-12
"""Keeps the slope of the square root finite where a map is flat."""


class ESA(nn.Module):
    """Enhanced spatial attention as RFDN has it: three 3x3 convolutions at a sixth of the resolution.

    Args:
        num_channels: Maps in and out.
        width: Maps inside; the paper takes ``num_channels // 4``.
        project_skip: A 1x1 convolution in the fine path round the coarse one.

    Reference: Liu et al., 2020, arXiv:2009.11551, section 3.4.
    """

    def __init__(self, *, num_channels: int, width: int, project_skip: bool = True) -> None:
        super().__init__()
        self.squeeze = same_conv(num_channels, width, 1)
        self.skip = same_conv(width, width, 1) if project_skip else nn.Identity()
        self.stride = nn.Conv2d(width, width, 3, stride=2)
        self.pool = nn.MaxPool2d(7, stride=3)
        self.convs = nn.Sequential(
            same_conv(width, width, 3),
            nn.ReLU(),
            same_conv(width, width, 3),
            nn.ReLU(),
            same_conv(width, width, 3),
        )
        self.excite = same_conv(width, num_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` weighted by the mask, ``(N, C, H, W)`` with both sides at least `ESA_MIN_SIZE`."""
        narrow = self.squeeze(x)
        coarse = self.convs(self.pool(self.stride(narrow)))
        return x * torch.sigmoid(self.excite(resize_like(coarse, x) + self.skip(narrow)))


class SlimESA(nn.Module):
    """ESA with one 3x3 convolution instead of three, as RLFN has it.

    Reference: Kong et al., 2022, arXiv:2205.07514, section 3.2.
    """

    def __init__(self, *, num_channels: int, width: int = 16) -> None:
        super().__init__()
        self.squeeze = same_conv(num_channels, width, 1)
        self.skip = same_conv(width, width, 1)
        self.stride = nn.Conv2d(width, width, 3, stride=2)
        self.pool = nn.MaxPool2d(7, stride=3)
        self.conv = same_conv(width, width, 3)
        self.excite = same_conv(width, num_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` weighted by the mask, ``(N, C, H, W)`` with both sides at least `ESA_MIN_SIZE`."""
        narrow = self.squeeze(x)
        coarse = self.conv(self.pool(self.stride(narrow)))
        return x * torch.sigmoid(self.excite(resize_like(coarse, x) + self.skip(narrow)))


class CCA(nn.Module):
    """Contrast-aware channel attention: each map is weighted by its mean plus its standard deviation.

    Args:
        num_channels: Maps in and out.
        reduction: How many times narrower the hidden layer is.

    Reference: Hui et al., 2019, arXiv:1909.11856, section 3.2.
    """

    def __init__(self, *, num_channels: int, reduction: int) -> None:
        super().__init__()
        width = num_channels // reduction
        self.gate = nn.Sequential(same_conv(num_channels, width, 1), nn.ReLU(), same_conv(width, num_channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """``x`` weighted per channel, ``(N, C, H, W)``."""
        mean = x.mean((2, 3), keepdim=True)
        variance = ((x - mean) ** 2).mean((2, 3), keepdim=True)
        deviation = (variance + _TINY).sqrt()
        return x * torch.sigmoid(self.gate(deviation + mean))


def resize_like(coarse: Tensor, x: Tensor) -> Tensor:
    """``coarse`` stretched bilinearly to the height and width of ``x``."""
    return F.interpolate(coarse, size=x.shape[-2:], mode="bilinear", align_corners=False)
