"""What an ``.onnx`` graph computes: its operators with their attributes, and its constants as arrays.

For engines of this package that lower a graph themselves. `upres.models.graph` has looked at the file before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upres.errors import GraphError, Hint
from upres.models.protobuf import fields, integers, message, text

_FLOAT, _INT32, _INT64 = 1, 6, 7
_DTYPES = {_FLOAT: "<f4", _INT32: "<i4", _INT64: "<i8"}

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
    """Weights and other numbers that stand in the file, by the name of the value; float32 and integers of 32 and 64
    bits, empty where they are of another kind."""
    input: str
    output: str


def read_nodes(content: bytes) -> Nodes:
    """The graph in the content of an ``.onnx`` file.

    Raises:
        GraphError: If it is damaged.
    """
    graph = next((message(value) for number, value in fields(memoryview(content)) if number == 7), memoryview(b""))
    parts = [(number, message(value)) for number, value in fields(graph) if number in (1, 5, 11, 12)]
    constants = dict(_tensor(value) for number, value in parts if number == 5)
    nodes = []
    for node in (_node(value) for number, value in parts if number == 1):
        if node.operator == "Constant":
            constants[node.outputs[0]] = np.asarray(node.attributes.get("value", ()))
        else:
            nodes.append(node)
    ends = {number: _name(value) for number, value in parts if number in (11, 12) and _name(value) not in constants}
    return Nodes(nodes=tuple(nodes), constants=constants, input=ends.get(11, ""), output=ends.get(12, ""))


def _name(value_info: memoryview) -> str:
    return next((text(value) for number, value in fields(value_info) if number == 1), "")


def _node(data: memoryview) -> Node:
    parts = list(fields(data))
    attributes = dict(_attribute(message(value)) for number, value in parts if number == 5)
    return Node(
        operator=next((text(value) for number, value in parts if number == 4), ""),
        inputs=tuple(text(value) for number, value in parts if number == 1),
        outputs=tuple(text(value) for number, value in parts if number == 2),
        attributes=attributes,
    )


def _attribute(data: memoryview) -> tuple[str, Attribute]:
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
            found = _tensor(message(value))[1]
        elif number == 8:
            several += integers(value)
    return name, tuple(several) if found is None else found


def _tensor(data: memoryview) -> tuple[str, NDArray[Any]]:
    sides, name, kind, raw, listed = list[int](), "", 0, b"", list[Any]()
    for number, value in fields(data):
        if number == 1:
            sides += integers(value)
        elif number == 2:
            kind = integers(value)[0]
        elif number == 8:
            name = text(value)
        elif number == 9:
            raw = bytes(message(value))
        elif number == 4:
            listed += np.frombuffer(message(value), "<f4").tolist()
        elif number in (5, 7):
            listed += integers(value)
    dtype = _DTYPES.get(kind)
    if dtype is None:
        return name, np.empty(0)
    values = np.frombuffer(raw, dtype) if raw else np.array(listed, dtype)
    if values.size != np.prod(sides, dtype=np.int64):
        raise GraphError(f"a constant of shape {sides} has {values.size} numbers", hint=Hint.REMAKE_GRAPH)
    return name, values.reshape(sides)
