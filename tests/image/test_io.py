"""What is written is read back: every format, kind of pixel and depth."""

import io

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from upres.errors import ImageWriteError
from upres.image.io import Frame, Metadata, Picture, Source, read, read_pixels, write

EXACT = ("png", "tiff", "bmp")
CLOSE = {"jpeg": 4, "webp": 10, "avif": 6}


def picture(pixels, alpha=None, **metadata):
    return Picture(frames=(Frame(pixels=pixels, alpha=alpha),), metadata=Metadata(**metadata))


def difference(a, b):
    assert a.shape == b.shape
    assert a.dtype == b.dtype
    return int(np.abs(a.astype(int) - b.astype(int)).max())


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("grey", [False, True])
def test_lossless_formats_keep_8_bits_exactly(tmp_path, rgb, name, grey):
    pixels = rgb[..., 0].copy() if grey else rgb
    path = tmp_path / f"a.{name}"
    report = write(picture(pixels), path)
    assert difference(read(path).pixels, pixels) == 0
    assert report.format == name
    assert report.bytes_written == path.stat().st_size
    assert report.lost == report.warnings == ()


@pytest.mark.parametrize("name", CLOSE)
def test_lossy_formats_stay_close(tmp_path, rgb, name):
    path = tmp_path / f"a.{name}"
    write(picture(rgb), path)
    assert difference(read(path).pixels, rgb) <= CLOSE[name]
    assert not read(path).source.lossless


@pytest.mark.parametrize("name", ["png", "tiff"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bits_survive_exactly(tmp_path, deep, name, channels):
    color = deep[..., 0].copy() if channels < 3 else deep[..., :3].copy()
    alpha = deep[..., 3].copy() if channels in (2, 4) else None
    path = tmp_path / f"a.{name}"
    assert write(picture(color, alpha), path).lost == ()
    got = read(path)
    assert got.source.bits == 16
    assert difference(got.pixels, color) == 0
    assert alpha is None if got.alpha is None else difference(got.alpha, alpha) == 0
    low = color & 0xFF
    assert len(np.unique(low)) > 100, "the values must be such that an 8-bit path could not keep them"


def test_16_bit_files_of_others_are_read_exactly(tmp_path, deep):
    png, tif = tmp_path / "a.png", tmp_path / "a.tif"
    png.write_bytes(imagecodecs.png_encode(deep))
    tifffile.imwrite(tif, deep, photometric="rgb", extrasamples=["unassalpha"], compression="lzw", metadata=None)
    for path in (png, tif):
        got = read(path)
        assert difference(np.dstack([got.pixels, got.alpha]), deep) == 0


def test_16_bit_files_of_ours_are_read_by_others(tmp_path, deep):
    write(picture(deep[..., :3].copy(), deep[..., 3].copy()), tmp_path / "a.png")
    write(picture(deep[..., :3].copy(), deep[..., 3].copy()), tmp_path / "a.tif")
    assert (imagecodecs.png_decode((tmp_path / "a.png").read_bytes()) == deep).all()
    assert (tifffile.imread(tmp_path / "a.tif") == deep).all()


def test_16_bit_png_with_a_transparent_colour(tmp_path, deep):
    color = deep[..., :3].copy()
    color[2, 3] = (1, 258, 3)
    data = bytes(imagecodecs.png_encode(color))
    key = b"tRNS" + bytes((0, 1, 1, 2, 0, 3))
    chunk = (6).to_bytes(4, "big") + key + __import__("zlib").crc32(key).to_bytes(4, "big")
    got = read(data[:33] + chunk + data[33:])
    assert got.alpha[2, 3] == 0
    assert (got.alpha == 65535).sum() == got.alpha.size - 1
    assert difference(got.pixels, color) == 0


@pytest.mark.parametrize("name", ["png", "tiff", "webp", "avif"])
@pytest.mark.parametrize("grey", [False, True])
def test_alpha_is_kept(tmp_path, rgb, alpha, name, grey):
    pixels = rgb[..., 0].copy() if grey else rgb
    path = tmp_path / f"a.{name}"
    assert write(picture(pixels, alpha), path).lost == ()
    assert difference(read(path).alpha, alpha) <= (1 if name == "avif" else 0)


@pytest.mark.parametrize("bits", [10, 12])
def test_deep_avif_is_read_over_the_whole_range(bits):
    values = np.random.default_rng(0).integers(0, 2**bits, (32, 48, 3)).astype(np.uint16)
    values[0, 0], values[0, 1] = 0, 2**bits - 1
    got = read(bytes(imagecodecs.avif_encode(values, level=100, bitspersample=bits)))
    assert got.source.bits == bits
    assert got.pixels[0, 0].tolist() == [0, 0, 0]
    assert got.pixels[0, 1].tolist() == [65535] * 3
    assert ((got.pixels >> (16 - bits)) == values).all()


@pytest.mark.parametrize("name", ["jpeg", "webp", "avif", "bmp", "gif"])
def test_depth_that_does_not_fit_is_rounded_and_reported(tmp_path, name):
    values = np.repeat(np.array([[0, 128, 129, 385, 386, 65535]], np.uint16), 8, axis=0).repeat(8, axis=1)
    path = tmp_path / f"a.{name}"
    report = write(picture(values), path)
    assert [item for item in report.lost if item.startswith("depth")]
    got = read(path).pixels
    got = got[..., 0] if got.ndim == 3 else got
    if name in ("bmp", "gif"):
        assert got[4, 4::8].tolist() == [0, 0, 1, 1, 2, 255]


def test_grey_with_transparent_key_and_palettes(tmp_path, rgb):
    image = Image.fromarray(rgb).quantize(16)
    expected = np.asarray(image.convert("RGB"))
    image.save(tmp_path / "p.png")
    image.save(tmp_path / "t.png", transparency=bytes([0, 128, *[255] * 14]))
    opaque, clear = read(tmp_path / "p.png"), read(tmp_path / "t.png")
    assert opaque.source.mode == clear.source.mode == "palette"
    assert difference(opaque.pixels, expected) == 0
    assert opaque.alpha is None
    assert difference(clear.pixels, expected) == 0
    index = np.asarray(image)
    assert (clear.alpha[index == 0] == 0).all()
    assert (clear.alpha[index == 1] == 128).all()
    assert (clear.alpha[index > 1] == 255).all()
    grey = Image.fromarray(rgb[..., 0])
    grey.save(tmp_path / "g.png", transparency=8)
    got = read(tmp_path / "g.png")
    assert difference(got.pixels, rgb[..., 0].copy()) == 0
    assert ((got.alpha == 0) == (rgb[..., 0] == 8)).all()


@pytest.mark.parametrize(
    ("suffix", "options"), [("png", {}), ("bmp", {}), ("tif", {}), ("tif", {"compression": "group4"})]
)
def test_1_bit_becomes_grey(tmp_path, rgb, suffix, options):
    image = Image.fromarray(rgb).convert("1")
    path = tmp_path / f"a.{suffix}"
    image.save(path, **options)
    got = read(path)
    assert got.source.mode in ("1-bit", "palette")  # Pillow writes 1-bit BMP with a palette
    assert set(np.unique(got.pixels)) == {0, 255}
    pixels = got.pixels[..., 0] if got.pixels.ndim == 3 else got.pixels
    assert (pixels == np.asarray(image.convert("L"))).all()


def test_jpeg_is_4_4_4_at_95_by_default(tmp_path, rgb):
    write(picture(rgb), tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        assert isinstance(image, JpegImageFile)
        assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3
        reference = io.BytesIO()
        Image.fromarray(rgb).save(reference, "JPEG", quality=95, subsampling=0)
        with Image.open(reference) as other:
            assert isinstance(other, JpegImageFile)
            assert image.quantization == other.quantization
    small = write(picture(rgb), tmp_path / "b.jpg", quality=30).bytes_written
    assert small < (tmp_path / "a.jpg").stat().st_size


def test_lossless_webp_stays_lossless(tmp_path, rgb, alpha):
    report = write(picture(rgb, alpha), tmp_path / "a.webp", lossless=True)
    got = read(tmp_path / "a.webp")
    assert difference(got.pixels, rgb) == difference(got.alpha, alpha) == 0
    assert got.source.lossless
    write(got, tmp_path / "b.webp")
    assert difference(read(tmp_path / "b.webp").pixels, rgb) == 0
    write(got, tmp_path / "c.webp", quality=50)
    assert not read(tmp_path / "c.webp").source.lossless
    assert report.lost == ()


def test_settings_that_make_no_sense(tmp_path, rgb):
    with pytest.raises(ImageWriteError, match="JPEG cannot be written lossless"):
        write(picture(rgb), tmp_path / "a.jpg", lossless=True)
    with pytest.raises(ImageWriteError, match="quality must be from 1 to 100, got 101"):
        write(picture(rgb), tmp_path / "a.jpg", quality=101)
    assert write(picture(rgb), tmp_path / "a.png", quality=80).warnings == ("quality has no effect on lossless PNG",)


def test_transparency_that_does_not_fit_is_laid_on_the_background(tmp_path, rgb):
    half = np.full((40, 60), 128, np.uint8)
    report = write(picture(np.zeros_like(rgb), half), tmp_path / "a.bmp", background=(255, 0, 100))
    assert report.lost == ("transparency (laid on #ff0064)",)
    assert read(tmp_path / "a.bmp").pixels[0, 0].tolist() == [127, 0, 50]
    assert write(picture(rgb, half), tmp_path / "b.jpg").lost == ("transparency (laid on white)",)


def test_streams_and_bytes(rgb):
    stream = io.BytesIO()
    report = write(picture(rgb), stream, format="PNG")
    assert report.bytes_written == len(stream.getvalue())
    assert difference(read(stream.getvalue()).pixels, rgb) == 0
    stream.seek(0)
    assert difference(read(stream).pixels, rgb) == 0

    class Pipe(io.RawIOBase):
        data = b""

        def writable(self):
            return True

        def write(self, part):
            self.data += bytes(part)
            return len(part)

    for name in ("tiff", "jpeg", "png", "webp"):
        pipe = Pipe()
        write(picture(rgb), pipe, format=name)
        assert read(pipe.data).source.format == name
        assert not pipe.closed


def test_a_stream_gets_the_format_of_the_source(rgb):
    stream = io.BytesIO()
    source = Source(format="webp", mode="rgb")
    assert write(Picture(frames=(Frame(pixels=rgb),), source=source), stream).format == "webp"


def test_read_pixels_drops_alpha_and_further_frames(tmp_path, rgb, alpha):
    write(picture(rgb, alpha), tmp_path / "a.png")
    assert difference(read_pixels(tmp_path / "a.png"), rgb) == 0
    assert read_pixels(tmp_path / "a.png").flags.writeable


def test_formats_that_are_too_small(tmp_path):
    wide = np.zeros((1, 20000), np.uint8)
    with pytest.raises(
        ImageWriteError, match=r"a\.webp: 20000x1 pixels are too many for WEBP, which holds 16383 a side"
    ):
        write(picture(wide), tmp_path / "a.webp")
    assert list(tmp_path.iterdir()) == []
    write(picture(wide), tmp_path / "a.png")


def test_name_and_content_disagree(tmp_path, rgb):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"")
    stream = io.BytesIO()
    write(picture(rgb), stream, format="png")
    path.write_bytes(stream.getvalue())
    got = read(path)
    assert got.source.format == "png"
    assert difference(got.pixels, rgb) == 0
    assert got.notes == ("the file is named like JPEG but holds PNG (.png)",)
    assert write(got, tmp_path / "b.png").warnings == got.notes
    assert write(got, tmp_path / "b.jpg", format="png").warnings == got.notes, "said of what is written, too"
    assert write(picture(rgb), tmp_path / "c.jpg", format="png").warnings == got.notes


@pytest.mark.parametrize("animated", [False, True])
@pytest.mark.parametrize("lossless", [False, True])
def test_a_webp_stays_lossless_or_not_however_long_its_profile(tmp_path, display_p3, animated, lossless):
    noise = np.random.default_rng(4).integers(0, 256, (2 if animated else 1, 16, 16, 3)).astype(np.uint8)
    padded = display_p3 + bytes(9000)
    icc = len(padded).to_bytes(4, "big") + padded[4:]
    frames = tuple(Frame(pixels=pixels, duration_ms=50.0 if animated else None) for pixels in noise)
    write(Picture(frames=frames, metadata=Metadata(icc=icc)), tmp_path / "a.webp", lossless=lossless)
    got = read(tmp_path / "a.webp")
    assert got.source.lossless is lossless
    write(got, tmp_path / "b.webp")
    again = read(tmp_path / "b.webp")
    assert again.source.lossless is lossless
    assert (again.pixels == got.pixels).all() or not lossless
