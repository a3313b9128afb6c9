"""The filters at both ends of a network as what they are: upscaling kernels, and what they do to frequencies.

A convolution before a pixel shuffle holds an upscaling kernel in pieces, one for each position of the output pixel. Put
together they are the answer to a single bright pixel, at the resolution of the output; its Fourier transform says which
detail is passed on, what of it comes out, and what is made that was not there (frequencies beyond the input's).

Reference: Navarrete Michelini, Lu and Jiang, 2022, arXiv:2108.10335 (edge-SR), whose figures of filters these follow.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Plane = NDArray[np.float32]

SPECTRUM = 64
"""Side of the plane of frequencies that is looked at."""
FIRST, LAST = "first", "last"
"""Groups of networks that do not choose among candidates: filters of the picture, and kernels of the output."""


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """One filter, and what it does to frequencies."""

    group: str
    number: int
    """Of the output of the first convolution, of the feature that the kernel enlarges, or of the candidate; where
    candidates are made of several features, feature by feature of the first candidate, then of the next."""
    taps: Plane
    """Answer to one bright pixel: at the resolution of the output, or for the first convolution of the input."""
    scale: int
    """How many of its pixels are one of the input's."""

    @property
    def response(self) -> Plane:
        """Amplitude of each frequency, the lowest in the middle: 1 is passed as it is, ``(SPECTRUM, SPECTRUM)``."""
        spectrum = np.fft.fft2(self.taps, (SPECTRUM, SPECTRUM)) / self.scale**2
        return np.abs(np.fft.fftshift(spectrum)).astype(np.float32)

    def facts(self) -> dict[str, Any]:
        """Numbers for JSON: see `docs/guide/inspect.md`."""
        power = self.response.astype(np.float64) ** 2
        down, across = _frequencies()
        radius, total = np.hypot(down, across), max(float(power.sum()), 1e-30)
        peak = np.unravel_index(int(power.argmax()), power.shape)
        moments = np.array([[(power * a * b).sum() for a in (across, down)] for b in (across, down)]) / total
        turned, spread = np.hypot(moments[0, 0] - moments[1, 1], 2 * moments[0, 1]), np.trace(moments)
        angle = np.degrees(0.5 * np.arctan2(2 * moments[0, 1], moments[0, 0] - moments[1, 1])) % 180
        beyond = power[radius > 0.5 / self.scale].sum() / total
        return {
            "group": self.group,
            "number": self.number,
            "gain": float(self.taps.sum()) / self.scale**2,
            "peak": float(radius[peak]) * self.scale,
            "direction": float(angle),
            "directed": float(turned / max(spread, 1e-30)),
            "beyond": float(beyond),
        }


def _frequencies() -> tuple[Any, Any]:
    """Cycles a pixel of the kernel, down and across, the lowest in the middle."""
    values = np.fft.fftshift(np.fft.fftfreq(SPECTRUM))
    return np.meshgrid(values, values, indexing="ij")


def kernels(network: nn.Module) -> list[Kernel]:
    """The filters at both ends of a network; of one that chooses among candidates, what makes and what judges them.

    Args:
        network: Of the zoo, its convolutions plain.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    scale, colors = int(getattr(network, "scale", 1)), 1 if network.color_mode == "luma" else 3
    found: list[Kernel] = []
    roles: Sequence[str] = getattr(network, "roles", ())
    first, last = layers[0], layers[-1]
    if first.in_channels == colors and first is not last:
        found += _analysis(first.weight.detach())
    if roles:
        pieces = torch.unflatten(last.weight.detach(), 0, (len(roles), -1, scale**2)).movedim(3, 2).flatten(1, 2)
        for role, members in zip(roles, pieces, strict=True):
            found += _numbered(role, (_assembled(each, scale) for each in members), scale)
    elif isinstance(last, nn.ConvTranspose2d):
        found += _numbered(LAST, (each.sum(0).numpy() for each in last.weight.detach().float()), int(last.stride[0]))
    elif last.out_channels == colors * scale**2:
        # what each feature adds to the grey
        pieces = torch.unflatten(last.weight.detach(), 0, (colors, scale**2)).mean(0)
        found += _numbered(LAST, (_assembled(pieces[:, each], scale) for each in range(last.in_channels)), scale)
    return found


def _analysis(weight: Tensor) -> list[Kernel]:
    """Filters of the picture; of colours the sum, which is what grey pixels see. A filter's answer is turned around."""
    return _numbered(FIRST, (each.sum(0).flip(0, 1).float().numpy() for each in weight), 1)


def _assembled(pieces: Tensor, scale: int) -> Plane:
    """One kernel of the pieces ``(s², K, K)`` that its output positions have."""
    size = pieces.shape[-1]
    turned = pieces.float().flip(1, 2).view(scale, scale, size, size)
    return np.ascontiguousarray(turned.permute(2, 0, 3, 1).reshape(scale * size, scale * size).numpy())


def _numbered(group: str, planes: Iterator[Plane], scale: int) -> list[Kernel]:
    return [Kernel(group=group, number=n, taps=taps, scale=scale) for n, taps in enumerate(planes)]


def strongest(found: Sequence[Kernel], most: int) -> list[Kernel]:
    """So many kernels of each group, those with the largest taps, in their order."""
    chosen: list[Kernel] = []
    for group in dict.fromkeys(kernel.group for kernel in found):
        members = [kernel for kernel in found if kernel.group == group]
        norms = torch.tensor([float(np.square(kernel.taps).sum()) for kernel in members])
        kept = norms.topk(min(most, len(members))).indices.sort().values
        chosen += [members[place] for place in kept.tolist()]
    return chosen
