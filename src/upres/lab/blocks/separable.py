"""Blueprint separable convolution: a pointwise layer, then a depthwise one."""

from torch import Tensor, nn


class PointwiseLinear(nn.Linear):
    """A 1x1 convolution kept as a linear layer over the channels, as the challenge's entries count it."""

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, out_features, H, W)``."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class BSConvU(nn.Module):
    """Pointwise layer, then depthwise 3x3.

    Args:
        in_channels: Maps in.
        out_channels: Maps out.
        linear: The pointwise layer is a linear one with a bias, not a 1x1 convolution without.
        stride: Of the depthwise convolution; above 1 it has no padding.

    Reference: Haase and Amthor, 2020, arXiv:2003.13549.
    """

    def __init__(self, in_channels: int, out_channels: int, *, linear: bool = False, stride: int = 1) -> None:
        super().__init__()
        self.point: nn.Module = (
            PointwiseLinear(in_channels, out_channels)
            if linear
            else nn.Conv2d(in_channels, out_channels, 1, bias=False)
        )
        self.depth = nn.Conv2d(
            out_channels, out_channels, 3, stride=stride, padding=1 if stride == 1 else 0, groups=out_channels
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, out_channels, H, W)``."""
        result: Tensor = self.depth(self.point(x))
        return result
