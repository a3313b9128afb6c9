"""Whole networks in 16-bit integers: one level at most, the same bits however they are cut, and when they are taken."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from upres.engines import native_integers
from upres.engines.native import ENGINE
from upres.engines.native_integers import extreme_picture, ordinary_picture
from upres.errors import UnsupportedModelError
from upres.models.catalog import find
from upres.upscaler import Upscaler

native = pytest.importorskip("upres.engines._native", reason="the native module was not built")
if "avx512vnni" not in native.instruction_sets():
    pytest.skip("this processor multiplies no pairs of 16-bit integers in one instruction", allow_module_level=True)

SUFFICE = [
    "plain_c48b6_denoise",
    "plain_c48b6_deblock",
    "plain_c32b6_light_x2",
    "plain_c32b6_light_x4",
]


def drawn(*, inverse):
    image = Image.new("RGB", (144, 96), "white")
    draw = ImageDraw.Draw(image)
    for line, color in enumerate(("black", "red", "blue", "gray", "green", "black")):
        draw.text((2, 14 * line), "Sphinx of black quartz 0123", fill=color)
    pixels = np.asarray(image, np.float32).transpose(2, 0, 1) / 255
    return 1 - pixels if inverse else pixels


def pictures():
    rng = np.random.default_rng(8)
    seen = ordinary_picture(7)
    return {
        "ordinary": seen,
        "turned": seen[:, ::-1].transpose(0, 2, 1),
        "text": drawn(inverse=False),
        "light on dark": drawn(inverse=True),
        "noise": rng.random((3, 96, 144)),
        "noisy": np.clip(seen + rng.normal(0, 0.1, seen.shape), 0, 1),
        "white": np.ones((3, 40, 40)),
        "black": np.zeros((3, 40, 40)),
        "dots": extreme_picture()[:, ::-1],
    }


def levels(values):
    return np.rint(np.clip(values, 0, 1) * 255)


@pytest.mark.parametrize("name", SUFFICE)
def test_no_level_changes_by_more_than_one(name):
    floats = ENGINE.open(find(name), threads=1)
    integers = floats.for_bytes
    assert integers is not None
    assert integers.facts.precision == "int16"
    planes = 1 if find(name).card.color_mode == "luma" else 3
    changed = []
    for kind, picture in pictures().items():
        batch = np.ascontiguousarray(picture[None, :planes], np.float32)
        off = np.abs(levels(integers(batch)) - levels(floats(batch)))
        assert off.max() <= 1, kind
        changed.append(off.mean())
    assert 0 < max(changed) < 0.15, "integers are another arithmetic, and nearly as good"


def test_networks_that_would_change_too_much_stay_in_floats(monkeypatch):
    monkeypatch.setattr(native_integers, "LARGEST_ERRORS", (1e-6, 1e-6))
    assert ENGINE.open(find("plain_c32b6_light_x2"), threads=1).for_bytes is None


def test_networks_of_thin_maps_stay_in_floats():
    for name in ("espcn_d22s32_x2", "fsrcnn_x2"):
        session = ENGINE.open(find(name), threads=1)
        assert session.for_bytes is None
        assert session.grid == (1, 0)


def test_integers_are_made_ready_once():
    session = ENGINE.open(find("plain_c32b6_light_x2"), threads=1)
    assert session.for_bytes is session.for_bytes


@pytest.mark.parametrize(
    ("precision", "isa"), [("f32", None), ("auto", "avx512"), ("auto", "avx2"), ("auto", "baseline")]
)
def test_there_are_none_where_they_were_not_asked_for_or_not_built(precision, isa):
    session = ENGINE.open(find("plain_c32b6_light_x2"), threads=1, precision=precision, isa=isa)
    assert session.for_bytes is None
    assert session.grid == (1, 0)


def test_they_can_be_asked_for():
    session = ENGINE.open(find("plain_c32b6_light_x4"), threads=1, precision="int16")
    assert session.facts.precision == "int16"
    with pytest.raises(UnsupportedModelError, match="no precision 'int16' with avx2"):
        ENGINE.open(find("plain_c32b6_light_x4"), precision="int16", isa="avx2")
    with pytest.raises(UnsupportedModelError, match="no precision 'int16'"):
        ENGINE.open(find("espcn_d22s32_x2"), precision="int16")


def test_what_is_not_finite_is_refused():
    session = ENGINE.open(find("plain_c32b6_light_x2"), threads=1, precision="int16")
    batch = np.zeros((1, 3, 12, 12), np.float32)
    batch[0, 0, 5, 5] = np.nan
    with pytest.raises(Exception, match="not finite"):
        session(batch)


@pytest.mark.parametrize(("name", "scale"), [("plain_c48b6_denoise", 1), ("plain_c32b6_light_x2", 2)])
def test_windows_on_the_grid_give_the_pictures_own_bits(name, scale):
    session = ENGINE.open(find(name), threads=1, precision="int16")
    unit, reach = session.grid
    picture = np.ascontiguousarray(np.tile(ordinary_picture(9), (1, 1, 4, 1)))
    whole = session(picture)
    first, piece = 12 * unit, range(12 * unit + reach, 288 - reach)
    window = session(np.ascontiguousarray(picture[:, :, first:]))
    rows = slice(piece.start * scale, piece.stop * scale)
    np.testing.assert_array_equal(
        window[:, :, rows.start - first * scale : rows.stop - first * scale], whole[:, :, rows]
    )
    aside = first + unit // 4
    beside = session(np.ascontiguousarray(picture[:, :, aside:]))
    moved = beside[:, :, rows.start - aside * scale : rows.stop - aside * scale]
    assert (moved != whole[:, :, rows]).any(), "off the grid tiles are other ones"


def large(dtype=np.uint8):
    picture = np.tile(ordinary_picture(3), (1, 15, 11))[:, :1032, :1024].transpose(1, 2, 0)
    return np.rint(picture * np.iinfo(dtype).max).astype(dtype)


@pytest.mark.slow
def test_large_pictures_of_8_bits_get_integers_whatever_the_memory():
    picture = large()
    floats = Upscaler(2, model="plain_c32b6_light", precision="f32")(picture)
    integers = Upscaler(2, model="plain_c32b6_light")(picture)
    off = np.abs(floats.astype(int) - integers)
    assert off.max() == 1
    in_bands = Upscaler(2, model="plain_c32b6_light", max_memory=150_000_000)(picture)
    np.testing.assert_array_equal(in_bands, integers)


@pytest.mark.slow
def test_small_pictures_and_16_bits_stay_in_floats():
    for picture in (large()[:400], large(np.uint16)):
        floats = Upscaler(2, model="plain_c32b6_light", precision="f32")(picture)
        np.testing.assert_array_equal(Upscaler(2, model="plain_c32b6_light")(picture), floats)
