"""What a file's sender wrote into it may be anything; writing it again ends in a file or in one line."""

import io
import struct
import warnings

import numpy as np
import pytest
from PIL import Image

from upres.errors import ImageWriteError
from upres.image.exif import ExifBlock
from upres.image.formats import FORMATS
from upres.image.io import Frame, Metadata, Picture, read, write

FORMAT_NAMES = [name for name, form in FORMATS.items() if name != "heif" and form.instead is None]
WITH_DPI = [name for name in FORMAT_NAMES if name != "tga"]
PIXELS = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)


def exif_with(*entries, order="<", heap=b""):
    """An EXIF block of one directory; entries are tag, type, count and the four bytes of the value."""
    body = b"".join(struct.pack(order + "HHI", *entry[:3]) + entry[3] for entry in entries)
    head = b"II*\0" if order == "<" else b"MM\0*"
    return head + struct.pack(order + "IH", 8, len(entries)) + body + bytes(4) + heap


@pytest.mark.parametrize("name", WITH_DPI)
@pytest.mark.parametrize(
    "dpi",
    [(5e6, 5e6), (1e8, 2e5), (72.0, 117440584.0), (4294967.296, 1.0), (1e-3, 300.0), (float("inf"),) * 2, (-1.0, 72.0)],
)
def test_a_resolution_that_no_picture_has_is_left_out_and_named(name, dpi):
    stream = io.BytesIO()
    report = write(Picture(frames=(Frame(pixels=PIXELS),), metadata=Metadata(dpi=dpi)), stream, format=name)
    assert sum(phrase.startswith("resolution (") for phrase in report.lost) == 1
    got = read(stream.getvalue())
    assert got.metadata.dpi in (None, pytest.approx((96, 96), abs=0.1))  # BMP always names one
    assert got.size == (8, 8)


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "avif", "tiff", "bmp"])
@pytest.mark.parametrize("dpi", [(1.0, 1.0), (65535.0, 65535.0)])
def test_the_least_and_the_most_resolution_are_kept(name, dpi):
    stream = io.BytesIO()
    report = write(Picture(frames=(Frame(pixels=PIXELS),), metadata=Metadata(dpi=dpi)), stream, format=name)
    assert "resolution" not in " ".join(report.lost)
    assert read(stream.getvalue()).metadata.dpi == pytest.approx(dpi, rel=0.02)


HOSTILE = {
    "orientation of text": exif_with((0x0112, 2, 1, b"1\0\0\0"), (0x013B, 7, 4, b"abcd")),
    "text of numbers": exif_with((0x0112, 3, 1, b"\1\0\0\0"), (0x010F, 10, 1, b"\xff\xff\xff\xff")),
    "rational out of the block": exif_with((0x0112, 3, 1, b"\1\0\0\0"), (0x829A, 5, 1, b"\xff\xff\xff\x7f")),
    "short as bytes": exif_with(
        (0x0100, 7, 4, b"ab\xfe\xff"), (0x0112, 3, 1, b"\1\0\0\0"), (0x0128, 7, 2, b"\2\0\0\0")
    ),
    "huge count": exif_with((0x0112, 3, 1, b"\1\0\0\0"), (0x010E, 2, 0xFFFFFFFF, b"\x1a\0\0\0")),
    "type that does not exist": exif_with((0x0112, 3, 1, b"\1\0\0\0"), (0x013B, 99, 7, b"\x1a\0\0\0")),
}


@pytest.mark.parametrize("name", FORMAT_NAMES)
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_exif_is_written_without_a_word_on_the_terminal(name, kind, capfd):
    picture = Picture(frames=(Frame(pixels=PIXELS),), metadata=Metadata(exif=HOSTILE[kind]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write(picture, io.BytesIO(), format=name)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "avif"])
def test_exif_is_handed_on_to_the_byte(name):
    text = "Zoë © 2026\0".encode()
    block = exif_with((0x0112, 3, 1, b"\1\0\0\0"), (0x8298, 2, len(text), struct.pack("<I", 38)), heap=text)
    stream = io.BytesIO()
    write(Picture(frames=(Frame(pixels=PIXELS),), metadata=Metadata(exif=block)), stream, format=name)
    kept = read(stream.getvalue()).metadata.exif
    assert kept == block
    assert ExifBlock(kept).orientation == 1
    with Image.open(io.BytesIO(stream.getvalue())) as image:
        assert image.size == (8, 8)


@pytest.mark.parametrize(("name", "most"), [("webp", 65535), ("gif", 65536)])
def test_more_plays_than_a_format_counts_to(name, most):
    frames = tuple(Frame(pixels=PIXELS + shade, duration_ms=100.0) for shade in (0, 9))
    stream = io.BytesIO()
    report = write(Picture(frames=frames, loop=8388608), stream, format=name)
    assert f"number of plays (8388608; {name.upper()} counts to {most})" in report.lost
    assert read(stream.getvalue()).loop == most


@pytest.mark.parametrize(("name", "longest"), [("webp", 16_777_215), ("gif", 655_350), ("png", 65_535_000)])
def test_longer_delays_than_a_format_counts_to(name, longest):
    frames = tuple(Frame(pixels=PIXELS + shade, duration_ms=delay) for shade, delay in ((0, 1e9), (9, 100.0)))
    stream = io.BytesIO()
    report = write(Picture(frames=frames), stream, format=name)
    assert any(phrase.startswith("delays of 1e+06 s") for phrase in report.lost)
    assert [frame.duration_ms for frame in read(stream.getvalue()).frames] == [longest, 100]


def test_any_failure_of_an_encoder_is_an_error_of_writing(tmp_path):
    text = (("keyword beyond Latin-1: Ж", "text"),)
    picture = Picture(frames=(Frame(pixels=PIXELS),), metadata=Metadata(text=text))
    with pytest.raises(ImageWriteError, match=r"a\.png: the PNG encoder refuses the picture \(.*latin"):
        write(picture, tmp_path / "a.png")
    with pytest.raises(ImageWriteError, match="the PNG encoder refuses the picture"):
        write(picture, io.BytesIO(), format="png")
    assert list(tmp_path.iterdir()) == []
