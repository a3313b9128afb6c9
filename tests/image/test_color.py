"""Colour conversion against its definition and scikit-image, exact greys, round trips."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from upres.image.color import luma, rgb_to_ycbcr, ycbcr_to_rgb

colors = arrays(np.float32, (5, 4, 3), elements=st.floats(0, 1, width=32))


def test_full_range_of_the_primaries():
    primaries = np.eye(3, dtype=np.float32)[None]
    expected = [[0.299, 0.331264], [0.587, 0.168736], [0.114, 1.0]]  # Y; Cb as in JFIF, centred at 0.5
    made = rgb_to_ycbcr(primaries, studio=False)[0]
    np.testing.assert_allclose(made[:, 0], [row[0] for row in expected], atol=1e-7)
    np.testing.assert_allclose(made[:, 1] - 128 / 255 + 0.5, [row[1] for row in expected], atol=1e-6)
    np.testing.assert_allclose(made[:, 2] - 128 / 255 + 0.5, [1.0, 0.081312, 0.418688], atol=1e-6)


def test_studio_range_equals_matlab():
    rgb = np.random.default_rng(0).random((20, 30, 3))
    matrix = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112], [112, -93.786, -18.214]])
    expected = (rgb @ matrix.T + [16, 128, 128]) / 255
    np.testing.assert_allclose(rgb_to_ycbcr(rgb, studio=True), expected, rtol=0, atol=2e-7)


def test_studio_range_equals_scikit_image():
    skimage = pytest.importorskip("skimage.color")
    rgb = np.random.default_rng(1).random((20, 30, 3))
    np.testing.assert_allclose(rgb_to_ycbcr(rgb, studio=True) * 255, skimage.rgb2ycbcr(rgb), rtol=0, atol=1e-4)


def test_full_range_equals_what_jpeg_files_hold():
    pillow = pytest.importorskip("PIL.Image")
    rgb = np.random.default_rng(2).integers(0, 256, (16, 16, 3), np.uint8)
    ours = rgb_to_ycbcr((rgb / 255).astype(np.float32), studio=False) * 255
    theirs = np.asarray(pillow.fromarray(rgb).convert("YCbCr"), dtype=float)
    assert np.abs(ours - theirs).max() <= 1.001  # Pillow truncates to integers


@pytest.mark.parametrize("studio", [False, True])
@given(colors)
@settings(max_examples=50, deadline=None)
def test_round_trip(studio, rgb):
    np.testing.assert_allclose(ycbcr_to_rgb(rgb_to_ycbcr(rgb, studio=studio), studio=studio), rgb, rtol=0, atol=1e-6)


@pytest.mark.parametrize("studio", [False, True])
def test_every_16_bit_grey_is_exactly_grey(studio):
    grey = (np.arange(65536, dtype=np.float32) / 65535)[:, None].repeat(3, axis=1)
    ycc = rgb_to_ycbcr(grey, studio=studio)
    assert np.all(ycc[:, 1:] == np.float32(128 / 255))
    back = ycbcr_to_rgb(ycc, studio=studio)
    assert np.all(back == back[:, :1])
    if not studio:
        np.testing.assert_array_equal(ycc[:, 0], grey[:, 0])
        np.testing.assert_array_equal(back, grey)


@pytest.mark.parametrize("studio", [False, True])
@given(colors)
@settings(max_examples=20, deadline=None)
def test_luma_is_the_first_channel(studio, rgb):
    np.testing.assert_array_equal(luma(rgb, studio=studio), rgb_to_ycbcr(rgb, studio=studio)[..., 0])


@pytest.mark.parametrize("convert", [rgb_to_ycbcr, ycbcr_to_rgb, luma])
def test_dtypes_and_shapes(convert):
    for dtype in (np.float32, np.float64):
        assert convert(np.ones((2, 5, 7, 3), dtype), studio=False).dtype == np.float32
    assert convert(np.ones((2, 5, 7, 3)), studio=False).shape[:3] == (2, 5, 7)
    with pytest.raises(TypeError, match=r"expected floats in \[0, 1\], got uint8; convert with .*to_float"):
        convert(np.ones((5, 7, 3), np.uint8), studio=False)
    with pytest.raises(ValueError, match=r"three channels in the last axis, got shape \(5, 7\)"):
        convert(np.ones((5, 7)), studio=False)


@pytest.mark.parametrize("convert", [rgb_to_ycbcr, ycbcr_to_rgb, luma])
def test_the_input_is_not_changed(convert):
    image = np.random.default_rng(0).random((4, 4, 3)).astype(np.float32)
    before = image.copy()
    convert(image, studio=True)
    np.testing.assert_array_equal(image, before)
