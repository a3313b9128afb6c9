"""Operators by which one value is chosen of several candidates: their sum, weighted by the softmax of their scores."""

from collections.abc import Sequence
from math import prod
from typing import Any

from numpy.typing import NDArray

from upres.engines.lowering.values import Candidates, Choice, Chosen, Sizes, Value, Weighted, Weights
from upres.engines.lowering.walk import Walk, unsupported
from upres.models.nodes import Node

_MOST_FACTORS = 2
"""Parts of which scores are products, at most (kernels.h)."""


def candidates(node: Node, value: Value, sizes: Sizes) -> Candidates:
    """Channels of a sum as several axes.

    Raises:
        UnsupportedModelError: If another axis is not kept as it is.
    """
    name = node.inputs[0]
    first, *sides, high, wide = sizes.entries if len(sizes.entries) > 3 else (None,) * 4
    kept = (first, high, wide) == ((name, 0), (name, 2), (name, 3)) and value.block == 1
    known = [side for side in sides if isinstance(side, int) and side > 0]
    rest, over = divmod(value.term.channels, prod(known))
    if (
        not kept
        or over
        or [side for side in sides if side not in known] not in ([], [-1])
        or (-1 in sides) < (rest > 1)
    ):
        raise unsupported(node, "native reshapes of maps their channels alone, to candidates")
    sides = [rest if side == -1 else side for side in sides]
    return Candidates(value=value, sides=tuple(sides))


def split(walk: Walk, node: Node) -> list[Candidates]:
    """The parts of the first of three axes."""
    whole = walk.take(node)
    count = len(node.outputs)
    ones = len(node.inputs) > 1 and walk.constant(node, 1).tolist() == [1] * count
    if not (isinstance(whole, Candidates) and len(whole.sides) == 3 and not whole.factors and ones):
        raise unsupported(node, "native splits channels into candidates and what scores them, nothing else")
    if node.attributes.get("axis", 0) != 1 or whole.sides[0] != count:
        raise unsupported(node, "native splits the first axis of channels alone")
    return [Candidates(value=whole.value, sides=(1, *whole.sides[1:]), factors=(part,)) for part in range(count)]


def without_axis(node: Node, whole: Candidates, axes: NDArray[Any]) -> Candidates:
    """A part without the axis of which it is one."""
    if axes.tolist() != [1] or not whole.factors or whole.sides[0] != 1:
        raise unsupported(node, "native drops the first axis of channels alone, of a part")
    return Candidates(value=whole.value, sides=whole.sides[1:], factors=whole.factors)


def product(node: Node, left: Any, right: Any) -> Candidates | Weighted:
    """Scores of two factors, or candidates times their weights."""
    if node.operator == "Mul" and isinstance(left, Weights):
        left, right = right, left
    if node.operator != "Mul" or not isinstance(left, Candidates) or len(left.sides) != 2:
        raise unsupported(node, "native multiplies candidates, nothing else")
    if isinstance(right, Weights):
        if left.factors != (0,) or right.scores.value is not left.value:
            raise unsupported(node, "the candidates have to come before what scores them, of one convolution")
        return Weighted(right.scores)
    if not isinstance(right, Candidates) or right.sides != left.sides or right.value is not left.value:
        raise unsupported(node, "its two sides are no candidates of one convolution")
    factors = (*left.factors, *right.factors)
    if len(factors) > _MOST_FACTORS:
        raise unsupported(node, f"scores of {len(factors)} factors; native has {_MOST_FACTORS}")
    return Candidates(value=left.value, sides=left.sides, factors=factors)


def softmax(walk: Walk, node: Node) -> Weights:
    """The weights of candidates."""
    scores = walk.take(node)
    axes: Sequence[int] = (1, -4)
    if not isinstance(scores, Candidates) or len(scores.sides) != 2 or node.attributes.get("axis", -1) not in axes:
        raise unsupported(node, "native has it over candidates alone")
    return Weights(scores)


def weighted_sum(walk: Walk, node: Node) -> Chosen:
    """What is chosen."""
    weighted = walk.take(node)
    axis = walk.constant(node, 1).tolist() if len(node.inputs) > 1 else None
    if not isinstance(weighted, Weighted) or axis not in ([1], [-4]) or node.attributes.get("keepdims", 1) != 0:
        raise unsupported(node, "native sums weighted candidates alone")
    value, (count, kept), factors = weighted.scores.value, weighted.scores.sides, weighted.scores.factors
    left, right = factors if len(factors) == _MOST_FACTORS else (factors[0], None)
    parts = value.term.channels // (count * kept)
    return Chosen(value, Choice(parts=parts, candidates=count, kept=kept, left=left, right=right))
