"""FSRCNN: Accelerating the super-resolution convolutional neural network (Dong et al.; ECCV 2016, arXiv:1608.00367).

Features are taken at the low resolution, shrunk to a few channels, mapped by small 3x3 convolutions, expanded again
and upscaled only by the last layer, a 9x9 transposed convolution. The parameters sit where they are cheap.

Differs from the paper: by default one slope per PReLU, as in the pool of the edge-SR authors;
``channel_slopes=True`` gives the paper's slope per channel. ``tail="subpixel"`` is the network of OpenCV's model zoo:
a 1x1 convolution to scale² channels, pixel shuffle and a single bias. The luma reaches the output through one channel
at the start (bicubic where the tail can interpolate).
"""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upres.lab.blocks.bicubic import deconvolution_filter
from upres.lab.blocks.upsample import PhasedDeconvolution
from upres.models.card import ColorMode

TAIL_KERNEL = 9


class FSRCNN(nn.Module):
    """Luma ``(N, 1, H, W)`` to ``(N, 1, scale * H, scale * W)``, range 0 to 1, unclamped.

    Args:
        scale: Upscaling factor, at most 8 with the transposed convolution.
        num_features: ``D`` channels outside.
        num_shrink: ``S`` channels inside.
        num_blocks: ``M`` mapping convolutions.
        tail: ``deconv``, the paper's 9x9 transposed convolution, or ``subpixel``.
        channel_slopes: A PReLU slope per channel instead of one for all.
    """

    color_mode: ClassVar[ColorMode] = "luma"

    def __init__(
        self,
        *,
        scale: int = 2,
        num_features: int = 56,
        num_shrink: int = 12,
        num_blocks: int = 4,
        tail: Literal["deconv", "subpixel"] = "deconv",
        channel_slopes: bool = False,
    ) -> None:
        super().__init__()
        self.scale = scale
        self.num_blocks = num_blocks
        shapes = [
            (1, num_features, 5),
            (num_features, num_shrink, 1),
            *[(num_shrink, num_shrink, 3)] * num_blocks,
            (num_shrink, num_features, 1),
        ]
        layers: list[nn.Module] = []
        for inputs, outputs, kernel_size in shapes:
            layers.append(nn.Conv2d(inputs, outputs, kernel_size, padding=kernel_size // 2))
            layers.append(nn.PReLU(outputs if channel_slopes else 1))
        self.tail = tail
        if tail == "deconv":
            layers.append(PhasedDeconvolution(num_features, 1, kernel_size=TAIL_KERNEL, stride=scale))
        elif tail == "subpixel":
            layers.append(nn.Conv2d(num_features, scale**2, 1, bias=False))
            self.bias = nn.Parameter(torch.zeros(1))
        else:
            raise ValueError(f"tail is 'deconv' or 'subpixel', got {tail!r}")
        self.net = nn.Sequential(*layers)
        self.reset_parameters()

    @property
    def halo(self) -> int:
        """Low-resolution pixels at each side that an output pixel depends on."""
        reach = TAIL_KERNEL // 2 // self.scale if self.tail == "deconv" else 0
        return 2 + self.num_blocks + reach

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Start near interpolation: one channel carries the luma to the tail, the others begin quietly."""
        last = self.net[-1]
        for layer in self.net:
            if isinstance(layer, nn.PReLU):
                nn.init.constant_(layer.weight, 0.25)
            elif isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(layer.weight, a=0.25)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
                if layer is not last:
                    middle = int(layer.kernel_size[0]) // 2
                    layer.weight[0].zero_()
                    layer.weight[0, 0, middle, middle] = 1.0
        if isinstance(last, nn.ConvTranspose2d):
            nn.init.normal_(last.weight, std=0.001)
            last.weight[:1] += deconvolution_filter(self.scale, TAIL_KERNEL, int(last.padding[0]))
        elif isinstance(last, nn.Conv2d):
            nn.init.normal_(last.weight, std=0.001)
            last.weight[:, 0] += 1.0

    def forward(self, x: Tensor) -> Tensor:
        """The upscaled luma plane."""
        features: Tensor = self.net(x)
        return features if self.tail == "deconv" else F.pixel_shuffle(features, self.scale) + self.bias
