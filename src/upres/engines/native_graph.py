"""Networks of several convolutions in the native engine: the module's graph, and a session on it.

`upres.engines.lowering` says what the operations are; here the native module is told of them. Weights of a map that is
shuffled on the way to a larger one are put in order such that all channels of a pixel lie beside each other.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from upres.engines.engine import Batch, Session, SessionFacts, made
from upres.engines.lowering.lower import lower
from upres.engines.lowering.values import Choice, Convolution, Floats, Operations, Picture, Reduction, Term, Value
from upres.engines.native_integers import quantize
from upres.errors import GraphError, UnsupportedModelError
from upres.models.card import require_finite
from upres.models.catalog import Model
from upres.models.graph import require_made_of, require_structure
from upres.models.nodes import read_nodes

if TYPE_CHECKING:
    from upres.engines import _native

MOST_OPERANDS, MOST_STEPS = 4, 12
"""What the native module takes behind one convolution (kernels.h)."""
_BLOCK = 16
"""Channels of a map are padded to a multiple of this many."""
_LARGE = 2520
"""Side of a picture in which borders and threads take next to nothing; a multiple of all small numbers."""


@dataclass(frozen=True, kw_only=True)
class Epilogue:
    """What the native module is told of the steps between a convolution's sum and what is stored."""

    operands: tuple[Term, ...]
    steps: tuple[tuple[str, int, int, Floats, Floats], ...]
    """Name, numbers of the values it takes (0 the sum, then operands, then steps), and its constants."""
    choice: Choice | None
    """What is chosen of the last value."""


def epilogue(value: Value) -> Epilogue:
    """The steps that make a value, in an order in which each can be done.

    Raises:
        UnsupportedModelError: If there are more than the native module takes.
    """
    operands, steps, choice = list[Term](), list[Term](), value.term.choice
    _visit(value.term.args[0] if choice else value.term, operands, steps)
    if len(operands) > MOST_OPERANDS or len(steps) > MOST_STEPS:
        raise UnsupportedModelError(
            f"{len(steps)} steps on {len(operands)} maps behind one convolution;"
            f" native has {MOST_STEPS} on {MOST_OPERANDS}"
        )
    none = np.empty(0, np.float32)

    def number(term: Term) -> int:
        if term.kind == "sum":
            return 0
        return 1 + (operands.index(term) if term in operands else len(operands) + steps.index(term))

    return Epilogue(
        operands=tuple(operands),
        steps=tuple(
            (
                step.kind,
                number(step.args[0]),
                number(step.args[1]) if len(step.args) > 1 else 0,
                *_two(step.constants, none),
            )
            for step in steps
        ),
        choice=choice,
    )


def _two(constants: Sequence[Floats], none: Floats) -> tuple[Floats, Floats]:
    first, second = [*constants, none, none][:2]
    return first, second


def _visit(term: Term, operands: list[Term], steps: list[Term]) -> None:
    if term in operands or term in steps or term.kind == "sum":
        return
    if term.kind in ("map", "picture"):
        operands.append(term)
        return
    for each in term.args:
        _visit(each, operands, steps)
    steps.append(term)


def build(operations: Operations, native: Any) -> "_native.Graph":
    """The operations as a graph of the native module.

    Raises:
        UnsupportedModelError: If an epilogue is longer than the module takes.
    """
    graph = native.Graph(operations.colors, operations.unshuffle, operations.enlargement)
    maps = _Maps(graph)
    for number, maker in enumerate(operations.makers):
        if maker.stored is None:
            continue
        last = maker is operations.makers[-1]
        maps.made[number] = (
            _add_reduction(graph, maps, maker)
            if isinstance(maker, Reduction)
            else _add_convolution(graph, maps, maker, output=native.OUTPUT if last else None)
        )
    return graph  # type: ignore[no-any-return]


def _add_reduction(graph: "_native.Graph", maps: "_Maps", each: Reduction) -> int:
    source = maps.number(each.inputs[0])
    if each.filters is None:
        return graph.pooling(source, each.side, each.stride)
    weight, bias = each.filters
    return graph.strided(source, np.ascontiguousarray(weight), bias.tolist(), each.stride)


def _add_convolution(graph: "_native.Graph", maps: "_Maps", each: Convolution, *, output: int | None) -> int:
    """``output``: what the module is told in the place of channels where this makes the network's output."""
    assert each.stored is not None
    last = output is not None
    order = _order(each.stored, last=last)
    after = epilogue(each.stored)
    inner = each.stored.block > 1 and not last
    if inner and after.operands:
        raise UnsupportedModelError("a map is added to one that is shuffled on the way to a larger one")
    return graph.convolution(
        [maps.number(source) for source in each.inputs],
        _in_order(each.weight, order),
        _in_order(each.bias, order).tolist(),
        [(maps.number(term), list(term.chosen)) for term in after.operands],
        [
            (name, left, right, *(_in_order(constant, order).tolist() for constant in constants))
            for name, left, right, *constants in after.steps
        ],
        each.stored.block,
        len(each.weight) // each.stored.block**2 if output is None else output,
        after.choice,
    )


class _Maps:
    """Numbers that the native module gave to maps."""

    def __init__(self, graph: "_native.Graph") -> None:
        self._graph = graph
        self._pictures: dict[bytes, int] = {}
        self.made: dict[int, int] = {}

    def number(self, source: Picture | Term) -> int:
        """Of a map, or of the picture as it is looked at there."""
        picture = source if isinstance(source, Picture) else source.picture
        if picture is None:
            return self.made[source.base]  # type: ignore[union-attr]
        key = picture.factor.tobytes() + picture.summand.tobytes()
        if key not in self._pictures:
            self._pictures[key] = self._graph.picture(picture.factor.tolist(), picture.summand.tolist())
        return self._pictures[key]


def _order(stored: Value, *, last: bool) -> list[int] | None:
    """Which filter each output of the native module is, -1 for none; ``None`` where all stay as they are."""
    if last or stored.block == 1:
        return None
    phases = stored.block**2
    channels = stored.term.channels // phases
    padded = -(-channels // _BLOCK) * _BLOCK
    return [
        channel * phases + phase if channel < channels else -1 for phase in range(phases) for channel in range(padded)
    ]


def _in_order(values: Floats, order: list[int] | None) -> Floats:
    if order is None or len(values) == 0:
        return np.ascontiguousarray(values)
    with_zeros = np.concatenate((values, np.zeros_like(values[:1])))
    return np.ascontiguousarray(with_zeros[order])


class GraphSession(Session):
    """A network of convolutions packed for this processor.

    Args:
        runner: The network in the native module.
        colors: Planes in and out.
        scale: How many times wider and higher the output is.
        threads: Processor threads; 0: one for every core that this process may use.
        unshuffle: Side of the squares of pixels that become one.
        precision: Arithmetic of the runner: ``f32``, or ``int16``.
        integers: Makes the same network in integers, or ``None`` where these do not suffice; asked once.
    """

    def __init__(
        self,
        runner: "_native.GraphRunner",
        *,
        colors: int,
        scale: int,
        threads: int,
        unshuffle: int = 1,
        precision: str = "f32",
        integers: "Callable[[], GraphSession | None]" = lambda: None,
    ) -> None:
        self._runner, self._colors, self._scale, self._threads = runner, colors, scale, threads
        self._unshuffle, self._last = unshuffle, np.empty(0, np.float32)
        self._integers = cache(integers)
        self.facts = SessionFacts(engine="native", precision=precision, isa=runner.isa)

    @property
    def grid(self) -> tuple[int, int]:
        """Tiles of four pixels, or of four squares of pixels that become one: integers see all of a tile."""
        return (4 * self._unshuffle, self._runner.reach) if self.facts.precision == "int16" else (1, 0)

    @property
    def for_bytes(self) -> "GraphSession | None":
        """The network in 16-bit integers, where the kernels have them and `native_integers.quantize` is content."""
        return self._integers()

    def __call__(self, batch: Batch, /) -> Batch:
        """Run the network: ``(N, C, H, W)`` float32 to ``(N, C, H * scale, W * scale)``, unclamped.

        Raises:
            ValueError: If the batch has another number of planes, or sides that the network does not take.
            EngineError: If the network makes values that are not finite.
        """
        if batch.ndim != 4 or batch.shape[1] != self._colors:
            raise ValueError(f"expected a batch (N, {self._colors}, H, W), got shape {batch.shape}")
        batch = np.ascontiguousarray(batch, np.float32)
        shape = (*batch.shape[:2], batch.shape[2] * self._scale, batch.shape[3] * self._scale)
        if self._last.shape != shape or sys.getrefcount(self._last) > 2:  # fresh pages take time
            self._last = np.empty(shape, np.float32)
        self._runner.run(batch, self._last, self._threads)
        return made("native", self._last, shape)

    def slabs(self, height: int, width: int, *, rows: int) -> "GraphSlabs | None":
        """The network for one picture from the top down, where no map is larger than the picture."""
        if not self._runner.rolls:
            return None
        native = import_module("upres.engines._native")
        stream = native.GraphStream(self._runner, height, width, rows)
        return GraphSlabs(stream, colors=self._colors, columns=width * self._scale, threads=self._threads)

    def release(self) -> None:
        """Give back the maps of the last call, and what it made if nobody else holds that."""
        self._runner.release()
        self._last = np.empty(0, np.float32)

    @property
    def bytes_per_pixel(self) -> int:
        """Of the maps that pass from one run of convolutions to the next, as they are for large pictures."""
        return round(self.memory_bytes(_LARGE, _LARGE) / _LARGE**2)

    def memory_bytes(self, height: int, width: int) -> int:
        """Memory that a run takes besides the batch and what it makes of it."""
        return self._runner.bytes(height, width, self._threads)


class GraphSlabs:
    """A picture on its way through a `GraphSession`'s network.

    Args:
        stream: That picture in the native module.
        colors: Planes in and out.
        columns: Of the result.
        threads: Processor threads; 0: one for every core that this process may use.
    """

    def __init__(self, stream: "_native.GraphStream", *, colors: int, columns: int, threads: int) -> None:
        self.ends = stream.ends
        self.bytes = stream.bytes(threads)
        self._stream, self._threads, self._next = stream, threads, 0
        highest = max(after - before for before, after in pairwise((0, *(end for _, end in self.ends))))
        self._room = (highest, colors, columns)
        self._made = np.empty(0, np.float32)

    def __call__(self, batch: Batch, /) -> Batch:
        """The next slab, in memory that the one after it will take.

        Raises:
            ValueError: If the batch is not the rows that it needs.
            EngineError: If the network makes values that are not finite.
        """
        before = self.ends[self._next - 1][1] if self._next else 0
        rows, (highest, colors, columns) = self.ends[self._next][1] - before, self._room
        if not self._made.size:  # fresh pages take time
            self._made = np.empty(highest * colors * columns, np.float32)
        out = self._made[: rows * colors * columns].reshape(1, colors, rows, columns)
        self._stream.run(np.ascontiguousarray(batch, np.float32), out, self._threads)
        self._next += 1
        return made("native", out, out.shape)


def operations_of(model: Model) -> Operations:
    """The operations of a model's graph.

    Raises:
        UnsupportedModelError: If the model has no graph, or one with operators that native lacks.
        GraphError: If the graph is not the weights' own, or damaged.
        CheckpointError: If the weights cannot be read or are not finite.
    """
    if model.graph is None:
        raise UnsupportedModelError(
            f"native: no kernels for {model.card.name} ({model.card.architecture}), and no .onnx graph beside it"
        )
    colors = 1 if model.card.color_mode == "luma" else 3
    try:
        content = model.graph.read_bytes()
        require_structure(content, weights=model.weights, channels=colors)
        operations = lower(read_nodes(content, weights=model.weights), colors=colors)
        require_finite(model.weights)  # last: for the many that have other operators weights say nothing new
        require_made_of(content, model.weights)
    except GraphError as error:
        raise GraphError(f"native: cannot load {model.graph}: {error}", hint=error.hint) from error
    except UnsupportedModelError as error:
        raise UnsupportedModelError(f"native: {model.card.name}: {error}") from error
    except OSError as error:
        raise GraphError(f"native: cannot load {model.graph}: {error.strerror}") from error
    if operations.enlargement != model.card.scale * operations.unshuffle:
        raise UnsupportedModelError(f"native: {model.card.name}: its graph makes another size than its card says")
    return operations


def open_graph(model: Model, *, threads: int, precision: str, isa: str) -> GraphSession:
    """Pack a model's network.

    Args:
        model: One that `operations_of` takes.
        threads: Processor threads; 0: one for every core that this process may use.
        precision: ``f32``, ``int16``, or ``auto``: floats, which have integers for pictures of 8 bits beside them.
        isa: Instruction set; empty for the best.

    Raises:
        UnsupportedModelError: As `operations_of`, or if the precision is another.
        GraphError: As `operations_of`.
        CheckpointError: As `operations_of`.
    """
    operations = operations_of(model)
    native = import_module("upres.engines._native")
    graph = build(operations, native)
    floats = native.GraphRunner(graph, isa)
    if precision == "int16" and not floats.has_integers:
        raise UnsupportedModelError(
            f"native: {model.card.name} has no precision 'int16' with {floats.isa}: either has no kernels; use f32"
        )
    session = partial(
        GraphSession,
        colors=operations.colors,
        scale=model.card.scale,
        threads=threads,
        unshuffle=operations.unshuffle,
    )

    def integers() -> tuple[GraphSession, bool]:
        runner = native.GraphRunner(graph, isa)
        suffice = quantize(runner, floats, colors=operations.colors, scale=model.card.scale)
        return session(runner, precision="int16"), suffice

    def sufficient_integers() -> GraphSession | None:
        made, suffice = integers() if floats.has_integers and floats.reach >= 0 else (None, False)
        return made if suffice else None

    if precision == "int16":
        return integers()[0]
    return session(floats, integers=sufficient_integers) if precision == "auto" else session(floats)
