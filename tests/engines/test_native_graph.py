"""Networks of several convolutions in the native engine: exactness, edges, threads, and what is refused."""

import subprocess
import sys
from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upres.engines import select
from upres.engines.engine import SessionFacts
from upres.engines.lowering.lower import lower
from upres.engines.native import ENGINE
from upres.engines.native_graph import GraphSession, build, operations_of
from upres.errors import EngineError, GraphError, UnsupportedModelError
from upres.models.card import ModelCard, ModelSpec
from upres.models.catalog import find, list_models
from upres.models.nodes import read_nodes

native = pytest.importorskip("upres.engines._native", reason="the native module was not built")
pytest.importorskip("torch")

import torch  # noqa: E402

from upres.lab import checkpoint  # noqa: E402
from upres.lab.archs.ecbsr import ECBSR  # noqa: E402
from upres.lab.archs.edge_sr import EdgeSRCNN, EdgeSRTM, EdgeSRTR  # noqa: E402
from upres.lab.archs.edsr import EDSR  # noqa: E402
from upres.lab.archs.fsrcnn import FSRCNN  # noqa: E402
from upres.lab.archs.plain import PlainSR  # noqa: E402
from upres.lab.archs.rlfn import RLFN  # noqa: E402
from upres.lab.archs.span import SPAN  # noqa: E402
from upres.lab.archs.srvggnet_compact import SRVGGNetCompact  # noqa: E402
from upres.lab.compress.fold import fold  # noqa: E402
from upres.lab.export.onnx import export, traced  # noqa: E402

ISAS = native.instruction_sets()
TOLERANCE = 2e-5
SHIPPED = [
    model.card.name
    for model in list_models()
    if model.card.architecture in ("plain", "rlfn", "espcn", "fsrcnn", "esr_cnn")
]
NETWORKS = {
    "restorer": lambda: PlainSR(scale=1, unshuffle=2, num_channels=48, num_blocks=2, task="denoise", gate="hard"),
    "squares_x2": lambda: PlainSR(scale=2, unshuffle=2, num_blocks=1),
    "silu_x3": lambda: PlainSR(scale=3, num_blocks=1, activation="silu", gate="skip"),
    "span_gate_x4": lambda: PlainSR(scale=4, num_blocks=2, gate="span", nearest_skip=False),
    "compact_x2": lambda: SRVGGNetCompact(scale=2, num_layers=3),
    "compact_x1": lambda: SRVGGNetCompact(scale=1, num_channels=24, num_layers=2, activation="leakyrelu"),
    "compact_relu_x4": lambda: SRVGGNetCompact(scale=4, num_layers=2, activation="relu"),
    "ecbsr_x2": lambda: fold(ECBSR(scale=2, num_blocks=2, num_colors=3))[0],
    "ecbsr_luma_x3": lambda: fold(ECBSR(scale=3, num_blocks=2, value_range=255.0))[0],
    "edsr_x4": lambda: EDSR(scale=4, num_channels=64, num_blocks=2, residual_scale=1.0),
    "edsr_x3": lambda: EDSR(scale=3, num_channels=20, num_blocks=1),
    "esr_cnn_x2": lambda: EdgeSRCNN(scale=2, num_channels=2, num_features=1, num_shrink=3),
    "esr_cnn_x3": lambda: EdgeSRCNN(scale=3, num_channels=6, num_features=5, num_shrink=12),
    "esr_cnn_x4": lambda: EdgeSRCNN(scale=4, num_channels=3, num_features=7, num_shrink=9),
    "esr_tm_x3": lambda: EdgeSRTM(scale=3, kernel_size=3, num_channels=5),
    "esr_tr_x2": lambda: EdgeSRTR(scale=2, kernel_size=5, num_channels=3),
    "fsrcnn_x2": lambda: FSRCNN(scale=2, num_features=20, num_shrink=5, num_blocks=1),
    "fsrcnn_x3": lambda: FSRCNN(scale=3, num_features=16, num_blocks=2, tail="subpixel", channel_slopes=True),
    "rlfn_x3": lambda: RLFN(scale=3, num_channels=20, mid_channels=24, num_blocks=2, esa_channels=12),
    "rlfn_full_x2": lambda: RLFN(
        scale=2, num_channels=16, num_blocks=1, full_attention=True, activation="silu", value_range=255.0
    ),
    "span_x2": lambda: SPAN(scale=2, num_blocks=2, expanded=False),
    "span_x4": lambda: SPAN(scale=4, num_channels=28, cat_channels=20, num_blocks=2, expanded=False),
}


@cache
def network(name):
    torch.manual_seed(len(name))
    return NETWORKS[name]().float().eval()


def lowered(module):
    colors = 1 if module.color_mode == "luma" else 3
    return lower(read_nodes(traced(module).SerializeToString()), colors=colors)


@cache
def runner(name, isa):
    return native.GraphRunner(build(lowered(network(name)), native), isa)


def picture(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


def by_torch(module, batch):
    """In float64, so that what differs is the engine's error."""
    with torch.no_grad():
        return deepcopy(module).double()(torch.from_numpy(batch).double()).numpy()


def run(runner, batch, scale, *, threads=1, bands=1):
    out = np.full((*batch.shape[:2], batch.shape[2] * scale, batch.shape[3] * scale), np.nan, np.float32)
    runner.run(batch, out, threads, bands)
    return out


def test_what_a_call_keeps_is_given_back_and_taken_again():
    """In a process of its own: others may have told glibc to keep what is freed."""
    code = """
import numpy as np
from upres.engines.native_graph import open_graph
from upres.machine.memory import resident_bytes
from upres.models.catalog import find
batch = np.random.default_rng(0).random((1, 3, 400, 500), np.float32)
session = open_graph(find("plain_c32b6_light_x2"), threads=2, precision="f32", isa="")
made = session(batch).copy()
before = resident_bytes()
session.release()
print(before - resident_bytes(), session.memory_bytes(400, 500) + made.nbytes, np.array_equal(session(batch), made))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    given_back, kept, equal = done.stdout.split()
    assert equal == "True"
    assert int(given_back) > 0.7 * int(kept)


@pytest.mark.parametrize("model", list_models(), ids=lambda model: model.card.name)
def test_every_network_that_ships_needs_no_other_engine(model):
    assert ENGINE.supports(model)
    for isa in ISAS[-1:] if model.card.name in SHIPPED else ISAS:  # those are opened with every one below
        assert ENGINE.open(model, threads=1, isa=isa).facts == SessionFacts(engine="native", precision="f32", isa=isa)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_networks_come_out_as_torch_makes_them(name, isa):
    model = find(name)
    session = ENGINE.open(model, threads=2, isa=isa)
    assert session.facts == SessionFacts(engine="native", precision="f32", isa=isa)
    height = 21 // model.card.multiple_of * model.card.multiple_of
    batch = picture(2, 1 if model.card.color_mode == "luma" else 3, height, 34)
    expected = by_torch(checkpoint.load(model.weights)[0], batch)
    # FSRCNN makes values of +-100 of noise
    np.testing.assert_allclose(session(batch), expected, atol=TOLERANCE * max(1, np.abs(expected).max()))


@pytest.mark.parametrize("name", [name for name in SHIPPED if name.startswith("rlfn")])
def test_shipped_attention_over_several_strips(name):
    """Flat squares, some of them alike: edges and areas, as pictures have and noise has not."""
    batch = np.kron(picture(1, 3, 11, 29), np.ones((8, 8), np.float32))
    expected = by_torch(checkpoint.load(find(name).weights)[0], batch)
    np.testing.assert_allclose(ENGINE.open(find(name), threads=2)(batch), expected, atol=TOLERANCE)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("name", NETWORKS)
def test_any_network_of_these_operators_comes_out_as_torch_makes_it(name, isa):
    module = network(name)
    colors = 1 if module.color_mode == "luma" else 3
    least = getattr(module, "min_size", 2)
    for shape in [(1, colors, least, least), (1, colors, 18, 26)]:
        batch = picture(*shape)
        expected = by_torch(module, batch)
        error = np.abs(run(runner(name, isa), batch, module.scale) - expected).max()
        assert error <= TOLERANCE * max(1, np.abs(expected).max()), "random weights may leave 0 .. 1"


@settings(max_examples=25, deadline=None)
@given(height=st.integers(1, 40), width=st.integers(1, 120), threads=st.integers(1, 4), bands=st.integers(1, 7))
def test_pictures_of_any_size_on_any_threads_and_bands(height, width, threads, bands):
    batch = picture(1, 3, height, width, seed=height * width)
    once = run(runner("silu_x3", ISAS[0]), batch, 3)
    np.testing.assert_array_equal(once, run(runner("silu_x3", ISAS[0]), batch, 3, threads=threads, bands=bands))
    expected = by_torch(network("silu_x3"), batch)
    np.testing.assert_allclose(once, expected, atol=TOLERANCE)


@settings(max_examples=25, deadline=None)
@given(height=st.integers(15, 70), width=st.integers(15, 130), threads=st.integers(1, 4), bands=st.integers(1, 7))
def test_attention_sees_the_whole_picture_of_any_size_on_any_threads_and_bands(height, width, threads, bands):
    batch, module = picture(1, 3, height, width, seed=height * width), network("rlfn_x3")
    once = run(runner("rlfn_x3", ISAS[0]), batch, 3)
    np.testing.assert_array_equal(once, run(runner("rlfn_x3", ISAS[0]), batch, 3, threads=threads, bands=bands))
    expected = by_torch(module, batch)
    np.testing.assert_allclose(once, expected, atol=TOLERANCE * max(1, np.abs(expected).max()))


@settings(max_examples=25, deadline=None)
@given(height=st.integers(1, 40), width=st.integers(1, 120), threads=st.integers(1, 4), bands=st.integers(1, 7))
def test_a_choice_on_pictures_of_any_size_on_any_threads_and_bands(height, width, threads, bands):
    batch = picture(1, 1, height, width, seed=height * width)
    once = run(runner("esr_cnn_x3", ISAS[0]), batch, 3)
    np.testing.assert_array_equal(once, run(runner("esr_cnn_x3", ISAS[0]), batch, 3, threads=threads, bands=bands))
    np.testing.assert_allclose(once, by_torch(network("esr_cnn_x3"), batch), atol=TOLERANCE)


def test_what_is_not_finite_stays_near_behind_a_choice():
    native_runner, batch = runner("esr_cnn_x3", ISAS[0]), picture(1, 1, 40, 260)
    clean = run(native_runner, batch, 3)
    for value in (np.nan, np.inf):
        broken = batch.copy()
        broken[0, 0, 20, 5] = value
        out = run(native_runner, broken, 3, threads=2)
        reach = 3 * (5 + 4 * 3)
        assert not np.isfinite(out[..., 60, 15]).all()
        np.testing.assert_array_equal(out[..., reach:], clean[..., reach:])
        np.testing.assert_array_equal(run(native_runner, batch, 3), clean)


def test_pictures_without_a_window_are_refused_as_torch_refuses_them():
    session = ENGINE.open(find("rlfn_c32b6_x2"), threads=1)
    for height, width in [(14, 40), (40, 14), (1, 1)]:
        with pytest.raises(RuntimeError):
            network("rlfn_x3")(torch.zeros(1, 3, height, width))
        with pytest.raises(ValueError, match=f"^expected sides of at least 15 pixels, got {height}x{width}$"):
            session(picture(1, 3, height, width))
    assert session(picture(1, 3, 15, 15)).shape == (1, 3, 30, 30)


@pytest.mark.parametrize("name", ["edsr_x4", "restorer", "span_x2", "rlfn_full_x2"])
def test_threads_and_bands_change_no_bit(name):
    scale = network(name).scale
    batch = picture(1, 3, 70, 230)  # three strips
    once = run(runner(name, ISAS[0]), batch, scale)
    for threads, bands in [(1, 3), (2, 1), (3, 8)]:
        again = run(runner(name, ISAS[0]), batch, scale, threads=threads, bands=bands)
        np.testing.assert_array_equal(once, again)


def test_what_is_not_finite_stays_near_and_is_told():
    """Four pixels a convolution, as a tile of minimal filtering sees its neighbours, and nothing in the next call."""
    model = find("plain_c32b6_light_x2")
    session, batch = ENGINE.open(model, threads=1), picture(1, 3, 40, 260)
    assert isinstance(session, GraphSession)
    clean = session(batch).copy()
    for value in (np.nan, np.inf):
        broken = batch.copy()
        broken[0, 1, 20, 5] = value
        with pytest.raises(EngineError, match="not finite"):
            session(broken)
        out = np.empty_like(clean)
        session._runner.run(broken, out, 1)
        reach = 2 * (5 + 4 * len(operations_of(model).makers))
        assert not np.isfinite(out[..., 40, 10]).all()
        np.testing.assert_array_equal(out[..., reach:], clean[..., reach:])
        np.testing.assert_array_equal(session(batch), clean)


def test_what_is_not_finite_spreads_through_the_coarse_map_and_no_further():
    """One block: three convolutions, windows of 15 pixels 6 apart, and three convolutions and a neighbour there."""
    native_runner, batch = runner("rlfn_full_x2", ISAS[0]), picture(1, 3, 60, 420)
    clean = run(native_runner, batch, 2)
    for value in (np.nan, np.inf):
        broken = batch.copy()
        broken[0, 1, 20, 5] = value
        out = run(native_runner, broken, 2, threads=2)
        reach = 5 + 4 * 4 + 15 + 6 * (3 * 4 + 1) + 4 * 2
        assert not np.isfinite(out[..., 40, 10]).all()
        np.testing.assert_array_equal(out[..., 2 * reach :], clean[..., 2 * reach :])
        np.testing.assert_array_equal(run(native_runner, batch, 2), clean)


@pytest.mark.parametrize(
    ("name", "floats"),
    [
        ("plain_c32b6_light_x2", 3 * 32),
        ("rlfn_c32b6_x2", 3 * 32 + 2 * 16),  # the first map, and a block's two maps before a barrier and behind it
    ],
)
def test_memory_is_known_before_the_run(name, floats):
    session = ENGINE.open(find(name), threads=1)
    assert isinstance(session, GraphSession)
    small, large = session.memory_bytes(100, 100), session.memory_bytes(400, 500)
    assert large - small == pytest.approx(floats * 4 * (400 * 500 - 100 * 100), rel=0.2)


def test_results_are_the_callers(tmp_path):
    session = ENGINE.open(find("plain_c32b6_light_x2"), threads=1)
    first = session(picture(1, 3, 5, 6))
    kept = first.copy()
    session(picture(1, 3, 5, 6, seed=1))
    np.testing.assert_array_equal(first, kept)


def test_batches_that_do_not_fit_are_refused():
    session = ENGINE.open(find("plain_c32b6_light_x2"), threads=1)
    for shape in [(3, 5, 6), (1, 1, 5, 6)]:
        with pytest.raises(ValueError, match=r"expected a batch \(N, 3, H, W\)"):
            session(picture(*shape))
    odd, out = picture(1, 3, 5, 6), np.empty((1, 3, 5, 6), np.float32)
    with pytest.raises(ValueError, match="whole squares of pixels"):
        runner("restorer", ISAS[0]).run(odd, out, 1)
    with pytest.raises(ValueError, match="as much larger"):
        runner("compact_x2", ISAS[0]).run(odd, out, 1)


def test_no_pixels_make_no_pixels():
    session = ENGINE.open(find("plain_c32b6_light_x2"), threads=1)
    for shape in [(0, 3, 4, 4), (1, 3, 0, 4), (1, 3, 4, 0)]:
        assert session(np.zeros(shape, np.float32)).shape == (shape[0], 3, 2 * shape[2], 2 * shape[3])


@pytest.mark.needs("openvino")
def test_what_cannot_be_lowered_is_named_and_goes_to_another_engine(tmp_path):
    spec = ModelSpec(architecture="esr_max", scale=2, arguments={"kernel_size": 9, "num_channels": 2})
    path, module = tmp_path / "wide_x2.safetensors", checkpoint.build(spec).eval()
    checkpoint.save(path, module, ModelCard(name="wide_x2", spec=spec, color_mode="luma", parameters=0))
    export(module, path.with_suffix(".onnx"), weights=path)
    model = find(path)
    assert not ENGINE.supports(model)
    with pytest.raises(UnsupportedModelError, match=r"^native: wide_x2: operator Conv \(.*\): filters of 9x9"):
        ENGINE.open(model)
    assert select.open_session(model, threads=1).facts.engine == "openvino"


@pytest.mark.parametrize(
    ("between", "convolutions"),
    [
        (lambda nn: (nn.Conv2d(16, 24, 1), nn.Conv2d(24, 12, 1)), 2),
        (lambda nn: (nn.Conv2d(16, 24, 1), nn.Conv2d(24, 20, 1), nn.Conv2d(20, 12, 1)), 2),
        (lambda nn: (nn.Conv2d(16, 24, 1), nn.ReLU(), nn.Conv2d(24, 12, 1)), 3),
        (lambda nn: (nn.Conv2d(16, 4, 1), nn.Conv2d(4, 12, 1)), 3),
    ],
)
def test_products_in_a_row_are_merged_where_that_saves_some(between, convolutions):
    torch.manual_seed(1)
    nn = torch.nn
    module: Any = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), *between(nn), nn.PixelShuffle(2)).eval()
    module.color_mode, module.scale = "rgb", 2
    operations = lowered(module)
    assert sum(maker.stored is not None for maker in operations.makers) == convolutions
    batch = picture(1, 3, 9, 14)
    out = run(native.GraphRunner(build(operations, native)), batch, 2)
    np.testing.assert_allclose(out, by_torch(module, batch), atol=TOLERANCE)


def test_attention_is_one_product_a_pixel():
    """Of each block: three convolutions, fusion, squeeze, two reductions, the coarse map, and the gate; the first
    convolution of all is made again for the last skip."""
    stored = [maker for maker in operations_of(find("rlfn_c32b6_x4")).makers if maker.stored is not None]
    assert len(stored) == 2 + 6 * 9 + 2


def coarse(nn):
    return nn.Conv2d(3, 12, 3, padding=1), nn.Conv2d(12, 12, 3, stride=2)


@pytest.mark.parametrize("name", ["rlfn_c32b6_x4", "esr_cnn_x2", "esr_cnn_c8d9s15_x3"])
def test_the_default_network_and_those_that_choose_run_natively(name):
    assert select.open_session(find(name), threads=1).facts.engine == "native"


class Chooser(torch.nn.Module):
    """One convolution to two candidates for each pixel, of which ``forward`` chooses in ways that native lacks."""

    color_mode, scale = "rgb", 1

    def __init__(self, choose):
        super().__init__()
        self.net, self.choose = torch.nn.Conv2d(3, 12, 3, padding=1), choose

    def forward(self, x):
        return self.choose(*self.net(x).unflatten(1, (2, 2, 3)).unbind(1))


@pytest.mark.parametrize(
    ("choose", "reason"),
    [
        (
            lambda values, keys: torch.relu((values * keys.softmax(1)).sum(1)),
            "Relu .*: it is applied to something else",
        ),
        (lambda values, keys: (values * keys.softmax(2)).sum(1), "Softmax .*: native has it over candidates alone"),
        (lambda values, keys: (keys * values.softmax(1)).sum(1), "Mul .*: the candidates have to come before"),
        (lambda values, keys: (values * (keys * keys * keys).softmax(1)).sum(1), "scores of 3 factors"),
        (lambda values, keys: (values + keys).sum(1), "Add .*: native multiplies candidates"),
        (lambda values, keys: (values * keys).sum(1), "ReduceSum .*: native sums weighted candidates alone"),
        (lambda values, keys: torch.tanh(values).sum(1), "Tanh .*: it is applied to something else"),
    ],
)
def test_other_choices_are_named(choose, reason):
    with pytest.raises(UnsupportedModelError, match=reason):
        lowered(Chooser(choose).eval())


def test_a_choice_of_colors_comes_out_as_torch_makes_it():
    torch.manual_seed(2)
    module = Chooser(lambda values, keys: (values * keys.softmax(1)).sum(1)).eval()
    batch = picture(1, 3, 9, 70)
    out = run(native.GraphRunner(build(lowered(module), native)), batch, 1)
    np.testing.assert_allclose(out, by_torch(module, batch), atol=TOLERANCE)


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        (lambda nn: nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.GELU(), nn.PixelShuffle(2)), "native has no such"),
        (lambda nn: nn.Sequential(nn.Conv2d(3, 12, 3, padding=1, groups=3), nn.PixelShuffle(2)), "group 3"),
        (lambda nn: nn.Sequential(nn.Conv2d(3, 12, 3, padding=2, dilation=2), nn.PixelShuffle(2)), "dilations"),
        (lambda nn: nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(3, 3, 3, padding=1)), "enlarged or repeated"),
        (lambda nn: nn.Sequential(nn.Conv2d(3, 12, 7, padding=3), nn.PixelShuffle(2)), "filters of 7x7"),
        (lambda nn: nn.Sequential(nn.Conv2d(3, 12, 5, padding=1), nn.PixelShuffle(2)), "pads"),
        (lambda nn: nn.ConvTranspose2d(3, 3, 4, stride=2), "pads|output_padding"),
        (lambda nn: nn.ConvTranspose2d(3, 3, 13, stride=2, padding=6, output_padding=1), "filters of 7x7"),
        (lambda nn: nn.PixelShuffle(1), "shuffles pixels of maps"),
        (lambda nn: nn.Sequential(nn.Conv2d(3, 12, 3, stride=2, padding=1), nn.PixelShuffle(2)), "pads"),
        (lambda nn: nn.Sequential(nn.Conv2d(3, 12, 2, stride=2), nn.PixelShuffle(2)), "its input is no map"),
        (lambda nn: nn.Sequential(*coarse(nn), nn.PixelShuffle(2)), "shuffles pixels of a coarse map"),
        (lambda nn: nn.Sequential(*coarse(nn), nn.ReLU(), nn.Conv2d(12, 3, 1)), "a step behind a reduction"),
        (lambda nn: nn.Sequential(nn.Conv2d(3, 3, 1), nn.MaxPool2d(3, 2, 1)), "MaxPool .*: pads"),
        (lambda nn: nn.Sequential(*coarse(nn), nn.Conv2d(12, 3, 1)), "output is not that of its last convolution"),
        (lambda nn: nn.Sequential(*coarse(nn), nn.Upsample(scale_factor=2, mode="bilinear")), "operator Resize"),
    ],
)
def test_operators_used_in_another_way_are_named(layers, reason):
    module = layers(torch.nn)
    module.color_mode, module.scale = "rgb", 2
    with pytest.raises(UnsupportedModelError, match=reason):
        lowered(module.eval())


def test_a_value_read_twice_in_two_states_is_refused():
    class Twice(torch.nn.Module):
        color_mode, scale = "rgb", 1

        def __init__(self):
            super().__init__()
            self.first, self.second = torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.Conv2d(8, 8, 3, padding=1)
            self.last = torch.nn.Conv2d(8, 3, 3, padding=1)

        def forward(self, x):
            raw = self.first(x)
            return self.last(self.second(torch.relu(raw)) + raw)

    with pytest.raises(UnsupportedModelError, match="two values of one convolution"):
        lowered(Twice().eval())


def test_a_graph_of_other_weights_is_refused(tmp_path):
    torch.manual_seed(0)
    small = ModelSpec(architecture="plain", scale=2, arguments={"num_channels": 16, "num_blocks": 1})
    module = checkpoint.build(small).eval()
    card = ModelCard(name="own_x2", spec=small, color_mode="rgb", parameters=0)
    paths = [tmp_path / f"{name}.safetensors" for name in ("own_x2", "other_x2")]
    for path in paths:
        checkpoint.save(path, module, card)
        export(module, path.with_suffix(".onnx"), weights=path)
        module = checkpoint.build(small).eval()
    session = ENGINE.open(find(paths[0]), threads=1)
    batch = picture(1, 3, 9, 7)
    expected = by_torch(checkpoint.load(paths[0])[0], batch)
    np.testing.assert_allclose(session(batch), expected, atol=TOLERANCE)
    with pytest.raises(GraphError, match="made of other weights"):
        ENGINE.open(replace(find(paths[0]), graph=paths[1].with_suffix(".onnx")))
    with pytest.raises(UnsupportedModelError, match=r"no kernels for own_x2 \(plain\), and no .onnx graph beside it"):
        ENGINE.open(replace(find(paths[0]), graph=None))
    with pytest.raises(UnsupportedModelError, match="no precision 'int16' with avx2"):
        ENGINE.open(find(paths[0]), precision="int16", isa="avx2")


def in_slabs(session, batch, rows):
    slabs = session.slabs(*batch.shape[2:], rows=rows)
    given, made = 0, []
    for end, _ in slabs.ends:
        made.append(slabs(batch[:, :, given:end]).copy())
        given = end
    assert [sum(part.shape[2] for part in made[: index + 1]) for index in range(len(made))] == [
        end for _, end in slabs.ends
    ]
    return np.concatenate(made, axis=2)


@pytest.mark.parametrize(
    "name",
    ["plain_c32b6_light_x4", "plain_c48b6_denoise", "espcn_d22s32_x3", "espcn_x2", "esr_cnn_x2", "rlfn_c32b6_x3"],
)
@pytest.mark.parametrize("precision", ["f32", "int16"])
def test_a_picture_in_slabs_is_equal_to_the_bit(name, precision):
    try:
        session = ENGINE.open(find(name), threads=2, precision=precision)
    except UnsupportedModelError:
        pytest.skip("no integers for it here")
    batch = np.random.default_rng(6).random((1, 1 if find(name).card.color_mode == "luma" else 3, 150, 70), np.float32)
    expected = session(batch)
    for rows in (1, 30, 64, 500):
        np.testing.assert_array_equal(in_slabs(session, batch, rows), expected)


def test_slabs_are_of_one_picture_and_hold_little():
    session: Any = ENGINE.open(find("plain_c32b6_light_x2"), threads=1)
    slabs = session.slabs(64, 32, rows=16)
    assert slabs.bytes < session.slabs(64, 32, rows=64).bytes <= session.slabs(6400, 32, rows=64).bytes
    assert session.slabs(6400, 32, rows=64).bytes < session.memory_bytes(6400, 32) / 8
    with pytest.raises(ValueError, match="rows of the picture that the next slab needs"):
        slabs(np.zeros((1, 3, 1, 32), np.float32))
    given = 0
    for end, _ in slabs.ends:
        slabs(np.zeros((1, 3, end - given, 32), np.float32))
        given = end
    with pytest.raises(IndexError):
        slabs(np.zeros((1, 3, 16, 32), np.float32))
    with pytest.raises(EngineError, match="not finite"):
        in_slabs(session, np.full((1, 3, 16, 16), np.nan, np.float32), 16)


def test_networks_that_see_the_whole_picture_hold_little_in_slabs():
    session: Any = ENGINE.open(find("rlfn_c32b6_x4"), threads=1)
    slabs = session.slabs(3000, 64, rows=32)
    assert slabs.bytes < session.memory_bytes(3000, 64) / 8
    ahead = [given - made // 4 for given, made in slabs.ends]
    assert max(ahead) < 6 * 32, "of six blocks each is some 28 rows behind the one before"
    assert slabs.ends[0] == (32, 0), "the first slabs only fill the rings"
    assert slabs.ends[-1] == (3000, 12000)
    assert slabs.ends[-2][0] == 3000, "the last ones empty them"


def test_maps_larger_than_the_picture_need_all_of_it():
    native = pytest.importorskip("upres.engines._native")
    graph, weight = native.Graph(3, 1, 4), np.zeros((64, 3, 3, 3), np.float32)
    large = graph.convolution([graph.picture([1] * 3, [0] * 3)], weight, [0.0] * 64, [], [], 2, 16)
    graph.convolution([large], np.zeros((12, 16, 3, 3), np.float32), [0.0] * 12, [], [], 2, native.OUTPUT)
    runner = native.GraphRunner(graph)
    assert not runner.rolls
    with pytest.raises(ValueError, match="larger than the picture"):
        native.GraphStream(runner, 64, 64, 16)
