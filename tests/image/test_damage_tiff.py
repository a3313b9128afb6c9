"""TIFF files that once ended the process, were read as whole, or are not what they say."""

import io
import logging
import struct
import subprocess
import sys

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from upres.errors import ImageReadError
from upres.image.io import read


def stored(array, **options):
    stream = io.BytesIO()
    tifffile.imwrite(stream, array, metadata=None, **options)
    return stream.getvalue()


def by_hand(tags, pixels=b""):
    """A TIFF file of one page: tags as code -> value or (type, count, value), its pixels behind the header."""
    start = 8 + len(pixels) + len(pixels) % 2
    data = b"II*\0" + start.to_bytes(4, "little") + pixels + bytes(len(pixels) % 2)
    data += len(tags).to_bytes(2, "little")
    for code, entry in sorted(tags.items()):
        kind, count, value = entry if isinstance(entry, tuple) else (4, 1, entry)
        data += struct.pack("<HHII", code, kind, count, value)
    return data + bytes(4)


def page(width, height, pixels, **others):
    named = {"bits": 258, "compression": 259, "samples": 277, "photometric": 262}
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: len(pixels)}
    tags |= {named[name]: value for name, value in others.items()}
    return tags


def codes(*numbers):
    """LZW codes of nine bits, as TIFF packs them."""
    bits = "".join(f"{number:09b}" for number in numbers)
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")


@pytest.mark.parametrize("first", [258, 300, 400, 511])
@pytest.mark.parametrize("second", [257, 258, 259])
def test_lzw_codes_before_their_time_are_damage_and_not_the_end(tmp_path, first, second):
    pixels = codes(256, first, second)
    path = tmp_path / "a.tif"
    path.write_bytes(by_hand(page(16, 16, pixels, compression=5), pixels))
    program = f"from upres.image.io import read\ntry: read({str(path)!r})\nexcept Exception as e: print(e)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "damaged or truncated TIFF file" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("kind", ["minisblack", "rgb", "separated"])
@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2"])
@pytest.mark.parametrize("layout", [{}, {"tile": (16, 32)}, {"rowsperstrip": 5}, {"predictor": True}])
def test_lzw_by_libtiff_equals_other_compressions(kind, dtype, layout):
    shape = {"minisblack": (37, 53), "rgb": (37, 53, 3), "separated": (37, 53, 4)}[kind]
    array = np.random.default_rng(2).integers(0, 200, shape).astype(dtype)
    options = {"photometric": kind, "byteorder": ">" if dtype == ">u2" else "<", **layout}
    got = read(stored(array, compression="lzw", **options))
    expected = read(stored(array, compression="adobe_deflate", **options))
    assert (got.pixels == expected.pixels).all()
    assert got.notes == expected.notes


def test_lzw_pages_keep_their_order():
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        for value in (10, 20, 30):
            writer.write(np.full((9, 9), value, np.uint8), compression="lzw", metadata=None)
    assert [int(frame.pixels[0, 0]) for frame in read(stream.getvalue()).frames] == [10, 20, 30]


def test_reading_many_leaves_the_log_as_it_is():
    data = stored(np.zeros((4, 4), np.uint8))
    read(data)
    before = len(logging.getLogger("tifffile").handlers)
    for _ in range(5):
        read(data)
    assert len(logging.getLogger("tifffile").handlers) == before


@pytest.mark.parametrize("code", [258, 282, 320, 700, 34377, 34675])
def test_a_tag_beyond_the_end_is_truncation(code):
    tags = page(2, 2, bytes(4)) | {code: (3, 3000, 60000)}
    with pytest.raises(ImageReadError, match=f"truncated TIFF file \\(its tag {code} lies beyond the end\\)"):
        read(by_hand(tags, bytes(4)))


def test_tags_that_nobody_reads_may_lie_anywhere():
    assert read(by_hand(page(2, 2, bytes(4)) | {65000: (3, 3000, 60000)}, bytes(4))).size == (2, 2)


def test_every_cut_is_seen():
    rgb = np.random.default_rng(5).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    stream = io.BytesIO()
    tifffile.imwrite(stream, rgb, photometric="rgb", compression="zlib", resolution=(300, 300), metadata=None)
    data = stream.getvalue()
    whole = read(data)
    for cut in range(9, len(data)):
        try:
            got = read(data[:cut])
        except ImageReadError:
            continue
        assert (got.pixels == whole.pixels).all()
        assert got.metadata == whole.metadata


def test_a_camera_raw_is_named():
    raw = page(2, 2, bytes(4)) | {50706: (1, 4, 0x00000401)}
    with pytest.raises(ImageReadError, match="is a camera raw; develop it first"):
        read(by_hand(raw, bytes(4)))
    preview = page(2, 2, bytes(4)) | {254: 1, 271: (2, 4, int.from_bytes(b"Cam\0", "little")), 330: 8}
    with pytest.raises(ImageReadError, match="is a camera raw; develop it first"):
        read(by_hand(preview, bytes(4)))


def test_too_many_samples_and_sizes_that_are_lists():
    with pytest.raises(ImageReadError, match="65535 samples a pixel is not a picture"):
        read(by_hand(page(20, 20, bytes(400), samples=65535), bytes(400)))
    sizes = page(20, 20, bytes(4000)) | {256: (3, 500, 100)}
    with pytest.raises(ImageReadError) as caught:
        read(by_hand(sizes, bytes(4000)))
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(("compression", "packed"), [(1, bytes(400)), (8, imagecodecs.zlib_encode(bytes(400)))])
def test_sizes_are_held_against_the_data(compression, packed):
    with pytest.raises(ImageReadError, match=r"30000x30000 pixels, which \d+ bytes cannot hold"):
        read(by_hand(page(30000, 30000, packed, compression=compression), packed))


@pytest.mark.parametrize("photometric", ["rgb", "ycbcr"])
def test_a_jpeg_strip_that_ends_early_is_damage(photometric):
    array = np.random.default_rng(5).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    stream = io.BytesIO()
    if photometric == "ycbcr":
        Image.fromarray(array).save(stream, "TIFF", compression="jpeg")
    else:
        tifffile.imwrite(stream, array, photometric="rgb", compression="jpeg", rowsperstrip=16, metadata=None)
    data = stream.getvalue()
    assert read(data).size == (48, 64)
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        offset, count = tiff.pages[0].dataoffsets[-1], tiff.pages[0].databytecounts[-1]
    for lost in (6, 40, count // 3):
        kept = data[offset : offset + count - lost] + b"\xff\xd9" + bytes(lost - 2)
        with pytest.raises(ImageReadError, match="parts of its pixels are missing"):
            read(data[:offset] + kept + data[offset + count :])


def test_a_compression_that_is_not_read_is_named():
    with pytest.raises(ImageReadError, match=r"a compression that upres does not read \(32809\)"):
        read(by_hand(page(2, 2, bytes(4), compression=32809), bytes(4)))


def test_flat_pictures_of_any_size_are_read():
    flat = np.zeros((4000, 5000), np.uint8)
    for compression in ("lzw", "adobe_deflate", "packbits", "zstd"):
        assert read(stored(flat, compression=compression, rowsperstrip=4000)).size == (4000, 5000)
