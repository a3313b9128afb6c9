"""Arrays and pictures made larger."""

import io
import os
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import upres
from upres.engines.select import open_session, unavailable
from upres.errors import ImageTooLargeError, OutputExistsError, UnknownModelError, UnsupportedModelError
from upres.image.convert import run_network
from upres.image.io import Frame, Metadata, Picture, read, write
from upres.image.naming import output_beside
from upres.image.picture import Source
from upres.image.resize import imresize
from upres.models import choices
from upres.pipeline.budget import Budget
from upres.pipeline.plan import Wish, plan
from upres.pipeline.sessions import Sessions, Settings
from upres.pipeline.sizes import SizeRequest
from upres.pipeline.steps import NetworkStep
from upres.pipeline.still import make_frame
from upres.upscaler import Upscaler, upscale

from .conftest import write_tiny_model

RNG = np.random.default_rng(0)
EXAMPLE = Path(__file__).parents[1] / "examples" / "chelsea.png"


@pytest.fixture
def make(tiny_catalogue):
    """Upscalers with the tiny models in OpenVINO."""
    pytest.importorskip("openvino", reason="openvino is not installed: pip install 'upres[openvino]'")
    return partial(Upscaler, engine="openvino", threads=1)


def smooth(shape, dtype=np.uint8):
    """A picture without extremes: gradients with some noise."""
    rows, columns = np.indices(shape[:2])
    values = 0.5 + 0.2 * np.sin(rows / 5) + 0.2 * np.cos(columns / 7)
    values = values[(...,) + (None,) * (len(shape) - 2)] + RNG.normal(0, 0.02, shape)
    return (values.clip(0, 1) * np.iinfo(dtype).max).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [None, 1, 2, 3, 4])
@pytest.mark.parametrize("scale", [2, 3, 4, 1.5, 6, 0.5])
def test_shape_and_type_are_kept(make, dtype, channels, scale):
    pixels = smooth((20, 30) if channels is None else (20, 30, channels), dtype)
    made = make(scale)(pixels)
    assert made.dtype == dtype
    assert made.shape == (20 * scale, 30 * scale, *pixels.shape[2:])
    assert abs(float(made.mean()) / float(pixels.mean()) - 1) < 0.1


def test_a_native_scale_is_the_network_and_one_rounding(make, tiny_models):
    pixels = smooth((40, 50, 3))
    session = open_session(tiny_models[3], engine="openvino", threads=1)
    padded = np.pad(pixels, ((2, 2), (2, 2), (0, 0)), mode="symmetric")
    whole = run_network(padded, session, scale=3, color_mode="luma")[6:-6, 6:-6]
    np.testing.assert_array_equal(make(3)(pixels), whole)


def test_sixteen_bits_are_not_rounded_to_eight(make):
    pixels = (30000 + np.arange(40 * 50).reshape(40, 50) % 97).astype(np.uint16)
    made = make(2)(pixels)
    assert len(np.unique(made)) > 60
    assert abs(made.astype(int) - 30000).max() < 200


def test_grey_pictures_in_colour_stay_grey(make):
    grey = smooth((30, 40))
    made = make(2)(np.dstack([grey] * 3))
    np.testing.assert_array_equal(made[..., 0], made[..., 1])
    np.testing.assert_array_equal(made[..., 0], made[..., 2])
    np.testing.assert_array_equal(made[..., 0], make(2)(grey))


@pytest.mark.parametrize("scale", [2, 1.5, 5, 8, 0.7])
def test_a_constant_stays_constant(make, scale):
    made = make(scale)(np.full((16, 24, 3), (200, 100, 50), np.uint8))
    np.testing.assert_array_equal(np.unique(made.reshape(-1, 3), axis=0), [[200, 100, 50]])


def test_scales_between_are_reduced_from_the_next_native_one(make):
    pixels = smooth((40, 60))
    wide = pixels.astype(np.uint16) * np.uint16(257)
    expected = imresize(make(2)(wide), scale=0.75) / 257
    made = make(1.5)(pixels)
    assert abs(made - expected).max() <= 0.51


def test_bicubic_and_reductions_are_matlab_s(make):
    pixels = smooth((40, 60, 3))
    np.testing.assert_array_equal(make(2, model="bicubic")(pixels), imresize(pixels, scale=2))
    np.testing.assert_array_equal(make(0.5)(pixels), imresize(pixels, scale=0.5))
    np.testing.assert_array_equal(make(1)(pixels), pixels)


def test_a_family_gives_each_native_scale_its_model(make):
    names = [Upscaler(scale, model="tiny").plan((10, 10)).model_name for scale in (1.5, 3, 4, 8)]
    assert names == ["tiny_x2", "tiny_x3", "tiny_x4", "tiny_x2+tiny_x4"]
    assert Upscaler(8, model="tiny_x2").plan((10, 10)).model_name == "tiny_x2+tiny_x2+tiny_x2"
    assert Upscaler(0.5).plan((10, 10)).model_name == "bicubic"


def test_fast_takes_the_edge_family_s_defaults(monkeypatch, tiny_catalogue):
    for scale, model in tiny_catalogue.items():
        monkeypatch.setitem(choices.CHOICES, ("upscale", "default", scale), "absent")
        for preference in ("fast", "fast-real"):
            monkeypatch.setitem(choices.CHOICES, ("upscale", preference, scale), model.card.name)
    assert Upscaler(3, fast=True).plan((10, 10)).model_name == "tiny_x3"


def test_real_takes_its_networks_first_and_plain_ones_for_what_is_clean_by_then(monkeypatch, tiny_catalogue):
    for scale, name in ((2, "tiny_x2"), (4, "tiny_x3")):  # another than the default, to tell
        monkeypatch.setitem(choices.CHOICES, ("upscale", "real", scale), name)
    assert [Upscaler(scale, real=True).plan((10, 10)).model_name for scale in (1.5, 3, 8)] == [
        "tiny_x2", "tiny_x3", "tiny_x2+tiny_x4"
    ]  # fmt: skip
    assert Upscaler(2, real=True).model_identity() != Upscaler(2, clean=True).model_identity()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fast": True, "model": "tiny"}, "model and fast each choose the networks: give one of them"),
        ({"clean": True, "real": True}, "model, clean, real and strength each choose the networks: give one of them"),
        ({"real": True, "strength": 0.5}, "model, clean, real and strength each choose the networks: give one of them"),
        ({"strength": 1.5}, "strength: expected 0 to 1, got 1.5"),
        ({"wrap": "z"}, "wrap must be one of x, y, both, or None, got 'z'"),
        ({"wrap": True}, "wrap must be one of x, y, both, or None, got True"),
    ],
)
def test_the_networks_are_chosen_in_one_way(options, message, tiny_catalogue):
    with pytest.raises(ValueError, match=f"^{message}$"):
        Upscaler(3, **options)


def photograph(seed=0):
    """Something smooth with edges, without faults."""
    rng = np.random.default_rng(seed)
    scene = imresize(rng.integers(0, 256, (24, 32, 3), np.uint8), scale=7)
    scene[40:90, 60:130] = (30, 90, 200)
    return scene


def as_jpeg(pixels, quality):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality)
    return stream.getvalue()


@pytest.fixture
def telling(monkeypatch, tiny_catalogue):
    """A catalogue in which the robust networks have other names, so that one can tell."""
    for preference, name in (("light", "tiny_x4"), ("real", "tiny_x3")):
        monkeypatch.setitem(choices.CHOICES, ("upscale", preference, 2), name)
        monkeypatch.delitem(choices.CHOICES, ("upscale", preference, 3))
        monkeypatch.delitem(choices.CHOICES, ("upscale", preference, 4))


MADE_BY = {"clean": "tiny_x2", "light": "tiny_x4", "real": "tiny_x3"}


@pytest.mark.parametrize(("quality", "expected"), [(98, "clean"), (90, "light"), (60, "real")])
@pytest.mark.parametrize("as_file", [True, False], ids=["file", "pixels"])
def test_a_compressed_picture_gets_the_robust_network(quality, expected, as_file, telling):
    picture = read(as_jpeg(photograph(), quality))
    upscaler = Upscaler(2)
    choice = upscaler.choose(picture if as_file else Picture(frames=picture.frames))
    assert choice.name == expected
    assert upscaler.plan(picture.size, choice).model_name == MADE_BY[expected]
    assert [Upscaler(2, **{name: True}).choose(picture).name for name in ("clean", "real")] == ["clean", "real"]
    assert Upscaler(0.5).choose(picture).judged is None  # nothing grows, nobody looks


def drawing():
    """Flat colours with steep edges between."""
    rng = np.random.default_rng(5)
    shapes = rng.integers(0, 6, (20, 25))
    return np.kron(rng.integers(0, 256, (6, 3), np.uint8)[shapes], np.ones((8, 8, 1), np.uint8))


@pytest.mark.parametrize(("quality", "reason"), [(None, "drawing"), (60, "drawing and JPEG of quality 60")])
def test_a_drawing_gets_the_network_for_drawings(quality, reason, tiny_restorers, monkeypatch):
    monkeypatch.setitem(choices.CHOICES, ("upscale", "drawn", 2), "tiny_x3")
    monkeypatch.delitem(choices.CHOICES, ("upscale", "drawn", 3))
    picture = Picture(frames=(Frame(pixels=drawing()),)) if quality is None else read(as_jpeg(drawing(), quality))
    upscaler = Upscaler(8)
    choice = upscaler.choose(picture)
    assert (choice.name, choice.reason) == ("drawn", reason)
    assert upscaler.plan(picture.size, choice).model_name == "tiny_x3+tiny_x4"  # what follows is a drawing still
    assert [Upscaler(2, **{name: True}).choose(picture).name for name in ("clean", "real")] == ["clean", "real"]
    noise = np.random.default_rng(0).normal(0, 30, picture.pixels.shape)
    noisy = (picture.pixels + noise).clip(0, 255).round().astype(np.uint8)
    assert Upscaler(2).choose(Picture(frames=(Frame(pixels=noisy),))).name == "denoise"


def test_dithering_is_no_noise(tiny_catalogue):
    rng = np.random.default_rng(0)
    pixels = np.where(rng.random((160, 160, 1)) < 0.5, (90, 40, 20), (120, 70, 60)).astype(np.uint8)
    two_levels = Picture(frames=(Frame(pixels=pixels),))
    assert Upscaler(2).choose(two_levels).name == "clean"
    frames = (Frame(pixels=pixels + rng.integers(0, 2, pixels.shape, np.uint8)),)
    assert Upscaler(2).choose(Picture(frames=frames)).name == "real"
    dithered = Picture(frames=frames, source=Source(format="png", mode="palette"))
    assert Upscaler(2).choose(dithered).name == "clean"


def test_noise_is_undone_before_the_picture_grows(telling, tiny_restorers):
    rng = np.random.default_rng(0)

    def choose(pixels, sigma, **options):
        noisy = (pixels + rng.normal(0, sigma, pixels.shape)).clip(0, 255).round().astype(np.uint8)
        upscaler, picture = Upscaler(2, **options), Picture(frames=(Frame(pixels=noisy),))
        choice = upscaler.choose(picture)
        return choice.name, upscaler.plan(picture.size, choice).model_name

    denoised = "denoise", "tiny_denoise+tiny_x2"
    for options in ({}, {"real": True}):
        assert choose(photograph(), 20, **options) == denoised
    assert choose(photograph(), 0) == ("clean", "tiny_x2")
    assert choose(photograph(), 20, clean=True) == ("clean", "tiny_x2")
    assert choose(photograph(), 20, strength=1.0) == denoised
    blurred = imresize(imresize(photograph(), scale=0.4), scale=2.5)[:168, :224]
    assert choose(blurred, 0) == ("real", "tiny_x3")
    assert choose(blurred, 5) == denoised
    assert choose(blurred, 20) == denoised


@pytest.mark.parametrize("far", [False, True], ids=["local", "not-local"])
@pytest.mark.needs("openvino")
def test_a_strength_between_mixes_both_networks(far, tiny_models, tmp_path):
    clean, robust = tiny_models[2], write_tiny_model(tmp_path, 2, seed=9)
    if far:
        clean, robust = (replace(each, card=replace(each.card, halo=None)) for each in (clean, robust))
    frame, sessions = Frame(pixels=photograph()), Sessions()
    settings = Settings(engine="openvino", threads=1)

    def made(strength):
        wish = Wish(request=SizeRequest(scale=2), first={2: clean}, robust={2: robust}, strength=strength)
        steps = plan((168, 224), wish, max_pixels=10**6)
        budget = Budget(cores=1, working_bytes=1)  # bands
        return make_frame(frame, steps, sessions=sessions, settings=settings, budget=budget).pixels.astype(float)

    one, other, mixed = (made(strength) for strength in (0, 1, 0.25))
    assert np.abs(one - other).max() > 10
    assert np.abs(0.75 * one + 0.25 * other - mixed).max() <= 1


def test_small_networks_have_one_for_drawings():
    upscaler, picture = Upscaler(2, fast=True), read(as_jpeg(drawing(), 98))
    assert upscaler.plan(picture.size, upscaler.choose(picture)).model_name == choices.names("fast-drawn")[2]
    forced = Upscaler(2, fast=True, clean=True)
    assert forced.plan(picture.size, forced.choose(picture)).model_name == choices.names("fast")[2]


def test_8_bits_take_the_network_that_has_them():
    (scale, name), *others = choices.names("int8").items()
    assert not others
    assert name != choices.names("default")[scale]
    for options in ({}, {"clean": True}):
        assert Upscaler(scale, precision="int8", **options).plan((20, 20)).model_name == name
    assert Upscaler(scale).plan((20, 20)).model_name == choices.names("default")[scale]


def test_equal_channels_stay_equal():
    grey = photograph()[..., 0]
    for options in ({"clean": True}, {"real": True}, {"fast": True, "clean": True}):
        made = Upscaler(2, threads=1, **options)(np.repeat(grey[..., None], 3, axis=2))
        assert (made == made[..., :1]).all()


@pytest.mark.parametrize("color", [(20, 60, 200), (200, 30, 30), (255, 255, 255)])
@pytest.mark.parametrize("options", [{"clean": True}, {"real": True}])
def test_a_flat_colour_gets_no_frame(color, options):
    made = Upscaler(2, threads=1, **options)(np.full((48, 40, 3), color, np.uint8))
    assert np.abs(made.astype(int) - color).max() <= 2


@pytest.mark.parametrize(("wrap", "scale"), [("x", 2), ("y", 1.5), ("both", 3), ("both", 0.5)])
def test_ends_that_meet_are_those_of_the_picture_laid_side_by_side(wrap, scale, make):
    pixels = photograph()[40:76, 50:94]
    rows, columns = 3 if wrap in ("y", "both") else 1, 3 if wrap in ("x", "both") else 1
    tiled = make(scale)(np.tile(pixels, (rows, columns, 1)))
    height, width = round(36 * scale), round(44 * scale)
    middle = tiled[height * (rows // 2) :, width * (columns // 2) :][:height, :width]
    assert np.abs(make(scale, wrap=wrap)(pixels).astype(int) - middle).max() <= 1


@pytest.mark.parametrize("shape", [(1, 40, 3), (40, 1, 3), (1, 1, 3), (2, 65, 3)])
@pytest.mark.parametrize("scale", [2, 1.5])
def test_ends_of_any_side_meet(shape, scale, make):
    pixels = np.broadcast_to(photograph()[60, 80], shape)
    made = make(scale, wrap="both")(np.ascontiguousarray(pixels))
    assert made.shape == (round(shape[0] * scale), round(shape[1] * scale), 3)
    assert np.abs(made.astype(int) - pixels[0, 0]).max() <= 2


def test_an_unknown_model_gets_the_nearest_name(tiny_catalogue):
    with pytest.raises(UnknownModelError, match=r"^no model 'tinny_x2'. Did you mean 'tiny_x2'\?"):
        Upscaler(2, model="tinny_x2")


def test_transparent_pixels_leave_no_halo_and_alpha_keeps_its_ends(make):
    pixels = np.zeros((40, 40, 4), np.uint8)
    pixels[10:30, 10:30] = (250, 240, 230, 255)  # black lies under the transparent border
    made = make(2)(pixels)
    assert (made[24:56, 24:56, 3] == 255).all()
    assert (made[:14, :, 3] == 0).all()
    visible = made[..., 3] > 0
    assert made[visible][:, :3].min() >= 225
    np.testing.assert_array_equal(made[..., 3], imresize(pixels[..., 3], scale=2))


def test_frames_and_metadata_stay(make):
    frames = tuple(Frame(pixels=smooth((12, 16, 3)), duration_ms=40.0 * n) for n in (1, 2, 3))
    picture = Picture(frames=frames, metadata=Metadata(dpi=(300, 300)), loop=2)
    fractions = []
    made = make(2).upscale_picture(picture, progress=fractions.append)
    assert [frame.duration_ms for frame in made.frames] == [40, 80, 120]
    assert (made.metadata, made.loop, made.size) == (picture.metadata, 2, (24, 32))
    for before, after in zip(frames, made.frames, strict=True):
        np.testing.assert_array_equal(after.pixels, make(2)(before.pixels))
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1)


def test_one_upscaler_serves_pictures_of_many_sizes(make):
    upscaler = make(fit=(64, 64))
    assert [upscaler(smooth(shape)).shape for shape in [(20, 30), (50, 10), (64, 64), (100, 90)]] == [
        (43, 64),
        (64, 13),
        (64, 64),
        (64, 58),
    ]


def test_memory_and_threads_change_nothing(make, tiny_catalogue):
    pixels = smooth((300, 64, 3))
    whole = make(2)(pixels)
    np.testing.assert_array_equal(make(2, max_memory=1)(pixels), whole)
    many = Upscaler(2, engine="openvino", threads=4)(pixels)
    assert abs(many.astype(int) - whole).max() <= 1
    assert (many != whole).mean() < 1e-3


@pytest.mark.parametrize(
    ("pixels", "error", "message"),
    [
        (np.zeros((4, 4)), TypeError, "expected uint8 or uint16 pixels, got float64"),
        (np.zeros((4, 4, 5), np.uint8), ValueError, r"expected pixels \(H, W\) or \(H, W, 1 to 4\), got \(4, 4, 5\)"),
        (np.zeros((0, 4, 3), np.uint8), ValueError, "expected pixels of shape"),
        ([[1, 2]], TypeError, "expected a numpy array or a path, got list"),
    ],
)
def test_other_arrays_are_refused(make, pixels, error, message):
    with pytest.raises(error, match=message):
        make(2)(pixels)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": "2"}, "expected a number as the scale, got '2'"),
        ({"width": 2.5}, "expected sides of whole pixels, got 2.5"),
        ({"restore": "denoise"}, "restore: expected True, False or shares of tasks"),
    ],
)
def test_options_of_another_kind_are_named(options, message, tiny_catalogue):
    with pytest.raises(TypeError, match=message):
        Upscaler(**options)


@pytest.mark.parametrize("options", [{"output": "a.png"}, {"format": "png"}, {"quality": 90}, {"lossless": True}])
def test_what_is_for_files_is_refused_for_arrays(options):
    with pytest.raises(ValueError, match="are for files: an array gives an array"):
        upscale(np.zeros((4, 4), np.uint8), 2, model="bicubic", **options)


def test_a_result_over_the_pixel_budget_is_refused_before_the_work(make):
    with pytest.raises(ImageTooLargeError) as raised:
        make(40000)(np.zeros((4, 4), np.uint8))
    assert str(raised.value) == (
        "the output would have 160000x160000 pixels, over the budget of 1073741824; ask for a smaller size"
    )


@pytest.mark.needs("openvino")
def test_a_path_gives_a_file_beside_it(tiny_catalogue, tmp_path):
    pixels = smooth((20, 30, 3))
    source = tmp_path / "photo.png"
    write(Picture(frames=(Frame(pixels=pixels),)), source)
    made = upres.upscale(source, 2, engine="openvino")
    assert made == tmp_path / "photo_x2.png"
    np.testing.assert_array_equal(read(made).pixels, upres.upscale(pixels, 2, engine="openvino"))
    with pytest.raises(OutputExistsError, match=r"photo_x2\.png exists; overwrite=True replaces it$"):
        upres.upscale(str(source), 2)
    upres.upscale(source, 2, overwrite=True)
    other = upres.upscale(source, width=45, output=tmp_path / "other.jpg")
    assert read(other).size == (30, 45)


def test_output_names(tmp_path):
    target = Upscaler(1.5, model="bicubic").request.label
    names = [output_beside(tmp_path / name, target, form).name for name, form in [("a.JPG", None), ("a.JPG", "jpeg")]]
    assert names == ["a_x1.5.JPG", "a_x1.5.JPG"]
    assert output_beside(tmp_path / "a.b.gif", target, "png").name == "a.b_x1.5.png"


def test_a_call_imports_no_torch(tiny_models):
    code = f"""
import sys, numpy as np, upres
assert not {{"torch", "openvino", "onnxruntime", "PIL"}} & set(sys.modules)
upres.upscale(np.zeros((8, 8, 3), np.uint8), 2, model={str(tiny_models[2].weights)!r})
assert not {{"torch", "scipy", "tqdm", "openvino.tools.ovc"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_session_is_opened_once(make, monkeypatch):
    opened = []
    import upres.pipeline.sessions as module

    monkeypatch.setattr(
        module,
        "open_session",
        lambda model, **options: opened.append(model.card.name) or open_session(model, **options),
    )
    upscaler = make(8)
    upscaler(smooth((8, 8)))
    upscaler(smooth((9, 8)))
    assert sorted(opened) == ["tiny_x2", "tiny_x4"]


@pytest.mark.needs("openvino")
def test_a_network_that_is_not_local_runs_too(tiny_models):
    upscaler = Upscaler(2, model=tiny_models[2].weights, engine="openvino", threads=1)
    pixels = smooth((50, 20, 3))
    plan = upscaler.plan((50, 20))
    (model,) = plan.models
    far = replace(plan, steps=(NetworkStep(replace(model, card=replace(model.card, halo=None))),))
    made = make_frame(
        Frame(pixels=pixels), far, sessions=upscaler.sessions, settings=upscaler.settings, budget=Budget(cores=1)
    )
    np.testing.assert_array_equal(upscaler(pixels), made.pixels)


@pytest.mark.needs("openvino")
def test_upscalers_share_sessions(tiny_catalogue):
    sessions = Sessions()
    one, other = (Upscaler(2, engine="openvino", threads=1, sessions=sessions) for _ in range(2))
    (model,) = one.plan((8, 8)).models
    assert sessions.get(model, one.settings) is sessions.get(model, other.settings)
    assert sessions.get(model, Settings(engine="openvino", threads=2)) is not sessions.get(model, one.settings)


@pytest.mark.needs("openvino")
@pytest.mark.parametrize("scale", [2, 3, 1.5, 8])
@pytest.mark.parametrize("channels", [None, 3, 4])
def test_the_fused_colour_path_gives_the_same_picture(tiny_catalogue, scale, channels):
    if unavailable("native"):
        pytest.skip("the native kernels are not built")
    pixels = smooth((40, 30) if channels is None else (40, 30, channels))
    fused, general = (Upscaler(scale, engine=name, threads=2)(pixels) for name in ("native", "openvino"))
    change = abs(fused.astype(int) - general)
    assert change.max() <= 1
    assert (change > 0).mean() < 0.02


@pytest.mark.needs("openvino")
@pytest.mark.parametrize("seconds", [0.1, 0.15, 0.2, 0.25])
def test_a_process_may_end_while_networks_are_being_opened(seconds, tmp_path):
    """As it does when every picture is up to date."""
    code = f"import time, upres; upres.Upscaler(2, engine='openvino').prepare(); time.sleep({seconds})"
    environment = {**os.environ, "UPRES_CACHE": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.needs("openvino")
def test_the_precision_asked_for_is_the_engine_s():
    pixels = read(EXAMPLE).frames[0].pixels[:64, :80]
    exact, rounded = (Upscaler(4, precision=name)(pixels).astype(int) for name in ("f32", "int8"))
    difference = abs(exact - rounded)
    assert difference.any()
    assert difference.mean() < 2
    with pytest.raises(UnsupportedModelError, match="no int8 graph"):
        Upscaler(2, precision="int8")(pixels)
