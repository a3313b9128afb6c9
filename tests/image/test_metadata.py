"""What travels with the pixels, through every format that holds it."""

import io
import struct

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from upres.image.codecs import png_chunks
from upres.image.exif import ExifBlock, exif_with_dpi
from upres.image.io import Frame, Metadata, Picture, read, write
from upres.image.metadata import collect, for_upright
from upres.image.xmp import sized as sized_xmp
from upres.image.xmp import upright as upright_xmp

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description tiff:Orientation="6" '
    b'exif:PixelXDimension="60" exif:PixelYDimension="40" dc:creator="Zo\xc3\xab"/>'
    b"<tiff:ImageWidth>60</tiff:ImageWidth></rdf:RDF></x:xmpmeta>"
)


def exif_block(order, *, orientation=6, thumbnail=True, maker_note=b"Maker\0\x01\x02\x03\x04\x05"):
    """An EXIF block by hand: IFD0, Exif IFD with sizes and a maker note, GPS IFD, and IFD1 with a thumbnail."""
    heap_start = 8 + (2 + 12 * 6 + 4) + (2 + 12 * 3 + 4) + (2 + 12 + 4) + (2 + 12 * 2 + 4)
    heap = b""

    def entry(tag, kind, count, value):
        nonlocal heap
        if isinstance(value, int):
            value = struct.pack(order + ("H" if kind == 3 else "I"), value)
        if len(value) > 4:
            value, heap = (
                struct.pack(order + "I", heap_start + len(heap)),
                heap + value.ljust(len(value) + 1 & ~1, b"\0"),
            )
        return struct.pack(order + "HHI", tag, kind, count) + value.ljust(4, b"\0")

    def directory(entries, following=0):
        return struct.pack(order + "H", len(entries)) + b"".join(entries) + struct.pack(order + "I", following)

    exif_at = 8 + 2 + 12 * 6 + 4
    gps_at = exif_at + 2 + 12 * 3 + 4
    thumb_at = gps_at + 2 + 12 + 4
    main = [
        entry(0x010F, 2, 8, b"Camera1\0"),
        entry(0x0112, 3, 1, orientation),
        entry(0x011A, 5, 1, struct.pack(order + "II", 300, 1)),
        entry(0x011B, 5, 1, struct.pack(order + "II", 300, 1)),
        entry(0x8769, 4, 1, exif_at),
        entry(0x8825, 4, 1, gps_at),
    ]
    sub = [
        entry(0x927C, 7, len(maker_note), maker_note),
        entry(0xA002, 3, 1, 60),
        entry(0xA003, 3, 1, 40),
    ]
    gps = [entry(0x001D, 2, 11, b"2026:01:02\0")]
    picture = b"\xff\xd8thumbnail\xff\xd9"
    small = [entry(0x0201, 4, 1, heap_start + len(heap)), entry(0x0202, 4, 1, len(picture))]
    body = directory(main, thumb_at if thumbnail else 0) + directory(sub) + directory(gps) + directory(small)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    return head + body + heap + picture


def parsed(block):
    exif = Image.Exif()
    exif.load(block)
    return exif


@pytest.mark.parametrize("order", "<>")
def test_exif_is_patched_in_place(order):
    before = exif_block(order)
    block = ExifBlock(b"Exif\0\0" + before)
    assert block.orientation == 6
    assert block.dpi == (300, 300)
    block.set_upright()
    block.set_size(70000, 1234)
    after = bytes(block)
    exif = parsed(after)
    assert exif[0x0112] == 1
    assert exif[0x010F] == "Camera1"
    sub = exif.get_ifd(0x8769)
    assert (sub[0xA002], sub[0xA003]) == (70000, 1234)
    assert sub[0x927C] == b"Maker\0\x01\x02\x03\x04\x05"
    assert exif.get_ifd(0x8825)[0x1D] == "2026:01:02"
    assert exif.get_ifd(1) == {}
    assert b"thumbnail" not in after
    assert after.index(b"Maker\0") == before.index(b"Maker\0"), "maker notes must not move"


def test_a_thumbnail_in_the_middle_is_wiped():
    block = ExifBlock(exif_block("<") + b"what follows")
    block.set_upright()
    assert b"thumbnail" not in bytes(block)
    assert bytes(block).endswith(b"what follows")


@pytest.mark.parametrize("data", [b"", b"Exif\0\0", b"JUNKJUNKJUNK", b"II*\0\xff\xff\0\0", b"II*\0\x08\0\0\0\xff\xff"])
def test_damaged_exif_is_left_out_and_noted(data):
    with pytest.raises(ValueError, match=r"TIFF header|too early|entries"):
        ExifBlock(data)
    if data:
        collected = collect(space="rgb", exif=data)
        assert collected.metadata.exif is None
        assert collected.notes[0].startswith("the EXIF block is damaged")
        assert collected.orientation == 1


def test_exif_that_breaks_anywhere_raises_only_value_errors():
    whole = exif_block("<")
    for cut in range(len(whole)):
        try:
            block = ExifBlock(whole[:cut])
            block.set_upright()
            block.set_size(5, 6)
            _ = block.dpi
            block.moved(100)
        except ValueError:
            continue


def test_xmp():
    assert b'tiff:Orientation="1"' in upright_xmp(XMP)
    sized = sized_xmp(XMP, 120, 80)
    assert b'exif:PixelXDimension="120" exif:PixelYDimension="80"' in sized
    assert b"<tiff:ImageWidth>120</tiff:ImageWidth>" in sized
    assert collect(space="rgb", xmp=XMP).orientation == 6
    assert collect(space="rgb", xmp=XMP, exif=exif_block("<", orientation=3)).orientation == 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["jpeg", "png", "png16", "webp", "tiff", "avif"])
def test_orientation_is_applied_and_reset(tmp_path, rgb, orientation, name):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{name.removesuffix('16')}"
    stored = rgb
    if name == "png16":
        stored = rgb.astype(np.uint16) * 257
        donor = io.BytesIO()
        Image.fromarray(rgb[:1, :1]).save(donor, "PNG", exif=exif)
        header, *pixels = png_chunks.chunks(bytes(imagecodecs.png_encode(stored)))
        path.write_bytes(png_chunks.join([header, *png_chunks.metadata_of(donor.getvalue()), *pixels]))
    elif name == "tiff":
        tifffile.imwrite(path, rgb, photometric="rgb", metadata=None, extratags=[(274, 3, 1, orientation, True)])
    else:
        options = {"quality": 100} if name in ("jpeg", "avif") else {"lossless": True} if name == "webp" else {}
        Image.fromarray(rgb).save(path, exif=exif, **options)
    image = Image.fromarray(rgb)
    image.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(image)).astype(stored.dtype) * (257 if name == "png16" else 1)
    got = read(path)
    assert got.pixels.shape == expected.shape
    assert got.pixels.flags.c_contiguous
    tolerance = {"jpeg": 8, "avif": 8}.get(name, 0)
    assert np.abs(got.pixels.astype(int) - expected.astype(int)).max() <= tolerance
    if got.metadata.exif:
        assert ExifBlock(got.metadata.exif).orientation in (None, 1)
    out = tmp_path / "out.jpg"
    write(got, out)
    with Image.open(out) as written:
        assert written.getexif().get(0x0112, 1) == 1
        assert written.size == (expected.shape[1], expected.shape[0])


HOLDS = {
    "jpeg": {"icc", "exif", "xmp", "dpi", "iptc"},
    "png": {"icc", "exif", "xmp", "dpi", "text"},
    "webp": {"icc", "exif", "xmp", "dpi"},
    "avif": {"icc", "exif", "xmp", "dpi"},
    "tiff": {"icc", "exif", "xmp", "dpi", "iptc"},
    "bmp": {"dpi"},
    "gif": set(),
}
WORDS = {
    "icc": "colour profile (the colours were converted to sRGB)",
    "exif": "EXIF",
    "xmp": "XMP",
    "dpi": "resolution (dpi)",
    "text": "comments",
    "iptc": "IPTC captions",
}


@pytest.mark.parametrize("name", HOLDS)
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("order", "<>")
def test_metadata_is_kept_or_reported(tmp_path, rgb, display_p3, name, depth, order):
    metadata = Metadata(
        icc=display_p3,
        exif=exif_block(order, orientation=1, thumbnail=False),
        xmp=upright_xmp(XMP),
        dpi=(300.0, 300.0),
        text=(("Title", "Grüße"), ("Author", "Zoë")),
        iptc=b"8BIM\x04\x04\0\0\0\0\0\x08\x1c\x02\x78\0\x03abc",
    )
    doubled = rgb.repeat(2, 0).repeat(2, 1).astype(depth)
    report = write(Picture(frames=(Frame(pixels=doubled),), metadata=metadata), tmp_path / f"a.{name}")
    assert {word for word in report.lost if word in WORDS.values()} == {
        WORDS[field] for field in WORDS if field not in HOLDS[name]
    }
    got = read(tmp_path / f"a.{name}").metadata
    holds = HOLDS[name]
    assert got.icc == (display_p3 if "icc" in holds else None)
    assert (got.xmp is not None) == ("xmp" in holds)
    assert got.xmp is None or b'exif:PixelXDimension="120"' in got.xmp
    assert (got.dpi is not None) == ("dpi" in holds)
    assert got.dpi is None or got.dpi == pytest.approx((300, 300), abs=0.01)
    assert got.text == (metadata.text if "text" in holds else ())
    assert got.iptc == (metadata.iptc if "iptc" in holds else None)
    if "exif" in holds:
        exif = parsed(got.exif)
        assert exif[0x010F] == "Camera1"
        assert exif.get_ifd(0x8769)[0xA002] == 120
        assert exif.get_ifd(0x8769)[0xA003] == 80
        assert exif.get_ifd(0x8769)[0x927C] == b"Maker\0\x01\x02\x03\x04\x05"
        assert exif.get_ifd(0x8825)[0x1D] == "2026:01:02"


def test_tiff_with_exif_is_still_a_sound_tiff(tmp_path, rgb):
    metadata = Metadata(exif=exif_block(">"), dpi=(72.0, 72.0))
    write(Picture(frames=(Frame(pixels=rgb), Frame(pixels=rgb[::-1].copy())), metadata=metadata), tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert len(tiff.pages) == 2
        assert (tiff.pages[0].asarray() == rgb).all()
        assert tiff.pages[0].tags["Make"].value == "Camera1"
        codes = [tag.code for tag in tiff.pages[0].tags]
        assert codes == sorted(codes)
    with Image.open(tmp_path / "a.tif") as image:
        assert (np.asarray(image) == rgb).all()
        assert image.getexif().get_ifd(0x8825)[0x1D] == "2026:01:02"


def test_jpeg_markers_that_are_too_long_are_reported(tmp_path, rgb):
    exif = exif_block("<", orientation=1, thumbnail=False) + bytes(66000)
    xmp = XMP + b" " * 66000
    report = write(
        Picture(frames=(Frame(pixels=rgb),), metadata=Metadata(exif=exif, xmp=xmp, icc=None)), tmp_path / "a.jpg"
    )
    assert report.lost == ("EXIF (over the 64 kB that JPEG can hold)", "XMP (over the 64 kB that JPEG can hold)")
    assert read(tmp_path / "a.jpg").metadata.exif is None


def test_a_long_profile_is_split_over_jpeg_markers(tmp_path, rgb, display_p3):
    padded = display_p3 + bytes(200000)
    icc = struct.pack(">I", len(padded)) + padded[4:]
    write(Picture(frames=(Frame(pixels=rgb),), metadata=Metadata(icc=icc)), tmp_path / "a.jpg")
    assert read(tmp_path / "a.jpg").metadata.icc == icc


@pytest.mark.parametrize("name", ["jpeg", "gif"])
def test_a_comment(tmp_path, rgb, name):
    few = Metadata(text=(("Comment", "taken in Zürich"),))
    path = tmp_path / f"a.{name}"
    assert "comments" not in write(Picture(frames=(Frame(pixels=rgb),), metadata=few), path).lost
    assert read(path).metadata.text == few.text


def test_resolution_without_exif_in_formats_that_have_only_exif(tmp_path, rgb):
    block = ExifBlock(exif_with_dpi((72.0, 96.5)))
    assert block.dpi == (72.0, 96.5)
    write(Picture(frames=(Frame(pixels=rgb),), metadata=Metadata(dpi=(72.0, 96.5))), tmp_path / "a.webp")
    assert read(tmp_path / "a.webp").metadata.dpi == (72.0, 96.5)


def test_resolution_turns_with_the_picture():
    assert collect(space="rgb", exif=exif_block("<", orientation=6), dpi=(100.0, 200.0)).metadata.dpi == (200.0, 100.0)


def test_size_tags_follow_every_write(rgb):
    metadata = for_upright(Metadata(exif=exif_block("<")), 80, 120)
    assert parsed(metadata.exif).get_ifd(0x8769)[0xA002] == 120


def test_exif_that_imagemagick_hid_in_a_png_comment(rgb):
    from PIL.PngImagePlugin import PngInfo

    block = b"Exif\0\0" + exif_block(">", orientation=3)
    info = PngInfo()
    info.add_text("Raw profile type exif", f"\nexif\n{len(block):8}\n{block.hex()}\n", zip=True)
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "PNG", pnginfo=info)
    got = read(stream.getvalue())
    assert (got.pixels == rgb[::-1, ::-1]).all()
    assert parsed(got.metadata.exif)[0x010F] == "Camera1"
    assert got.metadata.text == ()


def test_further_pictures_in_a_jpeg_are_noted(rgb):
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "MPO", save_all=True, append_images=[Image.fromarray(rgb)])
    got = read(stream.getvalue())
    assert len(got.frames) == 1
    assert got.notes == ("further pictures in the file (preview, gain map or depth) were left out",)


@pytest.mark.parametrize(
    ("name", "content"),
    [("xmp", XMP), ("APP1", b"http://ns.adobe.com/xap/1.0/\0" + XMP), ("APP1", b"Exif\0\0" + exif_block("<"))],
)
def test_blocks_that_imagemagick_hid_in_png_comments(rgb, name, content):
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text(f"Raw profile type {name}", f"\n{name}\n{len(content):8}\n{content.hex()}\n", zip=True)
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "PNG", pnginfo=info)
    got = read(stream.getvalue())
    assert got.pixels.shape == (60, 40, 3), "the orientation in it counts"
    assert got.metadata.text == ()
    assert got.metadata.xmp == (upright_xmp(XMP) if XMP in content else None)
    assert (got.metadata.exif is None) == (XMP in content)
