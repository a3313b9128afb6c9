"""Channels that can only go together, in the spaces that they live in: a residual stream, a block's inside."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from torch import nn

from upres.lab.compress.wiring import Wiring

Kind = Literal["inner", "stream", "other"]

CUTTABLE = (nn.Conv2d, nn.ConvTranspose2d, nn.PReLU)
"""Layers whose widths can change; what else has a parameter for a channel keeps that channel."""


@dataclass(frozen=True, kw_only=True)
class ChannelGroup:
    """Classes of a wiring that the same convolutions write: what an importance compares, and a width counts."""

    kind: Kind
    """``inner``: one convolution writes them and one other reads them and nothing else; ``stream``: several write them,
    which are added; ``other``: concatenated, shuffled or read by several."""
    writers: tuple[str, ...]
    """Depthwise convolutions, which pass channels on, are none."""
    classes: tuple[int, ...]
    """Those that may go, in the order of the channels."""
    channels: int
    """Of each class where it is read: as many as groups in front of a grouped convolution."""


def channel_groups(network: nn.Module, wiring: Wiring) -> tuple[ChannelGroup, ...]:
    """All groups of a network of which channels may go.

    Args:
        network: Whose parameters are looked at.
        wiring: Its own.
    """
    dense = {name for name in wiring.outputs if not is_depthwise(network.get_submodule(name))}
    writers = _by_class({name: wiring.outputs[name] for name in dense})
    readers = _by_class({name: wiring.inputs[name] for name in dense})
    fast = wiring.fixed | wiring.counted | _held(network, wiring)
    together: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, names in writers.items():
        if number not in fast and number in readers:
            together[tuple(names)].append(number)
    return tuple(
        ChannelGroup(
            kind=_kind(names, classes, readers, wiring),
            writers=names,
            classes=tuple(sorted(classes, key=wiring.outputs[names[0]].index)),
            channels=_channels(names, classes[0], readers, wiring),
        )
        for names, classes in together.items()
    )


def writers_of(network: nn.Module, wiring: Wiring) -> dict[int, list[str]]:
    """Class -> the convolutions that write it, the depthwise ones left out."""
    return _by_class(
        {name: classes for name, classes in wiring.outputs.items() if not is_depthwise(network.get_submodule(name))}
    )


def is_depthwise(layer: nn.Module) -> bool:
    """Whether a layer filters each channel by itself."""
    return isinstance(layer, nn.Conv2d) and 1 < layer.groups == layer.in_channels


def _by_class(layers: Mapping[str, Iterable[int]]) -> dict[int, list[str]]:
    """Class -> the layers that have it, in the order of their names."""
    found: dict[int, list[str]] = defaultdict(list)
    for name in sorted(layers):
        for number in dict.fromkeys(layers[name]):
            found[number].append(name)
    return found


def _held(network: nn.Module, wiring: Wiring) -> set[int]:
    """Classes with a channel in a parameter of a layer that cannot be cut."""
    held: set[int] = set()
    for name, axes in wiring.axes.items():
        if not isinstance(network.get_submodule(name.rpartition(".")[0]), CUTTABLE):
            held.update(number for classes in axes if classes is not None for number in classes)
    return held


def _kind(names: tuple[str, ...], classes: list[int], readers: Mapping[int, list[str]], wiring: Wiring) -> Kind:
    if len(names) > 1:
        return "stream"
    own, reading = wiring.outputs[names[0]], {reader for number in classes for reader in readers[number]}
    alike = len(reading) == 1 and Counter(wiring.inputs[next(iter(reading))]) == Counter(own)
    return "inner" if alike else "other"


def _channels(names: tuple[str, ...], number: int, readers: Mapping[int, list[str]], wiring: Wiring) -> int:
    written = [wiring.outputs[name].count(number) for name in names]
    return min(*written, *(wiring.inputs[name].count(number) for name in readers[number]))
