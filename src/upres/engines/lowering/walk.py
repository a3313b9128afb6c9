"""One walk over a graph, and the maps that its values are stored in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upres.engines.lowering.values import Chosen, Convolution, Level, Operations, Picture, Reduction, Term, Value
from upres.errors import UnsupportedModelError
from upres.models.nodes import Node, Nodes


@dataclass
class Walk:
    """One walk over a graph."""

    graph: Nodes
    colors: int
    values: dict[str, Any] = field(default_factory=dict)
    makers: list[Convolution | Reduction] = field(default_factory=list)
    unshuffle: int | None = None

    def operations(self, lowerings: Mapping[str, Callable[["Walk", Node], Any]]) -> Operations:
        """The graph's operations, each operator lowered as the table says."""
        self.values |= self.graph.constants
        ones = np.ones(self.colors, np.float32)
        self.values[self.graph.input] = Picture(factor=ones, summand=0 * ones)
        for node in self.graph.nodes:
            if node.operator not in lowerings:
                raise unsupported(node, "native has no such operator")
            made = lowerings[node.operator](self, node)
            self.values |= zip(node.outputs, made if isinstance(made, list) else [made], strict=False)
        output = self.values.get(self.graph.output)
        if isinstance(output, Chosen):
            output = output.as_value()
        if not isinstance(output, Value):
            raise UnsupportedModelError("the graph's output is no convolution's")
        self.store(output, "the output")
        last, output_level = self.makers[output.term.base], self.level_of(output)
        # the output is stored where it is made and nowhere else, and made last
        if (
            output.term.channels != self.colors * output.block**2
            or last is not self.makers[-1]
            or output_level.reductions
        ):
            raise UnsupportedModelError("the graph's output is not that of its last convolution")
        return Operations(
            colors=self.colors,
            unshuffle=self.unshuffle or 1,
            enlargement=output_level.scale,
            makers=tuple(self.makers),
        )

    def take(self, node: Node, index: int = 0) -> Any:
        """An input of a node that is computed."""
        found = self.values.get(node.inputs[index]) if index < len(node.inputs) else None
        if found is None:
            raise unsupported(node, "an input is computed in a way that native does not know")
        return found

    def constant(self, node: Node, index: int) -> NDArray[Any]:
        """An input of a node that stands in the file."""
        found = self.take(node, index)
        if not isinstance(found, np.ndarray) or found.size == 0:
            raise unsupported(node, "an input has to be a constant")
        return found

    def store(self, value: Value, reader: str) -> Term:
        """The map in which a value is to be found, and that it is made so."""
        maker = self.makers[value.term.base]
        if isinstance(maker, Reduction) and value.term.kind != "sum":
            raise UnsupportedModelError(f"a step behind a reduction is stored for {reader}; native has none there")
        if maker.stored is not None and maker.stored != value:
            raise UnsupportedModelError(f"two values of one convolution are stored, the second for {reader}")
        if maker.map is None:
            maker.stored = value
            maker.map = Term("map", value.term.channels // value.block**2, value.term.base)
        return maker.map

    def level_of(self, source: Value | Term | Picture) -> Level:
        """How high and wide a value is, or what is stored of it."""
        if isinstance(source, Picture):
            return Level()
        value = source if isinstance(source, Value) else self.makers[source.base].stored
        base = source.term.base if isinstance(source, Value) else source.base
        return self.makers[base].made(value.block if value is not None else 1)

    def require_unshuffle(self, picture: Picture, node: Node) -> None:
        """See that the whole network looks at squares of one size."""
        if picture.trail or picture.unshuffle != (self.unshuffle or picture.unshuffle):
            raise unsupported(node, "it looks at the picture in another way than the rest of the network")
        self.unshuffle = picture.unshuffle


def unsupported(node: Node, why: str) -> UnsupportedModelError:
    """What refuses a graph because of one operator."""
    return UnsupportedModelError(f"operator {node.operator} ({node.outputs[0]}): {why}")
