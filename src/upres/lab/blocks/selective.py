"""What both versions of MIRNet are made of (Zamir et al., 2020, arXiv:2003.06792)."""

import torch
from torch import Tensor, nn

from upres.lab.blocks.conv import bias_free_conv

REDUCTION = 8
"""Maps over maps inside channel attention and selective fusion."""
_LEAST_WIDTH = 4
"""Maps inside selective fusion, at least."""


class SelectiveKernelFusion(nn.Module):
    """A mean of several inputs, weighted map by map by what their sum says.

    Args:
        num_channels: Maps of each input and of the result.
        num_inputs: How many there are.
        activation: Between the two layers that make the weights; ``None``: a PReLU.

    Reference: section 3.2, figure 3.
    """

    def __init__(self, num_channels: int, num_inputs: int, *, activation: nn.Module | None = None) -> None:
        super().__init__()
        narrow = max(num_channels // REDUCTION, _LEAST_WIDTH)
        self.squeeze = nn.Sequential(bias_free_conv(num_channels, narrow, 1), activation or nn.PReLU())
        self.excite = nn.ModuleList(bias_free_conv(narrow, num_channels, 1) for _ in range(num_inputs))

    def forward(self, inputs: list[Tensor]) -> Tensor:
        """Tensors ``(N, C, H, W)`` to one."""
        stacked = torch.stack(inputs, 1)
        narrow = self.squeeze(stacked.sum(1).mean((2, 3), keepdim=True))
        weights = torch.stack([excite(narrow) for excite in self.excite], 1).softmax(1)
        return (stacked * weights).sum(1)


class ResidualGroup(nn.Module):
    """Multi-scale blocks in a row and a convolution, added to the input (recursive residual group)."""

    def __init__(self, blocks: list[nn.Module], num_channels: int, *, skip: bool) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*blocks)
        self.tail = bias_free_conv(num_channels, num_channels, 3)
        self.skip = skip

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)``."""
        out: Tensor = self.tail(self.blocks(x))
        return x + out if self.skip else out
