"""Convolutions that are trained as several branches and used as one.

Every block here is affine in the 3x3 neighbourhood of a pixel, with zeros outside the picture, so a plain 3x3
convolution equals it exactly: its response to zeros is the bias, its response to single lit pixels the kernel.
Branches in series pad the block's *input* and nothing later, which keeps that true along the border.
"""

from abc import ABC, abstractmethod
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upres.lab.blocks.conv import same_conv

SOBEL_X = ((1.0, 0.0, -1.0), (2.0, 0.0, -2.0), (1.0, 0.0, -1.0))
SOBEL_Y = ((1.0, 2.0, 1.0), (0.0, 0.0, 0.0), (-1.0, -2.0, -1.0))
LAPLACIAN = ((0.0, 1.0, 0.0), (1.0, -4.0, 1.0), (0.0, 1.0, 0.0))


class FoldableConv(nn.Module, ABC):
    """A block that a plain 3x3 convolution of the same widths can replace after training.

    It is one while it trains, too: the kernel is computed from the branches, through which gradients reach their
    parameters, and the picture is convolved once instead of in every branch.

    Reference: Bhardwaj et al., 2022, arXiv:2103.09404 (training of collapsible blocks).
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels

    @abstractmethod
    def branches(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, out_channels, H, W)``, branch by branch."""

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, out_channels, H, W)``."""
        if not self.training:
            return self.branches(x)
        with torch.autocast(x.device.type, enabled=False):
            kernel, bias = self.kernel()
        return F.conv2d(x, kernel, bias, padding=1)

    def kernel(self) -> tuple[Tensor, Tensor]:
        """Kernel ``(out, in, 3, 3)`` and bias ``(out,)`` of the convolution that equals this block, with gradients."""
        channels, parameter = torch.arange(self.in_channels), next(self.parameters())
        pixels = parameter.new_zeros(self.in_channels + 1, self.in_channels, 3, 3)
        pixels[channels, channels, 1, 1] = 1.0
        response = self.branches(pixels)  # (in + 1, out, 3, 3): one lit pixel each, the last picture black
        return (response[:-1] - response[-1]).transpose(0, 1).flip(2, 3), response[-1, :, 1, 1]

    @torch.no_grad()
    def fold(self) -> nn.Conv2d:
        """The convolution that equals this block in evaluation mode, within 1e-5 of outputs of order one."""
        kernel, bias = deepcopy(self).double().eval().kernel()
        plain = same_conv(self.in_channels, self.out_channels, 3).to(next(self.parameters()))
        assert plain.bias is not None
        plain.weight.copy_(kernel)
        plain.bias.copy_(bias)
        return plain.train(self.training)


def fold_network(network: nn.Module) -> nn.Module:
    """The same network, changed in place, with every `FoldableConv` in it replaced by its plain convolution.

    Example:
        >>> from upres.lab.archs.span import SPAN
        >>> sum(p.numel() for p in fold_network(SPAN(scale=4, num_channels=28, cat_channels=20)).parameters())
        146328
    """
    for name, child in network.named_children():
        if isinstance(child, FoldableConv):
            setattr(network, name, child.fold())
        else:
            fold_network(child)
    return network


class PointThenConv(nn.Module):
    """A 1x1 convolution of a padded picture and a 3x3 convolution that uses up the padding."""

    def __init__(self, in_channels: int, mid_channels: int, out_channels: int) -> None:
        super().__init__()
        self.point = nn.Conv2d(in_channels, mid_channels, 1)
        self.conv = nn.Conv2d(mid_channels, out_channels, 3)

    def forward(self, padded: Tensor) -> Tensor:
        """``(N, C, H + 2, W + 2)`` to ``(N, out_channels, H, W)``."""
        result: Tensor = self.conv(self.point(padded))
        return result


class PointThenFilter(nn.Module):
    """A 1x1 convolution of a padded picture and a fixed 3x3 edge filter with a learned gain and bias per channel."""

    edge: Tensor

    def __init__(self, in_channels: int, out_channels: int, edge: tuple[tuple[float, ...], ...]) -> None:
        super().__init__()
        self.point = nn.Conv2d(in_channels, out_channels, 1)
        self.gain = nn.Parameter(torch.randn(out_channels, 1, 1, 1) * 1e-3)
        self.bias = nn.Parameter(torch.randn(out_channels) * 1e-3)
        self.register_buffer("edge", torch.tensor(edge), persistent=False)

    def forward(self, padded: Tensor) -> Tensor:
        """``(N, C, H + 2, W + 2)`` to ``(N, out_channels, H, W)``."""
        return F.conv2d(self.point(padded), self.gain * self.edge, self.bias, groups=self.gain.shape[0])


class _EdgeBranches(FoldableConv):
    """What edge-oriented blocks share: 3x3, 1x1 then Sobel x, Sobel y and Laplacian, and perhaps an identity."""

    def __init__(self, in_channels: int, out_channels: int, *, identity: bool) -> None:
        super().__init__(in_channels, out_channels)
        self.identity = identity and in_channels == out_channels
        self.conv = same_conv(in_channels, out_channels, 3)
        self.sobel_x = PointThenFilter(in_channels, out_channels, SOBEL_X)
        self.sobel_y = PointThenFilter(in_channels, out_channels, SOBEL_Y)
        self.laplacian = PointThenFilter(in_channels, out_channels, LAPLACIAN)

    def _edges(self, x: Tensor, padded: Tensor) -> Tensor:
        result: Tensor = self.conv(x) + self.sobel_x(padded) + self.sobel_y(padded) + self.laplacian(padded)
        return result + x if self.identity else result


class ECB(_EdgeBranches):
    """Edge-oriented convolution block: 3x3, 1x1 to 3x3, three edge filters and perhaps an identity.

    Args:
        in_channels: Maps in.
        out_channels: Maps out.
        expansion: Width of the 1x1 to 3x3 branch over ``out_channels``.
        identity: Add the input, where the widths agree.

    Reference: Zhang et al., 2021, doi:10.1145/3474085.3475291.
    """

    def __init__(self, in_channels: int, out_channels: int, *, expansion: float = 2.0, identity: bool = False) -> None:
        super().__init__(in_channels, out_channels, identity=identity)
        self.expanded = PointThenConv(in_channels, int(out_channels * expansion), out_channels)

    def branches(self, x: Tensor) -> Tensor:
        """Sum of the branches, ``(N, out_channels, H, W)``."""
        padded = F.pad(x, (1, 1, 1, 1))
        result: Tensor = self._edges(x, padded) + self.expanded(padded)
        return result


class EDBB(_EdgeBranches):
    """Edge-enhanced diverse branch block: an ECB with a 1x1 branch.

    Args:
        in_channels: Maps in.
        out_channels: Maps out.
        expansion: Width of the 1x1 to 3x3 branch over ``out_channels``; ``None`` leaves the branch out.
        identity: Add the input, where the widths agree.

    Reference: Wang, 2022, arXiv:2204.08759, section 3.2.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, expansion: float | None = 2.0, identity: bool = True
    ) -> None:
        super().__init__(in_channels, out_channels, identity=identity)
        self.point = same_conv(in_channels, out_channels, 1)
        self.expanded = PointThenConv(in_channels, int(out_channels * expansion), out_channels) if expansion else None

    def branches(self, x: Tensor) -> Tensor:
        """Sum of the branches, ``(N, out_channels, H, W)``."""
        padded = F.pad(x, (1, 1, 1, 1))
        result: Tensor = self._edges(x, padded) + self.point(x)
        return result if self.expanded is None else result + self.expanded(padded)


class RRRB(FoldableConv):
    """Residual in residual: 1x1 out to a wider space, a residual 3x3 there, 1x1 back, and an identity.

    Args:
        num_channels: Maps in and out.
        expansion: How many times wider the inner space is.

    Reference: Du et al., 2022, arXiv:2204.08397, figure 4.
    """

    def __init__(self, num_channels: int, *, expansion: int = 2) -> None:
        super().__init__(num_channels, num_channels)
        wide = expansion * num_channels
        self.expand = nn.Conv2d(num_channels, wide, 1)
        self.conv = nn.Conv2d(wide, wide, 3)
        self.reduce = nn.Conv2d(wide, num_channels, 1)

    def branches(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)``."""
        wide = self.expand(F.pad(x, (1, 1, 1, 1)))
        result: Tensor = self.reduce(self.conv(wide) + wide[..., 1:-1, 1:-1])
        return result + x


class Conv3XC(FoldableConv):
    """1x1 out to twice the width, 3x3, 1x1 back, beside a 1x1: SPAN's convolution.

    Reference: Wan et al., 2024, arXiv:2311.12770, section 3.3.
    """

    def __init__(self, in_channels: int, out_channels: int, *, expansion: int = 2) -> None:
        super().__init__(in_channels, out_channels)
        self.expand = nn.Conv2d(in_channels, in_channels * expansion, 1)
        self.conv = nn.Conv2d(in_channels * expansion, out_channels * expansion, 3)
        self.reduce = nn.Conv2d(out_channels * expansion, out_channels, 1)
        self.skip = nn.Conv2d(in_channels, out_channels, 1)

    def branches(self, x: Tensor) -> Tensor:
        """``(N, out_channels, H, W)``."""
        result: Tensor = self.reduce(self.conv(self.expand(F.pad(x, (1, 1, 1, 1))))) + self.skip(x)
        return result

    def kernel(self) -> tuple[Tensor, Tensor]:
        """The general one by matrix products: what responses to lit pixels take was a third of a training step."""
        narrow = (self.reduce.weight.flatten(1) @ self.conv.weight.flatten(1)).view(self.out_channels, -1, 9)
        kernel = (narrow.transpose(1, 2) @ self.expand.weight.flatten(1)).transpose(1, 2)  # (out, in, 9)
        kernel = kernel + F.pad(self.skip.weight.flatten(2), (4, 4))
        black = kernel.new_zeros(1, self.in_channels, 1, 1)
        return kernel.reshape(self.out_channels, self.in_channels, 3, 3), self.branches(black)[0, :, 0, 0]
