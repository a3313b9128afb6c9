"""Native sessions: batches, planes where they lie, pictures, threads, precision, refusals."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from upres.engines import native as engine_module
from upres.engines import select
from upres.engines.engine import SessionFacts
from upres.engines.native import ENGINE, NativeSession, resize_plane
from upres.engines.native_calibration import calibration_plane
from upres.engines.native_priority import giving_way
from upres.errors import CheckpointError, EngineUnavailableError, UnsupportedModelError
from upres.image.convert import run_network
from upres.image.resize import imresize
from upres.models.card import ModelCard, ModelSpec
from upres.models.catalog import Model, find, list_models

native = pytest.importorskip("upres.engines._native", reason="the native module was not built")

ISAS = native.instruction_sets()
PARTS = {"esr_max": 1, "esr_tm": 2, "esr_tr": 3}


def write_model(folder, architecture, scale, *, key_spread=1.0, filters=None):
    """A K5 C4 model file that all but keeps constants, as trained ones do."""
    if filters is None:
        values = 4 * scale**2
        filters = np.random.default_rng(5).normal(0, 0.05, (PARTS[architecture] * values, 1, 5, 5)).astype(np.float32)
        filters[values:] *= 10 * key_spread
        filters[:values, 0, 2, 2] += 1 - filters[:values].sum(axis=(1, 2, 3))
    arguments = {"kernel_size": 5, "num_channels": 4}
    spec = ModelSpec(architecture=architecture, scale=scale, arguments=arguments)
    card = ModelCard(name=f"{architecture}_x{scale}", spec=spec, color_mode="luma", parameters=filters.size, halo=2)
    path = folder / f"{card.name}.safetensors"
    save_file({"filter.weight": filters}, path, metadata=card.to_header())
    return find(path)


def opened(model: Model, **options: Any) -> NativeSession:
    session = ENGINE.open(model, **options)
    assert isinstance(session, NativeSession)
    return session


def arithmetic_named(session, name):
    return next(each for each in session._network.arithmetics if each.name == name)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("edge")
    return {(name, scale): write_model(folder, name, scale) for name in PARTS for scale in (2, 3, 4)}


@pytest.mark.parametrize("architecture", PARTS)
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_batch_comes_out_as_torch_makes_it(models, architecture, scale):
    model = models[architecture, scale]
    session = opened(model)
    assert session.facts == SessionFacts(engine="native", precision="f32", isa=ISAS[0])
    batch = np.random.default_rng(0).random((3, 1, 11, 57), np.float32)
    expected = select.open_session(model, engine="torch", threads=1)(batch)
    np.testing.assert_allclose(session(batch), expected, atol=1e-5)


def test_auto_takes_the_native_engine(models):
    assert select.open_session(models["esr_tm", 2]).facts.engine == "native"


def test_a_result_outlives_the_next_call(models):
    session = opened(models["esr_max", 2])
    batch = np.random.default_rng(1).random((1, 1, 30, 40), np.float32)
    first = session(batch)
    view, kept = first[0, 0, 3:], first.copy()
    session(1 - batch)
    np.testing.assert_array_equal(first, kept)
    del first
    session(1 - batch)
    np.testing.assert_array_equal(view, kept[0, 0, 3:])


def test_batches_of_other_shapes_and_layouts(models):
    session = opened(models["esr_max", 3])
    wide = np.random.default_rng(2).random((2, 1, 9, 40), np.float32)
    np.testing.assert_array_equal(session(wide[..., ::2]), session(np.ascontiguousarray(wide[..., ::2])))
    assert session(wide[:0]).shape == (0, 1, 27, 120)
    for shape in [(1, 3, 9, 9), (9, 9)]:
        with pytest.raises(ValueError, match=r"\(N, 1, H, W\)"):
            session(np.zeros(shape, np.float32))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("architecture", PARTS)
@pytest.mark.parametrize("precision", ["f32", "int16"])
def test_threads_and_bands_change_nothing(models, isa, architecture, precision):
    if precision == "int16" and isa != "avx512vnni":
        pytest.skip("no integer kernels for this instruction set")
    planes = [np.random.default_rng(3).integers(0, 256, shape, np.uint8) for shape in [(97, 61), (9, 2500)]]
    one, *more = (opened(models[architecture, 2], threads=n, precision=precision, isa=isa) for n in (1, 2, 5))
    for plane in planes:
        whole = one.run_plane(plane)
        for session in more:
            np.testing.assert_array_equal(session.run_plane(plane), whole)
        part = one.run_plane(plane[4:, 7:].copy())
        # Four rows are made together, of all the rows that any of them sees.
        np.testing.assert_array_equal(part[8:, 4:], whole[16:, 18:])


def test_giving_way_changes_nothing(models):
    session = opened(models["esr_tm", 2], threads=2)
    plane = np.random.default_rng(3).integers(0, 256, (120, 2100), np.uint8)
    whole, given = np.empty((240, 4200), np.uint8), np.empty((240, 4200), np.uint8)
    session.planes.run_plane(plane, whole, peak=255)
    with giving_way():
        session.planes.run_plane(plane, given, peak=255)
        enlarged = resize_plane(plane, 2, peak=255)
    np.testing.assert_array_equal(given, whole)
    np.testing.assert_array_equal(enlarged, resize_plane(plane, 2, peak=255))


@pytest.mark.parametrize("name", ["esr_max_k7c2_x2", "esr_tm_k7c4_x2", "esr_tr_k7c8_x2"])
def test_threads_change_nothing_with_seven_rows(name):
    plane = np.random.default_rng(3).integers(0, 256, (101, 1100), np.uint8)
    one, *more = (opened(find(name), threads=n) for n in (1, 2, 3, 7))
    whole = one.run_plane(plane)
    for session in more:
        np.testing.assert_array_equal(session.run_plane(plane), whole)


@settings(max_examples=40, deadline=None)
@given(
    architecture=st.sampled_from(sorted(PARTS)),
    scale=st.integers(2, 4),
    sizes=st.tuples(st.integers(1, 7), st.integers(1, 300)),
    margins=st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 5)),
    dtypes=st.tuples(*[st.sampled_from(["uint8", "uint16", "float32"])] * 2),
)
def test_planes_are_read_and_written_where_they_lie(models, architecture, scale, sizes, margins, dtypes):
    session = opened(models[architecture, scale], precision="f32")
    (height, width), (top, left, right) = sizes, margins
    floats = np.random.default_rng(4).random((height + 2 * top, left + width + right), np.float32)
    frame = floats if dtypes[0] == "float32" else np.floor(floats * 256).astype(dtypes[0])
    peak = 255 if dtypes[0] == "uint16" else None
    plane = frame[top : top + height, left : left + width]
    target = np.full((height * scale + 2, width * scale + 5), 7, dtypes[1])
    out = target[1:-1, 2:-3]
    assert session.run_plane(plane, out, peak=peak) is out
    np.testing.assert_array_equal(session.run_plane(plane.copy(), np.empty_like(out), peak=peak), out)
    target[1:-1, 2:-3] = 7
    assert (target == 7).all(), "wrote outside of its plane"


def test_ten_bit_planes_have_their_own_white(models):
    session = opened(models["esr_tm", 2], precision="f32")
    plane = np.random.default_rng(6).integers(0, 1024, (20, 33), np.uint16)
    expected = session((plane / 1023).astype(np.float32)[None, None])[0, 0]
    result = session.run_plane(plane, peak=1023)
    assert result.max() <= 1023
    assert np.abs(result - np.floor(np.clip(expected, 0, 1) * 1023 + 0.5)).max() <= 1
    np.testing.assert_array_equal(session.run_plane(np.full((9, 9), 60000, np.uint16), peak=1023).max(), 1023)


needs_vnni = pytest.mark.skipif("avx512vnni" not in ISAS, reason="needs a processor with AVX-512 VNNI")


@needs_vnni
def test_integer_arithmetic_is_taken_where_it_suffices(models):
    session = opened(models["esr_tm", 2])
    assert session.plane_precision(255) == "int16"
    assert session.plane_precision(65535) == "f32"
    plane = calibration_plane(255).astype(np.uint8)
    exact = opened(models["esr_tm", 2], precision="f32").run_plane(plane)
    off = np.abs(session.run_plane(plane).astype(int) - exact)
    assert off.max() <= 1
    assert 0 < off.mean() <= 0.01, "int16 is the other kernel, and nearly as good"


@needs_vnni
@pytest.mark.parametrize(
    "model", [m for m in list_models() if m.card.architecture in PARTS], ids=lambda model: model.card.name
)
def test_shipped_networks_are_off_by_one_level_at_most(model):
    rng = np.random.default_rng(2)
    y, x = np.mgrid[0:80, 0:260]
    planes = {
        "rings": 127.5 + 127.5 * np.cos((x * x + y * y) / 90),
        "soft": 127.5 + 60 * np.sin(x / 9) * np.cos(y / 7) + rng.normal(0, 4, x.shape),
        "noise": rng.integers(0, 256, x.shape),
        "binary": rng.integers(0, 2, x.shape) * 255,
        "pale binary": rng.integers(0, 2, x.shape) * 100 + 90,
        "black": np.zeros(x.shape),
        "white": np.full(x.shape, 255),
    }
    session, exact = opened(model), opened(model, precision="f32")
    assert session.plane_precision(255) == "int16"
    for name, plane in planes.items():
        pixels = np.clip(np.rint(plane), 0, 255).astype(np.uint8)
        off = np.abs(session.run_plane(pixels).astype(int) - exact.run_plane(pixels))
        assert off.max() <= 1, name
        assert off.mean() <= 0.01, name


@needs_vnni
def test_direct_integers_stand_in_where_minimal_filtering_is_too_coarse(models, monkeypatch):
    session = opened(models["esr_tr", 2])
    plane = calibration_plane(255).astype(np.uint8)
    calls, suffice = [], session._integers_suffice

    def refuse(arithmetic, peak):
        calls.append(arithmetic.name)
        return arithmetic.name == "integer" and suffice(arithmetic, peak)

    monkeypatch.setattr(session, "_integers_suffice", refuse)
    direct = np.empty((256, 384), np.uint8)
    session._network.upscale(plane, direct, 255, 255, arithmetic_named(session, "integer"), 1)
    np.testing.assert_array_equal(session.run_plane(plane), direct)
    assert session.run_plane(plane, peak=255).shape == direct.shape
    assert calls == ["minimal_integer", "integer"], "asked once, and only what the network has"


@needs_vnni
def test_integers_are_those_of_minimal_filtering(models):
    plane = calibration_plane(255).astype(np.uint8)
    for architecture in PARTS:
        session = opened(models[architecture, 2])
        fast = np.empty((256, 384), np.uint8)
        session._network.upscale(plane, fast, 255, 255, arithmetic_named(session, "minimal_integer"), 1)
        np.testing.assert_array_equal(session.run_plane(plane), fast)


def test_integer_arithmetic_is_refused_where_it_does_not_suffice(tmp_path):
    coarse = np.random.default_rng(7).normal(0, 0.05, (16, 1, 5, 5)).astype(np.float32)
    coarse[:, 0, 2, 2] += 1
    coarse[3, 0, 0, 0], coarse[3, 0, 4, 4] = 900, -900  # one filter that needs all the bits
    session = opened(write_model(tmp_path, "esr_max", 2, filters=coarse))
    assert session.plane_precision(255) == "f32"
    unbounded = opened(write_model(tmp_path, "esr_tr", 2, key_spread=30))
    assert unbounded.plane_precision(255) == "f32"


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("architecture", PARTS)
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pictures_come_out_as_the_colour_path_makes_them(models, isa, architecture, scale, dtype):
    session = opened(models[architecture, scale], isa=isa)
    rng = np.random.default_rng(8)
    for shape in [(1, 1), (1, 2), (3, 1), (2, 5), (21, 70), (7, 1100)]:
        picture = rng.integers(0, np.iinfo(dtype).max + 1, (*shape, 3)).astype(dtype)
        expected = run_network(picture, session, scale=scale, color_mode="luma")
        off = np.abs(session.upscale_rgb(picture).astype(int) - expected)
        assert off.max() <= 1, shape
        assert off.size < 1000 or off.mean() < (1e-3 if dtype == np.uint8 else 2e-2), shape


def test_pictures_are_read_and_written_where_they_lie(models):
    session = opened(models["esr_tm", 2])
    frame = np.random.default_rng(9).integers(0, 256, (30, 50, 3), np.uint8)
    whole = opened(models["esr_tm", 2], threads=1).upscale_rgb(frame[3:-3, 5:-5].copy())
    target = np.zeros((60, 90, 3), np.uint8)
    out = target[4:52, 6:86]
    assert session.upscale_rgb(frame[3:-3, 5:-5], out) is out
    np.testing.assert_array_equal(out, whole)


@pytest.mark.parametrize("shape", [(21, 70, 3), (21, 70)])
def test_ten_bit_pictures_have_their_own_white(models, shape):
    session = opened(models["esr_tm", 2], precision="f32")
    picture = np.random.default_rng(13).integers(0, 1024, shape, np.uint16)
    picture[:9, :9], picture[-9:, -9:] = 1023, 0
    floats = run_network((picture / 1023).astype(np.float32), session, scale=2, color_mode="luma")
    made = session.upscale_rgb(picture, peak=1023)
    assert made.max() == 1023
    assert np.abs(made - np.floor(np.clip(floats, 0, 1) * 1023 + 0.5)).max() <= 1
    assert np.abs(session.upscale_rgb(picture).astype(int) - made).max() > 1, "white at 65535 clips nothing"


def test_planes_are_the_session_itself(models):
    session = select.open_session(models["esr_tm", 2], isa=ISAS[-1])
    assert session.planes is session
    assert session.facts.isa == ISAS[-1]
    assert session.planes.rows_together == (2, 3, 4)


def test_the_engine_tells_what_it_has():
    assert ENGINE.facts() == {
        "instruction_sets": ISAS,
        "precisions": ["f32", "int16"] if "avx512vnni" in ISAS else ["f32"],
        "devices": ["cpu"],
    }


def test_grey_stays_grey(models):
    session = opened(models["esr_max", 2], precision="f32")
    grey = np.random.default_rng(10).integers(0, 256, (40, 45), np.uint8)
    colour = session.upscale_rgb(np.repeat(grey[..., None], 3, axis=2))
    np.testing.assert_array_equal(colour, np.repeat(session.upscale_rgb(grey)[..., None], 3, axis=2))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("shape", [(1, 1), (2, 1), (1, 3), (5, 4), (40, 31), (3, 1500)])
def test_chroma_planes_equal_imresize(isa, scale, shape):
    plane = np.random.default_rng(11).random(shape, np.float32)
    out = np.empty(np.multiply(shape, scale), np.float32)
    native.resize(plane, out, scale, 0.0, 0.0, 1.0, 2, isa)
    np.testing.assert_allclose(out, imresize(plane, scale=scale), atol=2e-6)
    for dtype, peak in [(np.uint8, 255), (np.uint16, 1023)]:
        levels = np.floor(plane * (peak + 1)).astype(dtype)
        expected = np.floor(np.clip(imresize(levels.astype(np.float32), scale=scale), 0, peak) + 0.5)
        result = resize_plane(levels, scale, peak=peak)
        off = np.abs(result - expected)
        assert off.max() <= 1
        assert (off > 0).mean() < 0.01


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_left_sited_chroma_stays_left_sited(scale):
    """A ramp over the luma pixels, sampled where chroma sits, must come back at where chroma sits in the result."""
    ramp = 100 + 2 * (2 * np.arange(30, dtype=np.float32))[None].repeat(9, axis=0)  # luma pixel 2 c, its left edge
    columns = np.arange(30 * scale)
    luma = (2 * columns + 0.5) / scale - 0.5  # of the small picture, at luma pixel 2 c of the large one
    result = resize_plane(ramp / 1000, scale, left_sited=True)[5] * 1000
    inner = slice(2 * scale, -2 * scale)
    np.testing.assert_allclose(result[inner], (100 + 2 * luma)[inner], atol=1e-3)
    downward = resize_plane(np.ascontiguousarray(ramp.T) / 1000, scale, top_sited=True)[:, 5] * 1000
    np.testing.assert_allclose(downward, result, atol=1e-4)


def test_wrong_arguments_are_told(models):
    session = opened(models["esr_max", 2])
    plane = np.zeros((6, 8), np.uint8)
    for call, message in [
        (lambda: session.run_plane(np.zeros((6, 8, 3), np.uint8)), r"\(H, W\)"),
        (lambda: session.run_plane(plane, np.zeros((12, 17), np.uint8)), "times as high and wide"),
        (lambda: session.run_plane(plane[:, ::2]), "next to each other"),
        (lambda: session.run_plane(plane, peak=0), "positive peak"),
        (lambda: session.run_plane(np.zeros((4, 4), np.float32), peak=255), "floats are in"),
        (lambda: session.upscale_rgb(np.zeros((6, 8, 4), np.uint8)), r"\(H, W, 3\)"),
        (lambda: resize_plane(plane, 5), "scale of 2, 3 or 4"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
    for array in (np.zeros((6, 8), np.int16), np.zeros((6, 8), np.float64)):
        with pytest.raises(TypeError, match="uint8, uint16 or float32"):
            session.run_plane(array)
    with pytest.raises(TypeError, match="the same in and out"):
        session.upscale_rgb(np.zeros((4, 4, 3), np.uint8), np.zeros((8, 8, 3), np.uint16))
    read_only = np.zeros((12, 16), np.uint8)
    read_only.flags.writeable = False
    with pytest.raises(TypeError):
        session.run_plane(plane, read_only)


def test_an_output_lies_apart_from_the_input_and_in_itself(models):
    session = opened(models["esr_max", 2], threads=2)
    memory = np.zeros(40_000, np.uint8)
    for start in (0, 3000, 9599):
        plane, out = memory[start : start + 2400].reshape(40, 60), memory[:9600].reshape(80, 120)
        with pytest.raises(ValueError, match="shares no memory with the input"):
            session.run_plane(plane, out)
        with pytest.raises(ValueError, match="shares no memory with the input"):
            resize_plane(plane, 2, out)
    with pytest.raises(ValueError, match="shares no memory with the input"):
        session.upscale_rgb(memory[100:172].reshape(4, 6, 3), memory[:288].reshape(8, 12, 3))
    behind = memory[9600 : 9600 + 2400].reshape(40, 60)
    session.run_plane(behind, memory[:9600].reshape(80, 120)[::-1])  # next to each other is apart
    for stride in (0, 5, 119):
        rows = np.lib.stride_tricks.as_strided(memory[20_000:], (80, 120), (stride, 1))
        with pytest.raises(ValueError, match="rows of the output apart"):
            session.run_plane(behind, rows)


def test_values_that_are_no_numbers_are_told(models):
    session = opened(models["esr_tm", 2])
    plane = np.full((6, 8), 0.5, np.float32)
    for value in (np.nan, np.inf, -np.inf):
        broken = plane.copy()
        broken[3, 4] = value
        for out in (None, np.zeros((12, 16), np.uint8)):
            with pytest.raises(ValueError, match="expected finite pixels"):
                session.run_plane(broken, out)
        with pytest.raises(ValueError, match="expected finite pixels"):
            session(broken[None, None])
    for peak in (np.inf, np.nan):
        with pytest.raises(ValueError, match="positive peak that is finite"):
            native.EdgeSR("max", 2, np.zeros((4, 3, 3), np.float32)).within_peak(plane, peak, 1)
    for value in (np.nan, np.inf):
        filters = np.zeros((4, 3, 3), np.float32)
        filters[2, 1, 1] = value
        with pytest.raises(ValueError, match="expected finite filters"):
            native.EdgeSR("max", 2, filters)


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0)])
def test_no_pixels_make_no_pixels(models, shape):
    session = opened(models["esr_max", 2])
    for dtype in (np.uint8, np.float32):
        assert session.run_plane(np.zeros(shape, dtype)).shape == (2 * shape[0], 2 * shape[1])
    assert session.upscale_rgb(np.zeros((*shape, 3), np.uint8)).shape == (2 * shape[0], 2 * shape[1], 3)
    assert resize_plane(np.zeros(shape, np.uint8), 2).shape == (2 * shape[0], 2 * shape[1])


@needs_vnni
def test_floats_have_no_integer_kernels(models):
    session = opened(models["esr_max", 2], precision="int16")
    assert session.facts.precision == "int16"
    with pytest.raises(UnsupportedModelError, match="is for integer planes"):
        session(np.zeros((1, 1, 4, 4), np.float32))


def test_what_the_engine_does_not_run_is_refused(models, tmp_path, monkeypatch):
    model = models["esr_max", 2]
    other = replace(model, card=replace(model.card, spec=replace(model.card.spec, architecture="espcn")))
    assert ENGINE.supports(model)
    for spec in [{"architecture": "espcn"}, {"scale": 5}, {"arguments": {"kernel_size": 9}}, {"transforms": ({},)}]:
        assert not ENGINE.supports(replace(model, card=replace(model.card, spec=replace(model.card.spec, **spec))))
    with pytest.raises(UnsupportedModelError, match="no kernels for esr_max_x2"):
        opened(other)
    with pytest.raises(UnsupportedModelError, match="no precision 'bf16'"):
        opened(model, precision="bf16")
    with pytest.raises(UnsupportedModelError, match="baseline has no instruction"):
        opened(model, precision="int16", isa="baseline")
    with pytest.raises(EngineUnavailableError, match="no instruction set 'sse9'"):
        opened(model, isa="sse9")
    broken = write_model(tmp_path, "esr_max", 2, filters=np.zeros((16, 1, 3, 3), np.float32))
    with pytest.raises(CheckpointError, match=r"expected filter.weight \(16, 1, 5, 5\)"):
        opened(broken)

    def absent():
        raise ImportError("No module named 'upres.engines._native'")

    monkeypatch.setattr(engine_module, "_module", absent)
    with pytest.raises(EngineUnavailableError, match="compiler"):
        opened(model)


def test_ceilings_are_in_order():
    limits = native.ceilings(1, 0.02)
    assert set(limits) == {"float32_gmac_per_second", "int16_gmac_per_second", "memory_read_gb_per_second"}
    slowest = native.ceilings(1, 0.02, "baseline")
    assert limits["float32_gmac_per_second"] > 1
    assert ISAS == ["baseline"] or limits["float32_gmac_per_second"] > 2 * slowest["float32_gmac_per_second"]
