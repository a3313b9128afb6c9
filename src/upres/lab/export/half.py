"""Weights of 16 bits: half the bytes of a network that ships, where no pixel notices.

A float16 keeps eleven binary digits. A network rounded so differs from itself by 75 to 90 dB, a fraction of what
rounding its output to 8 bits changes.
"""

import copy
from pathlib import Path

import torch
from torch import nn

from upres.errors import UnsupportedModelError
from upres.lab.compress.quantize.network import quantized_layers
from upres.lab.export.onnx import SIZES, example
from upres.models.layout import places

MOST_LEVELS = 0.5
"""Largest change of a pixel that is let through, in levels of 255."""


def is_half(weights: Path) -> bool:
    """Whether a ``.safetensors`` file stores floats in 16 bits.

    Raises:
        CheckpointError: If it is no such file.
        OSError: If it cannot be read.
    """
    return any(place.dtype == "F16" for place in places(weights).values())


def halve(network: nn.Module) -> float:
    """Round all floats of a network to 16 bits, in place.

    Returns:
        The largest change of a pixel of a smooth random picture, in levels of 255; 0 for one that was rounded before.

    Raises:
        UnsupportedModelError: If a pixel changes by more than `MOST_LEVELS`, a number is too large for 16 bits, or the
            network is quantised, which has 8 bits already.
    """
    if quantized_layers(network):
        raise UnsupportedModelError("a quantised network has weights of 8 bits")
    before = copy.deepcopy(network)
    with torch.no_grad():
        for tensor in (*network.parameters(), *network.buffers()):
            if tensor.is_floating_point():
                tensor.copy_(tensor.half())
        batch = example(network, SIZES[1])
        change = 255 * float((network(batch) - before(batch)).abs().max())
    if not change <= MOST_LEVELS:
        raise UnsupportedModelError(
            f"weights of 16 bits change a pixel by {change:.2g} levels; {MOST_LEVELS} are allowed"
        )
    return change
