"""VDSR: Very Deep Super-Resolution (Kim et al., 2016, arXiv:1511.04587).

Twenty 3x3 convolutions at the high resolution learn what bicubic interpolation misses and add it. The paper's network
takes the enlarged luma; this one takes the small one and enlarges it itself, unrounded, so that it is called like the
others. The published network has no biases, here an argument.
"""

from itertools import pairwise

from torch import Tensor, nn

from upres.lab.blocks.conv import same_conv
from upres.lab.blocks.upsample import BicubicUpsample
from upres.models.card import ColorMode


class VDSR(nn.Module):
    """Very deep super-resolution network for luma.

    Args:
        scale: How many times larger the output is; the weights are the same at every scale.
        num_channels: Maps between convolutions.
        num_layers: Convolutions.
        bias: Biases in all of them.

    Example:
        >>> VDSR(scale=2)(torch.rand(1, 1, 8, 12)).shape
        torch.Size([1, 1, 16, 24])
    """

    color_mode: ColorMode = "luma"
    min_size = 2

    def __init__(self, *, scale: int, num_channels: int = 64, num_layers: int = 20, bias: bool = False) -> None:
        super().__init__()
        self.scale, self.num_layers = scale, num_layers
        self.bicubic = BicubicUpsample(scale=scale)
        widths = [1, *[num_channels] * (num_layers - 1), 1]
        layers: list[nn.Module] = []
        for in_channels, out_channels in pairwise(widths):
            layers += [same_conv(in_channels, out_channels, 3, bias=bias), nn.ReLU()]
        self.body = nn.Sequential(*layers[:-1])
        for layer in self.body:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")

    @property
    def halo(self) -> int | None:
        """Bicubic interpolation and one high-resolution pixel for each convolution."""
        return self.bicubic.halo - (-self.num_layers // self.scale)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 1, H, W)`` to ``(N, 1, scale * H, scale * W)``, both in [0, 1]; sides of at least `min_size`."""
        enlarged: Tensor = self.bicubic(x)
        residual: Tensor = self.body(enlarged)
        return enlarged + residual
