"""Operators on maps: convolutions, and what is done to their sums pixel by pixel."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upres.engines.lowering.candidates import product as product_of_candidates
from upres.engines.lowering.pictures import entries, picture_operand
from upres.engines.lowering.values import (
    Beside,
    Candidates,
    Chosen,
    Convolution,
    Floats,
    Picture,
    Raised,
    Reduction,
    Sizes,
    Term,
    Value,
    Weights,
)
from upres.engines.lowering.walk import Walk, unsupported
from upres.models.nodes import Node

MOST_INPUTS = 6
"""Maps beside each other that the native module takes (kernels.h)."""
_SIZES = (1, 3, 5)
"""Of filters for which there are kernels."""
MOST_WINDOW = 16
"""Side of the largest windows that it takes (kernels.h)."""
_LARGEST = float(np.finfo(np.float32).max)


def convolution(walk: Walk, node: Node) -> Value:
    """The sum of a convolution, which is one of the native module's operations.

    Raises:
        UnsupportedModelError: If it is of a kind for which there is no kernel.
    """
    weight, bias = _filters(walk, node, outputs_at=0)
    if node.attributes.get("strides") not in (None, (1, 1)):
        return _reduction(walk, node, weight.shape[-1], (weight, bias))
    pad = weight.shape[-1] // 2
    _require(node, {"group": 1, "dilations": (1, 1), "strides": (1, 1), "pads": (pad,) * 4}, pads=(0,) * 4)
    return Value(_sum(walk, node, weight, bias))


def transposed_convolution(walk: Walk, node: Node) -> Value:
    """The sum of a convolution to squares of pixels, as many as a transposed one makes of each pixel.

    Output ``stride * y + i`` sees of input ``y + t`` the tap ``i + pad - stride * t``.

    Raises:
        UnsupportedModelError: If no kernel has filters as wide, or the output is not ``stride`` times as large.
    """
    weight, bias = _filters(walk, node, outputs_at=1)
    size, stride, pad = (
        weight.shape[-1],
        *(int(np.max(node.attributes.get(name, usual))) for name, usual in (("strides", 1), ("pads", 0))),
    )
    rest = stride - size + 2 * pad
    expected = {"group": 1, "dilations": (1, 1), "strides": (stride,) * 2, "pads": (pad,) * 4}
    _require(node, {**expected, "output_padding": (rest, rest)}, strides=(1, 1), pads=(0,) * 4, output_padding=(0, 0))
    halo = max(stride - 1 + pad, size - 1 - pad) // stride
    phases = np.zeros((weight.shape[1], stride, stride, len(weight), 2 * halo + 1, 2 * halo + 1), np.float32)
    for i, t in product(range(stride), range(-halo, halo + 1)):
        for j, u in product(range(stride), range(-halo, halo + 1)):
            row, column = i + pad - stride * t, j + pad - stride * u
            if 0 <= row < size and 0 <= column < size:
                phases[:, i, j, :, t + halo, u + halo] = weight[:, :, row, column].T
    filters = phases.reshape(-1, *phases.shape[3:])
    return Value(_sum(walk, node, filters, np.repeat(bias, stride**2)), stride)


def _filters(walk: Walk, node: Node, *, outputs_at: int) -> tuple[Floats, Floats]:
    """Weights, which are square, and biases, a zero for each output where there are none."""
    weight = walk.constant(node, 1).astype(np.float32)
    if weight.ndim != 4 or weight.shape[2] != weight.shape[3]:
        raise unsupported(node, f"filters of {'x'.join(map(str, weight.shape[2:]))}; native has square ones")
    bias = walk.constant(node, 2) if len(node.inputs) > 2 else np.zeros(weight.shape[outputs_at])
    return weight, bias.astype(np.float32)


def _require(node: Node, expected: Mapping[str, Any], **usual: Any) -> None:
    """Refuse a node of which an attribute, or what it is where it is left out, is not as expected."""
    for name, wanted in {**expected, "auto_pad": "NOTSET"}.items():
        found = node.attributes.get(name, usual.get(name, wanted))
        if found != wanted:
            raise unsupported(node, f"{name} {found}; native has {wanted} alone")


def _sum(walk: Walk, node: Node, weight: Floats, bias: Floats) -> Term:
    """The sum of one more convolution, zeros beyond the edges."""
    size = weight.shape[-1]
    if size not in _SIZES:
        raise unsupported(node, f"filters of {size}x{size}; native has 1x1, 3x3 and 5x5")
    source = walk.take(node)
    parts = source.values if isinstance(source, Beside) else (source,)
    if len(parts) > (MOST_INPUTS if size == 1 else 1):
        raise unsupported(
            node, f"{len(parts)} inputs beside each other; native has up to {MOST_INPUTS}, of 1x1 filters"
        )
    inputs = tuple(_input(walk, node, part) for part in parts)
    levels = {walk.level_of(each) for each in inputs}
    channels = sum(_channels(each, walk.colors) for each in inputs)
    if len(levels) > 1 or channels != weight.shape[1]:
        raise unsupported(node, "its inputs do not fit each other or its filters")
    walk.makers.append(Convolution(inputs=inputs, weight=weight, bias=bias, level=levels.pop()))
    return Term("sum", len(weight), len(walk.makers) - 1)


def pooling(walk: Walk, node: Node) -> Value:
    """The largest value of each channel in each window."""
    side = node.attributes.get("kernel_shape")
    if not isinstance(side, tuple) or len(side) != 2 or side[0] != side[1] or len(node.outputs) != 1:
        raise unsupported(node, f"windows of {side}; native has squares")
    return _reduction(walk, node, side[0], None)


def _reduction(walk: Walk, node: Node, side: int, filters: tuple[Floats, Floats] | None) -> Value:
    """A value for each window, of which the native module makes a map of its own."""
    _require(node, {"group": 1, "dilations": (1, 1), "pads": (0, 0, 0, 0), "ceil_mode": 0})
    strides = node.attributes.get("strides", (1, 1))
    if not isinstance(strides, tuple) or len(set(strides)) != 1 or side > MOST_WINDOW:
        raise unsupported(node, f"windows of {side}, {strides} apart; native has squares of up to {MOST_WINDOW}")
    source = walk.take(node)
    if not isinstance(source, Value) or (filters is not None and filters[0].shape[1] != _channels_of(source)):
        raise unsupported(node, "its input is no map, or does not fit its filters")
    stored = walk.store(source, node.outputs[0])
    walk.makers.append(
        Reduction(inputs=(stored,), level=walk.level_of(stored), side=side, stride=strides[0], filters=filters)
    )
    channels = stored.channels if filters is None else len(filters[0])
    return Value(Term("sum", channels, len(walk.makers) - 1))


def _channels_of(value: Value) -> int:
    return value.term.channels // value.block**2


def _input(walk: Walk, node: Node, value: Any) -> Picture | Term:
    if isinstance(value, Picture):
        if value.enlargement != 1 or value.copies != 1:
            raise unsupported(node, "its input is the picture enlarged or repeated")
        walk.require_unshuffle(value, node)
        return value
    if not isinstance(value, Value):
        raise unsupported(node, "its input is no map")
    return walk.store(value, node.outputs[0])


def _channels(source: Picture | Term, colors: int) -> int:
    return colors * source.unshuffle**2 if isinstance(source, Picture) else source.channels


def concatenation(walk: Walk, node: Node) -> Any:
    """Channels of maps beside each other, or entries of sizes."""
    values = tuple(walk.take(node, index) for index in range(len(node.inputs)))
    axis = node.attributes.get("axis")
    if axis == 0 and all(isinstance(value, Sizes | np.ndarray) for value in values):
        return Sizes(tuple(entry for value in values for entry in entries(value)))
    if axis != 1 or not all(isinstance(value, Value | Picture) for value in values):
        raise unsupported(node, "native puts channels of maps beside each other, nothing else")
    return Beside(values)


def depth_to_space(walk: Walk, node: Node) -> Value | Chosen:
    """The same sums, each pixel's channels a square of pixels from here on."""
    shuffled, block = walk.take(node), node.attributes.get("blocksize")
    value = shuffled.as_value() if isinstance(shuffled, Chosen) else shuffled
    if not isinstance(value, Value) or node.attributes.get("mode") != "CRD" or not isinstance(block, int):
        raise unsupported(node, "native shuffles pixels of maps in the order of columns")
    if value.block != 1 or value.term.channels % block**2:
        raise unsupported(node, "it shuffles pixels twice")
    if walk.level_of(value).reductions:
        raise unsupported(node, "it shuffles pixels of a coarse map")
    result: Value | Chosen = shuffled._replace(block=block)
    return result


def slope(walk: Walk, node: Node) -> Value:
    """A step that multiplies what is below 0: by a number, by one for each channel, or by 0."""
    value = _map(walk, node)
    if node.operator == "PRelu":
        slope = walk.constant(node, 1)
    else:
        slope = np.asarray(node.attributes.get("alpha", 0.01) if node.operator == "LeakyRelu" else 0.0)
    return _step("slope", value, _vector(node, slope, value))


def clip(walk: Walk, node: Node) -> Value:
    """A step between two limits, of which either may be left out."""
    value = _map(walk, node)
    given = [*node.inputs[1:], "", ""][:2]
    limits = [
        walk.constant(node, index) if name else np.asarray(limit)
        for index, name, limit in zip((1, 2), given, (-_LARGEST, _LARGEST), strict=True)
    ]
    return _step("clamp", value, *(_vector(node, limit, value) for limit in limits))


def function(walk: Walk, node: Node) -> Value:
    """A step without constants, which has its operator's name."""
    return _step(node.operator.lower(), _map(walk, node))


def _map(walk: Walk, node: Node) -> Value:
    value = walk.take(node)
    if not isinstance(value, Value):
        raise unsupported(node, "it is applied to something else than a map")
    return value


def arithmetic(walk: Walk, node: Node) -> Any:
    """A step on a map and a constant, or on two maps, in the epilogue of the convolution that comes last.

    A map of an earlier convolution is stored, and read there. Of candidates it is a score or the weighted
    ones, of two constants a third.
    """
    left, right = walk.take(node, 0), walk.take(node, 1)
    if any(isinstance(each, Candidates | Weights) for each in (left, right)):
        return product_of_candidates(node, left, right)
    if node.operator == "Add" and isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        return left + right
    if isinstance(right, np.ndarray):
        return _affine(node, left, right)
    if isinstance(left, np.ndarray) and node.operator in ("Add", "Mul"):
        return _affine(node, right, left)
    kind = {"Add": "add", "Sub": "subtract", "Mul": "multiply"}.get(node.operator)
    if kind is None or isinstance(left, np.ndarray):
        raise unsupported(node, "native does this with a constant behind the map alone")
    if not any(isinstance(each, Value) for each in (left, right)):
        raise unsupported(node, "neither side is a map")
    anchor = max((each for each in (left, right) if isinstance(each, Value)), key=lambda each: each.term.base)
    terms = tuple(_operand(walk, node, each, anchor) for each in (left, right))
    return Value(Term(kind, anchor.term.channels, anchor.term.base, terms), anchor.block)


def _affine(node: Node, value: Any, number: NDArray[Any]) -> Value | Picture:
    """A value with a constant, which the operator has as its right side."""
    constant = np.asarray(number, np.float32)
    factor, summand = np.ones_like(constant), np.zeros_like(constant)
    if node.operator in ("Mul", "Div"):
        factor = constant if node.operator == "Mul" else factor / constant
    else:
        summand = constant if node.operator == "Add" else -constant
    if isinstance(value, Picture) and not value.trail and value.unshuffle == value.copies == 1:
        wide = [_of_channels(node, each, len(value.factor)) for each in (factor, summand)]
        return replace(value, factor=value.factor * wide[0], summand=value.summand * wide[0] + wide[1])
    if not isinstance(value, Value):
        raise unsupported(node, "it is applied to something else than a map")
    if np.all(factor == 1) and np.all(summand == 0):
        return value
    return _step("affine", value, *(_vector(node, each, value) for each in (factor, summand)))


def _step(kind: str, value: Value, *constants: Floats) -> Value:
    term = value.term
    return Value(Term(kind, term.channels, term.base, (term,), constants), value.block)


def _vector(node: Node, constant: NDArray[Any], value: Value) -> Floats:
    """A number for each channel of the term; for a square of pixels the same one."""
    return np.repeat(_of_channels(node, constant, value.term.channels // value.block**2), value.block**2)


def _of_channels(node: Node, constant: NDArray[Any], channels: int) -> Floats:
    sides = (1,) * (4 - constant.ndim) + constant.shape
    if constant.ndim > 4 or sides not in ((1, 1, 1, 1), (1, channels, 1, 1)):
        raise unsupported(node, f"a constant of shape {constant.shape}; native has numbers for each channel")
    return np.broadcast_to(np.asarray(constant, np.float32).reshape(-1), channels)


def _operand(walk: Walk, node: Node, value: Any, anchor: Value) -> Term:
    """The term of one side of an operator whose other side may be newer."""
    if isinstance(value, Picture):
        return picture_operand(walk, node, value, anchor)
    if isinstance(value, Raised):
        return _raised_operand(walk, node, value, anchor)
    if not isinstance(value, Value) or value.block != anchor.block or value.term.channels != anchor.term.channels:
        raise unsupported(node, "its two sides differ in size")
    if value.term.base == anchor.term.base:
        return value.term
    if value.block != 1:
        raise unsupported(node, "both sides are shuffled pixels, of two convolutions")
    stored = walk.store(value, node.outputs[0])
    if walk.level_of(stored) != walk.level_of(anchor):
        raise unsupported(node, "its two sides differ in size")
    return stored


def _raised_operand(walk: Walk, node: Node, raised: Raised, anchor: Value) -> Term:
    """The coarse map, which is enlarged where it is read."""
    value = raised.value
    if value.term.channels != anchor.term.channels or anchor.block != 1 or raised.level != walk.level_of(anchor):
        raise unsupported(node, "its two sides differ in size")
    if value.term.base > anchor.term.base:
        raise unsupported(node, "the coarse map is made after the one that it is enlarged for")
    return walk.store(value, node.outputs[0])
