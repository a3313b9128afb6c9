"""A trunk of plain 3x3 convolutions, made for an engine that runs them in strips, depth first; no paper's.

RLFN spends a third of its time in 1x1 convolutions and attention that are a tenth of its multiply-adds, and its
attention sees the whole picture. Here everything between head and tail is a 3x3 convolution, and what is pointwise
(activation, skip, gate, the pixel added at the end) costs nothing of its own where it is done as a convolution's
results are stored. A block is RLFB's: three convolutions and one local skip, without fusion and attention. SPAN's
concatenation of four planes, which reads memory four times, is a sum here, as in EDSR; the nearest pixel is added to
the output, as in ECBSR.

A block's output may weigh itself without parameters, as in SPAN (Wan et al., 2024, arXiv:2311.12770). There the weight,
a sigmoid less a half, multiplies the skip as well, which the concatenation makes up for and a sum does not: ``skip``
adds the block's input once more, ``hard`` does that with the sigmoid's tangent at 0, clipped, and needs no exponential.

With ``unshuffle`` the trunk works on squares of pixels, as FFDNet does (Zhang et al., 2018, arXiv:1710.04026): at scale
1 a network that restores costs a quarter of what it would cost on the pixels.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upres.lab.blocks.conv import same_conv
from upres.lab.blocks.reparam import Conv3XC
from upres.lab.blocks.upsample import pixel_shuffle_tail
from upres.models.card import ColorMode, Task

ActivationName = Literal["leaky_relu", "silu"]
GateName = Literal["none", "span", "skip", "hard"]


class PlainBlock(nn.Module):
    """Three convolutions with a local skip, whose sum may weigh itself."""

    def __init__(self, *, num_channels: int, activation: ActivationName, gate: GateName, expanded: bool) -> None:
        super().__init__()
        self.conv1 = _conv(num_channels, num_channels, expanded=expanded)
        self.conv2 = _conv(num_channels, num_channels, expanded=expanded)
        self.conv3 = _conv(num_channels, num_channels, expanded=expanded)
        self.act = {"leaky_relu": nn.LeakyReLU(0.05), "silu": nn.SiLU()}[activation]
        self.gate = gate

    def forward(self, x: Tensor) -> Tensor:
        """Refined features, ``(N, C, H, W)``."""
        last: Tensor = self.conv3(self.act(self.conv2(self.act(self.conv1(x)))))
        if self.gate == "none":
            return last + x
        weight = (last / 4).clamp(-0.5, 0.5) if self.gate == "hard" else torch.sigmoid(last) - 0.5
        gated = (last + x) * weight
        return gated if self.gate == "span" else gated + x


class PlainSR(nn.Module):
    """Plain 3x3 residual network.

    Args:
        scale: How many times larger the output is.
        num_channels: Maps everywhere; engines like multiples of 16.
        num_blocks: Blocks of three convolutions.
        activation: After the first two convolutions of a block.
        gate: What weighs a block's sum: nothing, or the sigmoid of its last convolution, less a half (``span``); the
            input is added to that by ``skip`` and ``hard``, whose sigmoid is three straight lines.
        nearest_skip: Add the nearest pixel of the input to the output.
        expanded: Train the 3x3 convolutions but the last as `Conv3XC`; plain ones otherwise.
        unshuffle: Side of the squares of pixels that the head takes as one, all their colours beside each other.
        task: What it is trained for at scale 1: ``denoise``, ``deblock`` or ``enhance``.

    Raises:
        ValueError: If the task is not ``upscale`` at scales above 1 alone.

    Example:
        >>> PlainSR(scale=2)(torch.rand(1, 3, 8, 12)).shape
        torch.Size([1, 3, 16, 24])
    """

    color_mode: ColorMode = "rgb"

    def __init__(
        self,
        *,
        scale: int,
        num_channels: int = 32,
        num_blocks: int = 6,
        activation: ActivationName = "leaky_relu",
        gate: GateName = "none",
        nearest_skip: bool = True,
        expanded: bool = False,
        unshuffle: int = 1,
        task: Task = "upscale",
    ) -> None:
        super().__init__()
        if (scale == 1) == (task == "upscale"):
            raise ValueError(f"expected a task that restores at scale 1, and upscale above, got {task} at {scale}")
        self.scale, self.nearest_skip, self.task = scale, nearest_skip, task
        self.unshuffle = self.multiple_of = self.min_size = unshuffle
        self.head = _conv(3 * unshuffle**2, num_channels, expanded=expanded)
        self.blocks = nn.Sequential(
            *(
                PlainBlock(num_channels=num_channels, activation=activation, gate=gate, expanded=expanded)
                for _ in range(num_blocks)
            )
        )
        self.body_conv = _conv(num_channels, num_channels, expanded=expanded)
        self.upsampler = pixel_shuffle_tail(num_channels, 3, scale * unshuffle)

    @property
    def halo(self) -> int | None:
        """One square of pixels for each 3x3 convolution in a row, and what is left of the own square."""
        return self.unshuffle * (3 * len(self.blocks) + 4) - 1

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)``, sides multiples of ``unshuffle``, to ``(N, 3, scale * H, scale * W)``, both in [0, 1]."""
        shallow = self.head(F.pixel_unshuffle(x, self.unshuffle) if self.unshuffle > 1 else x)
        sr: Tensor = self.upsampler(self.body_conv(self.blocks(shallow)) + shallow)
        if not self.nearest_skip:
            return sr
        return sr + (x if self.scale == 1 else F.interpolate(x, scale_factor=self.scale, mode="nearest"))


def _conv(in_channels: int, out_channels: int, *, expanded: bool) -> nn.Module:
    return Conv3XC(in_channels, out_channels) if expanded else same_conv(in_channels, out_channels, 3)
