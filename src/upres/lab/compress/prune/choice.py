"""Which channels go: a share or a width for every group of a kind, and the least important ones of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from torch import nn

from upres.errors import UnsupportedModelError, near_miss
from upres.lab.compress.prune.groups import ChannelGroup, channel_groups
from upres.lab.compress.prune.importance import Importance, Pairs, class_scores
from upres.lab.compress.wiring import Wiring

Which = Literal["inner", "stream", "all"]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """How channels are chosen. The same choice, network and pictures give the same channels."""

    kind: Which = "inner"
    """``inner``: what one convolution hands to one other; ``stream``: what several add up; ``all``: these and the rest,
    concatenated and shuffled channels."""
    share: float = 0.0
    """Part of each group that goes; 0 where ``width`` says how much stays."""
    width: int = 0
    """Channels that stay of each group that has more; 0 where ``share`` says how much goes."""
    multiple_of: int = 1
    """What stays is rounded to a multiple of this: processors take 16, 32 or 48 channels as fast as a few less."""
    importance: Importance = "l1"
    keep: tuple[str, ...] = ()
    """Parts of names: a group stays whole where the names of all convolutions that write it have one of them."""
    seed: int = 0
    """Of ``importance`` ``random``."""

    def __post_init__(self) -> None:
        for value, known in ((self.kind, get_args(Which)), (self.importance, get_args(Importance))):
            if value not in known:
                raise ValueError(f"expected one of {', '.join(known)}, got {value!r}")
        whole = all(type(number) is int for number in (self.width, self.multiple_of, self.seed))
        numbers = whole and isinstance(self.share, int | float)  # a recipe's options are whatever stands in its JSON
        if not numbers or not self._is_one_of_both() or self.multiple_of < 1:
            raise ValueError(
                "expected either a share between 0 and 1 or a width from 1 on, and a multiple from 1 on, got "
                f"share {self.share}, width {self.width}, multiple {self.multiple_of}"
            )

    def _is_one_of_both(self) -> bool:
        share, width = 0 < self.share < 1, self.width > 0
        return share != width and (share or self.share == 0) and (width or self.width == 0)


def superfluous(network: nn.Module, wiring: Wiring, choice: Choice, *, pairs: Pairs = ()) -> frozenset[int]:
    """The classes that go.

    Args:
        network: Left as it was found.
        wiring: Its own.
        choice: Which of them.
        pairs: Crops to measure on, where ``choice.importance`` is ``taylor``.

    Raises:
        UnsupportedModelError: If no channel may go, or a part of a name in ``choice.keep`` is none of any layer.
        ValueError: If ``taylor`` is given no batch.
    """
    groups = candidates(network, wiring, choice)
    scores = class_scores(network, wiring, importance=choice.importance, seed=choice.seed, pairs=pairs)
    gone = {number for group in groups for number in _least(group, choice, scores)}
    if not gone:
        kinds = sorted({group.kind for group in channel_groups(network, wiring)})
        raise UnsupportedModelError(
            f"{type(network).__name__} has no channel to take away with kind '{choice.kind}', share {choice.share:g}, "
            f"width {choice.width}, multiple {choice.multiple_of}; it has groups of kind {', '.join(kinds) or 'none'}"
        )
    return frozenset(gone)


def candidates(network: nn.Module, wiring: Wiring, choice: Choice) -> tuple[ChannelGroup, ...]:
    """The groups that a choice means.

    Raises:
        UnsupportedModelError: If a part of a name in ``choice.keep`` is none of any layer.
    """
    for part in choice.keep:
        if not any(part in name for name in wiring.outputs):
            nearest = near_miss(part, sorted({word for name in wiring.outputs for word in name.split(".")}))
            raise UnsupportedModelError(
                f"{type(network).__name__} has no convolution with '{part}' in its name.{nearest}"
            )
    return tuple(
        group
        for group in channel_groups(network, wiring)
        if choice.kind in ("all", group.kind)
        and not all(any(part in name for part in choice.keep) for name in group.writers)
    )


def _least(group: ChannelGroup, choice: Choice, scores: Mapping[int, float]) -> Sequence[int]:
    """The classes of a group that go."""
    width = len(group.classes) * group.channels
    left = min(choice.width, width) if choice.width else width * (1 - choice.share)
    left = max(_rounded(left / choice.multiple_of), 1) * choice.multiple_of
    kept = max(_rounded(left / group.channels), 1)
    ranked = sorted(group.classes, key=lambda number: -scores[number])  # stable: of equals the first stay
    return ranked[kept:]


def _rounded(value: float) -> int:
    """The nearest whole number, halves upwards; what a sum of floats misses by is no half."""
    return int(value + 0.5 + 1e-9)
