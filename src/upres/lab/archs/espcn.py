"""ESPCN: Real-time single image and video super-resolution (Shi et al.; CVPR 2016, arXiv:1609.05158).

All convolutions run at the low resolution; the last one makes scale² channels that a pixel shuffle lays out as the
high-resolution plane. Three layers (5x5, 3x3, 3x3) are enough to beat far larger networks of its day.

Differs from the paper: the output passes through a sigmoid, as in the pool of the edge-SR authors, whose sizes D-S
these are (D = 0 leaves the first layer out); ``activation="relu", output="tanh"`` with 64-32 is the network of
OpenCV's model zoo, ``output="linear"`` with 64-32 the paper's own. Training starts at bicubic interpolation: with
ordinary initial weights the sigmoid spends its first epochs finding the range.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upres.lab.blocks.bicubic import phase_filters
from upres.models.card import ColorMode

HIDDEN = {"tanh": nn.Tanh, "relu": nn.ReLU}
OUTPUT: Mapping[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "linear": torch.nn.Identity(),
}

LADDER = 8
"""Steps of the ladder of tanh that a sigmoid output starts from."""


class ESPCN(nn.Module):
    """Luma ``(N, 1, H, W)`` to ``(N, 1, scale * H, scale * W)``, range 0 to 1.

    Args:
        scale: Upscaling factor.
        num_features: ``D`` channels of the 5x5 convolution; 0 leaves it out.
        num_shrink: ``S`` channels of the 3x3 convolution.
        activation: After the hidden convolutions.
        output: After the last one.
    """

    color_mode: ClassVar[ColorMode] = "luma"

    def __init__(
        self,
        *,
        scale: int = 2,
        num_features: int = 16,
        num_shrink: int = 24,
        activation: Literal["tanh", "relu"] = "tanh",
        output: Literal["sigmoid", "tanh", "linear"] = "sigmoid",
    ) -> None:
        super().__init__()
        if activation not in HIDDEN or output not in OUTPUT:
            raise ValueError(f"activation is one of {list(HIDDEN)}, output one of {list(OUTPUT)}")
        self.scale = scale
        self.activation = activation
        self.output = output
        hidden = HIDDEN[activation]
        first = [nn.Conv2d(1, num_features, 5, padding=2), hidden()] if num_features else []
        self.net = nn.Sequential(
            *first,
            nn.Conv2d(num_features or 1, num_shrink, 3, padding=1),
            hidden(),
            nn.Conv2d(num_shrink, scale**2, 3, padding=1),
        )
        self.reset_parameters()

    @property
    def halo(self) -> int:
        """Low-resolution pixels at each side that an output pixel depends on."""
        return sum(int(layer.kernel_size[0]) // 2 for layer in self._convolutions())

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Start near bicubic interpolation: the first channels pass the luma on, the others begin at random.

        A sigmoid output takes more care: what reaches it must be the logit of the luma, which bends steeply at black
        and white. A ladder of tanh steps over the luma is carried through and weighted to make that curve.
        """
        *hidden, last = self._convolutions()
        biases = [nn.init.zeros_(layer.bias) for layer in self._convolutions() if layer.bias is not None]
        for layer in (*hidden, last):
            nn.init.xavier_uniform_(layer.weight)
        last.weight *= 0.1
        bicubic = phase_filters(self.scale, 3)[:, 0]  # (s², 3, 3)
        if self.output == "sigmoid" and self.activation == "tanh":
            steps = min(LADDER, *(layer.out_channels for layer in hidden))
            slopes, offsets = 8.0, torch.linspace(0, 1, steps)
            _carry(hidden[0], steps, gain=slopes)
            biases[0][:steps] = -slopes * offsets
            for layer in hidden[1:]:
                _carry(layer, steps, gain=1.0)
            weights, bias = _logit_of_ladder(slopes, offsets, depth=len(hidden))
            last.weight[:, :steps] = weights.view(1, -1, 1, 1) * bicubic[:, None]
            biases[-1][:] = bias
        else:
            for layer, gain in zip(hidden, (0.5, 1.0), strict=False):
                _carry(layer, 1, gain=gain)
            last.weight[:, 0] += 2.0 * bicubic

    def forward(self, x: Tensor) -> Tensor:
        """The upscaled luma plane."""
        result: Tensor = OUTPUT[self.output](F.pixel_shuffle(self.net(x), self.scale))
        return result

    def _convolutions(self) -> list[nn.Conv2d]:
        return [layer for layer in self.net if isinstance(layer, nn.Conv2d)]


def _carry(layer: nn.Conv2d, count: int, *, gain: float) -> None:
    """Make the first ``count`` outputs of a layer the middle pixels of its first inputs times ``gain``."""
    middle = int(layer.kernel_size[0]) // 2
    layer.weight[:count].zero_()
    for channel in range(count):
        layer.weight[channel, min(channel, layer.in_channels - 1), middle, middle] = gain


def _logit_of_ladder(slope: float, offsets: Tensor, *, depth: int) -> tuple[Tensor, Tensor]:
    """Weights and bias that make the logit of luma out of tanh steps, by least squares where the sigmoid is steep."""
    luma = torch.linspace(1 / 512, 511 / 512, 511, dtype=torch.float64)
    ladder = slope * (luma[:, None] - offsets)
    for _ in range(depth):
        ladder = torch.tanh(ladder)
    steepness = (luma * (1 - luma))[:, None]
    basis = torch.cat([ladder, torch.ones_like(luma)[:, None]], dim=1) * steepness
    normal = basis.T @ basis + 1e-4 * torch.eye(basis.shape[1], dtype=torch.float64)
    solution = torch.linalg.solve(normal, basis.T @ (torch.logit(luma)[:, None] * steepness))[:, 0]
    return solution[:-1].float(), solution[-1].float()
