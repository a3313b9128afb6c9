"""The native kernels against torch and numpy: every family, scale, shape, instruction set and kind of pixel."""

from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

native = pytest.importorskip("upres.engines._native", reason="the native module was not built")

ISAS = native.instruction_sets()
FAMILIES = ["max", "tm", "tr"]
TOLERANCES = {"float": 1e-5, "minimal": 5e-5}
SHIPPED = [(5, 4), (7, 8), (7, 2), (7, 4)]


PARTS = {"max": 1, "tm": 2, "tr": 3}


def make_filters(family, scale, kernel_size, channels, *, seed=0, key_spread=4.0):
    """``(n, K, K)``: values near an interpolation, queries and keys as large as trained networks have them."""
    rng = np.random.default_rng(seed)
    values = channels * scale**2
    filters = rng.normal(0, 1 / kernel_size, (PARTS[family] * values, kernel_size, kernel_size)).astype(np.float32)
    filters[:values] *= 0.3
    filters[:values, kernel_size // 2, kernel_size // 2] += 1 - filters[:values].sum(axis=(1, 2))
    filters[values:] *= key_spread
    return filters


def mirrored(filters, family, scale):
    """The same filters, those right of the middle being mirror images of those on the left."""
    result = filters.copy()
    parts = result.reshape(PARTS[family], -1, scale, scale, *filters.shape[1:])
    for left in range(scale // 2):
        parts[:, :, :, scale - 1 - left] = parts[:, :, :, left, :, ::-1]
    return result


def by_torch(family, scale, filters, plane):
    """``(H, W)`` float32 through the network by torch, at double precision: what float32 should come to."""
    weight, x = torch.from_numpy(filters).double()[:, None], torch.from_numpy(plane).double()[None, None]
    maps = F.pixel_shuffle(F.conv2d(x, weight, padding=filters.shape[-1] // 2), scale)[0]
    parts = maps.unflatten(0, (PARTS[family], -1))
    return _combine(family, parts).numpy()


def by_numpy(family, scale, filters, plane):
    """The same in plain loops over taps and phases, at double precision."""
    count, size, _ = filters.shape
    height, width = plane.shape
    padded = np.pad(plane.astype(np.float64), size // 2)
    maps = np.zeros((count, height, width))
    for row in range(size):
        for column in range(size):
            piece = padded[row : row + height, column : column + width]
            maps += filters[:, row, column, None, None].astype(np.float64) * piece
    maps = maps.reshape(PARTS[family], -1, scale, scale, height, width).transpose(0, 1, 4, 2, 5, 3)
    parts = maps.reshape(PARTS[family], -1, height * scale, width * scale)
    if family == "max":
        return parts[0].max(axis=0)
    keys = parts[1] if family == "tm" else parts[1] * parts[2]
    weights = np.exp(keys - keys.max(axis=0))
    return (parts[0] * weights).sum(axis=0) / weights.sum(axis=0)


def levels(floats, peak):
    """Floats in [0, 1] clamped and rounded half up to 0 .. peak."""
    return np.floor(np.clip(floats * peak, 0, peak) + 0.5).astype(np.int64)


def _combine(family, parts):
    if family == "max":
        return parts[0].amax(dim=0)
    keys = parts[1] if family == "tm" else parts[1] * parts[2]
    return (parts[0] * keys.softmax(dim=0)).sum(dim=0)


def has(network, arithmetic):
    return any(each.name == arithmetic for each in network.arithmetics)


KNOWN = {
    each.name: each for each in native.EdgeSR("max", 2, mirrored(make_filters("max", 2, 5, 1), "max", 2)).arithmetics
}
"""All that this processor has, by name, the fastest first: the network is its own mirror image."""
INTEGERS = [name for name, each in KNOWN.items() if each.precision == "int16"]


def upscale(network, plane, scale, out_dtype, arithmetic="float", *, peak=None, out_peak=None, threads=2):
    whites = {"uint8": 255, "uint16": 65535, "float32": 1}
    out = np.full((plane.shape[0] * scale, plane.shape[1] * scale), 77, out_dtype)
    white, out_white = peak or whites[plane.dtype.name], out_peak or whites[out.dtype.name]
    network.upscale(plane, out, white, out_white, KNOWN[arithmetic], threads)
    return out


@cache
def cases(family, scale, kernel_size, channels, key_spread):
    """The filters, and for each picture its name, its bytes, and what torch makes of them."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:27, 0:113].astype(np.float32)
    pictures = {
        "rings": 0.5 + 0.5 * np.cos((x * x + y * y) / 90),
        "noise": rng.random(x.shape),
        "binary": (rng.random(x.shape) > 0.5) * 1.0,
        "black": np.zeros(x.shape),
        "white": np.ones(x.shape),
        "checks": (x + y) % 2,
        "stripes": y % 2,
        "bars": (y // 2) % 2,
    }
    filters = mirrored(make_filters(family, scale, kernel_size, channels, key_spread=key_spread), family, scale)
    found = []
    for name, picture in pictures.items():
        pixels = levels(picture, 255).astype(np.uint8)
        found.append((name, pixels, by_torch(family, scale, filters, pixels / 255)))
    return filters, found


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(("kernel_size", "channels"), SHIPPED)
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("family", FAMILIES)
def test_floats_equal_torch(family, scale, kernel_size, channels, isa):
    filters, found = cases(family, scale, kernel_size, channels, 4.0)
    network = native.EdgeSR(family, scale, filters, isa)
    assert network.isa == isa
    for name, pixels, expected in found:
        floats = upscale(network, pixels.astype(np.float32) / np.float32(255), scale, np.float32)
        assert np.abs(floats - expected).max() < 2e-5, name
        off = np.abs(upscale(network, pixels, scale, np.uint8) - levels(expected, 255))
        assert off.max() <= 1, name
        assert off.mean() < 2e-3, name
        deep = upscale(network, pixels.astype(np.uint16) * 257, scale, np.uint16)
        assert np.abs(deep - levels(expected, 65535)).max() <= 1, name


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(("kernel_size", "channels"), SHIPPED)
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("family", FAMILIES)
def test_faster_arithmetic_is_nearly_as_good(family, scale, kernel_size, channels, isa):
    filters, found = cases(family, scale, kernel_size, channels, 1.0)
    network = native.EdgeSR(family, scale, filters, isa)
    for name, pixels, expected in found:
        floats = upscale(network, pixels.astype(np.float32) / np.float32(255), scale, np.float32, "minimal")
        assert np.abs(floats - expected).max() < 2e-5, name
        for arithmetic, part in [("minimal", 0.002), *((integers, 0.01) for integers in INTEGERS)]:
            if not has(network, arithmetic):
                continue
            off = np.abs(upscale(network, pixels, scale, np.uint8, arithmetic) - levels(expected, 255))
            assert off.max() <= 1, (name, arithmetic)
            if name not in ("checks", "stripes", "bars"):  # so few values that one of them near a half is a large part
                assert off.mean() <= part, (name, arithmetic)


@settings(max_examples=80, deadline=None)
@given(
    isa=st.sampled_from(ISAS),
    family=st.sampled_from(FAMILIES),
    scale=st.integers(2, 4),
    kernel_size=st.sampled_from([3, 5, 7]),
    channels=st.integers(1, 16),
    height=st.integers(1, 9),
    width=st.integers(1, 140),
    arithmetic=st.sampled_from(list(KNOWN)),
    mirror=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_shape_equals_numpy(isa, family, scale, kernel_size, channels, height, width, arithmetic, mirror, seed):
    filters = make_filters(family, scale, kernel_size, channels, seed=seed, key_spread=1.0)
    filters = mirrored(filters, family, scale) if mirror else filters
    network = native.EdgeSR(family, scale, filters, isa)
    rng = np.random.default_rng(seed)
    plane = rng.integers(0, 256, (height, width), np.uint8)
    expected = by_numpy(family, scale, filters, plane / 255)
    if not has(network, arithmetic):
        with pytest.raises(ValueError, match="no such kernel"):
            upscale(network, plane, scale, np.uint8, arithmetic)
        return
    assert np.abs(upscale(network, plane, scale, np.uint8, arithmetic) - levels(expected, 255)).max() <= 1
    if arithmetic in TOLERANCES:
        result = upscale(network, plane.astype(np.float32) / np.float32(255), scale, np.float32, arithmetic)
        np.testing.assert_allclose(result, expected, atol=TOLERANCES[arithmetic])


@settings(max_examples=60, deadline=None)
@given(
    isa=st.sampled_from(ISAS),
    family=st.sampled_from(FAMILIES),
    values=st.lists(st.floats(width=32), min_size=1, max_size=40),
    key_spread=st.sampled_from([1.0, 100.0, 1e4]),
)
def test_no_floats_make_nan(isa, family, values, key_spread):
    filters = make_filters(family, 2, 5, 4, key_spread=key_spread)
    plane = np.resize(np.array(values, np.float32), (7, 23))
    result = upscale(native.EdgeSR(family, 2, filters, isa), plane, 2, np.float32)
    assert np.isfinite(result).all()


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("family", ["tm", "tr"])
def test_keys_of_any_size_are_weighed_rightly(isa, family):
    """Keys beyond what powers of 2 hold take the running maximum; the largest alone decides."""
    filters = make_filters(family, 2, 5, 8, key_spread=300.0)
    network = native.EdgeSR(family, 2, filters, isa)
    plane = (np.random.default_rng(3).random((20, 70)) > 0.5).astype(np.float32)
    result = upscale(network, plane, 2, np.float32)
    # float32 resolves such keys to about 1e-7 of their size, so where two nearly tie the choice is open
    off = np.abs(result - by_torch(family, 2, filters, plane))
    assert np.isfinite(result).all()
    assert np.quantile(off, 0.98) < 1e-4


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("value", [-3.0, 0.0, 0.4, 1.0, 7.0])
def test_floats_outside_the_range_are_not_clamped(isa, family, value):
    filters = make_filters(family, 2, 5, 4)
    plane = np.full((9, 40), value, np.float32)
    result = upscale(native.EdgeSR(family, 2, filters, isa), plane, 2, np.float32)
    np.testing.assert_allclose(result, by_torch(family, 2, filters, plane), atol=1e-5 * max(1, abs(value)))


needs_integers = pytest.mark.skipif("avx512vnni" not in ISAS, reason="needs a processor with AVX-512 VNNI")


@needs_integers
@pytest.mark.parametrize("arithmetic", INTEGERS)
@pytest.mark.parametrize("peak", [255, 1023])
@pytest.mark.parametrize("kernel_size", [5, 7])
@pytest.mark.parametrize("family", FAMILIES)
def test_integers_do_not_overflow(family, kernel_size, peak, arithmetic):
    """Planes on which a filter's sums, or the values at a point of minimal filtering, are as large as can be."""
    channels = 2
    filters = make_filters(family, 2, kernel_size, channels, seed=4, key_spread=0.5)
    filters[1] = np.where(np.indices(filters[0].shape).sum(0) % 2, 1, -1) / kernel_size  # all weights of a size
    filters[1, kernel_size // 2, kernel_size // 2] += 1 - filters[1].sum()
    filters = mirrored(filters, family, 2)
    network = native.EdgeSR(family, 2, filters)
    rows = np.arange(60)
    columns = [
        rows % 2,
        (rows // 2) % 2,
        (rows + 1) // 2 % 2,
        rows // 3 % 2,
        rows % 3 == 1,
        rows % 3 != 1,
        rows % 4 == 2,
    ]
    planes = [np.repeat(column[:, None], 24, axis=1) for column in columns]
    tiles = [np.tile(np.sign(filter_) > 0, (8, 5)) for filter_ in filters[:: max(1, len(filters) // 8)]]
    for plane in [*planes, *tiles]:
        pixels = (plane * peak).astype(np.uint16)
        expected = levels(by_torch(family, 2, filters, pixels / peak), peak)
        result = upscale(network, pixels, 2, np.uint16, arithmetic, peak=peak, out_peak=peak)
        assert np.abs(result - expected).max() <= (1 if peak == 255 else 2)


@needs_integers
@pytest.mark.parametrize("kernel_size", [5, 7])
@pytest.mark.parametrize(
    ("scale", "arithmetic"),
    [(scale, name) for scale in (2, 3, 4) for name in (INTEGERS[1:] if scale == 3 else INTEGERS)],
)
@pytest.mark.parametrize(("family", "key_spread"), [("tm", 200.0), ("tr", 20.0)])
def test_large_keys_are_left_to_floats(family, key_spread, scale, kernel_size, arithmetic):
    """Where two keys are large and nearly equal, integers would choose the wrong one: off by many levels."""
    filters = mirrored(make_filters(family, scale, kernel_size, 4, key_spread=key_spread), family, scale)
    network = native.EdgeSR(family, scale, filters)
    pixels = np.random.default_rng(8).integers(0, 2, (70, 300), np.uint8) * np.uint8(255)
    out = np.empty((70 * scale, 300 * scale), np.uint8)
    assert network.upscale(pixels, out, 255, 255, KNOWN[arithmetic], 2) == 1, "part of the pixels that was refused"
    assert np.abs(out - levels(by_torch(family, scale, filters, pixels / 255), 255)).max() <= 1
    assert network.upscale(pixels // 255, out, 255, 255, KNOWN[arithmetic], 2) == 0, "nearly black: small keys"
    pixels[:, 100:] = 0
    assert 0.2 < network.upscale(pixels, out, 255, 255, KNOWN[arithmetic], 2) < 0.8, "only where they are"
    assert np.abs(out - levels(by_torch(family, scale, filters, pixels / 255), 255)).max() <= 1


@needs_integers
def test_only_mirrored_networks_have_the_mirrored_kernel():
    filters = make_filters("max", 2, 5, 4)
    pixels = np.random.default_rng(9).integers(0, 256, (40, 200), np.uint8)
    fastest, second = INTEGERS[:2]
    plain, symmetric = native.EdgeSR("max", 2, filters), native.EdgeSR("max", 2, mirrored(filters, "max", 2))
    assert not has(plain, fastest)
    with pytest.raises(ValueError, match=f"no such kernel: {fastest} for this network on avx512vnni"):
        upscale(plain, pixels, 2, np.uint8, fastest)
    results = [upscale(symmetric, pixels, 2, np.uint8, arithmetic) for arithmetic in (fastest, second)]
    assert not np.array_equal(*results)


@needs_integers
def test_integers_are_for_shallow_planes():
    network = native.EdgeSR("max", 2, mirrored(make_filters("max", 2, 5, 4), "max", 2))
    for arithmetic in INTEGERS:
        assert KNOWN[arithmetic].largest_peak == 1023
        with pytest.raises(ValueError, match=f"white of at most 1023 for {arithmetic} kernels, got 4095"):
            upscale(network, np.zeros((8, 8), np.uint16), 2, np.uint16, arithmetic, peak=4095, out_peak=4095)
        with pytest.raises(ValueError, match="take uint8 and uint16"):
            upscale(network, np.zeros((8, 8), np.float32), 2, np.float32, arithmetic)
        with pytest.raises(ValueError, match="take planes, not RGB"):
            network.upscale_rgb(np.zeros((4, 4, 3), np.uint8), np.zeros((8, 8, 3), np.uint8), 255, KNOWN[arithmetic], 1)


@needs_integers
@pytest.mark.parametrize("arithmetic", INTEGERS[:2])
@pytest.mark.parametrize(("kernel_size", "rows"), [(5, 4), (7, 3)])
@pytest.mark.parametrize("family", FAMILIES)
def test_rows_made_together_are_alike(family, kernel_size, rows, arithmetic):
    """Each row of those that one call makes is interpolated by another formula; all must be as good."""
    filters = mirrored(make_filters(family, 2, kernel_size, 4, key_spread=1.0), family, 2)
    pixels = np.random.default_rng(6).integers(0, 256, (rows * 20, 150), np.uint8)
    expected = levels(by_torch(family, 2, filters, pixels / 255), 255)
    off = np.abs(upscale(native.EdgeSR(family, 2, filters), pixels, 2, np.uint8, arithmetic) - expected)
    assert off.max() <= 1
    for row in range(rows):
        assert off.reshape(20, rows, -1)[:, row].mean() < 0.01


@pytest.mark.parametrize("isa", ISAS)
def test_what_a_network_has_depends_on_instructions_filters_and_symmetry(isa):
    floats = ["minimal", "float"]
    for kernel_size, mirror, integers in [
        (3, True, ["integer"]),
        (5, False, ["minimal_integer", "integer"]),
        (7, True, ["mirrored_integer", "minimal_integer", "integer"]),
    ]:
        filters = make_filters("max", 2, kernel_size, 1)
        network = native.EdgeSR("max", 2, mirrored(filters, "max", 2) if mirror else filters, isa)
        found = [each.name for each in network.arithmetics]
        assert found == (integers if isa == "avx512vnni" else []) + floats
        assert [each.any_value for each in network.arithmetics] == [name == "float" for name in found]


@pytest.mark.parametrize("isa", ISAS)
def test_planes_beyond_their_white_are_found(isa):
    network = native.EdgeSR("max", 2, make_filters("max", 2, 3, 1), isa)
    plane = np.random.default_rng(3).random((37, 1100), np.float32)
    plane[0, 0], plane[-1, -1] = 0, 1
    assert network.within_peak(plane, 1, 2)
    for value in (-1e-6, 1 + 1e-6, np.nan, np.inf):
        for at in ((0, 0), (20, 700), (36, 1099)):
            other = plane.copy()
            other[at] = value
            assert not network.within_peak(other, 1, 2)
    assert network.within_peak(np.full((4, 4), 200, np.uint8), 100, 1), "integers are clamped on their way in"


def test_one_instruction_set_is_always_there():
    assert ISAS[-1] == "baseline"
    assert len(set(ISAS)) == len(ISAS)
    assert native.EdgeSR("max", 2, make_filters("max", 2, 3, 1)).isa == ISAS[0]
