"""JPEG files that lack pixels behind their header, take too long, or hold 12 bits."""

import io
import struct

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from upres.errors import ImageReadError
from upres.image.codecs.jpeg_checks import MOST_SCANS, check_restarts, layout_of, with_other_bits
from upres.image.io import read, read_pixels

KINDS = {
    "baseline": {},
    "4:4:4": {"subsampling": 0},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_rows": 1},
    "many-restarts": {"restart_marker_blocks": 2},
    "grey": {"mode": "L"},
    "inks": {"mode": "CMYK"},
    "optimised": {"optimize": True},
}


def picture():
    y, x = np.mgrid[:75, :101]
    noise = np.random.default_rng(0).normal(0, 12, (75, 101, 3))
    return (np.stack([x * 2, y * 3, x + y], -1) + noise).clip(0, 255).astype(np.uint8)


def sample(kind, **more):
    options = KINDS[kind] | more
    stream = io.BytesIO()
    Image.fromarray(picture()).convert(options.pop("mode", "RGB")).save(stream, "JPEG", quality=80, **options)
    return stream.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_whole_files_are_read_as_before(kind):
    data = sample(kind)
    got = read(data)
    assert got.notes == (() if kind != "inks" else got.notes)
    if kind != "inks":
        assert (got.pixels == np.asarray(Image.open(io.BytesIO(data)))).all()
    assert (read_pixels(data) == got.pixels).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_scan_that_ends_early_is_damage_whatever_mark_follows(kind):
    data = sample(kind)
    for scan in layout_of(data).scans:
        length = scan.end - scan.start
        for lost in {4, 9, 30, length // 2, length - 4} & set(range(1, length)):
            with pytest.raises(ImageReadError, match="parts of its pixels are missing"):
                read(data[: scan.end - lost] + data[scan.end :])


def test_a_cut_between_restarts_is_damage():
    data = sample("many-restarts")
    scan = layout_of(data).scans[0]
    place = data.rindex(b"\xff\xd3", scan.start, scan.end)
    with pytest.raises(ImageReadError, match="parts of its pixels are missing"):
        read(data[:place] + b"\xff\xd9")


@pytest.mark.parametrize("kind", KINDS)
def test_other_bits_change_nothing_of_a_whole_file(kind):
    data = sample(kind)
    layout = layout_of(data)
    check_restarts(data, layout)
    other = with_other_bits(data, layout)
    assert len(other) > len(data)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), np.asarray(Image.open(io.BytesIO(other))))


def test_bytes_behind_the_last_block_or_the_end_mark_are_no_damage():
    data = sample("baseline")
    assert (read(data[:-2] + bytes(300) + data[-2:]).pixels == read(data).pixels).all()
    assert (read(data + b"a trailer").pixels == read(data).pixels).all()


def test_fill_bytes_before_markers_are_no_damage():
    data = sample("progressive")
    place = data.index(b"\xff\xc2")
    assert (read(data[:place] + b"\xff\xff\xff" + data[place:]).pixels == read(data).pixels).all()


def many_scans(count):
    """A progressive file whose last scan is there so many times."""
    data = sample("progressive")
    last = layout_of(data).scans[-1]
    header = data.rindex(b"\xff\xda", 0, last.start)
    return data[: last.end] + data[header : last.end] * count + data[last.end :]


def test_scans_without_end_are_refused_before_they_are_decoded():
    with pytest.raises(ImageReadError, match=f"more than {MOST_SCANS} scans"):
        read(many_scans(5000))
    assert layout_of(sample("progressive")).scans


def test_scans_behind_bytes_that_are_no_marker_are_counted():
    data = many_scans(150)
    last = layout_of(sample("progressive")).scans[-1]
    with pytest.raises(ImageReadError, match=f"more than {MOST_SCANS} scans"):
        read(data[: last.end] + b"\xff\xd0junk" + data[last.end :])


@pytest.mark.parametrize("length", [0, 1])
def test_a_segment_of_no_length_hides_nothing(length):
    """Pillow goes on behind it, and found a header there that nobody had checked."""
    data = sample("baseline")
    hidden = data[:2] + b"\xff\xe0" + length.to_bytes(2, "big") + data[2:]
    with pytest.raises(ImageReadError, match="it breaks off"):
        read(hidden)


@pytest.mark.parametrize("kind", ["baseline", "progressive", "inks"])
def test_a_header_that_the_file_cannot_hold(kind):
    data = bytearray(sample(kind))
    place = data.index(b"\xff\xc2" if kind == "progressive" else b"\xff\xc0")
    data[place + 5 : place + 9] = struct.pack(">HH", 32000, 32000)
    with pytest.raises(ImageReadError, match=f"32000x32000 pixels, which {len(data)} bytes cannot hold"):
        read(bytes(data))


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"progressive": True}], ids=str)
def test_large_flat_pictures_are_read(mode, options):
    stream = io.BytesIO()
    Image.new(mode, (5000, 5000), 9).save(stream, "JPEG", quality=30, **options)
    assert read(stream.getvalue()).size == (5000, 5000)


@pytest.mark.parametrize("shape", [(40, 56), (40, 56, 3)])
def test_twelve_bits_are_read_in_sixteen(shape):
    y, x = np.mgrid[:40, :56]
    array = (np.stack([x * 70, y * 100, (x + y) * 40], -1) if len(shape) == 3 else x * 70).astype(np.uint16)
    data = bytes(imagecodecs.jpeg_encode(array, level=98, bitspersample=12))
    comment = b"\xff\xfe\0\7hello"
    got = read(data[:2] + comment + data[2:])
    assert got.pixels.dtype == np.uint16
    assert got.source.bits == 12
    assert got.metadata.text == (("Comment", "hello"),)
    assert np.abs(got.pixels.astype(int) - np.round(array / 4095 * 65535)).mean() < 300
    layout = layout_of(data)
    with pytest.raises(ImageReadError):
        read(data[: layout.scans[0].end - 30] + b"\xff\xd9")
