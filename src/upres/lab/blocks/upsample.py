"""Ways from the low-resolution grid to the high-resolution one."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upres.lab.blocks.bicubic import phase_filters
from upres.lab.blocks.conv import same_conv


def pixel_shuffle_tail(num_channels: int, out_channels: int, scale: int) -> nn.Sequential:
    """One 3x3 convolution to ``out_channels * scale**2`` maps and a pixel shuffle: the tail of every light network."""
    return nn.Sequential(same_conv(num_channels, out_channels * scale**2, 3), nn.PixelShuffle(scale))


def staged_upsampler(num_channels: int, scale: int, *, groups: int = 1, activation: bool = False) -> nn.Sequential:
    """Pixel shuffles by 2 (twice for scale 4) or by 3 that keep the number of channels.

    Args:
        num_channels: Maps in and out.
        scale: A power of two, or 3.
        groups: Groups of each 3x3 convolution.
        activation: A ReLU between convolution and shuffle, as CARN has it.

    Raises:
        ValueError: If ``scale`` is something else.
    """
    steps = [3] if scale == 3 else [2] * (scale.bit_length() - 1)
    if scale < 2 or math.prod(steps) != scale:
        raise ValueError(f"scale must be 3 or a power of two, got {scale}")
    layers: list[nn.Module] = []
    for step in steps:
        layers.append(same_conv(num_channels, num_channels * step**2, 3, groups=groups))
        if activation:
            layers.append(nn.ReLU())
        layers.append(nn.PixelShuffle(step))
    return nn.Sequential(*layers)


class BicubicUpsample(nn.Module):
    """Keys' cubic (a = -0.5) by a whole factor with symmetric edges: MATLAB's ``imresize`` enlarging, unrounded.

    Each of the ``scale`` output phases reads at most four of five neighbours along an axis, so the whole is a fixed
    5x5 convolution of every plane and a pixel shuffle. Pictures need at least two pixels a side.

    Example:
        >>> BicubicUpsample(scale=2)(torch.ones(1, 1, 4, 5)).shape
        torch.Size([1, 1, 8, 10])

    Reference: Keys, 1981, doi:10.1109/TASSP.1981.1163711.
    """

    kernel: Tensor
    halo = 2

    def __init__(self, *, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.register_buffer("kernel", phase_filters(scale, 5), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, C, scale * H, scale * W)``, same range."""
        batch, channels, height, width = x.shape
        x = torch.cat((x[..., :2, :].flip(-2), x, x[..., -2:, :].flip(-2)), dim=-2)
        x = torch.cat((x[..., :2].flip(-1), x, x[..., -2:].flip(-1)), dim=-1)
        planes = x.reshape(-1, 1, height + 4, width + 4)  # ONNX has no convolution whose groups depend on the input
        result = F.pixel_shuffle(F.conv2d(planes, self.kernel), self.scale)
        return result.reshape(batch, channels, self.scale * height, self.scale * width)
