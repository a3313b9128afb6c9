"""TIFF: pages, depths, compressions and layouts."""

import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from upres.errors import ImageReadError
from upres.image.io import Frame, Picture, read, read_pixels, write


def stored(array, **options):
    stream = io.BytesIO()
    tifffile.imwrite(stream, array, metadata=None, **options)
    return stream.getvalue()


def test_pages_of_different_sizes_and_kinds_are_kept(tmp_path, rgb, deep):
    frames = (
        Frame(pixels=rgb),
        Frame(pixels=rgb[:10, :20, 0].copy()),
        Frame(pixels=deep[..., :3].copy(), alpha=deep[..., 3].copy()),
    )
    assert write(Picture(frames=frames), tmp_path / "a.tif").lost == ()
    got = read(tmp_path / "a.tif")
    assert not got.is_animation
    for mine, theirs in zip(frames, got.frames, strict=True):
        assert mine.pixels.dtype == theirs.pixels.dtype
        assert (mine.pixels == theirs.pixels).all()
        assert (mine.alpha is None) == (theirs.alpha is None)
    assert (got.frames[2].alpha == deep[..., 3]).all()
    assert (read_pixels(tmp_path / "a.tif") == rgb).all()


def test_reduced_pictures_and_masks_are_left_out_and_noted(rgb):
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        writer.write(rgb, photometric="rgb", metadata=None)
        writer.write(rgb[::2, ::2], photometric="rgb", metadata=None, subfiletype=1)
    got = read(stream.getvalue())
    assert len(got.frames) == 1
    assert got.notes == ("1 reduced pictures or masks in the file were left out",)


@pytest.mark.parametrize("compression", [None, "lzw", "adobe_deflate", "packbits", "zstd", "lzma"])
@pytest.mark.parametrize("predictor", [False, True])
def test_compressions_in_16_bits(deep, compression, predictor):
    color = deep[..., :3].copy()
    if compression == "packbits" or compression is None:
        predictor = False
    data = stored(color, photometric="rgb", compression=compression, predictor=predictor)
    assert (read(data).pixels == color).all()


@pytest.mark.parametrize(("byteorder", "layout"), [(">", "contig"), ("<", "separate"), (">", "separate")])
def test_byte_orders_planes_and_tiles(deep, byteorder, layout):
    color = deep[..., :3].copy()
    array = np.moveaxis(color, 2, 0).copy() if layout == "separate" else color
    data = stored(
        array.astype(f"{byteorder}u2"), photometric="rgb", planarconfig=layout, byteorder=byteorder, tile=(16, 16)
    )
    got = read(data).pixels
    assert got.dtype == np.uint16
    assert got.dtype.isnative
    assert (got == color).all()


def test_big_tiff(rgb):
    assert (read(stored(rgb, photometric="rgb", bigtiff=True)).pixels == rgb).all()


def test_white_is_zero(deep):
    grey = deep[..., 0].copy()
    assert (read(stored(grey, photometric="miniswhite")).pixels == 65535 - grey).all()


def test_multiplied_alpha_is_divided_out():
    alpha = np.array([[0, 100, 255, 7]], np.uint8)
    color = np.array([[[9, 40, 200], [50, 100, 25], [1, 2, 3], [7, 0, 3]]], np.uint8)
    multiplied = ((color.astype(int) * alpha[..., None] + 127) // 255).astype(np.uint8)
    got = read(stored(np.dstack([multiplied, alpha]), photometric="rgb", extrasamples=["assocalpha"]))
    assert (got.alpha == alpha).all()
    assert np.abs(got.pixels[0, 1].astype(int) - color[0, 1]).max() <= 1
    assert (got.pixels[0, 2] == color[0, 2]).all()


def test_further_channels_are_noted(rgb):
    data = stored(np.dstack([rgb, rgb[..., 0]]), photometric="rgb", extrasamples=["unspecified"])
    got = read(data)
    assert got.alpha is None
    assert (got.pixels == rgb).all()
    assert got.notes == ("channels that are neither colour nor alpha were left out",)


@pytest.mark.parametrize("bits", [1, 2, 4, 10, 12, 14])
def test_odd_depths_are_stretched_over_the_whole_range(bits):
    values = np.array([[0, 1, 2**bits - 1, 2 ** (bits - 1)] * 4], np.uint16)
    packed = "".join(f"{value:0{bits}b}" for value in values[0])
    packed = packed.ljust(-(-len(packed) // 8) * 8, "0")
    raw = int(packed, 2).to_bytes(len(packed) // 8, "big")
    tags = [(256, 16), (257, 1), (258, bits), (259, 1), (262, 1), (273, 8), (277, 1), (278, 1), (279, len(raw))]
    directory = 8 + len(raw) + len(raw) % 2
    data = b"II*\0" + directory.to_bytes(4, "little") + raw + b"\0" * (len(raw) % 2) + len(tags).to_bytes(2, "little")
    for code, value in tags:
        data += code.to_bytes(2, "little") + b"\x04\0\x01\0\0\0" + value.to_bytes(4, "little")
    got = read(data + bytes(4)).pixels
    full = 255 if bits <= 8 else 65535
    assert got.dtype == (np.uint8 if bits <= 8 else np.uint16)
    assert (got == np.floor(values / (2**bits - 1) * full + 0.5)).all()


def test_floats_in_the_unit_range_become_16_bits():
    values = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)
    for dtype in (np.float16, np.float32, np.float64):
        got = read(stored(values.astype(dtype), photometric="minisblack"))
        assert (got.pixels == np.rint(values.astype(dtype).astype(float) * 65535)).all()
        assert got.source.bits == np.dtype(dtype).itemsize * 8


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([[0, 3.5]], np.float32), r"floats from 0 to 3.5; expected values in \[0, 1\]"),
        (np.array([[0, np.nan]], np.float32), "floats from nan to nan"),
        (np.array([[0, 1]], np.uint32), "32-bit unsigned samples; convert it to 8 or 16 bits"),
        (np.array([[0, 1]], np.int16), "16-bit signed samples"),
    ],
)
def test_samples_that_are_no_pixels(values, message):
    with pytest.raises(ImageReadError, match=message):
        read(stored(np.tile(values, (4, 4)), photometric="minisblack"))


def test_palette(rgb):
    image = Image.fromarray(rgb).quantize(100)
    stream = io.BytesIO()
    image.save(stream, "TIFF")
    got = read(stream.getvalue())
    assert got.source.mode == "palette"
    assert (got.pixels == np.asarray(image.convert("RGB"))).all()


@pytest.mark.parametrize("compression", [None, "jpeg", "tiff_lzw"])
def test_ycbcr_pages(rgb, compression):
    stream = io.BytesIO()
    Image.fromarray(rgb).convert("YCbCr").save(stream, "TIFF", compression=compression)
    got = read(stream.getvalue())
    assert np.abs(got.pixels.astype(int) - rgb).max() <= 12
    assert got.source.lossless == (compression != "jpeg")


@pytest.mark.parametrize("orientation", [1, 6])
def test_ycbcr_pages_are_turned_once(rgb, orientation):
    stream = io.BytesIO()
    Image.fromarray(rgb).convert("YCbCr").save(stream, "TIFF", tiffinfo={274: orientation})
    expected = rgb if orientation == 1 else np.rot90(rgb, -1)
    got = read(stream.getvalue())
    assert np.abs(got.pixels.astype(int) - expected).max() <= 12


def test_a_page_of_no_picture(rgb):
    data = stored(np.zeros((8, 8), np.uint16), photometric="cfa")
    with pytest.raises(ImageReadError, match=r"of a kind that upres does not read \(CFA\)"):
        read(data)


def test_nothing_reaches_the_terminal(rgb, capfd):
    data = bytearray(stored(rgb, photometric="rgb", extratags=[(700, 1, 5, b"<x/> ", True)]))
    data[30:60] = bytes(30)
    with pytest.raises(ImageReadError):
        read(bytes(data))
    assert capfd.readouterr() == ("", "")


def test_what_tifffile_says_of_an_array_is_not_said_of_a_larger_one(tmp_path):
    tifffile.imwrite(tmp_path / "small.tif", np.zeros((4, 5), np.uint16))
    picture = read(tmp_path / "small.tif")
    large = Picture(frames=(Frame(pixels=np.zeros((8, 10), np.uint16)),), metadata=picture.metadata)
    write(large, tmp_path / "large.tif")
    with tifffile.TiffFile(tmp_path / "large.tif") as file:
        assert "shape" not in file.pages[0].description
        assert file.series[0].shape == (8, 10)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_file_is_the_same_on_any_number_of_threads(dtype):
    pixels = np.random.default_rng(0).integers(0, 60, (700, 900, 3)).cumsum(1).astype(dtype)
    files = set()
    for threads in (1, 2, 5, None):
        stream = io.BytesIO()
        write(Picture(frames=(Frame(pixels=pixels),)), stream, format="tiff", threads=threads)
        files.add(stream.getvalue())
    assert len(files) == 1
    assert (tifffile.imread(io.BytesIO(files.pop())) == pixels).all()
