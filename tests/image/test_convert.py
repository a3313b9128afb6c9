"""Scaling and rounding happen once and exactly; the colour path shifts nothing."""

import tracemalloc
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from upres.image.convert import CHROMA_HALO, enlarge_plane, run_network, run_together, to_batch, to_dtype, to_float
from upres.image.resize import imresize
from upres.image.samples import Samples

LARGEST = {np.uint8: 255, np.uint16: 65535}


def enlarge(scale):
    """A network that repeats pixels: keeps constants, needs no halo."""
    return lambda batch: batch.repeat(scale, axis=2).repeat(scale, axis=3)


def blur_and_enlarge(scale):
    """A network that looks one pixel around."""

    def network(batch):
        padded = np.pad(batch, ((0, 0), (0, 0), (1, 1), (1, 1)))
        height, width = batch.shape[2:]
        total = np.zeros_like(batch)
        for y in range(3):
            for x in range(3):
                total += padded[:, :, y : y + height, x : x + width] * np.float32(0.05 * (y + 2 * x + 1))
        return enlarge(scale)(total)

    return network


def picture(shape, dtype, seed=0):
    return np.random.default_rng(seed).integers(0, LARGEST[dtype], shape, dtype, endpoint=True)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_integer_survives(dtype):
    values = np.arange(LARGEST[dtype] + 1).astype(dtype)
    floats = to_float(values)
    assert floats.dtype == np.float32
    assert (floats[0], floats[-1]) == (0, 1)
    np.testing.assert_array_equal(to_dtype(floats, dtype), values)


def test_scale_is_decided_by_dtype_not_by_values():
    np.testing.assert_array_equal(to_float(np.array([200], np.uint16)), np.float32([200 / 65535]))


def test_rounding_is_half_up_and_clamped():
    values = np.array([-1, 0, 0.4999 / 255, 0.5 / 255, 1.5 / 255, 254.49 / 255, 254.5 / 255, 1, 9], np.float64)
    np.testing.assert_array_equal(to_dtype(values, np.uint8), [0, 0, 0, 1, 2, 254, 255, 255, 255])
    np.testing.assert_array_equal(to_dtype(values, np.float32), np.clip(values, 0, 1).astype(np.float32))


def test_large_arrays_are_converted_whole():
    values = np.random.default_rng(0).random((1000, 700, 3), dtype=np.float32)
    before = values.copy()
    np.testing.assert_array_equal(to_dtype(values, np.uint8), np.floor(values * np.float32(255) + np.float32(0.5)))
    np.testing.assert_array_equal(values, before)


def test_other_dtypes_are_refused():
    with pytest.raises(TypeError, match="expected uint8, uint16 or float32, got int32"):
        to_float(np.zeros(3, np.int32))
    with pytest.raises(TypeError, match="expected uint8, uint16 or float32, got int16"):
        to_dtype(np.zeros(3), np.int16)
    with pytest.raises(TypeError, match=r"expected floats in \[0, 1\], got uint8"):
        to_dtype(np.zeros(3, np.uint8), np.uint16)


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3)])
def test_batches(shape):
    image = picture(shape, np.uint8)
    batch = to_batch(image)
    assert batch.shape == (1, shape[2] if len(shape) == 3 else 1, 5, 7)
    assert batch.flags.c_contiguous
    assert batch.dtype == np.float32
    planes = image.reshape(5, 7, -1).transpose(2, 0, 1)
    np.testing.assert_array_equal(batch[0], to_float(planes))


def test_batches_of_the_wrong_shape_are_refused():
    with pytest.raises(ValueError, match=r"expected an image .* got shape \(5,\)"):
        to_batch(np.zeros(5, np.uint8))


@pytest.mark.parametrize("color_mode", ["luma", "rgb"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 1), (9, 7, 3)])
def test_scale_one_identity_returns_the_picture(shape, dtype, color_mode):
    image = picture(shape, dtype)
    made = run_network(image, lambda batch: batch, scale=1, color_mode=color_mode)
    assert made.dtype == dtype
    np.testing.assert_array_equal(made, image)


def test_scale_one_identity_returns_every_corner_of_the_cube_in_16_bit():
    levels = np.array([0, 1, 2, 32767, 32768, 65533, 65534, 65535], np.uint16)
    image = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(64, 8, 3)
    np.testing.assert_array_equal(run_network(image, lambda batch: batch, scale=1, color_mode="luma"), image)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_stays_grey_and_equals_the_grey_path(dtype, scale):
    grey = picture((23, 31), dtype)
    made = run_network(np.dstack([grey] * 3), blur_and_enlarge(scale), scale=scale, color_mode="luma")
    alone = run_network(grey, blur_and_enlarge(scale), scale=scale, color_mode="luma")
    for channel in range(3):
        np.testing.assert_array_equal(made[:, :, channel], alone)


@pytest.mark.parametrize("color_mode", ["luma", "rgb"])
@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_a_picture_of_one_colour_keeps_it(scale, color_mode):
    for dtype in (np.uint8, np.uint16):
        for color in picture((20, 3), dtype, seed=scale):
            made = run_network(np.full((3, 5, 3), color), enlarge(scale), scale=scale, color_mode=color_mode)
            assert np.all(made == color)


def test_luma_mode_is_y_through_the_network_and_chroma_through_bicubic():
    """The colour path as the design words it, in double precision."""
    image = picture((12, 15, 3), np.uint8)
    to_ycc = np.array([[0.299, 0.587, 0.114], [-0.299, -0.587, 0.886], [0.701, -0.587, -0.114]])
    to_ycc /= np.array([1, 1.772, 1.402])[:, None]  # JFIF, chroma centred at zero
    ycc = to_float(image).astype(np.float64) @ to_ycc.T
    wide = imresize(ycc, scale=3)
    wide[..., 0] = blur_and_enlarge(3)(ycc[None, None, :, :, 0].astype(np.float32))[0, 0]
    expected = np.clip(wide @ np.linalg.inv(to_ycc).T, 0, 1) * 255
    made = run_network(image, blur_and_enlarge(3), scale=3, color_mode="luma").astype(float)
    assert np.abs(made - expected).max() < 0.5001
    assert (made == 255).any()  # the clamp has been at work
    assert (made == 0).any()


def test_the_network_sees_full_range_luma():
    seen = []
    image = np.array([[[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 0, 255]]], np.uint8)
    run_network(image, lambda batch: seen.append(batch.copy()) or batch, scale=1, color_mode="luma")
    (batch,) = seen
    assert batch.dtype == np.float32
    assert batch.flags.c_contiguous
    np.testing.assert_allclose(batch, [[[[1, 0, 0.299, 0.114]]]], atol=1e-6)


def test_rgb_mode_keeps_channels_apart_and_averages_grey():
    gains = np.array([0.5, 1, 0.25], np.float32).reshape(1, 3, 1, 1)
    image = np.full((2, 2, 3), 200, np.uint8)
    made = run_network(image, lambda batch: batch * gains, scale=1, color_mode="rgb")
    np.testing.assert_array_equal(made[0, 0], [100, 200, 50])
    made = run_network(image[:, :, 0], lambda batch: batch * gains, scale=1, color_mode="rgb")
    np.testing.assert_array_equal(made, np.full((2, 2), 117, np.uint8))  # (100 + 200 + 50) / 3, rounded once


@pytest.mark.parametrize("color_mode", ["luma", "rgb"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_bands_equal_the_whole(scale, dtype, color_mode):
    image = picture((41, 19, 3), np.uint16)
    image = to_float(image) if dtype == np.float32 else to_dtype(to_float(image), dtype)
    network = blur_and_enlarge(scale)
    whole = run_network(image, network, scale=scale, color_mode=color_mode)
    halo = max(CHROMA_HALO, 1)
    for step in ((1, 19), (7, 19), (13, 5)):
        for top, left in product(range(0, 41, step[0]), range(0, 19, step[1])):
            first = max(top - halo, 0), max(left - halo, 0)
            piece = image[first[0] : top + step[0] + halo, first[1] : left + step[1] + halo]
            made = run_network(piece, network, scale=scale, color_mode=color_mode)
            inner = made[(top - first[0]) * scale :, (left - first[1]) * scale :]
            inner = inner[: step[0] * scale, : step[1] * scale]
            wanted = whole[top * scale : (top + step[0]) * scale, left * scale : (left + step[1]) * scale]
            np.testing.assert_array_equal(inner[: len(wanted), : wanted.shape[1]], wanted)


@pytest.mark.parametrize("color_mode", ["luma", "rgb"])
@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 3)])
def test_pictures_in_one_batch_equal_each_by_itself(shape, color_mode):
    images = [picture(shape, np.uint8) // (1 + index) for index in range(3)]
    sizes = []

    def network(batch):
        sizes.append(len(batch))
        return blur_and_enlarge(2)(batch)

    together = run_together(images, network, scale=2, color_mode=color_mode)
    assert sizes == [3]
    for image, made in zip(images, together, strict=True):
        alone = run_network(image, blur_and_enlarge(2), scale=2, color_mode=color_mode)
        np.testing.assert_array_equal(made, alone)


@pytest.mark.parametrize("color_mode", ["luma", "rgb"])
def test_white_may_lie_below_the_end_of_the_type(color_mode):
    """10 bits in uint16: what is clamped is clamped to 1023, and 10 bits in are 10 bits out."""
    image = picture((6, 5, 3), np.uint16) % 1024
    image[0, 0] = 1023
    made = run_network(image, lambda batch: batch * 1.5, scale=1, color_mode=color_mode, white=1023)
    assert made.max() == 1023
    same = run_network(image, lambda batch: batch, scale=1, color_mode=color_mode, white=1023)
    np.testing.assert_array_equal(same, image)


@pytest.mark.parametrize("scale", [2, 3])
def test_chroma_planes_keep_their_place(scale):
    """A ramp across the picture is the same ramp at the places where the larger picture's samples lie."""
    ramp = np.tile(np.arange(20, 220, 5, dtype=np.uint8), (8, 1))
    for siting, off in (("centre", 0.25), ("left", 0.0)):
        samples = Samples(layout="yuv420", siting=siting)
        shift = samples.chroma_shift(Fraction(scale), Fraction(scale))
        made = enlarge_plane(ramp, scale, shift=shift)
        # in luma pixels, of the large picture and of the small one: a sample lies at 2 i + 2 off
        large = 2 * np.arange(40 * scale) + 2 * off
        small = (large + 0.5) / scale - 0.5
        expected = 20 + 5 * (small - 2 * off) / 2
        inner = slice(4 * scale, -4 * scale)
        assert abs(made[4, inner] - expected[inner]).max() <= 0.51


def test_large_pictures_equal_their_parts():
    """More rows than the colour path handles at once."""
    image = picture((700, 500, 3), np.uint8)
    whole = run_network(image, enlarge(2), scale=2, color_mode="luma")
    for top in (0, 1, 131, 690):
        first = max(top - CHROMA_HALO, 0)
        part = run_network(image[first : top + 10 + CHROMA_HALO], enlarge(2), scale=2, color_mode="luma")
        np.testing.assert_array_equal(part[2 * (top - first) : 2 * (top - first) + 20], whole[2 * top : 2 * top + 20])


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 6, 3), (6, 1, 3), (1, 1)])
def test_tiny_pictures(shape):
    image = picture(shape, np.uint8)
    made = run_network(image, enlarge(4), scale=4, color_mode="luma")
    assert made.shape == (shape[0] * 4, shape[1] * 4, *shape[2:])


@pytest.mark.parametrize(("color_mode", "planes"), [("luma", 1), ("rgb", 3)])
def test_memory_is_what_the_docstring_says(color_mode, planes):
    image = np.zeros((1500, 1500, 3), np.uint8)
    enlarged = np.zeros((1, planes, 3000, 3000), np.float32)  # the network's, allocated before counting starts
    tracemalloc.start()
    run_network(image, lambda batch: enlarged, scale=2, color_mode=color_mode)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    result, inputs = 3 * 3000 * 3000, 3 * 4 * 1500 * 1500
    assert peak < result + inputs + 20e6


def test_floats_are_clamped_and_not_rounded():
    image = np.full((2, 2, 3), 0.123456, np.float64)
    made = run_network(image, lambda batch: batch, scale=1, color_mode="luma")
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, 0.123456, rtol=1e-6)
    assert run_network(image, lambda batch: batch + 5, scale=1, color_mode="rgb").max() == 1


def test_the_picture_is_not_changed():
    image = np.random.default_rng(0).random((5, 5, 3), dtype=np.float32)
    before = image.copy()
    for color_mode in ("luma", "rgb"):
        run_network(image, enlarge(2), scale=2, color_mode=color_mode)
    np.testing.assert_array_equal(image, before)


def test_bad_arguments():
    image = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match=r"got shape \(4, 4, 4\)"):
        run_network(np.zeros((4, 4, 4), np.uint8), enlarge(2), scale=2, color_mode="luma")
    with pytest.raises(ValueError, match=r"got shape \(0, 4\)"):
        run_network(np.zeros((0, 4), np.uint8), enlarge(2), scale=2, color_mode="luma")
    with pytest.raises(ValueError, match="'luma' or 'rgb', got 'yuv'"):
        run_network(image, enlarge(2), scale=2, color_mode="yuv")
    with pytest.raises(ValueError, match=r"to return \(1, 1, 12, 12\) for \(1, 1, 4, 4\), got \(1, 1, 8, 8\)"):
        run_network(image, enlarge(2), scale=3, color_mode="luma")
    with pytest.raises(TypeError, match="got int32"):
        run_network(image.astype(np.int32), enlarge(2), scale=2, color_mode="luma")
