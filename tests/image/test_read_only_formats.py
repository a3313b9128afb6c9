"""JPEG 2000, DDS and PSD: read, and written as PNG."""

import io
import struct
import zlib

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from upres.errors import ImageReadError, ImageTooLargeError, ImageWriteError
from upres.image.io import Frame, Picture, read, write
from upres.image.naming import output_beside
from upres.image.profiles import srgb_profile, to_srgb
from upres.upscaler import upscale


def random(shape, dtype=np.uint8):
    return np.random.default_rng(2).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def pillow_bytes(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def box(name, content):
    return struct.pack(">I4s", len(content) + 8, name) + content


def jp2(array, *boxes, header=(), **options):
    """A JP2 file whose boxes are ours."""
    stream = bytes(imagecodecs.jpeg2k_encode(array, codecformat="j2k", reversible=True, **options))
    signature = b"\0\0\0\x0cjP  \r\n\x87\n" + box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
    return signature + box(b"jp2h", b"".join(header)) + b"".join(boxes) + box(b"jp2c", stream)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("container", ["jp2", "j2k"])
def test_jpeg_2000_is_exact(channels, dtype, container):
    pixels = random((23, 31, channels), dtype)
    data = bytes(imagecodecs.jpeg2k_encode(pixels.squeeze(), codecformat=container, reversible=True))
    got = read(data)
    assert np.array_equal(got.frames[0].channels(), pixels)
    assert (got.source.format, got.source.bits, got.source.lossless) == ("jp2", 8 * pixels.itemsize, True)


def test_jpeg_2000_of_12_bits_and_with_loss():
    pixels = random((23, 31), np.uint16) >> 4
    data = bytes(imagecodecs.jpeg2k_encode(pixels, bitspersample=12, reversible=True))
    got = read(data)
    assert got.source.bits == 12
    assert np.array_equal(got.pixels, np.rint(pixels / 4095 * 65535).astype(np.uint16))
    smooth = np.mgrid[:64, :64][0].astype(np.uint8) * 3
    assert not read(pillow_bytes(Image.fromarray(smooth), "JPEG2000", irreversible=True)).source.lossless


def test_jpeg_2000_ycc_goes_by_way_of_pillow(rgb):
    data = pillow_bytes(Image.fromarray(rgb).convert("YCbCr"), "JPEG2000")
    assert np.abs(read(data).pixels.astype(int) - rgb).max() <= 3


def test_jpeg_2000_metadata(rgb, display_p3):
    resolution = struct.pack(">HHHHbb", 11811, 1, 23622, 2, 0, 0)
    exif = Image.Exif()
    exif[274] = 6
    uuids = (
        box(b"uuid", bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + b"<x/>"),
        box(b"uuid", b"JpgTiffExif->JP2" + exif.tobytes()[6:]),
    )
    header = (box(b"colr", b"\2\0\0" + display_p3), box(b"res ", box(b"resc", resolution)))
    got = read(jp2(rgb, *uuids, header=header))
    assert np.array_equal(got.pixels, np.rot90(rgb, -1))
    assert (got.metadata.icc, got.metadata.xmp) == (display_p3, b"<x/>")
    assert got.metadata.dpi == pytest.approx((300, 300), abs=0.01)


def test_jpeg_2000_alpha_where_the_file_says_and_inks(cmyk_icc):
    pixels = random((9, 11, 4))
    first = box(b"cdef", struct.pack(">H12H", 4, 0, 1, 0, 1, 0, 1, 2, 0, 2, 3, 0, 3))
    got = read(jp2(pixels, header=(box(b"colr", b"\1\0\0" + struct.pack(">I", 16)), first)))
    assert np.array_equal(got.alpha, pixels[..., 0])
    assert np.array_equal(got.pixels, pixels[..., 1:])
    inks = read(jp2(pixels, header=(box(b"colr", b"\2\0\0" + cmyk_icc),)))
    assert np.array_equal(inks.pixels, to_srgb(pixels, "cmyk", cmyk_icc)[0])
    assert inks.metadata.icc == srgb_profile()
    assert inks.notes == ("CMYK was converted to sRGB by its profile 'Pale press'",)


def test_jpeg_2000_that_promises_too_much():
    head = b"\xff\x4f\xff\x51\0\x29\0\0"

    def codestream(width, height, tile):
        return head + struct.pack(">8IHBBB", width, height, 0, 0, tile, tile, 0, 0, 1, 7, 1, 1) + bytes(200)

    with pytest.raises(ImageTooLargeError, match="100000x100000"):
        read(codestream(100000, 100000, 100000))
    with pytest.raises(ImageReadError, match="truncated JPEG 2000 file"):
        read(codestream(8000, 8000, 32))


BLOCKS = {"DXT1": "RGBA", "DXT3": "RGBA", "DXT5": "RGBA", "BC5": "RGB"}


@pytest.mark.parametrize("kind", BLOCKS)
@pytest.mark.parametrize("size", [(16, 12), (13, 7)])
def test_dds_blocks_are_what_pillow_shows(kind, size):
    image = Image.fromarray(random((size[1], size[0], 4))).convert(BLOCKS[kind])
    data = pillow_bytes(image, "DDS", pixel_format=kind)
    got = read(data)
    shown = np.array(Image.open(io.BytesIO(data)).convert("RGBA"))
    assert np.abs(got.pixels.astype(int) - shown[..., :3]).max() <= (8 if kind != "BC5" else 1)
    if got.alpha is not None:
        assert np.abs(got.alpha.astype(int) - shown[..., 3]).max() <= 1
    assert not got.source.lossless


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_plain_dds(mode):
    pixels = random((7, 13, len(mode))).squeeze()
    got = read(pillow_bytes(Image.fromarray(pixels), "DDS"))
    assert np.array_equal(got.frames[0].channels().squeeze(), pixels)
    assert got.source.lossless


def dds(width, height, *, content, fourcc=b"DX10", extended=(28, 3, 0, 1, 0), caps=0):
    head = struct.pack("<4sIIII", b"DDS ", 124, 0, height, width) + bytes(56)
    head += struct.pack("<II4s7I", 32, 4, fourcc, 0, 0, 0, 0, 0, 0, caps)
    head = head.ljust(128, b"\0")
    return head + (struct.pack("<5I", *extended) if fourcc == b"DX10" else b"") + content


def test_dds_kinds():
    pixels = random((3, 5, 4), np.uint16)
    assert np.array_equal(
        read(dds(5, 3, content=pixels.tobytes(), extended=(11, 3, 0, 1, 0))).frames[0].channels(), pixels
    )
    bytes_ = random((3, 5, 4))
    got = read(dds(5, 3, content=bytes_.tobytes(), extended=(87, 3, 0, 6, 0)))
    assert np.array_equal(got.frames[0].channels(), bytes_[..., [2, 1, 0, 3]])
    assert got.notes == ("further faces, slices or surfaces in the file were left out",)
    opaque = bytes_.copy()
    opaque[..., 3] = 255
    assert read(dds(5, 3, content=opaque.tobytes())).alpha is None
    with pytest.raises(ImageReadError, match=r"floats \(HDR\)"):
        read(dds(5, 3, content=bytes(999), extended=(95, 3, 0, 1, 0)))
    with pytest.raises(ImageReadError, match="of a kind that upres does not read"):
        read(dds(5, 3, content=bytes(999), fourcc=b"ABCD"))
    with pytest.raises(ImageReadError, match="truncated DDS file"):
        read(dds(5, 3, content=bytes(31), fourcc=b"DXT5"))
    with pytest.raises(ImageTooLargeError):
        read(dds(60000, 60000, content=bytes(31), fourcc=b"DXT5"))


def psd(planes, mode, *, packing=0, colors=b"", resources=b"", layers=b"", version=1):
    """A PSD file of planes ``(C, H, W)``."""
    count, height, width = planes.shape
    bits = 8 * planes.itemsize
    data = planes.astype(planes.dtype.newbyteorder(">")).tobytes()
    if packing == 1:
        rows = [
            bytes(imagecodecs.packbits_encode(row.astype(row.dtype.newbyteorder(">")).tobytes()))
            for row in planes.reshape(-1, width)
        ]
        data = struct.pack(f">{len(rows)}H", *map(len, rows)) + b"".join(rows)
    elif packing == 2:
        data = zlib.compress(data)
    head = struct.pack(">4sH6xHIIHH", b"8BPS", version, count, height, width, bits, mode)
    parts = [struct.pack(">I", len(part)) + part for part in (colors, resources, layers)]
    return head + b"".join(parts) + struct.pack(">H", packing) + data


def resource(number, content):
    return struct.pack(">4sHHI", b"8BIM", number, 0, len(content)) + content + bytes(len(content) % 2)


LAYERS = struct.pack(">IhI", 6, -1, 0)


@pytest.mark.parametrize("packing", [0, 1, 2])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("count", [1, 3])
def test_psd_is_exact(packing, dtype, count):
    planes = np.repeat(random((count, 9, 4), dtype), 5, axis=2)
    data = psd(planes, 3 if count == 3 else 1, packing=packing)
    got = read(data)
    assert np.array_equal(got.frames[0].channels(), planes.transpose(1, 2, 0))
    assert (got.notes, got.source.bits) == ((), 8 * planes.itemsize)
    if dtype == np.uint8 and packing < 2:
        assert np.array_equal(np.array(Image.open(io.BytesIO(data))), got.pixels)


def test_psd_transparency_is_taken_from_under_white():
    color, alpha = random((3, 6, 7)), np.broadcast_to(np.linspace(0, 255, 7).round(), (6, 7)).astype(np.uint8)
    shown = np.rint(color * (alpha / 255) + 255 - alpha).astype(np.uint8)
    got = read(psd(np.concatenate([shown, alpha[None]]), 3, layers=LAYERS))
    assert np.array_equal(got.alpha, alpha)
    error = np.abs(got.pixels.astype(int) - color.transpose(1, 2, 0))
    assert error[:, -1].max() == 0
    assert (error * alpha[..., None].astype(int) <= 255).all()
    assert got.notes == ("its layers were left out; the flattened picture was read",)
    other = read(psd(np.concatenate([shown, alpha[None]]), 3))
    assert (other.alpha, other.notes) == (None, ("channels that are neither colour nor alpha were left out",))


def test_psd_modes_and_metadata(cmyk_icc, display_p3):
    inks = random((4, 5, 6))
    got = read(psd(inks, 4, resources=resource(1039, cmyk_icc)))
    assert np.array_equal(got.pixels, to_srgb(255 - inks.transpose(1, 2, 0), "cmyk", cmyk_icc)[0])
    assert got.metadata.icc == srgb_profile()
    palette = random(768)
    index = random((1, 5, 6))
    got = read(psd(index, 2, colors=palette.tobytes()))
    assert np.array_equal(got.pixels, palette.reshape(3, 256).T[index[0]])
    sizes = resource(1005, struct.pack(">IHHIHH", 300 << 16, 1, 1, 300 << 16, 1, 1))
    got = read(psd(random((3, 5, 6)), 3, resources=sizes + resource(1039, display_p3) + resource(1060, b"<x/>")))
    assert (got.metadata.dpi, got.metadata.icc, got.metadata.xmp) == ((300, 300), display_p3, b"<x/>")
    with pytest.raises(ImageReadError, match="no flattened picture"):
        read(psd(random((3, 5, 6)), 3, resources=resource(1057, b"\0\0\0\1\0"), layers=LAYERS))
    with pytest.raises(ImageReadError, match="a large Photoshop document"):
        read(psd(random((3, 5, 6)), 3, version=2))
    with pytest.raises(ImageReadError, match="32 bits a channel"):
        read(psd(random((3, 5, 6), np.uint32), 3))
    with pytest.raises(ImageTooLargeError):
        read(struct.pack(">4sH6xHIIHH", b"8BPS", 1, 3, 30000 * 9, 30000, 8, 3) + bytes(99))


SAMPLES = {
    "jp2": lambda: jp2(random((40, 50, 3)), box(b"free", bytes(50))),
    "jp2-tiles": lambda: pillow_bytes(Image.fromarray(random((70, 90, 3))), "JPEG2000", tile_size=(32, 32)),
    "dds": lambda: pillow_bytes(Image.fromarray(random((40, 50, 4))), "DDS", pixel_format="DXT5"),
    "psd-runs": lambda: psd(random((3, 40, 50)), 3, packing=1),
    "psd-zip": lambda: psd(random((3, 40, 50)), 3, packing=2),
    "ppm": lambda: b"P6 50 40 255\n" + random((40, 50, 3)).tobytes(),
    "pgm-text": lambda: b"P2 50 40 255\n" + b" ".join(b"%d" % value for value in random(2000)),
    "jxl-animated": lambda: bytes(imagecodecs.jpegxl_encode(random((3, 40, 50, 3)), lossless=True)),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_every_cut_is_refused(name):
    data = SAMPLES[name]()
    assert read(data).size in ((40, 50), (70, 90))
    last = len(data) - (30 if name == "psd-zip" else 4 if name == "pgm-text" else 1)
    for cut in {len(data) * part // 10 for part in range(1, 10)} | {last}:
        with pytest.raises(ImageReadError):
            read(data[:cut])


@pytest.mark.parametrize("name", SAMPLES)
def test_flipped_bits_never_escape_the_error_tree(name):
    data, generator = SAMPLES[name](), np.random.default_rng(7)
    for _ in range(150):
        broken = bytearray(data)
        for place in generator.integers(0, len(data) if _ % 2 else min(len(data), 200), 2):
            broken[place] ^= 1 << int(generator.integers(8))
        try:
            picture = read(bytes(broken), max_pixels=1 << 20)
        except (ImageReadError, ImageTooLargeError):
            continue
        assert isinstance(picture, Picture)


def test_what_is_only_read_becomes_png(tmp_path):
    (tmp_path / "a.psd").write_bytes(psd(random((3, 9, 8)), 3))
    made = upscale(tmp_path / "a.psd", 2, model="bicubic")
    assert made == tmp_path / "a_x2.png"
    assert read(made).size == (18, 16)
    assert output_beside(tmp_path / "a.dds", "x2", "tiff").name == "a_x2.tif"
    with pytest.raises(ImageWriteError, match="PSD is read but not written; write PNG or TIFF"):
        write(Picture(frames=(Frame(pixels=random((3, 4))),)), tmp_path / "b.psd")
    stream = io.BytesIO()
    assert write(read(tmp_path / "a.psd"), stream).format == "png"


def test_jpeg_2000_of_more_packets_than_bytes():
    data = bytearray(imagecodecs.jpeg2k_encode(random((40, 50, 3)), codecformat="j2k", reversible=True))
    place = data.index(b"\xff\x52")
    data[place + 6 : place + 8] = b"\xff\xff"  # layers
    with pytest.raises(ImageReadError, match="fewer bytes than packets"):
        read(bytes(data))
