"""Every engine of the table against arithmetic done by hand, and its refusals: what a new engine must pass."""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from upres.engines import openvino, select
from upres.engines.openvino import ENGINE as OPENVINO
from upres.engines.torch import TorchSession
from upres.errors import CheckpointError, EngineError, EngineUnavailableError, UnsupportedModelError
from upres.models.card import read_weights
from upres.models.catalog import find

GRAPH_ENGINES = [pytest.param("openvino", marks=pytest.mark.needs("openvino")), "onnxruntime"]
SIZES = [(1, 1), (1, 7), (5, 1), (16, 24), (33, 17)]


def by_hand(model, batch):
    """The tiny eSR-MAX in plain loops."""
    weight, scale = load_file(model.weights)["filter.weight"], model.card.scale
    count, _, height, width = batch.shape
    padded = np.pad(batch[:, 0], ((0, 0), (1, 1), (1, 1))).astype(np.float64)
    values = np.zeros((count, len(weight), height, width))
    for row in range(3):
        for column in range(3):
            piece = padded[:, None, row : row + height, column : column + width]
            values += weight[:, 0, row, column][None, :, None, None] * piece
    values = values.reshape(count, 2, scale, scale, height, width).max(axis=1)
    return values.transpose(0, 3, 1, 4, 2).reshape(count, 1, height * scale, width * scale)


@pytest.fixture(params=select.ENGINES)
def engine(request):
    """Every engine that is here, by name."""
    reason = select.unavailable(request.param)
    if reason is not None:
        pytest.skip(f"{request.param}: {reason}")
    return request.param


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_engines_compute_the_network(tiny_models, engine, scale):
    session = select.open_session(tiny_models[scale], engine=engine, threads=1)
    facts = session.facts
    assert (facts.engine, facts.precision, facts.device) == (engine, "f32", "cpu")
    rng = np.random.default_rng(0)
    for height, width in SIZES:
        batch = rng.random((1, 1, height, width), np.float32)
        result = session(batch)
        assert result.dtype == np.float32
        np.testing.assert_allclose(result, by_hand(tiny_models[scale], batch), atol=2e-6)


def test_a_result_outlives_the_next_call(tiny_models, engine):
    session = select.open_session(tiny_models[2], engine=engine, threads=1)
    batch = np.random.default_rng(1).random((2, 1, 6, 9), np.float32)
    first = session(batch)
    kept = first.copy()
    session(1 - batch)
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_allclose(first, by_hand(tiny_models[2], batch), atol=2e-6)


def test_a_strided_batch_is_taken_as_it_is(tiny_models, engine):
    session = select.open_session(tiny_models[2], engine=engine, threads=1)
    wide = np.random.default_rng(2).random((1, 1, 8, 20), np.float32)
    np.testing.assert_array_equal(session(wide[:, :, :, ::2]), session(np.ascontiguousarray(wide[:, :, :, ::2])))


def test_several_pictures_a_call_are_as_many_calls(tiny_models, engine):
    session = select.open_session(tiny_models[3], engine=engine, threads=1)
    batch = np.random.default_rng(3).random((3, 1, 13, 18), np.float32)
    one_by_one = np.concatenate([session(batch[i : i + 1]) for i in range(3)])
    assert one_by_one.shape == (3, 1, 39, 54)
    np.testing.assert_allclose(session(batch), one_by_one, atol=1e-6)
    np.testing.assert_allclose(one_by_one, by_hand(tiny_models[3], batch), atol=2e-6)


@pytest.mark.parametrize("engine", [name for name in select.ENGINES if name != "native"])
def test_several_pictures_a_call_do_not_see_each_other(engine):
    """RLFN's attention pools over a whole picture, which must be that picture alone."""
    if select.unavailable(engine):
        pytest.skip(f"{engine} is not here")
    session = select.open_session(find("rlfn_c32b6_x4"), engine=engine, threads=1, precision="f32")
    batch = np.random.default_rng(4).random((3, 3, 18, 24), np.float32)
    batch *= np.float32([0.2, 0.6, 1]).reshape(3, 1, 1, 1)
    one_by_one = np.concatenate([session(batch[i : i + 1]) for i in range(3)])
    for _ in range(4):  # more often than OpenVINO needs to compile for the size
        np.testing.assert_allclose(session(batch), one_by_one, atol=1e-5)


@pytest.mark.needs("openvino")
def test_int8_takes_several_pictures_a_call():
    session = select.open_session(find("rlfn_c32b6_x4"), engine="openvino", threads=1, precision="int8")
    batch = np.random.default_rng(5).random((3, 3, 18, 24), np.float32)
    one_by_one = np.concatenate([session(batch[i : i + 1]) for i in range(3)])
    np.testing.assert_allclose(session(batch), one_by_one, atol=3e-2)


def test_a_bound_batch_runs_as_often_as_it_is_called(tiny_models, engine):
    session = select.open_session(tiny_models[2], engine=engine, threads=1)
    batch = np.random.default_rng(6).random((2, 1, 6, 9), np.float32)
    expected = session(batch)
    run = session.bind(batch)
    for _ in range(3):
        run()
    np.testing.assert_array_equal(session(batch), expected)


def test_every_session_tells_all_that_it_can(tiny_models, engine):
    session = select.open_session(tiny_models[2], engine=engine, threads=1)
    assert session.best_batch == 1, "on a CPU"
    assert (session.planes is None) == (engine != "native")
    assert (session.facts.isa is None) == (engine != "native")
    found = select.load(engine).facts()
    assert isinstance(found, Mapping)
    assert {"precisions", "devices"} <= set(found) <= {"precisions", "devices", "instruction_sets"}
    assert all(isinstance(value, list) and value for value in found.values())
    assert found["devices"][0] == "cpu"
    assert session.facts.precision in found["precisions"]
    assert ("instruction_sets" in found) == (engine == "native")


def test_auto_is_a_device_everywhere(tiny_models, engine):
    session = select.open_session(tiny_models[2], engine=engine, threads=1, device="auto")
    assert session.facts.device.split(":")[0] == select.load(engine).facts()["devices"][-1]


@pytest.mark.parametrize("engine", ["native", *GRAPH_ENGINES])
def test_engines_of_the_cpu_refuse_another_device(tiny_models, engine):
    with pytest.raises(UnsupportedModelError) as raised:
        select.open_session(tiny_models[2], engine=engine, device="cuda")
    assert str(raised.value) == f"{engine}: no device 'cuda'; it runs on the CPU. The engine torch has others"


@pytest.mark.parametrize("engine", [*GRAPH_ENGINES, "torch"])
def test_general_engines_choose_no_instruction_set(tiny_models, engine):
    with pytest.raises(UnsupportedModelError) as raised:
        select.open_session(tiny_models[2], engine=engine, isa="avx2")
    assert str(raised.value) == (f"{engine}: no choice of instruction set, asked for 'avx2'. The engine native has one")


@pytest.mark.parametrize("engine", GRAPH_ENGINES)
def test_graph_engines_refuse_a_model_without_graph(tiny_models, engine):
    bare = replace(tiny_models[2], graph=None)
    assert not select.load(engine).supports(bare)
    with pytest.raises(UnsupportedModelError, match=f"^{engine}: tiny_x2 has no .onnx graph beside tiny_x2.safetens"):
        select.open_session(bare, engine=engine)


@pytest.mark.parametrize("engine", GRAPH_ENGINES)
def test_graph_engines_name_a_broken_graph(tiny_models, engine, tmp_path):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no graph at all")
    with pytest.raises(UnsupportedModelError, match=rf"^{engine}: cannot (load|compile) .*broken\.onnx: \S"):
        select.open_session(replace(tiny_models[2], graph=broken), engine=engine)


def test_an_unknown_precision_is_refused(tiny_models, engine):
    with pytest.raises(UnsupportedModelError, match=f"^{engine}: no precision 'f16'; there "):
        select.open_session(tiny_models[2], engine=engine, precision="f16")


@pytest.mark.parametrize(
    ("engine", "reason"),
    [
        ("openvino", "openvino: OpenVINO is not installed: pip install 'upres[openvino]'"),
        ("onnxruntime", "onnxruntime: ONNX Runtime is not installed: pip install 'upres[onnxruntime]'"),
        ("torch", "torch: PyTorch is not installed: pip install 'upres[lab]'"),
    ],
)
def test_a_missing_package_comes_with_its_install_hint(tiny_models, monkeypatch, engine, reason):
    monkeypatch.setattr(f"upres.engines.{engine}.find_spec", lambda name: None)
    assert f"{engine}: {select.unavailable(engine)}" == reason
    with pytest.raises(EngineUnavailableError) as raised:
        select.open_session(tiny_models[2], engine=engine)
    assert str(raised.value) == reason


def test_openvino_computes_luma_in_float32_and_rgb_in_bf16_where_the_cpu_has_it(monkeypatch):
    monkeypatch.setattr(type(OPENVINO), "precisions", lambda self: ("f32", "bf16"))
    assert [OPENVINO._choose("auto", mode) for mode in ("luma", "rgb")] == ["f32", "bf16"]
    monkeypatch.setattr(type(OPENVINO), "precisions", lambda self: ("f32",))
    assert [OPENVINO._choose("auto", mode) for mode in ("luma", "rgb")] == ["f32", "f32"]
    with pytest.raises(UnsupportedModelError, match=r"^openvino: this CPU has no bf16 arithmetic; use f32$"):
        OPENVINO._choose("bf16", "luma")


def test_torch_keeps_the_thread_setting_of_its_host(tiny_models):
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    select.open_session(tiny_models[2], engine="torch", threads=before + 1)(np.zeros((1, 1, 4, 4), np.float32))
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("device", ["cuda:99", "no_such_device"])
def test_torch_refuses_a_device_that_is_not_here(tiny_models, device):
    pytest.importorskip("torch")
    with pytest.raises(EngineUnavailableError, match=rf"^torch: no device '{device}' here \(.+\)$"):
        select.open_session(tiny_models[2], engine="torch", device=device)


def test_torch_runs_on_the_cpu_unless_told_otherwise(tiny_models, monkeypatch):
    torch = pytest.importorskip("torch")
    accelerator = torch.device("meta")  # stands for a GPU: nothing may be moved to it unasked
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available: accelerator)
    session = select.open_session(tiny_models[2], engine="torch", threads=1)
    assert session.facts.device == "cpu"
    batch = np.random.default_rng(7).random((1, 1, 5, 6), np.float32)
    np.testing.assert_allclose(session(batch), by_hand(tiny_models[2], batch), atol=2e-6)
    on_device: Any = select.open_session(tiny_models[2], engine="torch", threads=1, device="auto")
    assert (on_device.facts.device, on_device.best_batch > 1) == ("meta", True)
    assert {p.device.type for p in on_device._network.parameters()} == {"meta"}
    assert select.load("torch").facts()["devices"] == ["cpu", "meta"]


@pytest.mark.parametrize("threads", [None, 1])
def test_a_torch_session_of_a_module_leaves_the_module_as_it_is(threads):
    torch = pytest.importorskip("torch")
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 12, 3, padding=1), torch.nn.PixelShuffle(2)).eval()
    before = {key: (value.data_ptr(), value.stride()) for key, value in network.state_dict().items()}
    batch = np.random.default_rng(8).random((2, 3, 9, 7), np.float32)
    made = TorchSession(network, threads=threads)(batch)
    assert {key: (value.data_ptr(), value.stride()) for key, value in network.state_dict().items()} == before
    assert all(parameter.requires_grad for parameter in network.parameters())
    with torch.inference_mode():
        np.testing.assert_array_equal(made, network(torch.from_numpy(batch)).numpy())


def test_torch_computes_in_bf16_where_it_is_asked_to(tiny_models):
    pytest.importorskip("torch")
    batch = np.random.default_rng(9).random((1, 1, 12, 12), np.float32)
    session = select.open_session(tiny_models[2], engine="torch", threads=1, precision="bf16")
    assert session.facts.precision == "bf16"
    off = np.abs(session(batch) - by_hand(tiny_models[2], batch)).max()
    assert 1e-4 < off < 3e-2


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("UPRES_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "openvino"


@pytest.mark.needs("openvino")
def test_openvino_keeps_compiled_rgb_networks_for_the_next_process(cache):
    batch = np.random.default_rng(0).random((1, 3, 24, 20), np.float32)
    model = find("rlfn_c32b6_x2")
    first = OPENVINO.open(model, threads=1)(batch)
    (kept,) = cache.glob("*.blob")
    np.testing.assert_array_equal(OPENVINO.open(model, threads=1)(batch), first)
    assert list(cache.glob("*.blob")) == [kept]

    kept.chmod(0o600)
    kept.write_bytes(b"no graph at all")
    np.testing.assert_array_equal(OPENVINO.open(model, threads=1)(batch), first)


@pytest.mark.needs("openvino")
def test_openvino_does_without_a_place_to_keep_compiled_networks(cache, tmp_path):
    (tmp_path / "cache").write_bytes(b"a file where the folder would be")
    assert OPENVINO.open(find("rlfn_c32b6_x2"), threads=1)(np.zeros((1, 3, 16, 16), np.float32)).shape == (1, 3, 32, 32)


@pytest.mark.needs("openvino")
def test_openvino_keeps_nothing_of_luma_networks(cache, tiny_models):
    OPENVINO.open(tiny_models[2], threads=1)
    assert not cache.exists()


@pytest.mark.needs("openvino")
def test_openvino_compiles_rgb_networks_for_a_size_that_comes_again(monkeypatch):
    compiled, compile_graph = [], openvino._compiled

    def watched(*args, shape=None, **settings):
        compiled.append(shape)
        return compile_graph(*args, shape=shape, **settings)

    monkeypatch.setattr(openvino, "_compiled", watched)
    session = OPENVINO.open(find("rlfn_c32b6_x2"), threads=1, precision="f32")
    rng = np.random.default_rng(0)
    large, small = (rng.random((1, 3, height, 24), np.float32) for height in (32, 20))
    expected = {batch.shape: session(batch) for batch in (large, small)}

    def run(*batches):
        for batch in batches:
            np.testing.assert_allclose(session(batch), expected[batch.shape], atol=2e-6)

    run(large, large, small, large, large)
    assert compiled == [None]
    run(large, large)
    assert compiled == [None, large.shape]
    run(small, large, large, large)
    assert compiled == [None, large.shape, large.shape]


def with_weights(model, folder, change):
    """A copy of the model whose first tensor is changed."""
    card, weights = read_weights(model.weights)
    name = next(iter(weights))
    change(weights[name].reshape(-1))
    path = folder / model.weights.name
    save_file(weights, path, metadata=card.to_header())
    if model.graph is not None:
        shutil.copyfile(model.graph, path.with_suffix(".onnx"))
    return find(path), name


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["esr_tm_x2", "espcn_x2"])
def test_weights_that_are_not_finite_are_refused_by_name(tmp_path, engine, name, value):
    def put(numbers):
        numbers[numbers.size // 2] = value

    model, tensor = with_weights(find(name), tmp_path, put)
    if not select.load(engine).supports(model):
        pytest.skip(f"{engine} does not run {name}")
    for asked in (engine, "auto"):
        with pytest.raises(CheckpointError, match=f"{tensor} holds values that are not finite") as raised:
            select.open_session(model, engine=asked)
        assert "\n" not in str(raised.value)


def test_a_network_that_overflows_is_told(tmp_path, engine):
    def grow(numbers):
        numbers *= np.float32(3e38) / np.abs(numbers).max()

    model, _ = with_weights(replace(find("esr_tm_x2"), graph=None), tmp_path, grow)
    if not select.load(engine).supports(model):
        pytest.skip(f"{engine} runs graphs")
    with pytest.raises((CheckpointError, EngineError), match=r"beyond 1e.06: no trained network|not finite"):
        select.open_session(model, engine=engine)(np.ones((1, 1, 8, 8), np.float32))


@pytest.mark.parametrize("threads", [0, -1, 10_001, 99_999_999_999])
def test_threads_have_bounds(tiny_models, threads):
    with pytest.raises(ValueError, match="expected 1 to 10000 threads"):
        select.open_session(tiny_models[2], threads=threads)


def test_a_broken_openvino_is_named(monkeypatch):
    openvino._openvino.cache_clear()
    monkeypatch.setitem(sys.modules, "openvino", None)  # importing it fails as where a library of it is missing
    with pytest.raises(EngineUnavailableError, match="openvino: it is installed and does not load"):
        openvino._openvino()
    openvino._openvino.cache_clear()
