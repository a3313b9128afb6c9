"""The plain convolution every network is made of, and the shift that takes the mean colour away."""

import torch
from torch import Tensor, nn

DIV2K_RGB_MEAN = (0.4488, 0.4371, 0.4040)
"""Mean colour of DIV2K's training set in [0, 1], as EDSR, CARN and SPAN carry it."""


def same_conv(
    in_channels: int, out_channels: int, kernel_size: int, *, groups: int = 1, bias: bool = True
) -> nn.Conv2d:
    """A convolution of odd kernel size that keeps height and width, with zeros outside the picture."""
    return nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, groups=groups, bias=bias)


def bias_free_conv(in_channels: int, out_channels: int, kernel_size: int, *, groups: int = 1) -> nn.Conv2d:
    """`same_conv` without a bias."""
    return same_conv(in_channels, out_channels, kernel_size, groups=groups, bias=False)


class RgbMean(nn.Module):
    """A colour to subtract before a network and to add after it: fixed, so not in the state dict.

    Args:
        mean: Red, green and blue in [0, 1].
        value_range: White inside the network.
    """

    value: Tensor

    def __init__(self, *, mean: tuple[float, float, float] = DIV2K_RGB_MEAN, value_range: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("value", torch.tensor(mean).view(1, 3, 1, 1) * value_range, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` minus the mean, ``(N, 3, H, W)``."""
        return x - self.value

    def add(self, x: Tensor) -> Tensor:
        """``x`` plus the mean, ``(N, 3, H, W)``."""
        return x + self.value
