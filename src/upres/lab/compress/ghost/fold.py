"""Ghosts folded into the convolution that reads them, so that they are never written.

A shift and an activation that acts on every pixel alone do the same in either order, as long as the activation leaves
zero alone. So where a single convolution reads the maps of a ghost layer, it can read the intrinsic maps alone: what it
does to a ghost it does to the ghost's source, displaced by the offset. Its kernel grows by the offset, 3x4 for a step
to a side and 4x4 for a diagonal one, and its inputs shrink to the intrinsic maps: with half ghosts and ``n`` channels a
block of two convolutions costs 7.5 to 8.5 n² multiply-adds a pixel, where it costs 9 n² with ghosts and 18 n² without.

Inside the picture the result is the same but for rounding. At its border it is another, on a frame as wide as half the
reading convolution (one pixel for 3x3) along the sides that the offset points away from: a copy ends at the border,
where the displaced kernel still sees what would have been moved in. Later convolutions carry that a pixel further each.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upres.errors import CheckpointError, UnsupportedModelError
from upres.lab.compress.ghost.layer import GhostConv, ghost_layers
from upres.lab.compress.ghost.shift import Offset
from upres.lab.compress.wiring import wiring_of


class DisplacedConv(nn.Conv2d):
    """A convolution of stride 1 that keeps height and width and whose kernel reaches further on some sides.

    Args:
        in_channels: Maps in.
        out_channels: Maps out.
        kernel_size: Of the convolution before it was displaced, odd; the kernel is larger by ``offset``.
        offset: Rows and columns by which it reaches further: down and right where positive, else up and left.
        groups: Of the convolution.
        bias: Whether there are biases.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, int],
        *,
        offset: Offset,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        (rows, columns), (dy, dx) = kernel_size, offset
        grown = (rows + abs(dy), columns + abs(dx))
        super().__init__(in_channels, out_channels, grown, groups=groups, bias=bias)
        left, top = columns // 2 + max(-dx, 0), rows // 2 + max(-dy, 0)
        self.border = (left, grown[1] - 1 - left, top, grown[0] - 1 - top)
        self.reach = max(abs(dy), abs(dx))

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, out_channels, H, W)``."""
        return F.conv2d(F.pad(x, self.border), self.weight, self.bias, groups=self.groups)


def fold_ghosts(network: nn.Module) -> tuple[nn.Module, dict[str, Any]]:
    """A copy of the network whose ghosts are folded wherever that is possible, and the step that rebuilds it.

    Ghosts are folded where one convolution alone reads them, through activations at most, all have one offset, and the
    grown kernel costs no more multiply-adds than it saves inputs. Where each ghost has an offset or a filter of its
    own and the rest holds, the order of the channels moves into the weights of the convolution that reads them.

    Args:
        network: Not changed.

    Raises:
        UnsupportedModelError: If there is nothing to fold.
    """
    made = deepcopy(network)
    layers, read_by = ghost_layers(made), _private(made)
    entries: list[dict[str, Any]] = []
    weights: dict[str, Tensor] = {}
    reordered = False
    for name, layer in layers.items():
        conv = _convolution(made, read_by.get(name, ""))
        if conv is None:
            continue
        kernel = _displaced(conv, layer) if layer.kind == "layer" else None
        if kernel is not None:
            entries.append({"name": name, "into": read_by[name], "offset": list(layer.chosen[0])})
            weights[read_by[name]] = kernel
        elif layer.kind != "layer" and conv.groups == 1:
            reordered = _reorder(conv, layer) or reordered
    if not entries and not reordered:
        raise UnsupportedModelError(f"{type(network).__name__} has no ghosts that one convolution alone reads")
    folded_network(made, layers=entries)
    for name, kernel in weights.items():
        reader = made.get_submodule(name)
        grown = cast(nn.Conv2d, reader.primary if isinstance(reader, GhostConv) else reader)
        with torch.no_grad():
            grown.weight.copy_(kernel)
    return made, {"name": "fold_ghosts", "layers": entries}


def folded_network(network: nn.Module, *, layers: Sequence[Mapping[str, Any]]) -> nn.Module:
    """The network, in place, in the form it has once these ghosts are folded: the transform ``fold_ghosts``.

    Biases stay; the weights of the convolutions that grow are fresh.

    Raises:
        CheckpointError: If a name is of no ghost layer, or what it is folded into is no convolution.
    """
    ghosts = ghost_layers(network)
    for entry in layers:
        name, into = entry["name"], entry["into"]
        layer, conv = ghosts.get(name), _convolution(network, into)
        if layer is None or conv is None or conv.in_channels != layer.out_channels:
            raise CheckpointError(f"fold_ghosts: {type(network).__name__} has no ghosts '{name}' to fold into '{into}'")
        dy, dx = entry["offset"]
        grown = _grown(conv, layer.intrinsic, (dy, dx)).train(conv.training)
        reader = ghosts.get(into)
        if reader is None:
            _set(network, into, grown)
        else:
            reader.primary = grown
    for entry in layers:  # only now: a layer may be read and read others
        _set(network, entry["name"], ghosts[entry["name"]].primary)
    return network


def _grown(conv: nn.Conv2d, in_channels: int, offset: Offset) -> nn.Conv2d:
    """A convolution with the same biases, fewer inputs and a kernel that reaches further."""
    size, bias = cast(tuple[int, int], conv.kernel_size), conv.bias is not None
    grown: nn.Conv2d
    if offset == (0, 0):
        padding = (size[0] // 2, size[1] // 2)
        grown = nn.Conv2d(in_channels, conv.out_channels, size, padding=padding, groups=conv.groups, bias=bias)
    else:
        grown = DisplacedConv(in_channels, conv.out_channels, size, offset=offset, groups=conv.groups, bias=bias)
    grown.bias = conv.bias
    return grown


def _private(network: nn.Module) -> Mapping[str, str]:
    """Ghost layer -> the one convolution that reads its maps; found on the network without ghosts."""
    plain = deepcopy(network)
    for name, layer in ghost_layers(plain).items():
        primary = layer.primary
        size = cast(tuple[int, int], primary.kernel_size)
        conv = nn.Conv2d(primary.in_channels, layer.out_channels, size, padding=size[0] // 2, groups=primary.groups)
        _set(plain, name, conv)
    if any(isinstance(layer, nn.PReLU) and layer.num_parameters > 1 for layer in plain.modules()):
        return {}  # a ghost has another slope than its source
    return wiring_of(plain).private


def _convolution(network: nn.Module, name: str) -> nn.Conv2d | None:
    """The convolution of that name, of a ghost layer the one that it computes; ``None`` where it is no plain one."""
    layer = dict(network.named_modules()).get(name)
    conv = layer.primary if isinstance(layer, GhostConv) else layer
    if type(conv) is not nn.Conv2d or conv.stride != (1, 1) or conv.dilation != (1, 1) or conv.padding_mode != "zeros":
        return None
    return conv if conv.padding == tuple(side // 2 for side in conv.kernel_size) else None


def _displaced(conv: nn.Conv2d, layer: GhostConv) -> Tensor | None:
    """The weights of a convolution that reads the intrinsic maps alone; ``None`` where that is not cheaper or wrong."""
    ((dy, dx),) = layer.chosen
    out, per_group, rows, columns = conv.weight.shape
    own, groups = layer.intrinsic // conv.groups, conv.groups
    if own * groups != layer.intrinsic or own * (rows + abs(dy)) * (columns + abs(dx)) > per_group * rows * columns:
        return None
    grown = conv.weight.new_zeros(out, own, rows + abs(dy), columns + abs(dx))
    ghost_row, ghost_column, row, column = max(dy, 0), max(dx, 0), max(-dy, 0), max(-dx, 0)
    for channel, slot in enumerate(layer.order.tolist()):
        group, is_ghost = channel // per_group, slot >= layer.intrinsic
        source = int(layer.source[slot - layer.intrinsic]) if is_ghost else slot
        if source // own != group:
            return None
        first_row, first_column = (ghost_row, ghost_column) if is_ghost else (row, column)
        filters = slice(group * out // groups, (group + 1) * out // groups)
        target = grown[filters, source % own, first_row : first_row + rows, first_column : first_column + columns]
        target += conv.weight[filters, channel % per_group].detach()
    return grown


@torch.no_grad()
def _reorder(conv: nn.Conv2d, layer: GhostConv) -> bool:
    """Let the channels stand in the order of their slots, ghosts by offset; whether they stood otherwise."""
    choice = list(layer.chosen) or [(0, 0)] * layer.ghosts
    by_offset = sorted(range(layer.ghosts), key=lambda ghost: choice[ghost])
    slots = [*range(layer.intrinsic), *(layer.intrinsic + ghost for ghost in by_offset)]
    channel_at = layer.order.argsort()
    before = list(range(layer.out_channels))
    channels = [int(channel_at[slot]) for slot in slots]
    if channels == before:
        return False
    conv.weight.copy_(conv.weight[:, channels].clone())
    if layer.kind == "depthwise":
        layer.filters.copy_(layer.filters[by_offset].clone())
    source = [int(layer.source[ghost]) for ghost in by_offset]
    layer.place(before, source, [choice[ghost] for ghost in by_offset] if layer.chosen else [])
    return True


def _set(network: nn.Module, name: str, layer: nn.Module) -> None:
    parent, _, own = name.rpartition(".")
    setattr(network.get_submodule(parent), own, layer)
