"""Colour spaces that files name by number last as profiles."""

import struct

import imagecodecs
import numpy as np
import pytest

from upres.image.codecs import png_chunks
from upres.image.colorimetry import profile_of_code_points
from upres.image.io import read, write
from upres.image.profiles import profile_space, to_srgb

SRGB_PLACES = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
P3_PLACES = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)


def png(pixels, *chunks):
    own = list(png_chunks.chunks(bytes(imagecodecs.png_encode(pixels))))
    return png_chunks.join([own[0], *chunks, *own[1:]])


def gamma(value):
    return (b"gAMA", struct.pack(">I", round(value * 100000)))


def places(values):
    return (b"cHRM", struct.pack(">8I", *values))


@pytest.mark.parametrize(
    "chunks",
    [
        [],
        [gamma(0.45455)],
        [gamma(0.45455), places(SRGB_PLACES)],
        [(b"sRGB", b"\0"), gamma(1.0)],
        [(b"cICP", bytes((1, 13, 0, 1)))],
        [gamma(0.0)],
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_srgb_by_any_name_needs_no_profile(rgb, chunks, dtype):
    got = read(png(rgb.astype(dtype), *chunks))
    assert got.metadata.icc is None
    assert got.notes == ()


@pytest.mark.parametrize(
    "chunks",
    [
        [gamma(0.45455), places(P3_PLACES)],
        [(b"cICP", bytes((12, 13, 0, 1)))],
        [(b"cICP", bytes((12, 13, 0, 1))), gamma(1)],
    ],
)
def test_display_p3_by_number_becomes_a_profile(tmp_path, rgb, display_p3, chunks):
    got = read(png(rgb, *chunks))
    assert profile_space(got.metadata.icc) == "rgb"
    expected, _ = to_srgb(rgb, "rgb", display_p3)  # whose gamma of 2.2 differs a little from sRGB's curve
    converted, used = to_srgb(got.pixels, "rgb", got.metadata.icc)
    assert used
    assert np.abs(converted.astype(int) - rgb).max() > 10
    difference = np.abs(converted.astype(int) - expected)
    assert np.quantile(difference[(rgb > 60).all(2)], 0.95) <= 3  # the rest lies at the border of sRGB
    write(got, tmp_path / "a.jpg")
    assert read(tmp_path / "a.jpg").metadata.icc == got.metadata.icc


@pytest.mark.parametrize("grey", [False, True])
def test_linear_light(rgb, grey):
    pixels = rgb[..., 0].copy() if grey else rgb
    got = read(png(pixels, gamma(1.0)))
    assert profile_space(got.metadata.icc) == ("grey" if grey else "rgb")
    converted, used = to_srgb(got.pixels, "grey" if grey else "rgb", got.metadata.icc)
    light = pixels / 255
    expected = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) * 255
    assert used
    assert np.abs(converted - expected)[pixels > 16].max() <= 3  # 8 bits are coarse in the dark


def test_avif_by_number(rgb):
    wide = read(bytes(imagecodecs.avif_encode(rgb, level=100, primaries=12, transfer=13)))
    assert profile_space(wide.metadata.icc) == "rgb"
    plain = read(bytes(imagecodecs.avif_encode(rgb, level=100, primaries=1, transfer=13)))
    assert plain.metadata.icc is None
    hdr = read(
        bytes(imagecodecs.avif_encode(rgb.astype(np.uint16) * 4, level=100, bitspersample=10, primaries=9, transfer=16))
    )
    assert hdr.pixels.dtype == np.uint16
    assert hdr.notes == ("its HDR brightness curve (PQ) cannot be kept; the result will look flat",)


@pytest.mark.parametrize("code", [(1, 1), (2, 2), (6, 6), (0, 0), (999, 999)])
def test_what_is_shown_as_srgb_or_unknown_has_no_profile(code):
    assert profile_of_code_points(*code) == (None, None)


def test_primaries_that_span_nothing(rgb):
    assert read(png(rgb, gamma(0.45455), places((0,) * 8))).size == (40, 60)
