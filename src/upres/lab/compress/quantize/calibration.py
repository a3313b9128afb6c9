"""Post-training quantisation: the input ranges of a network's quantised layers, from what they see on pictures."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from upres.errors import UnsupportedModelError
from upres.lab.compress.fold import foldable_layers
from upres.lab.compress.quantize.network import quantize_network, quantized_layers, suitable_layers, unquantized
from upres.lab.data.patches import Batches, PatchSampler
from upres.lab.data.pictures import REDUCTIONS, load_pictures
from upres.models.card import ColorMode

CUT_OFF = 5e-5
"""Share of a layer's inputs beyond each limit. Ten times as many lose 0.04 dB more, none 0.01 (RLFN's body, tail)."""
BATCHES = 8
"""Of 8 crops each."""
PATCH_SIZE = 48
"""Side of a crop in pixels; reductions that are smaller are not looked at."""
_EVERY = 7
"""One of so many values is looked at; prime, so that no column or channel is left out."""


def calibrate(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Set the input range of every quantised layer that has none yet.

    Args:
        network: With quantised layers; changed in place. It computes in floating point meanwhile.
        batches: Low-resolution pictures, ``(N, C, H, W)``.
    """
    layers = {name: layer for name, layer in quantized_layers(network).items() if not layer.input_range.any()}
    if not layers:
        return
    seen: dict[str, list[Tensor]] = {name: [] for name in layers}

    def look(name: str, _: nn.Module, inputs: tuple[Any, ...]) -> None:
        seen[name].append(inputs[0].detach().float().flatten()[::_EVERY])

    with ExitStack() as stack, torch.no_grad(), unquantized(network):
        for name, layer in layers.items():
            stack.callback(layer.register_forward_pre_hook(partial(look, name)).remove)
        for batch in batches:
            network(batch)
    for name, layer in layers.items():
        limits = np.quantile(torch.cat(seen[name]).numpy(), [CUT_OFF, 1 - CUT_OFF])
        with torch.no_grad():
            layer.input_range.copy_(torch.from_numpy(limits.clip([-np.inf, 0], [0, np.inf])))


def quantize(network: nn.Module, pictures: str | Path, *, layers: Sequence[str] | None = None) -> nn.Module:
    """Quantise a trained network in place, with ranges from crops of the pictures in a folder at full and less size.

    Args:
        network: An ordinary network of the zoo.
        pictures: Folder of high-resolution pictures.
        layers: Names of convolutions; ``None``: those of `suitable_layers`.

    Raises:
        DataError: If the folder holds no picture that is large enough.
        UnsupportedModelError: If no layer of the network is suitable, or convolutions of it are to be folded first.
    """
    scale, color_mode = cast(int, network.scale), cast(ColorMode, network.color_mode)
    quantize_network(network, layers=_chosen(network, layers))
    calibrate(network, picture_batches(pictures, scale=scale, color_mode=color_mode))
    return network


def quantized(
    network: nn.Module, pictures: str | Path | None, *, layers: Sequence[str] | None = None
) -> tuple[nn.Module, dict[str, Any]]:
    """A quantised copy of a network, and the step that rebuilds it.

    Args:
        network: See `quantize`.
        pictures: See `quantize`; ``None`` leaves the copy without input ranges, fit to be counted and no more.
        layers: See `quantize`.

    Raises:
        DataError: If the folder holds no picture that is large enough.
        CheckpointError: If one of the names is no convolution.
        UnsupportedModelError: If no layer of the network is suitable, or convolutions of it are to be folded first.
    """
    chosen = _chosen(network, layers)
    copied = deepcopy(network)
    made = quantize_network(copied, layers=chosen) if pictures is None else quantize(copied, pictures, layers=chosen)
    return made, {"name": "quantize", "layers": list(chosen)}


def _chosen(network: nn.Module, layers: Sequence[str] | None) -> tuple[str, ...]:
    """The names of convolutions to quantise, each once."""
    if foldable_layers(network):
        raise UnsupportedModelError(
            f"{type(network).__name__} computes with several branches a convolution; fold it first, then quantise it"
        )
    chosen = suitable_layers(network) if layers is None else tuple(dict.fromkeys(layers))
    if not chosen:
        raise UnsupportedModelError(f"{type(network).__name__} has no convolution that gains by 8 bits")
    return chosen


def picture_batches(pictures: str | Path, *, scale: int, color_mode: ColorMode) -> Iterator[Tensor]:
    """Low-resolution crops of the pictures in a folder, to calibrate with; errors as `picture_pairs`."""
    return (lr for lr, _ in picture_pairs(pictures, scale=scale, color_mode=color_mode))


def picture_pairs(pictures: str | Path, *, scale: int, color_mode: ColorMode) -> Iterator[tuple[Tensor, Tensor]]:
    """`BATCHES` of crops of the pictures in a folder, at full and less size: low resolution and high.

    Raises:
        DataError: If the folder holds no picture that is large enough.
    """
    pairs = [pair for size in REDUCTIONS for pair in load_pictures(pictures, scale, reduction=size)]
    large = [pair for pair in pairs if min(pair.lr.shape[:2]) >= PATCH_SIZE]
    sampler = PatchSampler(large, scale=scale, patch_size=PATCH_SIZE, batch_size=8, color_mode=color_mode)
    return map(sampler.batch, range(BATCHES))


def calibration_batches(sampler: Batches) -> Iterator[Tensor]:
    """The first batches of a seed, low resolution only."""
    return (sampler.batch(step)[0] for step in range(BATCHES))
