"""SRVGGNetCompact: the small networks of Real-ESRGAN (Wang et al., 2021, arXiv:2107.10833), for video and for all.

Plain 3x3 convolutions in the size of the input, a pixel shuffle, and the input's pixels, repeated, added to it. The
paper does not describe them: they came with its code. Nothing differs from that.
"""

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from upres.lab.blocks.conv import same_conv
from upres.models.card import ColorMode, Task

Activation = Literal["prelu", "relu", "leakyrelu"]
SLOPE = 0.1


class SRVGGNetCompact(nn.Module):
    """Plain network on top of repeated pixels; the defaults are the network for animated video.

    Args:
        scale: How many times larger the output is; 1 keeps the size, and the task is then ``enhance``.
        num_channels: Maps everywhere.
        num_layers: Convolutions between the first and the last, 32 in the network for all pictures.
        activation: Behind each convolution but the last: ``prelu`` with a slope for each map, ``relu``, or
            ``leakyrelu`` with a slope of a tenth.

    Raises:
        ValueError: If there is no such activation.

    Example:
        >>> SRVGGNetCompact(scale=4, num_layers=2)(torch.rand(1, 3, 8, 12)).shape
        torch.Size([1, 3, 32, 48])
    """

    color_mode: ColorMode = "rgb"
    min_size = 1

    def __init__(
        self, *, scale: int, num_channels: int = 64, num_layers: int = 16, activation: Activation = "prelu"
    ) -> None:
        super().__init__()
        self.scale = scale
        self.task: Task = "upscale" if scale > 1 else "enhance"
        widths = [3, *[num_channels] * (num_layers + 1)]
        layers: list[nn.Module] = []
        for inputs in widths[:-1]:
            layers += [same_conv(inputs, num_channels, 3), _activation(activation, num_channels)]
        self.body = nn.Sequential(*layers)
        self.tail = same_conv(num_channels, 3 * scale**2, 3)

    @property
    def halo(self) -> int | None:
        """One pixel a convolution."""
        return len(self.body) // 2 + 1

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``, both in [0, 1]."""
        residual: Tensor = self.tail(self.body(x))
        if self.scale == 1:
            return residual + x
        return F.pixel_shuffle(residual, self.scale) + F.interpolate(x, scale_factor=float(self.scale), mode="nearest")


def _activation(name: str, num_channels: int) -> nn.Module:
    if name == "prelu":
        return nn.PReLU(num_channels)
    if name == "relu":
        return nn.ReLU()
    if name == "leakyrelu":
        return nn.LeakyReLU(SLOPE)
    raise ValueError(f"no activation '{name}'; there are prelu, relu, leakyrelu")
