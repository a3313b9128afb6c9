"""Bicubic interpolation as one convolution, in the two forms of the edge-SR authors (arXiv:2108.10335, section 3).

``naive``: stuff zeros between the pixels and filter, which a transposed convolution of stride ``scale`` does.
``efficient``: split the same filter into scale² small ones that run at the low resolution, then shuffle pixels.
Both give the same picture; the borders see zeros, not the symmetric edges of an image resize.

Quirks kept, because the official weights and figures depend on them: the kernel's phase is fixed at -1.5, which is
centred for scale 2 and 4 but half a high-resolution pixel off for scale 3 (hence the poor published 29.24 dB;
``phase=-1.0`` centres it), and the naive kernel carries a last row and column of zeros.
Differs from the official code: for scale 2 its efficient form loses a pixel at each side of the output; here the
output is always ``scale`` times the input, and equal to the official one inside.
"""

import math
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upres.lab.blocks.bicubic import cubic
from upres.models.card import ColorMode


class BicubicConv(nn.Module):
    """Luma ``(N, 1, H, W)`` to ``(N, 1, scale * H, scale * W)``, range 0 to 1, unclamped.

    Args:
        scale: Upscaling factor.
        form: How the filter runs; see the module.
        phase: Where the kernel's centre lies, in high-resolution pixels; only the initial weights depend on it.
    """

    color_mode: ClassVar[ColorMode] = "luma"
    halo: ClassVar[int] = 3
    """Low-resolution pixels at each side that an output pixel depends on."""

    def __init__(
        self, *, scale: int = 2, form: Literal["naive", "efficient"] = "efficient", phase: float = -1.5
    ) -> None:
        super().__init__()
        self.scale = scale
        self.form = form
        kernel = zoom_filter(scale, phase)
        size = kernel.shape[-1]
        if form == "naive":
            self.net = nn.ConvTranspose2d(
                1,
                1,
                size + 1,
                stride=scale,
                padding=(size - scale) // 2 + 1,
                output_padding=(scale + 1) % 2,
                bias=False,
            )
            kernel = F.pad(kernel, (0, 1, 0, 1))
        elif form == "efficient":
            padding = scale - size % scale
            kernel = F.pixel_unshuffle(F.pad(kernel, (0, padding, 0, padding)), scale)
            self.net = nn.ConvTranspose2d(1, scale**2, kernel.shape[-1], padding=kernel.shape[-1] // 2, bias=False)
        else:
            raise ValueError(f"form is 'naive' or 'efficient', got {form!r}")
        self.net.weight = nn.Parameter(kernel)

    def forward(self, x: Tensor) -> Tensor:
        """The upscaled luma plane."""
        result: Tensor
        if self.form == "naive":
            result = self.net(x)
        elif self.net.kernel_size[0] % 2:
            result = F.pixel_shuffle(self.net(x), self.scale)
        else:  # an even kernel loses one low-resolution pixel: widen the input and cut the surplus off
            result = F.pixel_shuffle(self.net(F.pad(x, (1, 1, 1, 1))), self.scale)[..., 1:-1, 1:-1]
        return result


def zoom_filter(scale: int, phase: float) -> Tensor:
    """The cubic kernel sampled for zero-stuffed input: ``(1, 1, n, n)``, sum ``scale ** 2``."""
    anchor = max(abs(math.ceil(-2 * scale - phase)), abs(math.floor(2 * scale - phase)))
    index = torch.arange(-anchor + 1, anchor + 1, dtype=torch.float64)
    taps = cubic((index + phase) / scale)
    taps = scale * taps / taps.sum()
    return torch.outer(taps, taps)[None, None].float()
