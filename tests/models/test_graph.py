"""Graphs beside weights: whose they are, and what is refused before an engine sees it."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from upres.apps.cli.main import main
from upres.engines import select
from upres.errors import CheckpointError, EngineError, GraphError, Hint
from upres.models.card import read_weights, weights_digest
from upres.models.catalog import WEIGHTS_DIR, find
from upres.models.graph import GRAPH_KEY, MOST_NODES, digest_in, require_graph, stamped, unstamped

GRAPH_ENGINES = [pytest.param("openvino", marks=pytest.mark.needs("openvino")), "onnxruntime"]
HERE = [engine for engine in ("openvino", "onnxruntime") if select.unavailable(engine) is None]
FREE = ["n", 1, "h", "w"]


def value(name, shape=FREE, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def graph_of(nodes, constants=(), *, inputs=None, outputs=None, **options):
    """An ONNX file of these nodes, from ``x`` to ``y``."""
    ends = inputs or [value("x")], outputs or [value("y", ["n", 1, "h2", "w2"])]
    graph = helper.make_graph(nodes, "g", *ends, list(constants))
    opsets = [helper.make_opsetid("", 18)]
    model = helper.make_model(graph, opset_imports=options.pop("opsets", opsets), ir_version=9, **options)
    return bytes(model.SerializeToString())


def constant(name, numbers):
    return numpy_helper.from_array(np.asarray(numbers), name)


def node(operator, *inputs, **attributes):
    return helper.make_node(operator, list(inputs), ["y"], **attributes)


def enlarged(scale, *, factor=1.0):
    """A graph that repeats pixels, times a factor."""
    scales = constant("scales", np.float32([1, 1, scale, scale]))
    nodes = [
        helper.make_node("Resize", ["x", "", "scales"], ["large"], mode="nearest"),
        node("Mul", "large", "factor"),
    ]
    return graph_of(nodes, [scales, constant("factor", np.float32(factor))])


def loop():
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"])],
        "body",
        [value("i", [], TensorProto.INT64), value("go", [], TensorProto.BOOL)],
        [value("go_on", [], TensorProto.BOOL)],
    )
    return helper.make_node("Loop", ["", ""], ["y"], body=body)


def external(**entries):
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    for key, text in entries.items():
        tensor.external_data.add(key=key, value=text)
    return tensor


LARGE = 2**40

REFUSED = {
    "empty": (b"", "the file is empty"),
    "text": (b"no graph at all", "damaged, or no ONNX file"),
    "zeros": (bytes(1000), "damaged, or no ONNX file|float32"),
    "loop": (graph_of([loop()]), "no operator 'Loop'"),
    "branch hidden in an attribute": (
        graph_of([node("Identity", "x", body=helper.make_graph([], "g", [], []))]),
        "a graph of its own",
    ),
    "random numbers": (graph_of([node("RandomNormalLike", "x")]), "no operator 'RandomNormalLike'"),
    "strange domain": (
        graph_of([helper.make_node("Add", ["x", "x"], ["y"], domain="my.own")]),
        "operators of 'my.own'",
    ),
    "strange operator set": (
        graph_of([node("Relu", "x")], opsets=[helper.make_opsetid("", 18), helper.make_opsetid("evil\x1b", 1)]),
        "operators of 'evil",
    ),
    "functions": (
        graph_of(
            [node("Relu", "x")],
            functions=[helper.make_function("f", "F", ["a"], ["b"], [], [helper.make_opsetid("", 18)])],
        ),
        "functions",
    ),
    "nodes without end": (
        graph_of([helper.make_node("Relu", ["x"], [f"v{i}"]) for i in range(MOST_NODES + 1)]),
        f"more than {MOST_NODES} operators",
    ),
    "constant that is not there": (
        graph_of([node("Add", "x", "w")], [TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[LARGE])]),
        "0 bytes in the file",
    ),
    "negative constant": (
        graph_of([node("Add", "x", "w")], [TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[-4, -4])]),
        "a constant of shape",
    ),
    "external data": (
        graph_of([node("Add", "x", "w")], [external(location="/etc/passwd", offset="0", length="4")]),
        "in another file than espcn_x2",
    ),
    "external data somewhere": (graph_of([node("Add", "x", "w")], [external(location="w")]), "does not say where"),
    "constant out of nothing": (
        graph_of([node("ConstantOfShape", "s")], [constant("s", np.int64([1, 1, 40_000, 40_000]))]),
        "ConstantOfShape would make 1.6e.09 numbers",
    ),
    "constant out of a node": (
        graph_of(
            [
                helper.make_node("Constant", [], ["s"], value=helper.make_tensor("s", TensorProto.INT64, [1], [LARGE])),
                node("Expand", "x", "s"),
            ]
        ),
        "Expand would make",
    ),
    "enlarged without bound": (
        graph_of([node("Resize", "x", "", "s")], [constant("s", np.float32([1, 1, 1e6, 1e6]))]),
        "Resize would make",
    ),
    "padded without bound": (
        graph_of([node("Pad", "x", "s")], [constant("s", np.int64([0, 0, 0, 0, 0, 0, LARGE, 0]))]),
        "Pad would make",
    ),
    "RGB input": (graph_of([node("Relu", "x")], inputs=[value("x", ["n", 3, "h", "w"])]), "expected 1 planes as input"),
    "RGB output": (
        graph_of([node("Relu", "x")], outputs=[value("y", ["n", 3, "h", "w"])]),
        "expected 1 planes as output",
    ),
    "rank 2": (graph_of([node("Relu", "x")], inputs=[value("x", ["h", "w"])]), "found 2 dimensions"),
    "scalar": (graph_of([node("Relu", "x")], inputs=[value("x", [])]), "found 0 dimensions"),
    "one size": (graph_of([node("Relu", "x")], inputs=[value("x", [1, 1, 64, 64])]), "pictures of one size"),
    "integers in": (
        graph_of([node("Relu", "x")], inputs=[value("x", kind=TensorProto.UINT8)]),
        "expected an input of float32",
    ),
    "integers out": (
        graph_of([node("Relu", "x")], outputs=[value("y", kind=TensorProto.INT64)]),
        "expected an output of float32",
    ),
    "second input": (graph_of([node("Add", "x", "z")], inputs=[value("x"), value("z")]), "one input, found 2"),
    "second output": (graph_of([node("Relu", "x")], outputs=[value("y"), value("x")]), "one output, found 2"),
}


@pytest.fixture
def espcn(tmp_path):
    """A model that graph engines and torch run, in a folder of its own."""
    path = tmp_path / "espcn_x2.safetensors"
    shutil.copyfile(WEIGHTS_DIR / path.name, path)
    path.with_suffix(".onnx").write_bytes((WEIGHTS_DIR / "espcn_x2.onnx").read_bytes())
    return find(path)


def put(model, content, *, digest=None):
    """Lay a graph beside the weights and say that it is theirs."""
    content = stamped(content, digest or weights_digest(model.weights)) if _is_onnx(content) else content
    model.graph.write_bytes(content)


def _is_onnx(content):
    try:
        return bool(onnx.load_from_string(content).ByteSize())
    except Exception:
        return False


def one_line(error):
    return str(error).isprintable() and len(str(error)) < 1100


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_network_needs_is_refused(espcn, case):
    content, reason = REFUSED[case]
    put(espcn, content)
    with pytest.raises(GraphError, match=reason) as raised:
        require_graph(espcn.graph, weights=espcn.weights, channels=1)
    assert one_line(raised.value)
    assert raised.value.hint is Hint.REMAKE_GRAPH
    for engine in HERE:
        with pytest.raises(GraphError, match=f"^{engine}: cannot load .*espcn_x2.onnx: "):
            select.open_session(espcn, engine=engine)


def test_cut_graphs_are_refused(espcn):
    content = espcn.graph.read_bytes()
    for length in range(1, len(content), 97):
        espcn.graph.write_bytes(content[:length])
        with pytest.raises(GraphError):
            require_graph(espcn.graph, weights=espcn.weights, channels=1)


@pytest.mark.parametrize(
    "change",
    [
        lambda tensor, entries: entries.update(location=f"../{entries['location']}"),
        lambda tensor, entries: entries.update(offset=str(int(entries["offset"]) + 4)),
        lambda tensor, entries: entries.update(offset=str(-int(entries["offset"]))),
        lambda tensor, entries: entries.update(length=str(2**40)),
        lambda tensor, entries: entries.update(length="1" * 5000),
        lambda tensor, entries: tensor.dims.insert(0, 2),
        lambda tensor, entries: setattr(tensor, "data_type", TensorProto.INT64),
    ],
    ids=["folder", "shifted", "before the file", "beyond the file", "endless", "larger", "integers"],
)
def test_constants_in_the_weights_are_whole_tensors_of_them(espcn, change):
    model = onnx.load(espcn.graph, load_external_data=False)
    tensor = next(each for each in model.graph.initializer if each.external_data)
    entries = {entry.key: entry.value for entry in tensor.external_data}
    change(tensor, entries)
    del tensor.external_data[:]
    for key, text in entries.items():
        tensor.external_data.add(key=key, value=text)
    espcn.graph.write_bytes(model.SerializeToString())
    for engine in ("native", *HERE):
        with pytest.raises(GraphError, match=r"another file than|not those in espcn_x2|does not say where") as raised:
            select.open_session(espcn, engine=engine)
        assert one_line(raised.value)


def test_weights_that_cannot_be_read_are_told(espcn):
    espcn.weights.write_bytes(espcn.weights.read_bytes()[:40])
    with pytest.raises(CheckpointError, match=r"espcn_x2\.safetensors: not a readable"):
        require_graph(espcn.graph, weights=espcn.weights, channels=1)


def test_a_graph_of_other_weights_is_not_run(espcn, capfd):
    weights = espcn.graph.read_bytes()
    for content, reason in [
        ((WEIGHTS_DIR / "esr_tm_x2.onnx").read_bytes(), r"in another file than espcn_x2\.safetensors"),
        (enlarged(2), "does not say which weights it was made of"),
    ]:
        espcn.graph.write_bytes(content)
        for engine in HERE:
            with pytest.raises(GraphError, match=reason):
                select.open_session(espcn, engine=engine)
        session = select.open_session(espcn)
        assert session.facts.engine == "torch"
        assert session.facts.passed_over.startswith(("native: cannot load ", f"{HERE[0]}: cannot load "))
    espcn.graph.write_bytes(weights)
    assert select.open_session(espcn).facts.passed_over is None
    assert capfd.readouterr() == ("", "")


def test_a_retrained_network_needs_a_new_graph(espcn):
    from safetensors.numpy import save_file

    card, weights = read_weights(espcn.weights)
    weights["net.0.weight"][0, 0, 0, 0] += 1e-6
    save_file(weights, espcn.weights, metadata=card.to_header())
    with pytest.raises(GraphError, match="other weights"):
        require_graph(espcn.graph, weights=espcn.weights, channels=1)


@pytest.mark.needs("openvino")
def test_the_user_is_told_once_that_another_engine_is_taken(espcn, tmp_path, capsys):
    from PIL import Image

    Image.new("L", (12, 9), 90).save(tmp_path / "a.png")
    put(espcn, enlarged(2), digest="0" * 64)
    arguments = ["upscale", str(tmp_path / "a.png"), "-o", str(tmp_path / "b.png"), "--model", str(espcn.weights)]
    assert main(arguments) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(
        f"upres: {tmp_path}/a.png: openvino: cannot load {espcn.graph}: it was made of other wei"
    )
    assert lines[0].endswith("; torch runs it instead")
    assert main([*arguments, "--engine", "openvino", "--overwrite"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("; `upres export MODEL.safetensors -o MODEL.onnx` makes it anew")


@pytest.mark.parametrize("engine", GRAPH_ENGINES)
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (enlarged(3), r"made \(1, 1, 12, 15\), expected \(1, 1, 8, 10\) by its card"),
        (enlarged(1), r"made \(1, 1, 4, 5\), expected"),
        (enlarged(2, factor=np.nan), "not finite"),
        (enlarged(2, factor=np.inf), "not finite"),
        (graph_of([node("Squeeze", "x")]), r"made .*, expected|cannot (run|load|compile)"),
        (
            graph_of([node("MatMul", "x", "w")], [constant("w", np.ones((7, 7), np.float32))]),
            "cannot (run|load)|made",
        ),
        (graph_of([node("Conv", "missing", "w")]), "cannot (run|load|compile)"),
    ],
    ids=["x3", "x1", "NaN", "infinity", "squeezed", "impossible", "unconnected"],
)
def test_what_a_graph_makes_is_looked_at(espcn, engine, content, reason, recwarn, capfd):
    put(espcn, content)
    with pytest.raises(EngineError, match=rf"^{engine}: .*({reason})") as raised:
        select.open_session(espcn, engine=engine, threads=1)(np.ones((1, 1, 4, 5), np.float32))
    assert one_line(raised.value)
    assert not recwarn.list
    assert capfd.readouterr() == ("", "")


def test_a_stamp_changes_nothing_else():
    content = enlarged(2)
    once = stamped(content, "a" * 64)
    assert once.startswith(content)
    assert digest_in(content) is None
    assert unstamped(once) == content
    assert (digest_in(once), stamped(once, "a" * 64)) == ("a" * 64, once)
    again = stamped(once, "b" * 64)
    assert (digest_in(again), len(again)) == ("b" * 64, len(once))
    model = onnx.load_from_string(again)
    assert [(entry.key, entry.value) for entry in model.metadata_props] == [(GRAPH_KEY, "b" * 64)]
    del model.metadata_props[:]
    assert model.SerializeToString() == content


def test_graphs_that_ship_were_made_of_their_weights():
    graphs = sorted(WEIGHTS_DIR.glob("*.onnx"))
    assert graphs
    for graph in graphs:
        weights = Path(str(graph).replace(".int8.onnx", ".onnx")).with_suffix(".safetensors")
        channels = 3 if find(weights).card.color_mode == "rgb" else 1
        require_graph(graph, weights=weights, channels=channels)


def test_weights_are_looked_at_where_the_graph_is_run(espcn):
    from safetensors.numpy import save_file

    card, weights = read_weights(espcn.weights)
    weights["net.2.bias"][3] = np.nan
    save_file(weights, espcn.weights, metadata=card.to_header())
    put(espcn, (WEIGHTS_DIR / "espcn_x2.onnx").read_bytes())
    for engine in HERE:
        with pytest.raises(CheckpointError, match=r"net\.2\.bias holds values that are not finite"):
            select.open_session(espcn, engine=engine)
    with pytest.raises(GraphError, match="No such file"):
        select.open_session(replace(find("espcn_x2"), graph=espcn.graph.with_name("absent.onnx")), engine=HERE[0])
