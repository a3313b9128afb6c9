"""Which channels of a network hang together, found by following every channel through one small picture.

Each element of each tensor carries the label of the channel it came from. Operations that only move elements (cat,
split, permute, pixel shuffle ...) move the labels alike; arithmetic unites the labels that meet; a convolution reads
channels and makes new ones. Labels that were united are one *class*: its channels can only be taken away together, in
every layer that writes or reads them. Nothing is declared for an architecture.

A class is *fixed* where it holds a channel of a picture, of a constant table, or of an operation that is unknown here,
and *counted* where the network's code cuts tensors at a place that it knows in advance (IMDN's split).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from upres.lab.complexity import evaluation_mode

_aten = torch.ops.aten
_MOVES = frozenset(
    {
        *(_aten.view, _aten._unsafe_view, _aten.permute, _aten.transpose, _aten.t, _aten.unsqueeze, _aten.squeeze),
        *(_aten.expand, _aten.clone, _aten.alias, _aten.detach, _aten.cat, _aten.stack, _aten.constant_pad_nd),
        *(_aten.flip, _aten.repeat, _aten.pixel_shuffle, _aten.pixel_unshuffle),
    }
)
"""Operations that put elements elsewhere and change none: they are done to the labels as well."""
_CUTS = frozenset({_aten.slice, _aten.select, _aten.split, _aten.split_with_sizes, _aten.unbind, _aten.index_select})
"""The same, and some elements are left out."""
_PLANES = frozenset(
    {
        *(_aten.max_pool2d_with_indices, _aten.avg_pool2d, _aten._adaptive_avg_pool2d, _aten.mean),
        *(_aten.upsample_nearest2d, _aten.upsample_bilinear2d, _aten.upsample_bicubic2d),
    }
)
"""Operations of each plane ``(N, C)`` by itself."""
_ACTIVATIONS = frozenset({_aten.relu, _aten.leaky_relu, _aten._prelu_kernel})
"""Functions of one channel alone that do not care where a pixel lies, nor what lies in other channels."""
_NONE = 0
"""Label of an element that is no channel's: padding, a number."""


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """What hangs together; a class is a number."""

    inputs: Mapping[str, tuple[int, ...]]
    """Convolution -> class of each input channel."""
    outputs: Mapping[str, tuple[int, ...]]
    """Convolution -> class of each output channel."""
    axes: Mapping[str, tuple[tuple[int, ...] | None, ...]]
    """Parameter -> for each dimension the class of each index along it; ``None`` where it has no channels (taps)."""
    fixed: frozenset[int]
    """Classes whose channels must stay."""
    counted: frozenset[int]
    """Classes of which the network's code knows how many there are."""
    private: Mapping[str, str]
    """Convolution -> the one other convolution that reads its output, which nothing else does.

    Between them stand at most activations that act on every channel alone and commute with a shift: ReLU, leaky ReLU
    and PReLU. That other one reads nothing else, either.
    """


def wiring_of(network: nn.Module) -> Wiring:
    """The wiring of a network of the zoo, transforms included, in the form it has in evaluation mode.

    Args:
        network: Anything with the attributes `upres.lab.archs` asks for; left as it was found.

    Example:
        >>> from upres.lab.archs.edsr import EDSR
        >>> wiring_of(EDSR(scale=2, num_channels=8, num_blocks=1)).private
        {'blocks.0.conv1': 'blocks.0.conv2'}
    """
    follower = _Follower(network)
    with evaluation_mode(network), torch.no_grad():
        picture = probe(network)
        follower.give(picture, _spread(follower.new(picture.shape[1], fixed=True), picture.shape, 1))
        with follower:
            result = network(picture)
    follower.leave(result)
    return follower.wiring()


class _Labels:
    """Labels, and which of them are one: a forest whose trees are the classes."""

    def __init__(self) -> None:
        self.parents = [_NONE]
        self.fixed: list[int] = []
        self.counted: list[int] = []

    def new(self, count: int, *, fixed: bool = False) -> Tensor:
        first = len(self.parents)
        self.parents += range(first, first + count)
        self.fixed += range(first, first + count) if fixed else ()
        return torch.tensor(range(first, first + count), dtype=torch.int64, device="cpu")

    def root(self, label: int) -> int:
        while self.parents[label] != label:
            self.parents[label] = self.parents[self.parents[label]]
            label = self.parents[label]
        return label

    def unite(self, ours: Tensor, theirs: Tensor) -> Tensor:
        """One label for each element, of tensors that broadcast; no channel's gives way to any."""
        ours, theirs = torch.broadcast_tensors(ours, theirs)  # type: ignore[no-untyped-call]
        pairs = torch.stack((ours.flatten(), theirs.flatten()))[
            :, ((ours != theirs) & (ours * theirs != _NONE)).flatten()
        ]
        for left, right in pairs.unique(dim=1).T.tolist():  # type: ignore[no-untyped-call]
            left, right = sorted((self.root(left), self.root(right)))
            self.parents[right] = left
        return torch.where(ours == _NONE, theirs, ours)

    def along(self, labels: Tensor, dimension: int) -> Tensor:
        """One label for each index along a dimension, all that lie there united."""
        rows = labels.movedim(dimension, 0).reshape(labels.shape[dimension], -1)
        first = rows.amax(1)
        self.unite(first[:, None], rows)
        return first


class _Follower(TorchDispatchMode):
    """Sees each operation of a network that runs, and follows the labels through it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._labels = _Labels()
        self._names = {id(parameter): name for name, parameter in network.named_parameters()}
        self._layers = {
            f"{name}.weight": name
            for name, layer in network.named_modules()
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
        }
        self._axes: dict[str, list[Tensor | None]] = {}
        self._inputs: dict[str, Tensor] = {}
        self._outputs: dict[str, Tensor] = {}
        self._held: dict[int, tuple[Tensor, Tensor]] = {}
        """Tensors, which must not be freed lest another gets their ids, and the labels of their elements."""
        self._uses: dict[int, list[tuple[str, int]]] = defaultdict(list)
        """Tensor -> the convolutions (by name) and activations ("") that take it, and what they make of it."""
        self._calls: dict[str, list[tuple[int, int]]] = defaultdict(list)
        """Convolution -> input and output of each call."""
        for buffer in network.buffers():
            wide = [dimension for dimension, size in enumerate(buffer.shape) if size > 1]
            if len(wide) == 1:  # a colour; one of more dimensions is a table of taps
                fixed = self.new(buffer.shape[wide[0]], fixed=True)
                self.give(buffer, _spread(fixed, buffer.shape, wide[0]))

    def new(self, count: int, *, fixed: bool = False) -> Tensor:
        """Labels that nothing has yet, ``(count,)``."""
        return self._labels.new(count, fixed=fixed)

    def give(self, tensor: Tensor, labels: Tensor) -> None:
        """Let the elements of a tensor carry these labels."""
        self._held[id(tensor)] = (tensor, labels.expand(tensor.shape))

    def leave(self, result: Tensor) -> None:
        """The tensor that comes out of the network: its channels are a picture's."""
        self._fix(self._of(result))
        self._uses[id(result)].append(("the picture that comes out", 0))

    def wiring(self) -> Wiring:
        """What was found, classes numbered as they came."""
        numbers: dict[int, int] = {}

        def classes(labels: Tensor) -> tuple[int, ...]:
            roots = [self._labels.root(label) for label in labels.tolist()]
            return tuple(numbers.setdefault(root, len(numbers)) for root in roots)

        axes = {
            name: tuple(None if labels is None else classes(labels) for labels in dimensions)
            for name, dimensions in self._axes.items()
        }
        known = {
            kind: frozenset(numbers[root] for root in map(self._labels.root, labels) if root in numbers)
            for kind, labels in (("fixed", self._labels.fixed), ("counted", self._labels.counted))
        }
        return Wiring(
            inputs={layer: classes(labels) for layer, labels in self._inputs.items()},
            outputs={layer: classes(labels) for layer, labels in self._outputs.items()},
            axes=axes,
            private=dict(self._private()),
            **known,
        )

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run the operation, and do to the labels what it does to channels."""
        result = func(*args, **(kwargs or {}))
        operation = func.overloadpacket
        if operation is _aten.convolution:
            self._convolve(args, result)
            return result
        inputs = _tensors(args)
        for value in inputs:
            passes = operation in _ACTIVATIONS and value is args[0]
            self._uses[id(value)].append(("" if passes else str(operation), id(result)))
        if operation in _MOVES | _CUTS:
            self._move(func, args, kwargs or {}, result, cuts=operation in _CUTS)
        elif operation in _PLANES and _keeps_planes(operation, args):
            self._pool(args[0], result)
        elif torch.Tag.pointwise in func.tags or operation in _ACTIVATIONS:
            self._meet(inputs, result)
        else:
            self._lose(inputs, result)
        return result

    def _convolve(self, args: Sequence[Any], result: Tensor) -> None:
        x, weight, bias, transposed, groups = args[0], args[1], args[2], args[6], args[8]
        name, layer = self._names.get(id(weight), ""), "another convolution"
        read = self._labels.along(self._of(x), 1)
        if transposed and groups > 1:
            self._lose([x], result)
            return
        made = self._axis(name, int(transposed), weight)
        if groups == 1:
            if name:
                self._labels.unite(self._axis(name, int(not transposed), weight), read)
            else:
                self._fix(read)  # a table has a place for each of them
        elif groups == len(read):
            self._labels.unite(read.repeat_interleave(len(made) // groups), made)
        else:  # what each group keeps must be as much: the channels at one place of all groups go together
            places = self._labels.along(read.view(groups, -1), 1)
            self._labels.unite(self._axis(name, 1, weight), places)
            self._labels.along(made.view(groups, -1), 1)
        if bias is not None:
            self._labels.unite(self._axis(self._names.get(id(bias), ""), 0, bias), made)
        self.give(result, _spread(made, result.shape, 1))
        if name in self._layers:
            layer = self._layers[name]
            self._calls[layer].append((id(x), id(result)))
            self._inputs[layer] = self._labels.unite(self._inputs.get(layer, read), read)
            self._outputs[layer] = made
        self._uses[id(x)].append((layer, id(result)))

    def _move(self, func: Any, args: Any, kwargs: Mapping[str, Any], result: Any, *, cuts: bool) -> None:
        inputs = tree_map_only(Tensor, lambda value: self._of(value) if value.is_floating_point() else value, args)
        moved = func(*inputs, **kwargs)
        by_index = func.overloadpacket is _aten.index_select and _varies(inputs[0], [args[1]])
        for tensor, labels in zip(_tensors(result), _tensors(moved), strict=True):
            self.give(tensor, labels)
            # a list of places in the network's hands counts channels, though it may leave none out
            if cuts and ((left := _distinct(inputs[0])) != _distinct(labels) or by_index):
                self._labels.counted += left

    def _pool(self, x: Tensor, result: Any) -> None:
        planes = self._labels.along(self._of(x).flatten(0, 1), 0).view(x.shape[:2])
        for tensor in _tensors(result):
            self.give(tensor, planes.view(*planes.shape, *[1] * (tensor.dim() - 2)))

    def _meet(self, inputs: Sequence[Tensor], result: Tensor) -> None:
        labels = torch.zeros((), dtype=torch.int64, device="cpu")
        for own in sorted(map(self._of, inputs), key=Tensor.numel, reverse=True):
            if _covers_several(own, labels):
                self._fix(own)  # a mask of one channel, which stays one however many it weighs
            else:
                labels = self._labels.unite(labels, own)
        self.give(result, labels)

    def _lose(self, inputs: Sequence[Tensor], result: Any) -> None:
        """An operation that nothing is known of: whatever it looks at must stay as it is."""
        for value in inputs:
            self._fix(self._of(value))
        labelled = any(bool(self._of(value).any()) for value in inputs)
        for tensor in _tensors(result):
            if labelled:
                self.give(tensor, self.new(1, fixed=True).view([1] * tensor.dim()))

    def _fix(self, labels: Tensor) -> None:
        self._labels.fixed += _distinct(labels)

    def _of(self, tensor: Tensor) -> Tensor:
        """The labels of a tensor's elements; a parameter of one dimension has a channel an index."""
        if id(tensor) in self._held:
            return self._held[id(tensor)][1]
        name, wide = self._names.get(id(tensor)), [d for d, size in enumerate(tensor.shape) if size > 1]
        if name is None or not wide:
            labels = torch.zeros((), dtype=torch.int64, device="cpu")
        elif len(wide) == 1:
            labels = _spread(self._axis(name, wide[0], tensor), tensor.shape, wide[0])
        else:
            labels = self.new(1, fixed=True)
        return labels.expand(tensor.shape)

    def _axis(self, name: str, dimension: int, tensor: Tensor) -> Tensor:
        """The labels along one dimension of a parameter; of what was computed or is constant (no name), its own."""
        if not name:
            labels = self._labels.along(self._of(tensor), dimension)
            return torch.where(labels == _NONE, self.new(len(labels), fixed=True), labels)
        axes = self._axes.setdefault(name, [None] * tensor.dim())
        found = axes[dimension]
        if found is None:
            found = axes[dimension] = self.new(tensor.shape[dimension])
        return found

    def _private(self) -> Iterator[tuple[str, str]]:
        for layer, calls in self._calls.items():
            pending, passed, readers = [output for _, output in calls], set(), set()
            while pending:
                tensor = pending.pop()
                passed.add(tensor)
                for reader, output in self._uses[tensor]:
                    if reader:
                        readers.add(reader)
                    else:
                        pending.append(output)
            reader = readers.pop() if len(readers) == 1 else ""
            if reader != layer and reader in self._calls and all(x in passed for x, _ in self._calls[reader]):
                yield layer, reader


def _tensors(result: Any) -> list[Tensor]:
    return [value for value in tree_leaves(result) if isinstance(value, Tensor)]


def _distinct(labels: Tensor) -> set[int]:
    """The labels in a tensor, each once."""
    return set(labels.unique().tolist()) - {_NONE}  # type: ignore[no-untyped-call]


def _spread(labels: Tensor, shape: Sequence[int], dimension: int) -> Tensor:
    """Labels of one dimension for every element of a tensor."""
    return labels.view([-1 if d == dimension else 1 for d in range(len(shape))]).expand(*shape)


def _varies(labels: Tensor, dimensions: list[int]) -> bool:
    """Whether labels differ along dimensions; where there is none says nothing."""
    return bool(((labels != labels.amax(dimensions, keepdim=True)) & (labels != _NONE)).any())


def _covers_several(small: Tensor, large: Tensor) -> bool:
    """Whether one labelled element of a tensor meets elements of several labels where another is larger."""
    if not bool(small.any()):
        return False
    large = large.expand(torch.broadcast_shapes(small.shape, large.shape))  # type: ignore[no-untyped-call]
    sizes = (*[1] * (large.dim() - small.dim()), *small.shape)
    stretched = [d for d, size in enumerate(large.shape) if size > 1 and sizes[d] == 1]
    return bool(stretched) and _varies(large, stretched)


def _keeps_planes(operation: Any, args: Sequence[Any]) -> bool:
    if operation is not _aten.mean:
        return True
    dimensions = {d % args[0].dim() for d in args[1]} if len(args) == 3 and args[2] else {0}
    return not dimensions & {0, 1}


def probe(network: nn.Module) -> Tensor:
    """A grey picture, ``(1, C, H, W)``, as small as the network takes."""
    least, multiple = getattr(network, "min_size", 1), getattr(network, "multiple_of", 1)
    side = max(-(-least // multiple) * multiple, 2)
    like = next(network.parameters(), torch.zeros(()))
    return like.new_full((1, 1 if network.color_mode == "luma" else 3, side, side), 0.5)
