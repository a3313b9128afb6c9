"""What a graph computes, read without onnx, against what onnx reads."""

import numpy as np
import pytest

from upres.errors import GraphError
from upres.models.catalog import find
from upres.models.nodes import read_nodes

onnx = pytest.importorskip("onnx")


@pytest.mark.parametrize("name", ["plain_c32b6_light_x2", "plain_c32b6_light_x4", "rlfn_c32b6_x4", "esr_tm_x2"])
def test_operators_attributes_and_constants_are_those_that_onnx_reads(name):
    path = find(name).graph
    graph, found = onnx.load(path).graph, read_nodes(path.read_bytes(), weights=find(name).weights)
    nodes = [node for node in graph.node if node.op_type != "Constant"]
    assert (found.input, found.output) == (graph.input[0].name, graph.output[0].name)
    assert [(n.operator, n.inputs, n.outputs) for n in found.nodes] == [
        (node.op_type, tuple(node.input), tuple(node.output)) for node in nodes
    ]
    for node, mine in zip(nodes, found.nodes, strict=True):
        attributes = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
        expected = {
            key: value.decode() if isinstance(value, bytes) else tuple(value) if isinstance(value, list) else value
            for key, value in attributes.items()
        }
        assert dict(mine.attributes) == expected
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            constants[node.output[0]] = onnx.numpy_helper.to_array(node.attribute[0].t)
    assert found.constants.keys() == constants.keys()
    for key, value in constants.items():
        np.testing.assert_array_equal(found.constants[key], value)


def test_numbers_may_be_listed_instead_of_stored_as_bytes():
    tensors = [
        onnx.helper.make_tensor("floats", onnx.TensorProto.FLOAT, (2, 1), [0.5, -2]),
        onnx.helper.make_tensor("wholes", onnx.TensorProto.INT64, (3,), [7, -1, 2**40]),
        onnx.helper.make_tensor("bytes", onnx.TensorProto.UINT8, (1,), [7]),
        onnx.helper.make_tensor("bits", onnx.TensorProto.FLOAT16, (1,), [0.5]),
        onnx.numpy_helper.from_array(np.float16([0.5]), "half"),
    ]
    graph = onnx.helper.make_graph([], "graph", [], [], initializer=tensors)
    found = read_nodes(onnx.helper.make_model(graph).SerializeToString()).constants
    np.testing.assert_array_equal(found["floats"], np.float32([[0.5], [-2]]))
    np.testing.assert_array_equal(found["wholes"], [7, -1, 2**40])
    assert found["bytes"].size == found["bits"].size == 0, "of another kind"
    np.testing.assert_array_equal(found["half"], np.float16([0.5]))


def test_a_file_that_ends_too_early_is_told():
    model = find("esr_tm_x2")
    content = model.graph.read_bytes()
    for end in (3, 100, len(content) // 2):
        with pytest.raises(GraphError, match="damaged"):
            read_nodes(content[:end], weights=model.weights)


def test_constants_in_another_file_need_that_file():
    with pytest.raises(GraphError, match="a constant lies in another file"):
        read_nodes(find("plain_c32b6_light_x2").graph.read_bytes())


def test_a_constant_with_too_few_numbers_is_told():
    tensor = onnx.helper.make_tensor("short", onnx.TensorProto.FLOAT, (2,), [0.5, 1])
    tensor.dims[0] = 3
    graph = onnx.helper.make_graph([], "graph", [], [], initializer=[tensor])
    with pytest.raises(GraphError, match=r"shape \[3\] has 2 numbers"):
        read_nodes(onnx.helper.make_model(graph).SerializeToString())
