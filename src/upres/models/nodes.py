"""What an ``.onnx`` graph computes: its operators with their attributes, and its constants as arrays.

For engines of this package that lower a graph themselves. `upres.models.graph` has looked at the file before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upres.errors import GraphError, Hint
from upres.models.graph import outside
from upres.models.protobuf import fields, integers, message, text

FLOAT = 1
"""ONNX's number of float32, for what a ``Cast`` makes."""
_HALF = 10
_DTYPES = {FLOAT: "<f4", 6: "<i4", 7: "<i8", _HALF: "<f2"}

Attribute = int | float | str | tuple[int, ...] | NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Node:
    """One operator."""

    operator: str
    inputs: tuple[str, ...]
    """Names of values; an empty one where an input is left out."""
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]


@dataclass(frozen=True, kw_only=True)
class Nodes:
    """A graph, its operators in an order in which each value is made before it is read."""

    nodes: tuple[Node, ...]
    constants: Mapping[str, NDArray[Any]]
    """Weights and other numbers that stand in the file or in the weight file, by the name of the value; floats of 16
    and 32 bits and integers of 32 and 64, empty where they are of another kind."""
    input: str
    output: str


def read_nodes(content: bytes, *, weights: Path | None = None) -> Nodes:
    """The graph in the content of an ``.onnx`` file.

    Args:
        content: Of the file.
        weights: The file beside it, in which its large constants may lie.

    Raises:
        GraphError: If it is damaged.
        OSError: If the weights cannot be read.
    """
    return _Reader(weights).nodes(memoryview(content))


class _Reader:
    """One pass over a model."""

    def __init__(self, weights: Path | None) -> None:
        self._weights = weights

    def nodes(self, data: memoryview) -> Nodes:
        """The outermost message."""
        graph = next((message(value) for number, value in fields(data) if number == 7), memoryview(b""))
        parts = [(number, message(value)) for number, value in fields(graph) if number in (1, 5, 11, 12)]
        constants = dict(self._tensor(value) for number, value in parts if number == 5)
        nodes = []
        for node in (self._node(value) for number, value in parts if number == 1):
            if node.operator == "Constant":
                constants[node.outputs[0]] = np.asarray(node.attributes.get("value", ()))
            else:
                nodes.append(node)
        ends = {number: _name(value) for number, value in parts if number in (11, 12) and _name(value) not in constants}
        return Nodes(nodes=tuple(nodes), constants=constants, input=ends.get(11, ""), output=ends.get(12, ""))

    def _node(self, data: memoryview) -> Node:
        parts = list(fields(data))
        attributes = dict(self._attribute(message(value)) for number, value in parts if number == 5)
        return Node(
            operator=next((text(value) for number, value in parts if number == 4), ""),
            inputs=tuple(text(value) for number, value in parts if number == 1),
            outputs=tuple(text(value) for number, value in parts if number == 2),
            attributes=attributes,
        )

    def _attribute(self, data: memoryview) -> tuple[str, Attribute]:
        name, several = "", list[int]()
        found: Attribute | None = None
        for number, value in fields(data):
            if number == 1:
                name = text(value)
            elif number == 2:
                found = float(np.frombuffer(message(value), "<f4")[0])
            elif number == 3:
                found = integers(value)[0]
            elif number == 4:
                found = text(value)
            elif number == 5:
                found = self._tensor(message(value))[1]
            elif number == 8:
                several += integers(value)
        return name, tuple(several) if found is None else found

    @cached_property
    def _outside(self) -> bytes:
        if self._weights is None:
            raise GraphError("a constant lies in another file", hint=Hint.REMAKE_GRAPH)
        return self._weights.read_bytes()

    def _tensor(self, data: memoryview) -> tuple[str, NDArray[Any]]:
        found = list(fields(data))
        sides = [side for number, value in found if number == 1 for side in integers(value)]
        kind = next((integers(value)[0] for number, value in found if number == 2), 0)
        name = next((text(value) for number, value in found if number == 8), "")
        raw = next((message(value) for number, value in found if number == 9), memoryview(b""))
        listed = list[Any]()
        for number, value in found:
            if number == 4:
                listed += np.frombuffer(message(value), "<f4").tolist()
            elif number in (5, 7):
                listed += integers(value)
        where = outside(found)
        if where is not None:
            _, start, length = where
            raw = memoryview(self._outside)[start : start + length]
        dtype = _DTYPES.get(kind)
        if dtype is None or (kind == _HALF and listed):  # which lists the bits of each
            return name, np.empty(0)
        values = np.frombuffer(raw, dtype) if raw else np.array(listed, dtype)
        if values.size != np.prod(sides, dtype=np.int64):
            raise GraphError(f"a constant of shape {sides} has {values.size} numbers", hint=Hint.REMAKE_GRAPH)
        return name, values.reshape(sides)


def _name(value_info: memoryview) -> str:
    return next((text(value) for number, value in fields(value_info) if number == 1), "")
