"""Pictures of 1 bit and with a palette stay such."""

import io

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageDraw

from upres.apps.cli.main import main
from upres.image.io import Frame, Picture, Source, read, write
from upres.image.palette import indexed
from upres.upscaler import Upscaler, upscale


def scan():
    """Letters in black on white, of 1 bit."""
    image = Image.new("1", (90, 40), 1)
    ImageDraw.Draw(image).text((4, 8), "A scanned page", fill=0)
    return image


def drawing():
    """Flat fields and slanted lines of five colours."""
    image = Image.new("RGB", (60, 44), (250, 244, 230))
    draw = ImageDraw.Draw(image)
    draw.rectangle((5, 5, 30, 38), fill=(12, 90, 200))
    draw.ellipse((26, 10, 54, 36), fill=(220, 40, 60))
    draw.line((0, 43, 59, 2), fill=(0, 0, 0), width=2)
    return image


def shown(path):
    """What another program sees: mode and values."""
    with Image.open(path) as image:
        return image.mode, np.array(image)


def enlarged(path, image, suffix=None, **options):
    image.save(path, **options)
    target = path.with_name(f"large{suffix or path.suffix}")
    upscale(path, 2, model="bicubic", output=target, overwrite=True)
    return target


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".pbm"])
def test_a_scan_of_1_bit_stays_one(tmp_path, suffix):
    made = enlarged(tmp_path / f"a{suffix}", scan())
    mode, values = shown(made)
    grey = Upscaler(2, model="bicubic")(np.array(scan()).astype(np.uint8) * 255)
    assert mode == "1"
    assert np.array_equal(values, grey >= 128)
    assert np.array_equal(read(made).pixels, (grey >= 128) * np.uint8(255))


@pytest.mark.parametrize(
    ("packing", "expected"), [("group4", "CCITTFAX4"), ("group3", "CCITTFAX4"), ("tiff_lzw", "ADOBE_DEFLATE")]
)
def test_faxes_are_coded_as_faxes_and_keep_their_metadata(tmp_path, packing, expected):
    path = tmp_path / "fax.tif"
    exif = {305: "Scanner 1", 306: "2026:11:28 12:00:00"}
    scan().save(path, compression=packing, dpi=(204, 196), tiffinfo=exif, save_all=True, append_images=[scan()])
    made = upscale(path, 2, model="bicubic")
    with tifffile.TiffFile(made) as tiff:
        assert [page.compression.name for page in tiff.pages] == [expected] * 2  # type: ignore[attr-defined]
        assert [page.bitspersample for page in tiff.pages] == [1, 1]
        assert tiff.pages[0].tags[305].value == "Scanner 1"
    got = read(made)
    assert len(got.frames) == 2
    assert got.metadata.dpi == pytest.approx((204, 196))
    assert set(np.unique(got.pixels)) == {0, 255}


@pytest.mark.parametrize("order", ["<", ">"])
def test_byte_order_and_profiles_of_bits(tmp_path, grey_icc, order):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path, byteorder=order) as writer:
        tags = [(700, 1, 4, b"<x/>", True), (305, 2, 8, "Scanner", True)]
        writer.write(
            np.array(scan()),
            photometric="minisblack",
            iccprofile=grey_icc,
            extratags=tags,
            metadata=None,
            software=False,
        )
    first = read(path)
    write(first, tmp_path / "b.tif")
    got = read(tmp_path / "b.tif")
    assert np.array_equal(got.pixels, first.pixels)
    assert got.metadata.icc == grey_icc
    assert got.metadata.xmp == b"<x/>"
    assert b"Scanner" in got.metadata.exif
    assert shown(tmp_path / "b.tif")[0] == "1"


def test_a_document_with_a_page_in_grey_is_no_scan_of_1_bit(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(np.array(scan()), photometric="minisblack", metadata=None)
        writer.write(
            np.arange(3600, dtype=np.uint16).reshape(40, 90).astype(np.uint8), photometric="minisblack", metadata=None
        )
    write(read(path), tmp_path / "b.tif")
    assert len(np.unique(read(tmp_path / "b.tif").frames[1].pixels)) == 256


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_a_drawing_keeps_a_palette_and_its_flat_colours(tmp_path, suffix):
    source = drawing().quantize(16)
    made = enlarged(tmp_path / f"a{suffix}", source)
    assert shown(made)[0] == "P"
    full = Upscaler(2, model="bicubic")(np.array(source.convert("RGB")))
    got = read(made).pixels
    flat = full.reshape(-1, 3) == np.array([250, 244, 230])
    assert flat.all(1).sum() > 500
    assert (got.reshape(-1, 3)[flat.all(1)] == [250, 244, 230]).all()
    assert np.abs(got.astype(int) - full).mean() < 0.75
    other = enlarged(tmp_path / f"b{suffix}", source, ".tga")
    assert np.array_equal(read(other).pixels, full)


def test_few_colours_are_kept_to_the_bit_with_alpha():
    image = drawing().quantize(8)
    image.info["transparency"] = 3
    stream, again = io.BytesIO(), io.BytesIO()
    image.save(stream, "PNG", transparency=3)
    first = read(stream.getvalue())
    write(first, again)
    assert shown(again)[0] == "P"
    got = read(again.getvalue())
    assert np.array_equal(got.pixels, first.pixels)
    assert np.array_equal(got.alpha, first.alpha)


def test_photographs_get_no_palette_again(rgb):
    noisy = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    assert indexed(Frame(pixels=noisy)) is None
    soft = np.random.default_rng(1).normal(128, 20, (64, 64, 3)).clip(0, 255).astype(np.uint8)
    source = Source(format="png", mode="palette")
    stream = io.BytesIO()
    write(Picture(frames=(Frame(pixels=soft),), source=source), stream, format="png")
    assert shown(stream)[0] == "RGB"
    assert np.array_equal(read(stream.getvalue()).pixels, soft)
    assert indexed(Frame(pixels=rgb.astype(np.uint16))) is None
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    few = indexed(Frame(pixels=grey))
    assert np.array_equal(few.colors[few.index], np.dstack([grey] * 3))


def test_full_colours_on_request(tmp_path):
    path = tmp_path / "a.png"
    scan().save(path)
    grey = Upscaler(2, model="bicubic")(np.array(scan()).astype(np.uint8) * 255)
    assert main(["upscale", str(path), "-o", str(tmp_path / "b.png"), "--model", "bicubic", "--colors", "full"]) == 0
    assert np.array_equal(read(tmp_path / "b.png").pixels, grey)
    made = upscale(path, 2, model="bicubic", colors="full", output=tmp_path / "c.png")
    assert np.array_equal(read(made).pixels, grey)
