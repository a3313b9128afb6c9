"""From an ``.onnx`` graph to the operations of the native module: convolutions, and what is done to their sums.

Everything between two convolutions that looks at one pixel at a time (activations, skips, gates, constants) becomes
the epilogue of the one before. What moves pixels only (pixel shuffle, pixel unshuffle, nearest enlargement, repeated
channels) becomes a choice of channels or of where results are stored. Windows that lie apart (strided convolutions,
pooling) become reductions, and a coarse map enlarged bilinearly an operand of an epilogue. A softmax over candidates
for the output becomes a choice behind the last convolution. Nothing is known of architectures by name: a graph is
lowered if all of its operators are, and refused with the name of the first one that is not.
"""

from collections.abc import Callable
from typing import Any

from upres.engines.lowering.again import made_again
from upres.engines.lowering.candidates import softmax, split, weighted_sum
from upres.engines.lowering.maps import (
    arithmetic,
    clip,
    concatenation,
    convolution,
    depth_to_space,
    function,
    pooling,
    slope,
    transposed_convolution,
)
from upres.engines.lowering.merge import merged
from upres.engines.lowering.pictures import (
    cast,
    identity,
    one_of_sizes,
    part_of_sizes,
    remainder,
    reshape,
    resize,
    shape,
)
from upres.engines.lowering.values import Operations
from upres.engines.lowering.walk import Walk
from upres.models.nodes import Node, Nodes

LOWERINGS: dict[str, Callable[[Walk, Node], Any]] = {
    "Conv": convolution,
    "ConvTranspose": transposed_convolution,
    "Concat": concatenation,
    "DepthToSpace": depth_to_space,
    "MaxPool": pooling,
    "Resize": resize,
    **dict.fromkeys(("LeakyRelu", "PRelu", "Relu"), slope),
    "Clip": clip,
    **dict.fromkeys(("Sigmoid", "Tanh"), function),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), arithmetic),
    **dict.fromkeys(("Reshape", "Squeeze", "Tile", "Transpose", "Unsqueeze"), reshape),
    "Split": split,
    "Softmax": softmax,
    "ReduceSum": weighted_sum,
    "Mod": remainder,
    "Shape": shape,
    "Slice": part_of_sizes,
    "Gather": one_of_sizes,
    "Cast": cast,
    "Identity": identity,
}
"""Operator -> how it is lowered."""


def lower(graph: Nodes, *, colors: int) -> Operations:
    """The operations of a graph.

    Args:
        graph: What `upres.models.nodes.read_nodes` read.
        colors: Planes of the network's input and output.

    Raises:
        UnsupportedModelError: If an operator, or the way it is used, has no place there; the message names it.
    """
    return made_again(merged(Walk(graph, colors).operations(LOWERINGS)))
