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


class PhasedDeconvolution(nn.ConvTranspose2d):
    """A transposed convolution that training computes as a convolution a phase and a pixel shuffle.

    Each of the ``stride²`` phases of the output reads the inputs by taps of its own. FSRCNN's 9x9 at x2 with 56
    channels takes 14 ms forwards and backwards where PyTorch's takes 33 (two pictures of 120x120, one core of epyc-b).
    In use it is PyTorch's, which is what exports as ``ConvTranspose``.

    Args:
        in_channels: Maps in.
        out_channels: Maps out.
        kernel_size: Taps a side.
        stride: Factor of the upscaling, at least 2 and at most the taps a side.

    Example:
        >>> PhasedDeconvolution(4, 1, kernel_size=9, stride=3)(torch.ones(1, 4, 5, 6)).shape
        torch.Size([1, 1, 15, 18])
    """

    taps: Tensor

    def __init__(self, in_channels: int, out_channels: int, *, kernel_size: int, stride: int) -> None:
        padding = (kernel_size - 1 - stride) // 2 + 1
        output_padding = 2 * padding + stride - kernel_size
        super().__init__(
            in_channels, out_channels, kernel_size, stride=stride, padding=padding, output_padding=output_padding
        )
        # phase r reads input q + u by tap r + padding - stride * u, where the filter has such a tap
        reach = max(padding + stride - 1, kernel_size - 1 - padding) // stride
        inputs = torch.arange(-reach, reach + 1)
        taps = torch.arange(stride)[:, None] + padding - stride * inputs
        taps = torch.where((taps >= 0) & (taps < kernel_size), taps, kernel_size)  # beyond the last tap is a zero
        self.register_buffer("taps", taps, persistent=False)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """``(N, in, H, W)`` to ``(N, out, stride * H, stride * W)``."""
        if not self.training or output_size is not None:
            return super().forward(x, output_size)
        padded = F.pad(self.weight, (0, 1, 0, 1))
        filters = padded[:, :, self.taps[:, None, :, None], self.taps[None, :, None, :]]  # (in, out, s, s, T, T)
        filters = filters.permute(1, 2, 3, 0, 4, 5).flatten(0, 2)
        bias = None if self.bias is None else self.bias.repeat_interleave(self.stride[0] ** 2)
        phases = F.conv2d(x, filters, bias, padding=self.taps.shape[1] // 2)
        return F.pixel_shuffle(phases, self.stride[0])
