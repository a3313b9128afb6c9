"""AVIF in 10 bits and without loss, with its metadata."""

import io

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from upres.errors import ImageReadError, ImageWriteError
from upres.image.codecs.avif_boxes import with_metadata
from upres.image.io import Frame, Metadata, Picture, read, write


def saved(picture, **options):
    stream = io.BytesIO()
    report = write(picture, stream, format="avif", **options)
    return stream.getvalue(), report


def random(shape, bits):
    dtype = np.uint8 if bits == 8 else np.uint16
    values = np.random.default_rng(1).integers(0, 1 << bits, shape).astype(dtype)
    return values if bits == 8 else values << (16 - bits) | values >> (2 * bits - 16)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("bits", [8, 10])
def test_lossless_is_exact_and_stays_lossless(channels, bits, display_p3, grey_icc):
    pixels = random((23, 31, channels), bits)
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    icc = grey_icc if channels == 1 else display_p3 if channels > 2 else None
    metadata = Metadata(icc=icc, exif=exif.tobytes()[6:], xmp=b"<x:xmpmeta>hello</x:xmpmeta>")
    data, report = saved(Picture(frames=(Frame.of(pixels),), metadata=metadata), lossless=True)
    assert report.lost == ((f"depth (AVIF is written in {bits} bits)",) if bits > 8 else ())
    got = read(data)
    wanted = pixels if channels != 2 or got.pixels.ndim == 2 else pixels[..., [0, 0, 0, 1]]
    assert np.array_equal(got.frames[0].channels(), wanted)
    assert (got.metadata.exif, got.metadata.xmp, got.metadata.icc) == (metadata.exif, metadata.xmp, icc)
    assert got.source.bits == bits
    if channels > 2:
        assert got.source.lossless
        assert np.array_equal(read(saved(got)[0]).frames[0].channels(), wanted)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bits_are_written_as_10_and_near(channels):
    y, x = np.mgrid[:64, :96]
    pixels = np.stack([(np.sin(x / 19 + c) * np.cos(y / 17) * 0.4 + 0.5) * 65535 for c in range(channels)], -1)
    pixels = pixels.astype(np.uint16)
    data, report = saved(Picture(frames=(Frame.of(pixels),)))
    assert report.lost == ("depth (AVIF is written in 10 bits)",)
    got = read(data)
    assert (got.pixels.dtype, got.source.bits) == (np.uint16, 10)
    error = np.abs(got.frames[0].channels().astype(int) - pixels)
    assert error.mean() < 300
    assert len(np.unique(got.pixels[..., 0] if channels > 1 else got.pixels)) > 256
    assert saved(got)[1].lost == ()
    noisy = Picture(frames=(Frame.of(random(pixels.shape, 10)),))
    assert len(saved(noisy, quality=30)[0]) < len(saved(noisy)[0])


def test_resolution_and_reading_by_pillow(rgb, display_p3):
    picture = Picture(frames=(Frame(pixels=rgb),), metadata=Metadata(icc=display_p3, dpi=(300.0, 300.0)))
    data, report = saved(picture, lossless=True)
    assert report.lost == ()
    assert read(data).metadata.dpi == (300, 300)
    image = Image.open(io.BytesIO(data))
    assert image.info["icc_profile"] == display_p3
    assert np.array_equal(np.array(image), rgb)


def test_animations_are_in_8_bits_and_never_lossless():
    frames = tuple(Frame(pixels=random((16, 16, 3), 10) >> i, duration_ms=40.0) for i in range(2))
    data, report = saved(Picture(frames=frames))
    assert "depth (an animated AVIF is written in 8 bits)" in report.lost
    assert len(read(data).frames) == 2
    with pytest.raises(ImageWriteError, match="an animated AVIF cannot be written lossless"):
        saved(Picture(frames=frames), lossless=True)


def test_other_layouts_are_not_touched():
    data = bytes(imagecodecs.avif_encode(random((8, 8, 3), 8)))
    assert with_metadata(data, icc=None, exif=None, xmp=None) == data
    with pytest.raises(ValueError, match="expected ftyp, meta and mdat"):
        with_metadata(data[32:], icc=b"x", exif=None, xmp=None)


def test_every_cut_of_a_deep_one_with_metadata_is_refused(display_p3):
    metadata = Metadata(icc=display_p3, xmp=b"<x:xmpmeta>hello</x:xmpmeta>")
    data = saved(Picture(frames=(Frame.of(random((40, 50, 4), 10)),), metadata=metadata))[0]
    for cut in {len(data) * part // 10 for part in range(1, 10)}:
        with pytest.raises(ImageReadError):
            read(data[:cut])
