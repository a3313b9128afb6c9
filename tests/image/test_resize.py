"""The resize equals MATLAB's: on its files, and against a loop written from the definition."""

from fractions import Fraction
from math import ceil, floor, lcm
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from upres.image.resize import crop_to_multiple, imresize

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SCALES = [Fraction(1, 2), Fraction(1, 3), Fraction(1, 4), Fraction(2), Fraction(3), Fraction(4)]
ODD_SCALES = [Fraction(3, 2), Fraction(2, 3), Fraction(37, 100), Fraction(17, 16), Fraction(1, 7), Fraction(1)]


def random_image(shape, dtype, seed=0):
    random = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return random.random(shape).astype(dtype)
    return random.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def cubic(x):
    x = abs(x)
    if x <= 1:
        return Fraction(3, 2) * x**3 - Fraction(5, 2) * x**2 + 1
    return -Fraction(1, 2) * x**3 + Fraction(5, 2) * x**2 - 4 * x + 2 if x < 2 else Fraction(0)


def taps_of(index, old_length, scale, *, antialias):
    """Which pixels one output sums, and their exact weights."""
    widening = 1 / scale if antialias and scale < 1 else Fraction(1)
    centre = (index + Fraction(1, 2)) / scale - Fraction(1, 2)
    taps = []
    for tap in range(floor(centre - 2 * widening), ceil(centre + 2 * widening) + 1):
        place = tap
        while not 0 <= place < old_length:
            place = -1 - place if place < 0 else 2 * old_length - 1 - place
        taps.append((place, cubic((tap - centre) / widening)))
    total = sum(weight for _, weight in taps)
    return [(place, weight / total) for place, weight in taps if weight]


def resize_lines(lines, length, scale, *, antialias):
    """One dimension in exact fractions, written from MATLAB's documentation and not for speed."""
    taps = [taps_of(index, len(lines[0]), scale, antialias=antialias) for index in range(length)]
    return [[sum(weight * Fraction(line[place]) for place, weight in tap) for tap in taps] for line in lines]


def slow_resize(image, size, scales, *, antialias=True):
    """`imresize` of one plane in exact arithmetic."""
    integer = image.dtype.kind != "f"
    top = np.iinfo(image.dtype).max if integer else None
    rows = [[value.item() for value in row] for row in image]
    for axis in sorted((0, 1), key=lambda axis: scales[axis]):
        lines = rows if axis else list(zip(*rows, strict=True))
        lines = resize_lines(lines, size[axis], scales[axis], antialias=antialias)
        if integer:
            lines = [[min(max(floor(value + Fraction(1, 2)), 0), top) for value in line] for line in lines]
        rows = lines if axis else list(zip(*lines, strict=True))
    return np.array([[float(value) for value in row] for row in rows])


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("dataset", ["Set5", "Set14"])
def test_every_low_resolution_file_is_reproduced(shared, dataset, scale):
    folder = shared / "data" / "test" / dataset
    files = sorted((folder / "HR").glob("*.png"))
    assert len(files) == {"Set5": 5, "Set14": 14}[dataset]
    for file in files:
        with Image.open(file) as hr, Image.open(folder / f"LR_bicubic/X{scale}/{file.stem}x{scale}.png") as lr:
            made = imresize(crop_to_multiple(np.asarray(hr), scale), scale=1 / scale)
            np.testing.assert_array_equal(made, np.asarray(lr), err_msg=file.name)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_photograph_is_reduced_as_exact_arithmetic_does(scale):
    """What the files of Set5 and Set14 show, on a picture that everybody has."""
    with Image.open(EXAMPLES / "chelsea.png") as picture:
        hr = crop_to_multiple(np.asarray(picture), scale)
    exact = hr.astype(np.int64)
    for axis in (0, 1):
        length = hr.shape[axis]
        taps = [taps_of(index, length, Fraction(1, scale), antialias=True) for index in range(length // scale)]
        whole = lcm(*(weight.denominator for tap in taps for _, weight in tap))
        weights = np.zeros((length // scale, length), np.int64)
        for index, tap in enumerate(taps):
            for place, weight in tap:
                weights[index, place] += int(weight * whole)
        sums = np.moveaxis(np.tensordot(weights, exact, (1, axis)), 0, axis)
        exact = np.clip((2 * sums + whole) // (2 * whole), 0, 255)  # rounded half up
    np.testing.assert_array_equal(imresize(hr, scale=1 / scale), exact)


@pytest.mark.parametrize("scale", SCALES + ODD_SCALES, ids=str)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_integers_equal_exact_arithmetic(dtype, scale):
    image = random_image((13, 10), dtype)
    made = imresize(image, scale=scale)
    np.testing.assert_array_equal(made, slow_resize(image, made.shape, (scale, scale)))


@pytest.mark.parametrize("scale", SCALES + ODD_SCALES, ids=str)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-6), (np.float64, 1e-14)])
def test_floats_equal_exact_arithmetic(dtype, tolerance, scale):
    image = random_image((7, 9), dtype)
    made = imresize(image, scale=scale)
    np.testing.assert_allclose(made, slow_resize(image, made.shape, (scale, scale)), rtol=0, atol=tolerance)


@pytest.mark.parametrize("size", [(5, 20), (20, 5), (1, 1), (9, 12), (9, 7)])
@pytest.mark.parametrize("antialias", [True, False])
def test_size_and_order_of_dimensions(size, antialias):
    image = random_image((9, 12), np.uint8)
    scales = (Fraction(size[0], 9), Fraction(size[1], 12))
    made = imresize(image, size=size, antialias=antialias)
    np.testing.assert_array_equal(made, slow_resize(image, size, scales, antialias=antialias))


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (3, 1), (2, 2), (1, 9), (5, 3)])
@pytest.mark.parametrize("scale", [Fraction(1, 4), Fraction(1, 3), Fraction(2), Fraction(40, 17)], ids=str)
def test_images_smaller_than_the_kernel(shape, scale):
    image = random_image(shape, np.uint16)
    made = imresize(image, scale=scale)
    np.testing.assert_array_equal(made, slow_resize(image, made.shape, (scale, scale)))


@pytest.mark.parametrize("scale", [Fraction(1, 2), Fraction(1, 3), Fraction(1, 4), Fraction(2), Fraction(3)], ids=str)
def test_extreme_contrast_is_saturated_and_ties_round_up(scale):
    """Black and white only: the most ties and the largest over- and undershoot."""
    image = (random_image((24, 18), np.uint8, seed=3) > 127).astype(np.uint8) * np.uint8(255)
    made = imresize(image, scale=scale)
    np.testing.assert_array_equal(made, slow_resize(image, made.shape, (scale, scale)))


@pytest.mark.parametrize("scale", [0.5, 1 / 3, 2, 0.37, 1.01])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_channels_are_independent_and_dtype_is_kept(dtype, scale):
    image = random_image((45, 31, 3), dtype)
    made = imresize(image, scale=scale)
    assert made.dtype == dtype
    for channel in range(3):
        np.testing.assert_array_equal(made[:, :, channel], imresize(image[:, :, channel], scale=scale))
    np.testing.assert_array_equal(made[:, :, :1], imresize(image[:, :, :1], scale=scale))


def test_large_images_are_resized_like_small_ones():
    """More rows and columns than any block: what the blocks make equals what a crop without them makes."""
    image = random_image((300, 6000), np.uint8)
    for scale in (Fraction(1, 2), Fraction(2), Fraction(19, 17)):
        whole = imresize(image, scale=scale)
        part = imresize(image[34:, 5950:], scale=scale)
        np.testing.assert_array_equal(whole[-40:, -20:], part[-40:, -20:])


@pytest.mark.parametrize("scale", [0.5, 2, 0.37])
def test_layout_in_memory_does_not_matter(scale):
    image = random_image((40, 60, 3), np.uint8)
    expected = imresize(image, scale=scale)
    np.testing.assert_array_equal(imresize(np.asfortranarray(image), scale=scale), expected)
    np.testing.assert_array_equal(imresize(image[:, ::-1][:, ::-1], scale=scale), expected)
    read_only = image.copy()
    read_only.flags.writeable = False
    np.testing.assert_array_equal(imresize(read_only, scale=scale), expected)


def test_scale_one_is_a_copy():
    image = random_image((4, 5), np.uint8)
    made = imresize(image, scale=1)
    np.testing.assert_array_equal(made, image)
    assert not np.shares_memory(made, image)


def test_sizes_are_rounded_up():
    assert imresize(np.zeros((5, 7), np.uint8), scale=1 / 2).shape == (3, 4)
    assert imresize(np.zeros((510, 510), np.uint8), scale=1 / 3).shape == (170, 170)
    assert imresize(np.zeros((10, 10), np.uint8), scale=0.1).shape == (1, 1)


shapes = st.tuples(st.integers(1, 24), st.integers(1, 24))
scales = st.fractions(Fraction(1, 8), 5, max_denominator=40).filter(bool)


@given(shapes, scales, st.integers(0, 65535))
@settings(max_examples=40, deadline=None)
def test_constant_stays_constant(shape, scale, value):
    for dtype in (np.uint8, np.uint16):
        level = value % (np.iinfo(dtype).max + 1)
        assert np.all(imresize(np.full(shape, level, dtype), scale=scale) == level)
    np.testing.assert_allclose(imresize(np.full(shape, value / 65535), scale=scale), value / 65535, rtol=1e-12)


@given(shapes, st.tuples(st.integers(1, 30), st.integers(1, 30)), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_flips_commute(shape, size, seed):
    image = random_image(shape, np.float64, seed)
    made = imresize(image, size=size)
    np.testing.assert_allclose(imresize(image[::-1], size=size)[::-1], made, rtol=0, atol=1e-12)
    np.testing.assert_allclose(imresize(image[:, ::-1], size=size)[:, ::-1], made, rtol=0, atol=1e-12)


@given(shapes, st.tuples(st.integers(1, 30), st.integers(1, 30)), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_transposing_commutes(shape, size, seed):
    image = random_image(shape, np.float64, seed)
    np.testing.assert_allclose(imresize(image.T, size=size[::-1]).T, imresize(image, size=size), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "either scale or size"),
        ({"scale": 2, "size": (4, 4)}, "either scale or size"),
        ({"scale": 0}, "positive scale, got 0"),
        ({"scale": -1.5}, "positive scale, got -1.5"),
        ({"size": (0, 4)}, r"at least 1x1, got \(0, 4\)"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        imresize(np.zeros((4, 4), np.uint8), **arguments)


def test_bad_images():
    with pytest.raises(TypeError, match="got int64"):
        imresize(np.zeros((4, 4), np.int64), scale=2)
    with pytest.raises(ValueError, match=r"got shape \(4,\)"):
        imresize(np.zeros(4, np.uint8), scale=2)
    with pytest.raises(ValueError, match=r"got shape \(0, 4\)"):
        imresize(np.zeros((0, 4), np.uint8), scale=2)


def test_crop_to_multiple():
    image = random_image((11, 13, 3), np.uint8)
    cropped = crop_to_multiple(image, 4)
    np.testing.assert_array_equal(cropped, image[:8, :12])
    assert crop_to_multiple(image[:8, :12], 4).shape == (8, 12, 3)
    with pytest.raises(ValueError, match="3x9 pixels to a multiple of 4"):
        crop_to_multiple(np.zeros((3, 9)), 4)
