"""Convolutions that are made again behind a reduction instead of waiting for it."""

import numpy as np
import pytest

from tests.engines.test_native_graph import native, network, picture, run
from upres.engines.lowering.again import made_again
from upres.engines.lowering.lower import LOWERINGS
from upres.engines.lowering.merge import merged
from upres.engines.lowering.values import Picture, Reduction
from upres.engines.lowering.walk import Walk
from upres.engines.native_graph import build
from upres.lab.export.onnx import traced
from upres.models.nodes import read_nodes


def lowered(name):
    nodes = read_nodes(traced(network(name)).SerializeToString())
    return merged(Walk(nodes, 3).operations(LOWERINGS))


def numbers(operations):
    """Of the makers that look at the picture alone."""
    return [
        index
        for index, maker in enumerate(operations.makers)
        if all(isinstance(each, Picture) for each in maker.inputs)
    ]


@pytest.mark.parametrize("name", ["rlfn_x3", "rlfn_full_x2"])
def test_the_first_convolution_is_made_again_for_the_last_skip(name):
    waiting = lowered(name)
    again = made_again(waiting)
    first, copy = numbers(again)
    between = again.makers[first + 1 : copy]
    assert numbers(waiting) == [first]
    assert any(isinstance(maker, Reduction) for maker in between)
    assert len(again.makers) == len(waiting.makers) + 1
    batch = picture(1, 3, 40, 52)
    scale = network(name).scale
    graphs = [native.GraphRunner(build(each, native)) for each in (waiting, again)]
    one, other = (run(graph, batch, scale) for graph in graphs)
    np.testing.assert_array_equal(one, other)


def test_it_takes_less_memory_in_slabs():
    """What waits is rows of 32 channels, one for each row by which the last block is behind the picture."""
    waiting = lowered("rlfn_x3")
    one, other = (
        native.GraphStream(native.GraphRunner(build(each, native)), 600, 800, 16).bytes(1)
        for each in (waiting, made_again(waiting))
    )
    assert one - other > 40 * 800 * 20 * 4


def test_nothing_is_made_again_without_a_reduction():
    plain = lowered("span_x2")
    assert made_again(plain).makers == plain.makers
