"""A convolution that computes some of its maps, the intrinsic ones, and copies the others, its ghosts, with a shift.

Which offset a ghost is copied with is learned. While the network trains, an offset has a score; the copy is made with
the offset whose score is largest after noise was added, and scores learn as if the copies had been mixed:

* ``gumbel_softmax``: backwards, the mixture is the softmax of the noisy scores over the temperature.
* ``straight_through``: backwards, the mixture's weights are the scores themselves. This is the estimator of the
  published code, without three traps of that code. There, magnitudes are compared after noise with a mean of 0.577 was
  added, so that negative scores rarely win; scores below zero are pushed the wrong way; and the temperature never
  moves, because nothing advances its epoch. Here scores are compared as they are, under the temperature below.

Noise is Gumbel's times the temperature, which falls geometrically from 1 to 0.05 over the first 60 % of the training;
then the offsets are frozen. Noise depends on seed, step and layer alone, so that a resumed run draws the same.

Reference: Nie et al., 2021, arXiv:2101.08525; Jang et al., 2017, arXiv:1611.01144.
"""

from collections.abc import Sequence
from math import ceil
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn

from upres.errors import CheckpointError
from upres.lab.compress.ghost.shift import ChosenShift, Offset, picked, shifted, window

Offsets = Literal["layer", "channel", "depthwise"]
"""One offset a layer; one a ghost; a learned depthwise filter a ghost instead of a shift, as GhostNet has it."""
Estimator = Literal["gumbel_softmax", "straight_through", "none"]
"""How offsets are learned; ``none``: they stay as they were placed."""

FIRST_TEMPERATURE, LAST_TEMPERATURE = 1.0, 0.05
LEARNING_SHARE = 0.6
"""Of a training's steps, in which offsets are learned; then they stay."""
HEAD_START = 2.0
"""What the score of the offset that a layer begins with is above the others'."""
SCORE_GAIN = 30.0
"""Scores are learned divided by this: Adam's steps are of one size, and scores grow where weights stay small."""


def intrinsic_count(out_channels: int, share: float, groups: int = 1) -> int:
    """How many maps are computed where a ``share`` of them are ghosts: as many in each group, rounded up.

    Example:
        >>> intrinsic_count(64, 0.5), intrinsic_count(64, 0.75, groups=4), intrinsic_count(5, 0.5)
        (32, 16, 3)
    """
    return groups * ceil(out_channels // groups * (1 - share) - 1e-9)  # 10 * (1 - 0.7) is a little more than 3


class GhostConv(nn.Module):
    """A convolution of odd kernel size and stride 1, part of whose maps are ghosts.

    Output channels stand where they stand in the convolution that this layer replaces: ``order`` says for each channel
    at which slot it is, the intrinsic maps' slots before the ghosts'. ``source`` says for each ghost of which intrinsic
    map it is a copy, ``choice`` by which offset.

    Args:
        in_channels: Maps in.
        out_channels: Maps out.
        kernel_size: Of the intrinsic maps' filters.
        groups: Of the convolution; a ghost copies a map of its own group.
        bias: Whether there are biases.
        share: Share of ghosts among the maps, from 0 to below 1.
        max_offset: Largest shift along an axis, in pixels.
        offsets: See `Offsets`.
        estimator: How offsets are learned; see the module's head.

    Raises:
        ValueError: If an argument is out of range.
    """

    order: Tensor
    source: Tensor
    choice: Tensor
    _pick: Tensor
    _sources: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        groups: int = 1,
        bias: bool = True,
        share: float = 0.5,
        max_offset: int = 1,
        offsets: Offsets = "layer",
        estimator: Estimator = "gumbel_softmax",
    ) -> None:
        super().__init__()
        if not 0 <= share < 1 or not 1 <= max_offset <= 8:
            raise ValueError(f"expected a share in [0, 1) and an offset from 1 to 8, got {share} and {max_offset}")
        if offsets not in get_args(Offsets) or estimator not in get_args(Estimator):
            words = f"{', '.join(get_args(Offsets))}, and {', '.join(get_args(Estimator))}"
            raise ValueError(f"expected an offset and an estimator of {words}, got {offsets!r} and {estimator!r}")
        self.intrinsic = intrinsic_count(out_channels, share, groups)
        self.ghosts = out_channels - self.intrinsic
        self.groups, self.max_offset, self.kind, self.estimator = groups, max_offset, offsets, estimator
        self.primary = nn.Conv2d(
            in_channels, self.intrinsic, kernel_size, padding=kernel_size // 2, groups=groups, bias=bias
        )
        if offsets == "depthwise":
            side = 2 * max_offset + 1
            self.filters = nn.Parameter(torch.zeros(self.ghosts, 1, side, side))
            nn.init.ones_(self.filters.data[..., max_offset, max_offset])  # a copy, to begin with
        order, source = _in_turn(out_channels, self.intrinsic, groups)
        self._register(order, source, [(0, 0)] * (1 if offsets == "layer" else self.ghosts))
        self.offsets: nn.Parameter | None = None
        self._noise: Tensor | None = None
        self._temperature = 0.0

    @property
    def out_channels(self) -> int:
        """Maps out."""
        return self.intrinsic + self.ghosts

    @property
    def reach(self) -> int:
        """Pixels that a map out depends on beyond what the convolution sees."""
        if self.kind == "depthwise":
            return self.max_offset
        return max((abs(step) for offset in self._offsets for step in offset), default=0)

    @property
    def chosen(self) -> tuple[Offset, ...]:
        """The offsets in use: one, or one a ghost; none of depthwise ghosts."""
        return () if self.kind == "depthwise" else self._offsets

    def place(self, order: Sequence[int], source: Sequence[int], choice: Sequence[Offset]) -> None:
        """Say which slot each channel has, what each ghost copies, and by which offset (one, or one a ghost).

        Raises:
            CheckpointError: If a channel has no slot of its own, a ghost no map of its group, or an offset is too far.
        """
        with torch.no_grad():
            for buffer, values in ((self.order, order), (self.source, source), (self.choice, choice)):
                buffer.copy_(torch.tensor(values, dtype=torch.int64).reshape(buffer.shape))
        self._settle(list(order), list(source), [(dy, dx) for dy, dx in choice])

    def learn(self) -> None:
        """Give each offset a score to train, those in use a `HEAD_START`; the layer computes what it did."""
        if self.kind != "depthwise" and self.estimator != "none":
            places = {offset: place for place, offset in enumerate(window(self.max_offset))}
            scores = torch.zeros(len(self._offsets), len(places))
            scores[range(len(self._offsets)), [places[offset] for offset in self._offsets]] = HEAD_START / SCORE_GAIN
            self.offsets = nn.Parameter(scores)

    def advance(self, *, step: int, steps: int, seed: Sequence[int]) -> None:
        """Draw the noise of a training step; from the last learning step on, offsets stay as they are.

        Args:
            step: From 0.
            steps: Of the whole training.
            seed: Of the run, and which layer it is.
        """
        if self.offsets is None:
            return
        last = ceil(LEARNING_SHARE * steps)
        if step <= last:
            offsets = window(self.max_offset)
            best = [offsets[place] for place in self.offsets.detach().argmax(1).tolist()]
            if tuple(best) != self._offsets:
                self.place(self.order.tolist(), self.source.tolist(), best)
        if step >= last:
            self._noise = None
            return
        self._temperature = FIRST_TEMPERATURE * (LAST_TEMPERATURE / FIRST_TEMPERATURE) ** (step / last)
        gumbel = np.random.default_rng((*seed, step)).gumbel(size=tuple(self.offsets.shape))
        self._noise = torch.from_numpy(gumbel).to(self.offsets)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, out_channels, H, W)``."""
        maps: Tensor = self.primary(x)
        if not self.ghosts:
            parts = [maps]
        elif self.kind == "depthwise":
            parts = [maps, self._filtered(maps)]
        elif self.training and self.offsets is not None:
            return self._learning(maps)
        else:
            parts = [maps, *self._copies(maps)]
        slots = torch.cat(parts, dim=1) if len(parts) > 1 else maps
        return slots if self._in_order else picked(slots, self._pick)

    def _copies(self, maps: Tensor) -> list[Tensor]:
        """Ghosts, or with one offset for all every map moved, in the order that ``_pick`` knows."""
        if self.kind == "layer":
            return [shifted(maps, self._offsets[0])]
        own = picked(maps, self._sources)
        return [shifted(own[:, first:end], offset) for first, end, offset in self._runs]

    def _filtered(self, maps: Tensor) -> Tensor:
        own = maps if self._sources_in_order else picked(maps, self._sources)
        return nn.functional.conv2d(own, self.filters, padding=self.max_offset, groups=self.ghosts)

    def _learning(self, maps: Tensor) -> Tensor:
        """The forward pass by chosen offsets, with gradients for the scores."""
        assert self.offsets is not None
        own, pick = (maps, self._pick) if self.kind == "layer" else (picked(maps, self.source), self.order)
        weights, chosen = self._mixture(self.offsets)
        learns = self._noise is not None
        copies = ChosenShift.apply(own, weights, chosen, self.max_offset, learns)  # type: ignore[no-untyped-call]
        return picked(torch.cat((maps, copies), dim=1), pick)

    def _mixture(self, scores: Tensor) -> tuple[Tensor, list[int]]:
        """What scores learn through, and the places of the chosen offsets."""
        if self._noise is None:
            places = {offset: place for place, offset in enumerate(window(self.max_offset))}
            return scores, [places[offset] for offset in self._offsets]
        scores = SCORE_GAIN * scores
        noisy = scores + self._temperature * self._noise
        weights = noisy.div(self._temperature).softmax(1) if self.estimator == "gumbel_softmax" else scores
        return weights, noisy.detach().argmax(1).tolist()

    def _register(self, order: list[int], source: list[int], choice: list[Offset]) -> None:
        self.register_buffer("order", torch.tensor(order, dtype=torch.int64))
        self.register_buffer("source", torch.tensor(source, dtype=torch.int64))
        if self.kind == "depthwise":
            choice = []
        self.register_buffer("choice", torch.tensor(choice, dtype=torch.int64).reshape(-1, 2))
        self.register_buffer("_pick", torch.zeros(len(order), dtype=torch.int64), persistent=False)
        self.register_buffer("_sources", torch.zeros(len(source), dtype=torch.int64), persistent=False)
        self._settle(order, source, choice)

    def _settle(self, order: list[int], source: list[int], choice: list[Offset]) -> None:
        """Check, and prepare what a forward pass needs as plain numbers: tensors' values would freeze a trace."""
        per_group, ghosts = self.intrinsic // self.groups, self.ghosts // self.groups
        if sorted(order) != list(range(self.out_channels)):
            raise CheckpointError(f"a ghost layer's order must hold each of {self.out_channels} slots once")
        if any(not 0 <= own < self.intrinsic or own // per_group != j // ghosts for j, own in enumerate(source)):
            raise CheckpointError(
                f"a ghost layer's sources must be of {self.intrinsic} maps, each of its ghost's group"
            )
        if any(abs(step) > self.max_offset for offset in choice for step in offset):
            raise CheckpointError(f"a ghost layer's offsets must be at most {self.max_offset}")
        self._offsets = tuple(choice)
        copied, copies = list(range(self.ghosts)), self.ghosts
        if self.kind == "channel":
            copied.sort(key=lambda j: choice[j])
            self._runs = _runs([choice[j] for j in copied])
        at = {j: place for place, j in enumerate(copied)}
        if self.kind == "layer" and self.ghosts:
            at, copies = dict(enumerate(source)), self.intrinsic
        slots = [*range(self.intrinsic), *(self.intrinsic + at[j] for j in range(self.ghosts))]
        pick, sources = [slots[slot] for slot in order], [source[j] for j in copied]
        self._in_order = pick == list(range(self.intrinsic + copies))
        self._sources_in_order = sources == list(range(self.intrinsic))
        with torch.no_grad():
            self._pick.copy_(torch.tensor(pick, dtype=torch.int64))
            self._sources.copy_(torch.tensor(sources, dtype=torch.int64))

    def _load_from_state_dict(self, *arguments: Any) -> None:
        super()._load_from_state_dict(*arguments)
        choice = [(dy, dx) for dy, dx in self.choice.tolist()]
        self._settle(self.order.tolist(), self.source.tolist(), choice)


def ghost_network(
    network: nn.Module,
    *,
    layers: Sequence[str],
    share: float,
    max_offset: int = 1,
    offsets: Offsets = "layer",
    estimator: Estimator = "gumbel_softmax",
) -> nn.Module:
    """The network, in place, with ghost layers of fresh weights for these convolutions: the transform ``ghost``.

    Raises:
        CheckpointError: If one of the names is no plain convolution of odd size and stride 1.
        ValueError: As `GhostConv`.
    """
    convolutions = {name: layer for name, layer in network.named_modules() if type(layer) is nn.Conv2d}
    for name in layers:
        conv = convolutions.get(name)
        if conv is None or conv.stride != (1, 1) or conv.kernel_size[0] % 2 == 0 or not isinstance(conv.padding, tuple):
            raise CheckpointError(f"ghost: {type(network).__name__} has no suitable convolution '{name}'")
        parent, _, own = name.rpartition(".")
        ghost = GhostConv(
            conv.in_channels, conv.out_channels, conv.kernel_size[0], groups=conv.groups, bias=conv.bias is not None,
            share=share, max_offset=max_offset, offsets=offsets, estimator=estimator,
        )  # fmt: skip
        setattr(network.get_submodule(parent), own, ghost)
    return network


def learn_offsets(network: nn.Module) -> nn.Module:
    """The network, in place, with scores to train for the offsets of its ghost layers."""
    for layer in ghost_layers(network).values():
        layer.learn()
    return network


def advance(network: nn.Module, *, step: int, steps: int, seed: int) -> None:
    """Tell the ghost layers of a network in training which step (from 0) of how many comes next."""
    for index, layer in enumerate(ghost_layers(network).values()):
        layer.advance(step=step, steps=steps, seed=(seed, index))


def ghost_layers(network: nn.Module) -> dict[str, GhostConv]:
    """The ghost layers by name."""
    return {name: layer for name, layer in network.named_modules() if isinstance(layer, GhostConv)}


def _in_turn(channels: int, intrinsic: int, groups: int) -> tuple[list[int], list[int]]:
    """The first maps of each group are intrinsic, ghosts copy them in turn: slots of all channels, and sources."""
    size, own = channels // groups, intrinsic // groups
    order: list[int] = []
    source: list[int] = []
    for group in range(groups):
        order += [group * own + i for i in range(own)]
        order += [intrinsic + group * (size - own) + i for i in range(size - own)]
        source += [group * own + i % own for i in range(size - own)]
    return order, source


def _runs(offsets: Sequence[Offset]) -> tuple[tuple[int, int, Offset], ...]:
    """Stretches of equal offsets: first, end, offset."""
    starts = [at for at, offset in enumerate(offsets) if not at or offset != offsets[at - 1]]
    return tuple((first, end, offsets[first]) for first, end in zip(starts, [*starts[1:], len(offsets)], strict=True))
