"""What nobody hands on is named."""

import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from upres.image.codecs import png_chunks
from upres.image.codecs.leftovers import of_iso
from upres.image.io import Frame, Metadata, Picture, read, write

PIXELS = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)


def stored(name, **fields):
    stream = io.BytesIO()
    write(Picture(frames=(Frame(pixels=PIXELS),), metadata=Metadata(**fields)), stream, format=name)
    return stream.getvalue()


@pytest.mark.parametrize("name", ["png", "webp", "gif", "avif", "tiff", "bmp", "jpeg"])
def test_files_of_our_own_hold_nothing_else(name, display_p3):
    text = (("Comment", "words"),) if name in ("png", "gif", "jpeg") else ()
    fields = {} if name in ("bmp", "gif") else {"icc": display_p3, "xmp": b"<x/>", "dpi": (72.0, 72.0)}
    data = stored(name, text=text, **fields)
    assert read(data).notes == ()


@pytest.mark.parametrize("bits", [8, 16])
def test_png_chunks_and_comments_of_one_keyword(bits):
    picture = Picture(frames=(Frame(pixels=PIXELS.astype(np.uint16) * 257 if bits == 16 else PIXELS),))
    stream = io.BytesIO()
    write(picture, stream, format="png")
    own = list(png_chunks.chunks(stream.getvalue()))
    more = [(b"caBX", b"credentials"), (b"tEXt", b"Author\0a"), (b"tEXt", b"Author\0b"), (b"tIME", bytes(7))]
    got = read(png_chunks.join([own[0], *more, *own[1:]]))
    assert got.notes == ("PNG chunks left out: caBX", "1 comments whose keyword another one has were left out")


def test_webp_chunks():
    data = stored("webp", xmp=b"<x/>")
    data += b"C2PA" + struct.pack("<I", 3) + b"abc\0"
    assert read(data[:4] + struct.pack("<I", len(data) - 8) + data[8:]).notes == ("WebP chunks left out: C2PA",)


def test_gif_extensions():
    data = stored("gif")
    place = 13 + (3 << ((data[10] & 7) + 1))
    profile = b"!\xff\x0bICCRGBG1012\x03abc\0"
    plain = b"!\x01\x0c" + bytes(12) + b"\x02hi\0"
    assert read(data[:place] + profile + plain + data[place:]).notes == (
        "GIF extensions left out: ICCRGBG1012, plain text",
    )


def box(name, content):
    return struct.pack(">I", len(content) + 8) + name + content


@pytest.mark.parametrize(
    ("inside", "notes"),
    [
        (b"", ()),
        (box(b"auxC", bytes(4) + b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"), ()),
        (
            box(b"auxC", bytes(4) + b"urn:com:apple:photo:2020:aux:hdrgainmap\0"),
            ("the gain map, by which bright screens show more, was left out",),
        ),
        (box(b"infe", b"\2\0\0\0\0\1\0\0tmap"), ("the gain map, by which bright screens show more, was left out",)),
        (
            box(b"auxC", bytes(4) + b"urn:mpeg:mpegB:cicp:systems:auxiliary:depth\0"),
            ("auxiliary pictures left out: urn:mpeg:mpegB:cicp:systems:auxiliary:depth",),
        ),
    ],
)
def test_pictures_beside_the_main_one_in_iso_files(inside, notes):
    assert of_iso(box(b"ftyp", b"avif") + box(b"meta", bytes(4) + inside) + box(b"mdat", b"tmap")) == notes


def test_an_avif_with_alpha_has_no_other_picture():
    stream = io.BytesIO()
    Image.fromarray(np.dstack([PIXELS, PIXELS[..., :1]])).save(stream, "AVIF")
    assert read(stream.getvalue()).notes == ()


def test_pixels_that_are_not_square_are_named():
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, "JPEG")
    jpeg = bytearray(stream.getvalue())
    assert jpeg[6:10] == b"JFIF"
    jpeg[13], jpeg[14:18] = 0, b"\0\2\0\1"
    assert read(bytes(jpeg)).notes == ("the proportions of its pixels, which are not square, were left out",)
    own = list(png_chunks.chunks(stored("png")))
    png = png_chunks.join([own[0], (b"pHYs", struct.pack(">IIB", 2, 1, 0)), *own[1:]])
    assert read(png).notes == ("the proportions of its pixels, which are not square, were left out",)
    stream = io.BytesIO()
    tifffile.imwrite(stream, PIXELS, photometric="rgb", metadata=None, resolution=(2, 1), resolutionunit=1)
    assert read(stream.getvalue()).notes == ("the proportions of its pixels, which are not square, were left out",)
