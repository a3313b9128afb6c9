"""EDSR: Enhanced Deep Residual Network (Lim et al., 2017, arXiv:1707.02921), winner of NTIRE 2017.

Residual blocks without batch normalisation; wide networks stay trainable by scaling each residual by a tenth.
Nothing differs from the paper. The published networks compute in 0..255 (``value_range=255``).
"""

from torch import Tensor, nn

from upres.lab.blocks.conv import RgbMean, same_conv
from upres.lab.blocks.residual import PlainResidualBlock
from upres.lab.blocks.upsample import staged_upsampler
from upres.models.card import ColorMode


class EDSR(nn.Module):
    """Enhanced deep residual network; the defaults are the full one, 64 channels and 16 blocks the baseline.

    Args:
        scale: How many times larger the output is.
        num_channels: Maps everywhere.
        num_blocks: Residual blocks.
        residual_scale: Factor of each residual; 1 in the baseline.
        value_range: White inside the network.

    Example:
        >>> EDSR(scale=2, num_channels=64, num_blocks=16, residual_scale=1.0)(torch.rand(1, 3, 8, 12)).shape
        torch.Size([1, 3, 16, 24])
    """

    color_mode: ColorMode = "rgb"
    min_size = 1

    def __init__(
        self,
        *,
        scale: int,
        num_channels: int = 256,
        num_blocks: int = 32,
        residual_scale: float = 0.1,
        value_range: float = 1.0,
    ) -> None:
        super().__init__()
        self.scale, self.value_range = scale, value_range
        self.mean = RgbMean(value_range=value_range)
        self.head = same_conv(3, num_channels, 3)
        self.blocks = nn.Sequential(
            *(PlainResidualBlock(num_channels=num_channels, residual_scale=residual_scale) for _ in range(num_blocks))
        )
        self.body_conv = same_conv(num_channels, num_channels, 3)
        self.upsampler = staged_upsampler(num_channels, scale)
        self.tail = same_conv(num_channels, 3, 3)

    @property
    def halo(self) -> int | None:
        """Head, two convolutions a block, body, and two for the upsampler and the tail."""
        return 2 * len(self.blocks) + 4

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``, both in [0, 1]."""
        shallow = self.head(self.mean(x * self.value_range))
        features = self.body_conv(self.blocks(shallow)) + shallow
        return self.mean.add(self.tail(self.upsampler(features))) / self.value_range
