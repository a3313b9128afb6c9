"""Fixtures that more than one room needs."""

import signal
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from upres.models import catalog, choices
from upres.models.card import ModelCard, ModelSpec, weights_digest
from upres.models.catalog import Model, find
from upres.models.graph import stamped

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """Give SIGINT its meaning back, which nohup and ``&`` take from a program and from all that it starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of test images and reference outputs beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip("needs the shared data folder beside the checkout")
    return SHARED


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory) -> dict[int, Model]:
    """An eSR-MAX (K3 C2) for each native scale, weights and graph, made without torch; it keeps a constant."""
    folder = tmp_path_factory.mktemp("models")
    return {scale: write_tiny_model(folder, scale) for scale in (2, 3, 4)}


@pytest.fixture
def tiny_catalogue(tiny_models, monkeypatch) -> Iterator[dict[int, Model]]:
    """`tiny_models` in the place of what ships, each the default of its scale, whatever is wrong with a picture."""
    monkeypatch.setattr(catalog, "WEIGHTS_DIR", tiny_models[2].weights.parent)
    for scale, model in tiny_models.items():
        for preference in ("default", "light", "real", "drawn", "crisp"):
            monkeypatch.setitem(choices.CHOICES, ("upscale", preference, scale), model.card.name)
    for key in [key for key in choices.CHOICES if key[0] != "upscale" or key[1] in ("int8", "fast-drawn")]:
        monkeypatch.delitem(choices.CHOICES, key)
    catalog.list_models.cache_clear()
    yield tiny_models
    catalog.list_models.cache_clear()


def write_tiny_model(folder: Path, scale: int, *, seed: int = 0, family: str = "tiny") -> Model:
    """One of `tiny_models`, or another with other weights or of another name."""
    from safetensors.numpy import save_file

    weight = np.random.default_rng(scale + seed).normal(0, 0.05, (2 * scale**2, 1, 3, 3)).astype(np.float32)
    weight[:, :, 1, 1] += 1 - weight.sum(axis=(1, 2, 3))[:, None]
    card = ModelCard(
        name=f"{family}_x{scale}",
        spec=ModelSpec(architecture="esr_max", scale=scale, arguments={"kernel_size": 3, "num_channels": 2}),
        color_mode="luma",
        parameters=weight.size,
        halo=1,
        licence="Apache-2.0",
        scores=({"dataset": "Set5", "protocol": "paper", "psnr_db": 30.0 + scale, "ssim": 0.9},),
    )
    path = folder / f"{card.name}.safetensors"
    save_file({"filter.weight": weight}, path, metadata=card.to_header())
    path.with_suffix(".onnx").write_bytes(stamped(_tiny_graph(weight, scale), weights_digest(path)))
    return find(path)


@pytest.fixture
def tiny_restorers(tiny_catalogue, tmp_path_factory, monkeypatch) -> dict[str, Model]:
    """Networks of scale 1, the default of their task: ``denoise`` is the mean of 3x3, ``deblock`` makes brighter."""
    folder = tmp_path_factory.mktemp("restorers")
    box = np.full((3, 3), 1 / 9, np.float32)
    same = np.zeros((3, 3), np.float32)
    same[1, 1] = 1
    models = {
        "denoise": write_tiny_restorer(folder, "denoise", box),
        "deblock": write_tiny_restorer(folder, "deblock", same, brighter=10 / 255),
    }
    for task, model in models.items():
        monkeypatch.setitem(choices.CHOICES, (task, "default", 1), str(model.weights))
    return models


@pytest.fixture
def named_at_x2(monkeypatch, tiny_restorers, tmp_path) -> None:
    """A catalogue in which robust, drawn and crisp networks of x2 have names of their own; there is no other scale."""
    for preference in ("real", "drawn", "crisp"):
        model = write_tiny_model(tmp_path, 2, family=preference)
        monkeypatch.setitem(choices.CHOICES, ("upscale", preference, 2), str(model.weights))
        monkeypatch.delitem(choices.CHOICES, ("upscale", preference, 3))
        monkeypatch.delitem(choices.CHOICES, ("upscale", preference, 4))


def write_tiny_restorer(folder: Path, task: str, kernel: np.ndarray, *, brighter: float = 0.0) -> Model:
    """An RGB network that filters each channel by a kernel of 3x3 and adds a number."""
    from safetensors.numpy import save_file

    weight = np.zeros((3, 3, 3, 3), np.float32)
    weight[range(3), range(3)] = kernel
    bias = np.full(3, brighter, np.float32)
    card = ModelCard(
        name=f"tiny_{task}",
        spec=ModelSpec(architecture="plain", scale=1, arguments={"task": task}),
        color_mode="rgb",
        parameters=weight.size + bias.size,
        task=task,
        halo=1,
        licence="Apache-2.0",
    )
    path = folder / f"{card.name}.safetensors"
    save_file({"weight": weight, "bias": bias}, path, metadata=card.to_header())
    path.with_suffix(".onnx").write_bytes(stamped(_filter_graph(weight, bias), weights_digest(path)))
    return find(path)


def _filter_graph(weight: np.ndarray, bias: np.ndarray) -> bytes:
    from onnx import TensorProto, helper, numpy_helper

    node = helper.make_node("Conv", ["noisy", "weight", "bias"], ["clean"], pads=[1, 1, 1, 1])
    constants = [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(bias, "bias")]
    noisy = helper.make_tensor_value_info("noisy", TensorProto.FLOAT, ["n", 3, "h", "w"])
    clean = helper.make_tensor_value_info("clean", TensorProto.FLOAT, ["n", 3, "h", "w"])
    graph = helper.make_graph([node], "filter", [noisy], [clean], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


def _tiny_graph(weight: np.ndarray, scale: int) -> bytes:
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("Conv", ["lr", "weight"], ["values"], pads=[1, 1, 1, 1]),
        helper.make_node("DepthToSpace", ["values"], ["candidates"], blocksize=scale, mode="CRD"),
        helper.make_node("ReduceMax", ["candidates", "axes"], ["sr"], keepdims=1),
    ]
    constants = [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(np.array([1]), "axes")]
    lr = helper.make_tensor_value_info("lr", TensorProto.FLOAT, ["n", 1, "h", "w"])
    sr = helper.make_tensor_value_info("sr", TensorProto.FLOAT, ["n", 1, "h_sr", "w_sr"])
    graph = helper.make_graph(nodes, "tiny", [lr], [sr], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what compares with other people's outputs, which lie beside the checkout and are nobody's to pass on; skip
    what needs a package that is not installed. The many short tests of the repository come last, so that no process
    waits for another one's long file.
    """
    items.sort(key=lambda item: item.path.parent.name == "repo")
    for item in items:
        for package in (mark.args[0] for mark in item.iter_markers("needs")):
            if find_spec(package) is None:
                item.add_marker(pytest.mark.skip(reason=f"{package} is not installed: pip install 'upres[{package}]'"))
        if "shared" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.reference)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many of those could not run here."""
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if "reference" in report.keywords]
    if skipped:
        terminalreporter.write_line(f"skipped for want of ../shared: {len(skipped)} of the tests marked reference")
