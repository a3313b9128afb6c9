"""Residual blocks of the classic networks."""

from torch import Tensor, nn

from upres.lab.blocks.conv import same_conv


class PlainResidualBlock(nn.Module):
    """Two 3x3 convolutions with a ReLU between, scaled and added to the input.

    Reference: Lim et al., 2017, arXiv:1707.02921, figure 2.
    """

    def __init__(self, *, num_channels: int, residual_scale: float = 1.0) -> None:
        super().__init__()
        self.residual_scale = residual_scale
        self.conv1 = same_conv(num_channels, num_channels, 3)
        self.act = nn.ReLU()
        self.conv2 = same_conv(num_channels, num_channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)``."""
        residual: Tensor = self.conv2(self.act(self.conv1(x)))
        return x + residual * self.residual_scale
