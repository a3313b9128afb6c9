"""RLFN: Residual Local Feature Network (Kong et al., 2022, arXiv:2205.07514), winner of NTIRE 2022's main track.

RFDN's distillation branches cost more time than they bring: three plain 3x3 convolutions with one local skip replace
them, and enhanced spatial attention loses two of its three inner convolutions. The published networks compute in
0..255 (``value_range=255``). Nothing differs from the paper; the challenge's entry is the same form pruned to 46
channels outside and 48 inside a block. Full attention, other activations and re-parameterised convolutions, which the
paper does not have, are arguments for the sake of comparison.
"""

from typing import Literal

from torch import Tensor, nn

from upres.lab.blocks.attention import ESA, ESA_MIN_SIZE, SlimESA
from upres.lab.blocks.conv import same_conv
from upres.lab.blocks.reparam import ECB
from upres.lab.blocks.upsample import pixel_shuffle_tail
from upres.models.card import ColorMode

ActivationName = Literal["leaky_relu", "silu", "gelu"]


class RLFB(nn.Module):
    """Three convolutions with a local skip, a 1x1 convolution and attention."""

    def __init__(
        self,
        *,
        num_channels: int,
        mid_channels: int,
        esa_channels: int,
        full_attention: bool = False,
        activation: ActivationName = "leaky_relu",
        expanded: bool = False,
    ) -> None:
        super().__init__()

        def conv(inputs: int, outputs: int) -> nn.Module:
            return ECB(inputs, outputs) if expanded else same_conv(inputs, outputs, 3)

        self.conv1 = conv(num_channels, mid_channels)
        self.conv2 = conv(mid_channels, mid_channels)
        self.conv3 = conv(mid_channels, num_channels)
        self.act = {"leaky_relu": nn.LeakyReLU(0.05), "silu": nn.SiLU(), "gelu": nn.GELU()}[activation]
        self.fusion = same_conv(num_channels, num_channels, 1)
        self.attention = (ESA if full_attention else SlimESA)(num_channels=num_channels, width=esa_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Refined features, ``(N, C, H, W)``."""
        features = self.act(self.conv1(x))
        features = self.act(self.conv2(features))
        features = self.act(self.conv3(features))
        refined: Tensor = self.attention(self.fusion(features + x))
        return refined


class RLFN(nn.Module):
    """Residual local feature network.

    Args:
        scale: How many times larger the output is.
        num_channels: Maps between blocks: 52 (RLFN), 48 (RLFN-S), 46 (challenge).
        mid_channels: Maps inside a block; ``None`` for ``num_channels``.
        num_blocks: 6 in the paper, 4 in the challenge.
        esa_channels: Width of the attention.
        full_attention: RFDN's attention with three 3x3 convolutions.
        activation: Between the convolutions of a block.
        expanded: 3x3 convolutions of the blocks as edge-oriented blocks, to be folded after training.
        value_range: White inside the network; 255 in the published files.

    Example:
        >>> RLFN(scale=4)(torch.rand(1, 3, 20, 24)).shape
        torch.Size([1, 3, 80, 96])
    """

    color_mode: ColorMode = "rgb"
    min_size = ESA_MIN_SIZE

    def __init__(
        self,
        *,
        scale: int,
        num_channels: int = 52,
        mid_channels: int | None = None,
        num_blocks: int = 6,
        esa_channels: int = 16,
        full_attention: bool = False,
        activation: ActivationName = "leaky_relu",
        expanded: bool = False,
        value_range: float = 1.0,
    ) -> None:
        super().__init__()
        self.scale, self.value_range = scale, value_range
        self.head = same_conv(3, num_channels, 3)
        self.blocks = nn.Sequential(
            *(
                RLFB(
                    num_channels=num_channels,
                    mid_channels=mid_channels or num_channels,
                    esa_channels=esa_channels,
                    full_attention=full_attention,
                    activation=activation,
                    expanded=expanded,
                )
                for _ in range(num_blocks)
            )
        )
        self.body_conv = same_conv(num_channels, num_channels, 3)
        self.upsampler = pixel_shuffle_tail(num_channels, 3, scale)

    @property
    def halo(self) -> int | None:
        """``None``: spatial attention sees the whole picture."""
        return None

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``, both in [0, 1]; sides of at least `min_size`."""
        shallow = self.head(x * self.value_range)
        features = self.body_conv(self.blocks(shallow)) + shallow
        sr: Tensor = self.upsampler(features)
        return sr / self.value_range
