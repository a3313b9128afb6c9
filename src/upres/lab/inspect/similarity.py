"""Channels that resemble another channel of the same layer once that one is shifted: what ghost layers live on.

Reference: Nie et al., 2021, arXiv:2101.08525 (GhostSR), whose motivation is a picture of such pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from upres.errors import UnsupportedModelError
from upres.lab.inspect.features import LEAST_SIDE, visit

Plane = NDArray[np.float32]

_FLAT = 1e-4
"""A channel that varies less than so much of the layer's liveliest one is constant: a dead filter."""


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """How well the best other channel explains one."""

    channel: int
    partner: int
    offset: tuple[int, int]
    """``(dy, dx)``: the channel at ``(y, x)`` is explained by its partner at ``(y + dy, x + dx)``."""
    gain: float
    """What the partner is multiplied by, above 0."""
    error: float
    """Share of the channel's variance that is left: 0 is a copy, 1 has nothing in common."""


@dataclass(frozen=True, kw_only=True)
class LayerSimilarity:
    """What one convolution gives, channel by channel."""

    name: str
    channels: int
    constant: int
    """Channels that hardly vary, of which nothing can be said; shares are of the others."""
    explained: float
    """Share of the channels whose error is within the tolerance."""
    explained_in_place: float
    """The same without a shift: every offset is (0, 0)."""
    median_error: float
    median_error_in_place: float
    likenesses: tuple[Likeness, ...]
    """Of the channels that are not constant, in their order."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data."""
        rows = [{**vars(each), "offset": list(each.offset)} for each in self.likenesses]
        return {**vars(self), "likenesses": rows}


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The most similar pair of a layer, as planes of one size; the partner twice."""

    layer: str
    likeness: Likeness
    feature: Plane
    partner: Plane
    """Where the feature is."""
    shifted: Plane
    """Shifted and multiplied, with the feature's mean: what explains the feature."""

    @property
    def difference(self) -> Plane:
        """What is left."""
        return self.feature - self.shifted


def similarities(
    network: nn.Module, batch: Tensor, *, max_offset: int = 1, tolerance: float = 0.1
) -> tuple[list[LayerSimilarity], list[Pair]]:
    """What every convolution of a network gives on a picture, and the most similar pair of each.

    Args:
        network: See `upres.lab.inspect.features.visit`.
        batch: ``(1, C, H, W)``.
        max_offset: Pixels by which a partner may be shifted, each way.
        tolerance: Error up to which a channel counts as explained.

    Raises:
        UnsupportedModelError: If no convolution gives two channels that vary and are large enough for the shifts.
    """
    layers: list[LayerSimilarity] = []
    pairs: list[Pair] = []

    def look(name: str, features: Tensor) -> None:
        if min(features.shape[1:]) < LEAST_SIDE + 2 * max_offset:
            return
        found = layer_similarity(name, features, max_offset=max_offset, tolerance=tolerance)
        if found is not None:
            layers.append(found)
            pairs.append(_pair(name, features, min(found.likenesses, key=lambda each: each.error), max_offset))

    visit(network, batch, look)
    if not layers:
        raise UnsupportedModelError(
            f"{type(network).__name__} has no convolution with two channels that vary on this picture, or all its maps "
            "are too small for such shifts; nothing can be compared"
        )
    return layers, pairs


def layer_similarity(
    name: str, features: Tensor, *, max_offset: int = 1, tolerance: float = 0.1
) -> LayerSimilarity | None:
    """The best partner of every channel; ``None`` where fewer than two vary.

    Means are taken off, so that a bright channel is not explained by any other bright one; gains are above 0, because
    a ReLU often follows and a copy cannot be turned over.

    Args:
        name: Of the layer.
        features: ``(C, H, W)``.
        max_offset: See `similarities`.
        tolerance: See `similarities`.

    Raises:
        ValueError: If the maps are not larger than the shifts.
    """
    if min(features.shape[1:]) <= 2 * max_offset:
        raise ValueError(f"maps of {list(features.shape[1:])} are too small for shifts by {max_offset}")
    deviations = features.flatten(1).std(1)
    varying = (deviations > _FLAT * deviations.max()).nonzero().flatten()
    if len(varying) < 2:
        return None
    best = _best_partners(features[varying], max_offset)
    in_place = _best_partners(_shifted(features[varying], (0, 0), max_offset), 0)
    likenesses = tuple(
        Likeness(
            channel=int(channel),
            partner=int(varying[best.partner[row]]),
            offset=best.offsets[int(best.offset[row])],
            gain=float(best.gain[row]),
            error=float(best.error[row]),
        )
        for row, channel in enumerate(varying)
    )
    return LayerSimilarity(
        name=name,
        channels=len(features),
        constant=len(features) - len(varying),
        explained=float((best.error <= tolerance).float().mean()),
        explained_in_place=float((in_place.error <= tolerance).float().mean()),
        median_error=float(best.error.median()),
        median_error_in_place=float(in_place.error.median()),
        likenesses=likenesses,
    )


@dataclass(frozen=True)
class _Best:
    partner: Tensor
    offset: Tensor
    """Index into ``offsets``."""
    offsets: Sequence[tuple[int, int]]
    gain: Tensor
    error: Tensor


def _best_partners(features: Tensor, max_offset: int) -> _Best:
    """Of every channel the partner, offset and gain that leave least of its variance."""
    reach = range(-max_offset, max_offset + 1)
    offsets = sorted(((dy, dx) for dy in reach for dx in reach), key=lambda at: (abs(at[0]) + abs(at[1]), at))
    target, own = _standardised(_shifted(features, (0, 0), max_offset))
    count = len(features)
    likeness, gain = features.new_full((count,), -1.0), features.new_zeros(count)
    partner, chosen = torch.zeros(count, dtype=torch.long), torch.zeros(count, dtype=torch.long)
    for index, offset in enumerate(offsets):
        source, theirs = _standardised(_shifted(features, offset, max_offset))
        correlation = target @ source.T
        correlation.fill_diagonal_(-1.0)  # a channel is no partner of its own
        value, at = correlation.max(1)
        better = value > likeness  # of equal ones the smallest shift stays
        likeness[better], partner[better], chosen[better] = value[better], at[better], index
        gain[better] = (value * own / theirs[at])[better]
    likeness = likeness.clamp(0, 1)
    return _Best(partner=partner, offset=chosen, offsets=offsets, gain=gain.clamp_min(0), error=1 - likeness.square())


def _shifted(features: Tensor, offset: tuple[int, int], margin: int) -> Tensor:
    """The part that every shift up to ``margin`` leaves, read at the offset: ``(C, H - 2 margin, W - 2 margin)``."""
    height, width = features.shape[1] - 2 * margin, features.shape[2] - 2 * margin
    top, left = margin + offset[0], margin + offset[1]
    return features[:, top : top + height, left : left + width]


def _standardised(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Each map as a vector of mean 0 and length 1, and the length that it had."""
    centred = maps.flatten(1) - maps.flatten(1).mean(1, keepdim=True)
    length = centred.norm(dim=1).clamp_min(1e-30)
    return centred / length[:, None], length


def _pair(layer: str, features: Tensor, likeness: Likeness, max_offset: int) -> Pair:
    feature, partner = (_shifted(features, (0, 0), max_offset)[at] for at in (likeness.channel, likeness.partner))
    moved = _shifted(features, likeness.offset, max_offset)[likeness.partner]
    shifted = likeness.gain * (moved - moved.mean()) + feature.mean()
    return Pair(
        layer=layer, likeness=likeness, feature=feature.numpy(), partner=partner.numpy(), shifted=shifted.numpy()
    )
