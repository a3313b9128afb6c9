"""A trained network with ghosts: which convolutions, which of their filters stay, where the others are copied from."""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Literal, cast

import numpy as np
import torch
from torch import nn

from upres.errors import UnsupportedModelError
from upres.lab.compress.ghost.calibrate import Copies, made_up_pictures, shift_errors
from upres.lab.compress.ghost.cluster import Intrinsic, choose
from upres.lab.compress.ghost.layer import Estimator, GhostConv, Offsets, ghost_layers, ghost_network
from upres.lab.compress.ghost.shift import Offset, window
from upres.lab.compress.operations import Pairs
from upres.models.card import ColorMode

Start = Literal["calibrated", "random", "zero"]
"""Which offsets a ghost begins with."""

LAYERS: Mapping[str, str] = {
    "VDSR": r"body\.\d+",
    "EDSR": r"blocks\.\d+\.conv[12]",
    "RDN": r"blocks\.\d+\.layers\.\d+",
    "CARN": r"body\.blocks\.\d+\.blocks\.\d+\.body\.[02]",
    "RLFN": r"blocks\.\d+\.conv[123]",
    "SPAN": r"blocks\.\d+\.conv[123]",
    "PlainSR": r"blocks\.\d+\.conv[123]",
}
"""Class of a network -> the convolutions that get ghosts: those of its blocks. Head, tail, upsampler and 1x1 fusions
stay as they are. Of VDSR, which is one chain, all but those that read and write the picture."""


def convert(
    network: nn.Module,
    *,
    share: float = 0.5,
    max_offset: int = 1,
    offsets: Offsets = "layer",
    intrinsic: Intrinsic = "kmeans",
    start: Start = "calibrated",
    estimator: Estimator = "gumbel_softmax",
    layers: Sequence[str] = (),
    seed: int = 0,
    pairs: Pairs | None = None,
) -> tuple[nn.Module, dict[str, Any]]:
    """A copy of the network whose blocks have ghosts, with the weights of the filters that stay.

    Args:
        network: A plain one; not changed.
        share: Share of ghosts among each convolution's maps, from 0 to below 1.
        max_offset: Largest shift along an axis, in pixels.
        offsets: One a layer, one a ghost, or depthwise filters that begin as a shift by the offset.
        intrinsic: How the filters that stay are chosen.
        start: Offsets to begin with: those under which maps are most alike on pictures, drawn, or none.
        estimator: How training learns the offsets; see `upres.lab.compress.ghost.layer`.
        layers: Names of the convolutions; none: those of `LAYERS`.
        seed: Of k-means and of what is drawn.
        pairs: Pictures to calibrate with; without any, noise with the spectrum of photographs.

    Returns:
        The network, and the step that a model's card gains.

    Raises:
        UnsupportedModelError: If nothing is known of this kind of network, or its convolutions are to be folded first.
        CheckpointError: If there is no such convolution.
        ValueError: If an argument is out of range.

    Example:
        >>> from upres.lab.archs.edsr import EDSR
        >>> network, step = convert(EDSR(scale=2, num_channels=16, num_blocks=1), share=0.5)
        >>> network.blocks[0].conv1.primary.out_channels
        8
    """
    names = list(layers) or suitable(network)
    step = {"layers": names, "share": share, "max_offset": max_offset, "offsets": offsets, "estimator": estimator}
    plain = deepcopy(network)
    result = ghost_network(
        deepcopy(network), layers=names, share=share, max_offset=max_offset, offsets=offsets, estimator=estimator
    )
    chosen: dict[str, tuple[list[int], list[int]]] = {}
    for index, name in enumerate(names):
        conv = cast(nn.Conv2d, plain.get_submodule(name))
        weights = conv.weight.detach().float().numpy()
        chosen[name] = choose(weights, share, groups=conv.groups, intrinsic=intrinsic, seed=(seed, index))
    began = _offsets(plain, chosen, start, offsets=offsets, max_offset=max_offset, seed=seed, pairs=pairs)
    for name, layer in ghost_layers(result).items():
        _fill(layer, cast(nn.Conv2d, plain.get_submodule(name)), *chosen[name], began[name])
    return result.train(network.training), {"name": "ghost", **step}


def suitable(network: nn.Module) -> list[str]:
    """Names of the convolutions that `LAYERS` gives ghosts.

    Raises:
        UnsupportedModelError: If nothing is known of this kind of network, or its convolutions are to be folded first.
    """
    kind = type(network).__name__
    if kind not in LAYERS:
        raise UnsupportedModelError(f"nothing is known of ghosts in {kind}; there are {', '.join(LAYERS)}")
    modules = {name: layer for name, layer in network.named_modules() if re.fullmatch(LAYERS[kind], name)}
    names = [name for name, layer in modules.items() if type(layer) is nn.Conv2d and _is_inside(layer)]
    if not names:
        raise UnsupportedModelError(
            f"this {kind} has no plain convolutions to give ghosts to: expanded ones are folded first, and a network "
            "that has ghosts or 8-bit layers gets none again"
        )
    return names


def _is_inside(conv: nn.Conv2d) -> bool:
    """Whether it neither reads nor writes pictures."""
    return min(conv.in_channels, conv.out_channels) > 3


def _offsets(
    plain: nn.Module,
    chosen: Mapping[str, tuple[list[int], list[int]]],
    start: Start,
    *,
    offsets: Offsets,
    max_offset: int,
    seed: int,
    pairs: Pairs | None,
) -> dict[str, list[Offset]]:
    """For each layer one offset, or one a ghost."""
    if start not in ("calibrated", "random", "zero"):
        raise ValueError(f"expected offsets to start calibrated, random or zero, got {start!r}")
    places, one = window(max_offset), offsets == "layer"
    counts = {name: 1 if one else len(sources) for name, (_, sources) in chosen.items()}
    if start == "zero":
        return {name: [(0, 0)] * count for name, count in counts.items()}
    if start == "random":
        rng = np.random.default_rng(seed)
        return {name: [places[at] for at in rng.integers(len(places), size=n)] for name, n in counts.items()}
    copies = {name: _copies(plain, name, *own) for name, own in chosen.items()}
    pictures = made_up_pictures(cast(ColorMode, plain.color_mode)) if pairs is None else (lr for lr, _ in pairs)
    errors = shift_errors(plain, copies, pictures, max_offset=max_offset)
    best = {name: (own.sum(0, keepdim=True) if one else own).argmin(1).tolist() for name, own in errors.items()}
    return {name: [places[at] for at in own] for name, own in best.items()}


def _copies(plain: nn.Module, name: str, kept: Sequence[int], sources: Sequence[int]) -> Copies:
    conv = cast(nn.Conv2d, plain.get_submodule(name))
    ghosts = sorted(set(range(conv.out_channels)) - set(kept))
    return Copies(ghosts, [kept[source] for source in sources])


@torch.no_grad()
def _fill(
    layer: GhostConv, conv: nn.Conv2d, kept: Sequence[int], sources: Sequence[int], offsets: Sequence[Offset]
) -> None:
    """Give a ghost layer the filters that stay, the order of the channels, and its offsets."""
    layer.primary.weight.copy_(conv.weight[kept])
    if conv.bias is not None and layer.primary.bias is not None:
        layer.primary.bias.copy_(conv.bias[kept])
    ghosts = sorted(set(range(conv.out_channels)) - set(kept))
    slot = {channel: at for at, channel in enumerate([*kept, *ghosts])}
    layer.place(
        [slot[channel] for channel in range(conv.out_channels)], sources, [] if layer.kind == "depthwise" else offsets
    )
    if layer.kind == "depthwise":
        places = window(layer.max_offset)
        layer.filters.zero_()
        layer.filters.view(layer.ghosts, -1)[range(layer.ghosts), [places.index(offset) for offset in offsets]] = 1.0
