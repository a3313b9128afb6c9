"""The ``.onnx`` graph beside a weight file: which weights it was made of, and whether an engine may have it.

Engines run a graph and never look at the weights, so the graph says whose it is: its metadata hold the digest of the
tensors. An engine's parser also does whatever a graph asks for, without end or bound; so the file is walked first,
field by field of its protocol buffer, with neither onnx nor an engine. What upres exports passes.

Large constants of a graph that ships lie in the weight file beside it and nowhere else (ONNX's external data): each is
one of that file's tensors, whole, or the graph is refused.
"""

import math
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from upres.errors import GraphError, Hint
from upres.models.card import weights_digest
from upres.models.layout import Place, places
from upres.models.protobuf import fields, integers, message, spans, text, written

GRAPH_KEY = "upres_weights_sha256"
"""Name of the digest in a graph's metadata."""

OPERATORS = frozenset((
    "Abs", "Add", "AveragePool", "BatchNormalization", "Cast", "Ceil", "Clip", "Concat", "Constant",
    "ConstantOfShape", "Conv", "ConvTranspose", "DepthToSpace", "DequantizeLinear", "Div", "Elu", "Equal", "Erf",
    "Exp", "Expand", "Flatten", "Floor", "Gather", "Gelu", "Gemm", "GlobalAveragePool", "GlobalMaxPool", "Greater",
    "HardSigmoid", "HardSwish", "Identity", "InstanceNormalization", "LayerNormalization", "LeakyRelu", "Less",
    "Log", "MatMul", "Max", "MaxPool", "Min", "Mod", "Mul", "Neg", "Not", "Pad", "Pow", "PRelu", "QuantizeLinear",
    "Reciprocal", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum", "Relu", "Reshape", "Resize",
    "Round", "Shape", "Sigmoid", "Sign", "Slice", "Softmax", "Softplus", "SpaceToDepth", "Split", "Sqrt", "Squeeze",
    "Sub", "Sum", "Tanh", "Tile", "Transpose", "Unsqueeze", "Where",
))  # fmt: skip
"""What graphs of networks for pictures are made of: nothing that loops, branches, draws lots or counts up."""
SIZED = frozenset(("ConstantOfShape", "Expand", "Tile", "Resize", "Pad"))
"""Operators whose result may be far larger than their input, by numbers that stand in the file."""
MOST_NODES = 5000
"""The deepest network of the zoo has 1,700; engines take minutes for ten times as many."""
LARGEST_CONSTANT = 2**24
"""Numbers that one of `SIZED` may make by itself, or times as many as it is given."""

_NUMBERS = (4, 5, 7, 9, 10, 11)
"""Fields of a tensor that hold its numbers: four of them by type, one of raw bytes."""
_MOST_BYTES = 256
"""Of a constant that may be a size; what lies in another file is larger."""
_FLOAT, _INT64, _HALF = 1, 7, 10
_OUTSIDE = {_FLOAT: "F32", _HALF: "F16"}
"""Kinds of constants that may lie in the weight file, and their names there."""
_METADATA = 14


class _Constant(NamedTuple):
    """Numbers that stand in the file, where they are few."""

    name: str
    values: tuple[float, ...]


def stamped(content: bytes, digest: str) -> bytes:
    """The graph with the digest of its weights in its metadata: the same bytes, and one entry behind them."""
    entry = written(1, GRAPH_KEY.encode()) + written(2, digest.encode())
    return unstamped(content) + written(_METADATA, entry)


def unstamped(content: bytes) -> bytes:
    """The graph as it was before `stamped`: what it computes, and no word of whose it is."""
    kept = bytearray()
    for start, end, number, value in spans(memoryview(content)):
        if number != _METADATA or _entry(value)[0] != GRAPH_KEY:
            kept += content[start:end]
    return bytes(kept)


def digest_in(content: bytes) -> str | None:
    """The digest of weights in a graph's metadata; ``None`` where there is none.

    Raises:
        GraphError: If it is no protocol buffer.
    """
    entries = (_entry(value) for _, _, number, value in spans(memoryview(content)) if number == _METADATA)
    return dict(entries).get(GRAPH_KEY)


def require_graph(graph: Path, *, weights: Path, channels: int) -> None:
    """See that a graph belongs to these weights and can be given to an engine.

    Args:
        graph: The ``.onnx`` file.
        weights: The ``.safetensors`` file that the graph was made of.
        channels: Planes in and out, 1 or 3.

    Raises:
        GraphError: If it does not; the message begins with what is wrong, not with the file.
        OSError: If one of the files cannot be read.
    """
    content = graph.read_bytes()
    require_structure(content, weights=weights, channels=channels)
    require_made_of(content, weights)


def require_made_of(content: bytes, weights: Path) -> None:
    """See that the content of an ``.onnx`` file was made of these weights.

    Raises:
        GraphError: If it was not, or does not say so.
        OSError: If the weights cannot be read.
    """
    found = digest_in(content)
    if found is None:
        raise GraphError("it does not say which weights it was made of", hint=Hint.REMAKE_GRAPH)
    if found != weights_digest(weights):
        raise GraphError(f"it was made of other weights than {weights.name}", hint=Hint.REMAKE_GRAPH)


def require_structure(content: bytes, *, weights: Path, channels: int) -> None:
    """See that the content of an ``.onnx`` file is a graph that can be read without harm, whatever its weights.

    Args:
        content: Of the file.
        weights: The ``.safetensors`` file beside it, in which its large constants may lie.
        channels: Planes in and out, 1 or 3.

    Raises:
        GraphError: If it is not; the message says what is wrong.
        CheckpointError: If constants lie in the weights and these cannot be read.
        OSError: Likewise.
    """
    if not content:
        raise GraphError("the file is empty", hint=Hint.REMAKE_GRAPH)
    _Walk(weights, channels).model(memoryview(content))


def outside(fields_of: Iterable[tuple[int, int | memoryview]]) -> tuple[str, int, int] | None:
    """File, first byte and number of bytes of a tensor that lies in another file; ``None`` where it is all here.

    Args:
        fields_of: The tensor's, as `fields` yields them.

    Raises:
        GraphError: If it says only half of that.
    """
    found = list(fields_of)
    if not any(number == 13 or (number == 14 and value == 1) for number, value in found):
        return None
    entries = dict(_entry(value) for number, value in found if number == 13)
    try:
        return entries["location"], int(entries["offset"]), int(entries["length"])
    except (KeyError, ValueError):
        raise GraphError(
            "a constant lies in another file, and the graph does not say where", hint=Hint.REMAKE_GRAPH
        ) from None


class _Walk:
    """One pass over a model, from the outside in."""

    def __init__(self, weights: Path, channels: int) -> None:
        self._weights = weights
        self._channels = channels
        self._nodes = 0
        self._constants: dict[str, tuple[float, ...]] = {}

    def model(self, data: memoryview) -> None:
        """The outermost message."""
        graphs = []
        for number, value in fields(data):
            _refuse(number in (20, 25), "it brings functions or training of its own")
            if number == 8:
                domain = next((text(v) for n, v in fields(message(value)) if n == 1), "")
                _refuse(domain not in ("", "ai.onnx"), f"it needs operators of '{domain[:40]}'")
            if number == 7:
                graphs.append(message(value))
        _refuse(len(graphs) != 1, "it is damaged, or no ONNX file")
        self._graph(graphs[0])

    def _graph(self, data: memoryview) -> None:
        parts = [(number, value) for number, value in fields(data) if number in (1, 5, 11, 12, 15)]
        _refuse(any(number == 15 for number, _ in parts), "it holds sparse constants")
        for value in (value for number, value in parts if number == 5):
            name, values = self._tensor(message(value))
            self._constants[name] = values
        for value in (value for number, value in parts if number == 1):
            self._node(message(value))
        inputs = [message(value) for number, value in parts if number == 11]
        self._interface([each for each in inputs if _name_of(each) not in self._constants], "input")
        self._interface([message(value) for number, value in parts if number == 12], "output")

    def _node(self, data: memoryview) -> None:
        self._nodes += 1
        _refuse(self._nodes > MOST_NODES, f"it has more than {MOST_NODES} operators")
        operator, attributes = "", list[memoryview]()
        inputs, outputs = list[str](), list[str]()
        for number, value in fields(data):
            if number == 4:
                operator = text(value)
            elif number == 7:
                _refuse(text(value) not in ("", "ai.onnx"), f"it needs operators of '{text(value)[:40]}'")
            elif number in (1, 2):
                (inputs if number == 1 else outputs).append(text(value))
            elif number == 5:
                attributes.append(message(value))
        _refuse(operator not in OPERATORS, f"upres exports no operator '{operator[:40]}'")
        for attribute in attributes:
            self._attribute(attribute, outputs if operator == "Constant" else [])
        if operator in SIZED:
            self._bounded(operator, inputs[0 if operator == "ConstantOfShape" else 1 :])

    def _attribute(self, data: memoryview, outputs: list[str]) -> None:
        for number, value in fields(data):
            _refuse(number in (6, 11), "an operator has a graph of its own: loops and branches are not run")
            _refuse(number in (10, 22, 23), "an operator has constants of an unusual kind")
            if number == 5:
                _, values = self._tensor(message(value))
                self._constants |= dict.fromkeys(outputs, values)

    def _bounded(self, operator: str, inputs: list[str]) -> None:
        for name in inputs:
            values = [abs(value) for value in self._constants.get(name, ())]
            size = sum(values) if operator == "Pad" else math.prod(value for value in values if value > 1)
            _refuse(not size <= LARGEST_CONSTANT, f"an operator {operator} would make {size:.3g} numbers of nothing")

    def _interface(self, values: list[memoryview], end: str) -> None:
        _refuse(len(values) != 1, f"expected one {end}, found {len(values)}")
        kind, sides = _type_of(values[0])
        _refuse(kind != _FLOAT, f"expected an {end} of float32, its type is number {kind} of ONNX")
        _refuse(len(sides) != 4, f"expected an {end} (N, C, H, W), found {len(sides)} dimensions")
        _refuse(sides[1] not in (None, self._channels), f"expected {self._channels} planes as {end}, found {sides[1]}")
        fixed = end == "input" and any(sides[axis] is not None for axis in (0, 2, 3))
        _refuse(fixed, "it takes pictures of one size alone")

    @cached_property
    def _places(self) -> set[Place]:
        return set(places(self._weights).values())

    def _tensor(self, data: memoryview) -> _Constant:
        """A tensor's name, and its numbers where they are few: all that it promises must lie in a file that is here."""
        found = list(fields(data))
        sides = [side for number, value in found if number == 1 for side in integers(value)]
        kind = next((value for number, value in found if number == 2 and isinstance(value, int)), 0)
        name = next((text(value) for number, value in found if number == 8), "")
        numbers = [(number, value) for number, value in found if number in _NUMBERS]
        stored = sum(len(value) if isinstance(value, memoryview) else 8 for _, value in numbers)
        where = outside(found)
        if where is not None:
            file, start, length = where
            _refuse(file != self._weights.name, f"its constants lie in another file than {self._weights.name}")
            there = Place(_OUTSIDE.get(kind, ""), tuple(sides), start, length) in self._places
            _refuse(length <= _MOST_BYTES or not there, f"its constants are not those in {self._weights.name}")
            stored = length
        count = math.prod(sides)
        # every number takes a byte or more, however it is written
        wrong = any(side < 0 for side in sides) or count > stored
        _refuse(wrong, f"a constant of shape {sides[:8]} has {stored:,} bytes in the file")
        values = [each for number, value in numbers for each in _few(number, kind, value)]
        return _Constant(name, tuple(values) if len(values) == count else ())


def _few(number: int, kind: int, value: int | memoryview) -> list[float]:
    """A tensor's numbers, where they are few and of the kinds that sizes and scales have."""
    if isinstance(value, memoryview) and len(value) > _MOST_BYTES:
        return []
    if number == 7:
        return list(integers(value))
    code = "f" if number == 4 else {_FLOAT: "f", _INT64: "q"}.get(kind) if number == 9 else None
    if code is None or not isinstance(value, memoryview) or len(value) % (4 if code == "f" else 8):
        return []
    return list(value.cast(code))  # type: ignore[call-overload]  # a code that is not a literal


def _type_of(value_info: memoryview) -> tuple[int, list[int | None]]:
    """The number of a value's type, and its sides: ``None`` where they are free."""
    tensor = _inside(_inside(value_info, 2), 1)
    kind = next((value for number, value in fields(tensor) if number == 1 and isinstance(value, int)), 0)
    sides: list[int | None] = []
    for number, value in fields(_inside(tensor, 2)):
        size = dict(fields(message(value))).get(1) if number == 1 else None
        sides += [size if isinstance(size, int) else None] * (number == 1)
    return kind, sides


def _inside(data: memoryview, wanted: int) -> memoryview:
    """The first message of that number; an empty one where there is none."""
    return next((message(value) for number, value in fields(data) if number == wanted), memoryview(b""))


def _name_of(value_info: memoryview) -> str:
    return next((text(value) for number, value in fields(value_info) if number == 1), "")


def _entry(value: int | memoryview) -> tuple[str, str]:
    found = dict(fields(message(value)))
    return text(found.get(1, memoryview(b""))), text(found.get(2, memoryview(b"")))


def _refuse(wrong: bool, reason: str) -> None:
    if wrong:
        raise GraphError(reason, hint=Hint.REMAKE_GRAPH)
