"""Files that are no good: one clear line, never wrong pixels."""

import io
import struct
import zlib
from contextlib import suppress

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from upres.errors import ImageError, ImageReadError, ImageTooLargeError
from upres.image.io import Frame, Picture, read, read_pixels, write


def encoded(name, pixels, **options):
    stream = io.BytesIO()
    write(Picture(frames=(Frame(pixels=pixels),)), stream, format=name, **options)
    return stream.getvalue()


def noisy(dtype=np.uint8):
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (48, 64, 3), dtype=dtype, endpoint=True)


def jpeg(**options):
    stream = io.BytesIO()
    Image.fromarray(noisy()).save(stream, "JPEG", **options)
    return stream.getvalue()


def animated_gif():
    stream = io.BytesIO()
    frames = [Image.fromarray(np.roll(noisy(), 7 * i, 1)).quantize(64) for i in range(3)]
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], duration=80)
    return stream.getvalue()


def animated_png():
    stream = io.BytesIO()
    frames = tuple(Frame(pixels=np.roll(noisy(), 7 * i, 1), duration_ms=40.0) for i in range(3))
    write(Picture(frames=frames), stream, format="png")
    return stream.getvalue()


def tiff(compression, pages=1):
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        for _ in range(pages):
            writer.write(noisy(np.uint16), photometric="rgb", compression=compression, metadata=None)
    return stream.getvalue()


SAMPLES = {
    "png": lambda: encoded("png", noisy()),
    "png16": lambda: encoded("png", noisy(np.uint16)),
    "jpeg": jpeg,
    "progressive": lambda: jpeg(progressive=True),
    "webp": lambda: encoded("webp", noisy()),
    "webp-lossless": lambda: encoded("webp", noisy(), lossless=True),
    "avif": lambda: encoded("avif", noisy()),
    "avif10": lambda: bytes(imagecodecs.avif_encode(noisy(np.uint16) >> 6, level=90, bitspersample=10)),
    "bmp": lambda: encoded("bmp", noisy()),
    "gif": lambda: encoded("gif", noisy()),
    "gif-animated": animated_gif,
    "apng": animated_png,
    "tiff": lambda: encoded("tiff", noisy()),
    "tiff16": lambda: encoded("tiff", noisy(np.uint16)),
    "tiff-plain": lambda: tiff(None),
    "tiff-lzw": lambda: tiff("lzw"),
    "tiff-pages": lambda: tiff("adobe_deflate", pages=3),
    "jxl": lambda: encoded("jxl", noisy()),
    "jxl16-lossless": lambda: encoded("jxl", noisy(np.uint16), lossless=True),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_truncated_files_give_one_line_or_all_pixels(tmp_path, name):
    data = SAMPLES[name]()
    whole = read(data)
    path = tmp_path / "cut.bin"
    length = len(data)
    cuts = {1, 2, 5, 11, 20, 40, 100, *range(length // 9, length, length // 9), length - 20, length - 9, length - 1}
    refused = 0
    for cut in sorted(cut for cut in cuts if 0 < cut < length):
        path.write_bytes(data[:cut])
        try:
            got = read(path)
        except ImageReadError as error:
            refused += 1
            message = str(error)
            assert message.startswith(f"{path}: ")
            assert "\n" not in message
            assert len(message) < len(str(path)) + 220
        else:
            if got.notes:
                assert got.notes == ("the file lacks its end mark; frames may be missing",)
                continue
            assert cut > length - 40, f"cut at {cut} of {length} was read"
            assert len(got.frames) == len(whole.frames)
            assert all((a.pixels == b.pixels).all() for a, b in zip(got.frames, whole.frames, strict=True))
    assert refused > 8


@pytest.mark.parametrize("name", SAMPLES)
def test_damaged_files_never_escape_the_error_tree(name):
    data = SAMPLES[name]()
    random = np.random.default_rng(3)
    for _ in range(12):  # what is raised, if anything, must be ours
        broken = bytearray(data)
        for position in random.integers(0, min(len(data), 600), 6):
            broken[position] = random.integers(256)
        with suppress(ImageError):
            read(bytes(broken), max_pixels=10**6)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"Dear Sir,\nplease find enclosed the photographs.\n", "not a picture that upres reads: it is text"),
        (b"%PDF-1.7\n...", "it is a PDF document"),
        (b"PK\x03\x04" + bytes(30), "it is a ZIP archive"),
        (b"<!doctype html><html>", "it is an HTML document"),
        (b"\0\0\0\x18ftypisom\0\0\2\0isomiso2", "it is a video or another ISO media file"),
        (bytes(100), "its content is none of jpeg, png, webp, avif, tiff, bmp, gif, heif"),
        (b"\xff\xd8\xff", "damaged or truncated JPEG file"),
    ],
)
def test_what_is_no_picture_says_so(tmp_path, content, reason):
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(ImageReadError, match=f"photo.jpg: .*{reason}"):
        read(path)
    with pytest.raises(ImageReadError, match=reason):
        read_pixels(path)


def test_missing_files_folders_and_streams(tmp_path):
    with pytest.raises(ImageReadError, match=r"none\.png: No such file or directory"):
        read(tmp_path / "none.png")
    with pytest.raises(ImageReadError, match="is a folder"):
        read(tmp_path)
    with pytest.raises(ImageReadError, match="input: is empty"):
        read(io.BytesIO())


def bomb(width, height):
    """A PNG of a few kilobytes that says it is huge."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )


def test_a_bomb_is_refused_by_its_header():
    message = (
        r"input: 100000x100000 pixels make 10000 megapixels in all, over the limit of 1073.7; "
        r"if that is intended, raise max_pixels to 10000000000 or more"
    )
    with pytest.raises(ImageTooLargeError, match=message):
        read(bomb(100000, 100000))


@pytest.mark.parametrize("name", SAMPLES)
def test_the_budget_counts_every_format(name):
    data = SAMPLES[name]()
    frames = len(read(data).frames)
    read(data, max_pixels=48 * 64 * frames)
    read(data, max_pixels=None)
    with pytest.raises(ImageTooLargeError, match="64x48"):
        read(data, max_pixels=48 * 64 * frames - 1)
    if frames > 1:
        read_pixels(data, max_pixels=48 * 64)


def test_pillows_own_limit_does_not_trip_on_our_output(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # Pillow raises at twice that
    for name in SAMPLES:
        assert read(SAMPLES[name]()).size == (48, 64)
    assert Image.MAX_IMAGE_PIXELS == 100


def test_max_pixels_must_be_positive():
    with pytest.raises(ValueError, match="max_pixels must be positive or None, got 0"):
        read(b"x", max_pixels=0)
