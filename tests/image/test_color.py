"""Luma against its definition, MATLAB, scikit-image and JPEG files; exact greys."""

import numpy as np
import pytest

from upres.image.color import luma


def test_full_range_of_the_primaries():
    np.testing.assert_allclose(luma(np.eye(3, dtype=np.float32), studio=False), [0.299, 0.587, 0.114], atol=1e-7)


def test_studio_range_equals_matlab():
    rgb = np.random.default_rng(0).random((20, 30, 3))
    expected = (rgb @ [65.481, 128.553, 24.966] + 16) / 255
    np.testing.assert_allclose(luma(rgb, studio=True), expected, rtol=0, atol=2e-7)


def test_studio_range_equals_scikit_image():
    skimage = pytest.importorskip("skimage.color")
    rgb = np.random.default_rng(1).random((20, 30, 3))
    np.testing.assert_allclose(luma(rgb, studio=True) * 255, skimage.rgb2ycbcr(rgb)[..., 0], rtol=0, atol=1e-4)


def test_full_range_equals_what_jpeg_files_hold():
    pillow = pytest.importorskip("PIL.Image")
    rgb = np.random.default_rng(2).integers(0, 256, (16, 16, 3), np.uint8)
    ours = luma((rgb / 255).astype(np.float32), studio=False) * 255
    theirs = np.asarray(pillow.fromarray(rgb).convert("YCbCr"), dtype=float)[..., 0]
    assert np.abs(ours - theirs).max() <= 1.001  # Pillow truncates to integers


def test_every_16_bit_grey_is_its_own_luma():
    grey = np.arange(65536, dtype=np.float32) / 65535
    np.testing.assert_array_equal(luma(grey[:, None].repeat(3, axis=1), studio=False), grey)


def test_dtypes_and_shapes():
    for dtype in (np.float32, np.float64):
        assert luma(np.ones((2, 5, 7, 3), dtype), studio=False).dtype == np.float32
    assert luma(np.ones((2, 5, 7, 3)), studio=False).shape == (2, 5, 7)
    with pytest.raises(TypeError, match=r"expected floats in \[0, 1\], got uint8; convert with .*to_float"):
        luma(np.ones((5, 7, 3), np.uint8), studio=False)
    with pytest.raises(ValueError, match=r"three channels in the last axis, got shape \(5, 7\)"):
        luma(np.ones((5, 7)), studio=False)


def test_the_input_is_not_changed():
    image = np.random.default_rng(0).random((4, 4, 3)).astype(np.float32)
    before = image.copy()
    luma(image, studio=True)
    np.testing.assert_array_equal(image, before)
