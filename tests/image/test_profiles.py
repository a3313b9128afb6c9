"""Colour profiles are kept, or converted by the book and said so."""

import io

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from upres.image.io import Frame, Metadata, Picture, read, write
from upres.image.profiles import profile_name, profile_space, srgb_profile, to_srgb


def by_pillow(image, icc):
    converted = ImageCms.profileToProfile(
        image,
        ImageCms.ImageCmsProfile(io.BytesIO(icc)),
        ImageCms.createProfile("sRGB"),
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    return np.asarray(converted).astype(int)


@pytest.fixture
def ink(rgb):
    return np.dstack([rgb, 255 - rgb[..., 1]]).copy()


def cmyk_jpeg(ink, icc=None, *, adobe=True):
    stream = io.BytesIO()
    image = Image.frombytes("CMYK", (ink.shape[1], ink.shape[0]), ink.tobytes())
    image.save(stream, "JPEG", quality=100, icc_profile=icc, subsampling=0)
    data = stream.getvalue()
    if not adobe:
        start = data.index(b"\xff\xee")
        data = data[:start] + data[start + 2 + int.from_bytes(data[start + 2 : start + 4], "big") :]
    return data


def test_profiles_are_recognised(display_p3, grey_icc, cmyk_icc):
    assert [profile_space(icc) for icc in (display_p3, grey_icc, cmyk_icc)] == ["rgb", "grey", "cmyk"]
    assert profile_name(display_p3) == "Display P3"
    assert profile_space(srgb_profile()) == "rgb"
    assert profile_space(b"no profile") is None
    assert profile_name(b"no profile") == ""
    assert "sRGB" in profile_name(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "tiff", "avif"])
def test_a_wide_profile_is_kept_and_values_are_not_touched(tmp_path, rgb, display_p3, name):
    path = tmp_path / f"a.{name}"
    options = {"lossless": True} if name == "webp" else {"quality": 100} if name in ("jpeg", "avif") else {}
    Image.fromarray(rgb).save(path, icc_profile=display_p3, **options)
    got = read(path)
    assert got.metadata.icc == display_p3
    assert np.abs(got.pixels.astype(int) - rgb).max() <= (8 if name in ("jpeg", "avif") else 0)
    assert write(got, tmp_path / "b.png").lost == ()
    with Image.open(tmp_path / "b.png") as image:
        assert image.info["icc_profile"] == display_p3


@pytest.mark.parametrize("name", ["bmp", "gif"])
def test_a_format_without_profiles_gets_srgb_values(tmp_path, rgb, display_p3, name):
    few = rgb // 128 * 128
    report = write(Picture(frames=(Frame(pixels=few),), metadata=Metadata(icc=display_p3)), tmp_path / f"a.{name}")
    assert report.lost == ("colour profile (the colours were converted to sRGB)",)
    expected = by_pillow(Image.fromarray(few), display_p3)
    assert np.abs(expected - few).max() > 10
    assert np.abs(read(tmp_path / f"a.{name}").pixels - expected).max() <= 1


def test_cmyk_jpeg_is_converted_by_its_profile(tmp_path, ink, cmyk_icc):
    got = read(cmyk_jpeg(ink, cmyk_icc))
    expected = by_pillow(Image.frombytes("CMYK", (60, 40), ink.tobytes()), cmyk_icc)
    assert np.abs(got.pixels - expected).max() <= 8
    plain = np.asarray(Image.frombytes("CMYK", (60, 40), ink.tobytes()).convert("RGB"))
    assert np.abs(expected - plain).max() > 60, "the profile must make a difference for this test to mean anything"
    assert got.source.mode == "cmyk"
    assert got.notes == ("CMYK was converted to sRGB by its profile 'Pale press'",)
    assert profile_space(got.metadata.icc) == "rgb"
    write(got, tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.mode == "RGB"
        assert image.info["icc_profile"] == srgb_profile()


def test_cmyk_jpeg_without_profile(ink):
    got = read(cmyk_jpeg(ink))
    plain = np.asarray(Image.frombytes("CMYK", (60, 40), ink.tobytes()).convert("RGB")).astype(int)
    assert np.abs(got.pixels - plain).max() <= 8
    assert got.notes == ("CMYK was converted to sRGB as plain complements: it has no usable profile",)


def test_cmyk_jpeg_without_adobes_marker_is_not_inverted(ink):
    assert b"Adobe" not in cmyk_jpeg(255 - ink, adobe=False)
    with_marker, without = read(cmyk_jpeg(ink)), read(cmyk_jpeg(255 - ink, adobe=False))
    assert np.abs(with_marker.pixels.astype(int) - without.pixels).max() <= 4


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("with_profile", [False, True])
def test_cmyk_tiff(tmp_path, ink, cmyk_icc, dtype, with_profile):
    scale = 257 if dtype == np.uint16 else 1
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        ink.astype(dtype) * dtype(scale),
        photometric="separated",
        iccprofile=cmyk_icc if with_profile else None,
        metadata=None,
    )
    got = read(path)
    image = Image.frombytes("CMYK", (60, 40), ink.tobytes())
    expected = by_pillow(image, cmyk_icc) if with_profile else np.asarray(image.convert("RGB")).astype(int)
    assert got.pixels.dtype == dtype
    assert np.abs(got.pixels / scale - expected).max() <= 2
    assert profile_space(got.metadata.icc) == "rgb"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_lab_tiff(tmp_path, dtype):
    lightness, a, b = 60.0, 40.0, -30.0
    if dtype == np.uint8:
        values = np.array([round(lightness * 2.55), int(a), 256 + int(b)], np.uint8)
    else:
        values = np.array([round(lightness * 655.35), int(a * 256), 65536 + int(b * 256)], np.uint16)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.tile(values, (4, 5, 1)), photometric="cielab", metadata=None)
    got = read(path)
    # CIE Lab to XYZ (D50), Lindbloom's Bradford-adapted matrix to linear sRGB, IEC 61966-2-1: computed by hand.
    expected = np.array([193.2, 117.1, 198.6]) / 255
    assert got.pixels.shape == (4, 5, 3)
    assert got.pixels.dtype == dtype
    assert np.abs(got.pixels[0, 0] / np.iinfo(dtype).max - expected).max() < 0.01
    assert got.notes == ("CIE Lab was converted to sRGB",)


def test_grey_keeps_its_profile_where_grey_is_kept(tmp_path, rgb, grey_icc):
    picture = Picture(frames=(Frame(pixels=rgb[..., 0].copy()),), metadata=Metadata(icc=grey_icc))
    for name in ("png", "jpeg", "tiff", "avif"):
        assert write(picture, tmp_path / f"a.{name}").lost == ()
        assert read(tmp_path / f"a.{name}").metadata.icc == grey_icc
    report = write(picture, tmp_path / "a.webp", lossless=True)
    assert report.lost == ("colour profile (the colours were converted to sRGB)",)
    got = read(tmp_path / "a.webp")
    assert got.metadata.icc is None
    expected = by_pillow(Image.fromarray(rgb[..., 0]), grey_icc)
    assert np.abs(got.pixels - expected).max() <= 1
    assert np.abs(expected - rgb[..., :1]).max() > 10


def test_a_profile_for_other_colours_is_left_out_and_noted(rgb, cmyk_icc):
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "JPEG", icc_profile=cmyk_icc)
    got = read(stream.getvalue())
    assert got.metadata.icc is None
    assert got.notes == ("the embedded colour profile is for cmyk, not rgb, and was left out",)


def test_16_bits_are_converted_in_16_bits(display_p3):
    ramp = np.arange(20000, 60000, 7, dtype=np.uint16).reshape(-1, 1, 1).repeat(3, 2).copy()
    converted, used = to_srgb(ramp, "rgb", display_p3)
    assert used
    assert converted.dtype == np.uint16
    assert len(np.unique(converted)) > 5000
    shallow = imagecodecs.cms_transform(
        (ramp >> 8).astype(np.uint8), display_p3, srgb_profile(), colorspace="rgb", outcolorspace="rgb"
    )
    assert np.abs(converted / 257 - shallow).max() < 2


def test_a_broken_profile_counts_as_none(rgb, cmyk_icc):
    broken = cmyk_icc[:200] + bytes(50)
    ink = np.dstack([rgb, rgb[..., :1]])
    converted, used = to_srgb(ink, "cmyk", broken)
    assert not used
    assert converted.shape == rgb.shape
