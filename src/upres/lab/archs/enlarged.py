"""Bicubic interpolation first, then a network that keeps the size: super-resolution at one resolution.

So MIRNet's authors do real super-resolution (Zamir et al., 2020, arXiv:2003.06792, section 4.4), and so the pairs of
RealSR come (Cai et al., 2019, arXiv:1904.00377): both pictures are as large as the result. All multiply-adds are spent
on the large grid, where networks with a pixel shuffle spend them on the small one.
"""

from collections.abc import Mapping
from importlib import import_module
from math import gcd
from typing import Any

from torch import Tensor, nn

from upres.lab.blocks.upsample import BicubicUpsample
from upres.lab.zoo import ARCHITECTURES
from upres.models.card import ColorMode


class EnlargedFirst(nn.Module):
    """A restorer behind a bicubic interpolation that is not rounded.

    Args:
        scale: How many times larger the output is; the weights are the same at every scale.
        body: Architecture of the network that keeps the size, one of `upres.lab.zoo.ARCHITECTURES`.
        arguments: The body's own, but scale and task.

    Raises:
        ValueError: If there is no such architecture.

    Example:
        >>> small = {"num_channels": 8, "num_groups": 1, "num_blocks": 1}
        >>> EnlargedFirst(scale=2, body="mirnet", arguments=small)(torch.rand(1, 3, 8, 12)).shape
        torch.Size([1, 3, 16, 24])
    """

    color_mode: ColorMode = "rgb"

    def __init__(self, *, scale: int, body: str, arguments: Mapping[str, Any]) -> None:
        super().__init__()
        if body not in ARCHITECTURES:
            raise ValueError(f"no architecture '{body}'")
        module, name = ARCHITECTURES[body].split(":")
        self.scale = scale
        self.bicubic = BicubicUpsample(scale=scale)
        self.body = getattr(import_module(module), name)(scale=1, task="denoise", **arguments)
        self.multiple_of = self.body.multiple_of // gcd(self.body.multiple_of, scale)
        self.min_size = max(2, -(-self.body.min_size // scale))

    @property
    def halo(self) -> int | None:
        """What the body sees, on the small grid, and what the interpolation does."""
        return None if self.body.halo is None else self.bicubic.halo - (-self.body.halo // self.scale)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)``, sides multiples of `multiple_of`, to ``(N, 3, scale * H, scale * W)``, both in [0, 1]."""
        restored: Tensor = self.body(self.bicubic(x))
        return restored
