"""Which contenders a speed measurement has, and what its report says of each."""

import json
from typing import Any

import numpy as np
import pytest

from upres.apps.cli.main import main
from upres.bench.ceilings import Ceilings
from upres.bench.speed import Contender, SessionRunner, bench_speed, contenders, count_multiply_adds, natural_noise
from upres.bench.workers import Timing
from upres.errors import DataError, EngineError, UnknownModelError, UnsupportedModelError
from upres.machine.ceilings import KEYS, native_module
from upres.models.card import ModelCard, ModelSpec
from upres.models.catalog import list_models


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    checkpoints = pytest.importorskip("upres.lab.checkpoint")
    spec = checkpoints.spec_of("esr_tm_x3")
    network = checkpoints.build(spec)
    path = tmp_path_factory.mktemp("models") / "tm.safetensors"
    checkpoints.save(path, network, checkpoints.describe(network, spec, name="esr_tm_x3"))
    return path


def test_every_model_on_every_engine_at_every_size_and_each_resampler_once(checkpoint):
    made = contenders(
        [str(checkpoint), str(checkpoint)], ["torch", "onnxruntime", "pillow"], [(100, 61), (30, 30)], threads=2
    )
    assert len(made) == 2 * 2 * 2 + 2
    assert {c.name for c in made} == {"esr_tm_x3 on torch", "esr_tm_x3 on onnxruntime", "bicubic on pillow"}
    assert {(c.width, c.height) for c in made} == {(99, 60), (30, 30)}  # multiples of the scale
    weights = 2 * 4 * 9 * 25
    assert {c.multiply_adds for c in made} == {weights * 33 * 20, weights * 10 * 10, None}


def test_a_family_runs_at_every_scale():
    made = contenders(["esr_tm"], ["torch"], [(1280, 720)], threads=1)
    assert [(c.model, c.scale) for c in made] == [(f"esr_tm_x{scale}", scale) for scale in (2, 3, 4)]


def test_the_native_engine_runs_both_arithmetics_and_every_instruction_set_asked_for(checkpoint):
    def native(**settings):
        made = contenders([str(checkpoint)], ["native"], [(60, 30)], threads=1, **settings)
        return [(c.precision, c.isa) for c in made]

    assert native() == [("auto", None), ("int16", None)]
    assert native(precision="f32") == [("f32", None)]
    assert native(precision="f32", isas=("avx512", "avx2")) == [("f32", "avx512"), ("f32", "avx2")]


def test_networks_of_several_convolutions_are_asked_for_integers_that_some_lack():
    made = contenders(["espcn_x2", "rlfn_c32b6_x2"], ["native"], [(64, 64)], threads=1)
    assert [c.precision for c in made] == ["auto", "int16", "auto", "int16"]
    with pytest.raises(UnsupportedModelError, match=r"^native: rlfn_c32b6_x2 does not take integer kernels$"):
        SessionRunner(made[-1])


@pytest.mark.needs("openvino")
def test_openvino_runs_the_8_bit_graph_of_a_model_that_has_one(checkpoint):
    def openvino(model, **settings):
        return [c.precision for c in contenders([model], ["openvino"], [(1280, 720)], threads=1, **settings)]

    shipped = next(model for model in list_models() if model.int8_graph is not None)
    assert openvino(shipped.card.name) == ["auto", "int8"]
    assert openvino(shipped.card.name, precision="bf16") == ["bf16"]
    assert openvino(str(checkpoint)) == ["auto"]


@pytest.mark.skipif(native_module() is None, reason="the native module is not built here")
def test_the_native_engine_is_timed_on_floats_and_on_integers(checkpoint):
    floats, integers = contenders([str(checkpoint)], ["native"], [(60, 30)], threads=1)
    runner: Any = SessionRunner(floats)
    assert runner._call().shape == (1, 1, 30, 60)
    real = runner.describe()
    assert real.pop("memory_mib") > 20
    assert real == {"engine": "native", "precision": "f32", "isa": native_module().instruction_sets()[0]}
    try:
        runner = SessionRunner(integers)
    except UnsupportedModelError as error:
        assert "does not take integer kernels" in str(error)  # noqa: PT017  a random model may or may not pass the gate
        return
    assert runner._call().dtype == np.uint8
    assert (runner.describe()["engine"], runner.describe()["precision"]) == ("native", "int16")


@pytest.mark.skipif(
    "avx512vnni" not in (native_module().instruction_sets() if native_module() else ()),
    reason="no integer kernels here",
)
def test_graphs_are_timed_in_integers_as_well():
    floats, integers = contenders(["plain_c48b6_denoise"], ["native"], [(64, 40)], threads=1)
    results = [np.asarray(SessionRunner(each)._call()) for each in (floats, integers)]
    assert [result.shape for result in results] == [(1, 3, 40, 64)] * 2
    assert 0 < np.abs(results[0] - results[1]).max() < 1 / 255
    assert SessionRunner(integers).describe()["precision"] == "int16"


def test_an_engine_without_planes_has_no_integer_kernels(checkpoint):
    (contender,) = contenders([str(checkpoint)], ["torch"], [(60, 30)], threads=1, precision="int16")
    with pytest.raises(UnsupportedModelError, match=r"^torch: esr_tm_x3 does not take integer kernels$"):
        SessionRunner(contender)


@pytest.mark.skipif(native_module() is None, reason="the native module is not built here")
def test_an_instruction_set_that_is_asked_for_is_timed(checkpoint):
    (contender,) = contenders([str(checkpoint)], ["native"], [(60, 30)], threads=1, precision="f32", isas=["baseline"])
    assert SessionRunner(contender).describe()["isa"] == "baseline"


def test_models_with_kernels_at_other_resolutions_tell_no_arithmetic():
    kernels = {"a": np.zeros((8, 1, 5, 5)), "b": np.zeros((4, 8, 3, 3)), "bias": np.zeros(8)}

    def card(architecture, transforms=()):
        spec = ModelSpec(architecture=architecture, scale=2, transforms=transforms)
        return ModelCard(name="x", spec=spec, color_mode="luma", parameters=0)

    assert count_multiply_adds(card("espcn"), kernels) == 200 + 288
    assert count_multiply_adds(card("rfdn"), kernels) is None
    assert count_multiply_adds(card("espcn", ({"name": "ghost"},)), kernels) is None


def test_the_picture_is_natural_in_range_and_always_the_same():
    picture = natural_noise((3, 100, 120))
    assert picture.dtype == np.float32
    assert picture.shape == (3, 100, 120)
    assert 0 <= picture.min() < 0.3 < 0.7 < picture.max() <= 1
    np.testing.assert_array_equal(picture, natural_noise((3, 100, 120)))


@pytest.mark.parametrize("engine", ["cv2", "pillow"])
def test_resamplers_make_the_size_asked_for(engine):
    if engine == "cv2":
        pytest.importorskip("cv2")
    runner: Any = SessionRunner(Contender(model="bicubic", engine=engine, scale=2, width=40, height=24))
    result = runner._call()
    assert (result.size if engine == "pillow" else result.shape[::-1]) == (40, 24)
    assert runner.describe() == {"precision": "u8", "isa": None}
    assert len(runner.turn(seconds=1, calls=3)) == 3


def test_the_fraction_of_the_peak():
    from upres.bench.speed import _row

    contender = Contender(model="m", engine="e", scale=2, width=8, height=8, multiply_adds=10**9)
    timing = Timing(median_ms=100.0, min_ms=90.0, spread=0.0, samples=9)
    row = _row(contender, {"precision": "f32", "isa": "avx2"}, timing, Ceilings({"f32_gflops": 40.0}))
    assert row.fraction_of_peak == pytest.approx(0.5)  # 2 GFLOP in 0.1 s of 40 GFLOP/s
    assert row.fps == pytest.approx(10)
    assert row.isa == "avx2"
    assert _row(contender, {"precision": "f32", "isa": None}, timing, Ceilings()).fraction_of_peak is None


def test_the_command_measures_writes_and_prints_its_contract(checkpoint, tmp_path, capsys):
    output = tmp_path / "speed.json"
    arguments = ["bench", "speed", "--models", str(checkpoint), "--engines", "torch,pillow", "--size", "60x30"]
    arguments += ["--threads", "1", "--repeats", "2", "--seconds", "0.01", "-o", str(output), "--json"]
    assert main(arguments) == 0
    report = json.loads(capsys.readouterr().out)
    assert report == json.loads(output.read_text())
    assert set(report) == {"environment", "rows"}
    assert set(report["environment"]["ceilings"]) == set(KEYS)
    assert [(row["model"], row["engine"], row["precision"]) for row in report["rows"]] == [
        ("esr_tm_x3", "torch", "f32"), ("bicubic", "pillow", "u8"),
    ]  # fmt: skip
    for row in report["rows"]:
        assert set(row) == {
            "model", "engine", "precision", "isa", "scale", "width", "height", "threads", "latency_ms_median",
            "latency_ms_min", "spread", "fps", "fraction_of_peak", "memory_mib",
        }  # fmt: skip
        assert 0 < row["latency_ms_min"] <= row["latency_ms_median"]
        assert (row["width"], row["height"], row["scale"], row["threads"]) == (60, 30, 3, 1)
    assert "| esr_tm_x3 | torch | f32 |" in output.with_suffix(".md").read_text()
    assert main(arguments) == 1  # the output is there
    assert "exists; --overwrite replaces it" in capsys.readouterr().err


def test_who_cannot_run_is_skipped_and_told(checkpoint):
    skipped = []
    entrants = contenders([str(checkpoint)], ["openvino"], [(60, 30)], threads=1)
    with pytest.raises(EngineError, match="no contender can run here"):
        bench_speed(entrants, rounds=1, on_skip=lambda contender, error: skipped.append((contender.engine, str(error))))
    assert [engine for engine, _ in skipped] == ["openvino"]
    assert "no .onnx graph" in skipped[0][1] or "not installed" in skipped[0][1]


def test_unknown_models_end_before_anything_runs():
    with pytest.raises(UnknownModelError, match="no model 'esr_tn_x2'"):
        contenders(["esr_tn_x2"], ["pillow"], [(60, 30)], threads=1)
    with pytest.raises(DataError, match=r"^60x1: esr_tm_x2 makes sides of 2 pixels or more$"):
        contenders(["esr_tm_x2"], ["pillow"], [(60, 1)], threads=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--size", "1080p"], "expected sizes such as 1920x1080, got '1080p'"),
        (["--size", "0x4"], "expected sizes such as 1920x1080, got '0x4'"),
        (["--threads", "0"], "expected a whole number from 1 on, got '0'"),
        (["--repeats", "few"], "expected a whole number from 1 on, got 'few'"),
    ],
)
def test_wrong_usage(arguments, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["bench", "speed", *arguments])
    assert message in capsys.readouterr().err
