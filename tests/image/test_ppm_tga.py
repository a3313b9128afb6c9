"""PPM and its kin, and TGA, both ways."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from upres.errors import ImageReadError, ImageTooLargeError
from upres.image.io import Frame, Picture, read, write


def random(shape, dtype=np.uint8):
    return np.random.default_rng(2).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


@pytest.mark.parametrize("shape", [(7, 11), (7, 11, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_ppm_and_pgm_are_exact(tmp_path, shape, dtype):
    pixels = random(shape, dtype)
    report = write(Picture(frames=(Frame(pixels=pixels),)), tmp_path / "a.ppm")
    assert (report.lost, report.warnings) == ((), ())
    data = (tmp_path / "a.ppm").read_bytes()
    assert data[:2] == (b"P6" if len(shape) == 3 else b"P5")
    assert np.array_equal(read(data).pixels, pixels)
    if dtype == np.uint8:
        assert np.array_equal(np.array(Image.open(io.BytesIO(data))), pixels)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"P1\n# bits\n3 2\n1 0 1\n010\n", [[0, 255, 0], [255, 0, 255]]),
        (b"P4 9 2\n\x80\x80\x00\x00", [[0] + [255] * 7 + [0], [255] * 9]),
        (b"P2 2 1 #white\n 15 0 15", [[0, 255]]),
        (b"P5 2 1 3\n\x01\x02", [[85, 170]]),
        (b"P3\n1 1\n255\n1 2 3\n", [[[1, 2, 3]]]),
        (b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n\x01\x02\x03", [[[1, 2, 3]]]),
    ],
)
def test_kinds_of_netpbm(content, expected):
    got = read(content)
    assert got.pixels.dtype == np.uint8
    assert got.pixels.tolist() == expected


def test_deep_and_transparent_ones():
    got = read(b"P5 2 1 1023\n" + struct.pack(">HH", 1023, 512))
    assert (got.pixels.dtype, got.pixels.tolist(), got.source.bits) == (np.uint16, [[65535, 32800]], 10)
    head = b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 4\nMAXVAL 65535\nTUPLTYPE RGB_ALPHA\nENDHDR\n"
    got = read(head + struct.pack(">4H", 1, 2, 3, 4))
    assert (got.pixels.tolist(), got.alpha.tolist()) == ([[[1, 2, 3]]], [[4]])
    two = b"P5 1 1 255\n\x01"
    assert read(two + two).notes == ("further pictures in the file were left out",)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"P5 2 2 255\n\1\2\3", "truncated PPM file"),
        (b"P4 9 2\n\1\2\3", "truncated PPM file"),
        (b"P2 2 2 255\n1 2 3", "truncated PPM file"),
        (b"P1 2 2\n101", "truncated PPM file"),
        (b"P5 2 1 3\n\x01\x04", "a sample of 4, although white is 3"),
        (b"P5 2 1 70000\n\x01\x04", "white is 70000"),
        (b"P5 x 1 255\n", "its header lacks a number"),
        (b"P5 0 1 255\n", "0x1 pixels"),
        (b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 9\nMAXVAL 255\nENDHDR\n" + bytes(9), "9 channels"),
        (b"P7\nWIDTH 1\n", "its header has no end"),
    ],
)
def test_bad_netpbm(content, reason):
    with pytest.raises(ImageReadError, match=reason):
        read(content)


def test_huge_netpbm_is_refused_before_it_is_unpacked():
    for kind in (b"P1", b"P2", b"P3", b"P5", b"P6"):
        with pytest.raises(ImageTooLargeError):
            read(kind + b" 999999 999999 255\n1 1")


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize("options", [{}, {"compression": "tga_rle"}, {"orientation": -1}])
def test_tga_of_another_writer(tmp_path, mode, options):
    pixels = np.repeat(random((9, 5, len(mode))), 7, axis=1).squeeze()
    Image.fromarray(pixels).save(tmp_path / "a.tga", **options)
    got = read(tmp_path / "a.tga")
    assert np.array_equal(got.frames[0].channels().squeeze(), pixels)
    assert got.source.lossless


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_tga_round_trip(tmp_path, channels):
    frame = Frame.of(random((9, 13, channels)))
    report = write(Picture(frames=(frame,)), tmp_path / "a.tga")
    assert (report.lost, report.warnings) == ((), ())
    got = read(tmp_path / "a.tga").frames[0]
    wanted = frame.channels() if channels != 2 else np.dstack([frame.pixels] * 3 + [frame.alpha])
    assert np.array_equal(got.channels(), wanted)
    shown = Image.open(tmp_path / "a.tga")
    assert np.array_equal(np.array(shown).reshape(wanted.shape), wanted)


def tga(kind, bits, flags, content, colors=b"", color_bits=0, first=0, side=(2, 1)):
    count = len(colors) * 8 // max((color_bits + 7) // 8 * 8, 8)
    head = struct.pack("<BBBHHBHHHHBB", 0, bool(colors), kind, first, count, color_bits, 0, 0, *side, bits, flags)
    return head + colors + content


def test_tga_kinds(tmp_path):
    path = tmp_path / "a.tga"

    def got(*args, **options):
        path.write_bytes(tga(*args, **options))
        return read(path)

    words = struct.pack("<HH", 31 << 10, 1 << 15 | 31)
    assert got(2, 16, 0x20, words).pixels.tolist() == [[[255, 0, 0], [0, 0, 255]]]
    assert got(2, 16, 0x21, words).alpha.tolist() == [[0, 255]]
    assert got(2, 15, 0x20, words).alpha is None
    assert got(2, 24, 0x30, b"\1\2\3\4\5\6").pixels.tolist() == [[[6, 5, 4], [3, 2, 1]]]
    assert got(1, 8, 0x20, b"\5\4", b"\1\2\3\4\5\6", 24, first=4).pixels.tolist() == [[[6, 5, 4], [3, 2, 1]]]
    assert got(2, 32, 0x20, b"\1\2\3\4\5\6\7\x08").alpha is None
    empty = got(2, 32, 0x28, b"\1\2\3\0\5\6\7\0")
    assert (empty.alpha, empty.notes) == (None, ("its alpha is empty and was left out",))
    with pytest.raises(ImageReadError, match="a colour beyond its palette"):
        got(1, 8, 0x20, b"\5\7", b"\1\2\3\4\5\6", 24, first=4)
    with pytest.raises(ImageReadError, match="truncated TGA file"):
        got(2, 24, 0x20, b"\1\2\3\4\5")
    with pytest.raises(ImageTooLargeError):
        got(10, 24, 0x20, b"\xff\1\2\3", side=(65535, 65535))
    with pytest.raises(ImageReadError, match="TGA file"):
        got(10, 24, 0x20, b"\xff\1\2\3", side=(300, 300))


def test_tga_needs_its_name_and_a_sound_header(tmp_path):
    content = tga(2, 24, 0x20, b"\1\2\3\4\5\6")
    with pytest.raises(ImageReadError, match="its content is none of"):
        read(content)
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageReadError, match="its content is none of"):
        read(tmp_path / "a.png")
    (tmp_path / "a.tga").write_bytes(b"\0\0\2" + bytes(60))
    with pytest.raises(ImageReadError, match="its content is none of"):
        read(tmp_path / "a.tga")
    Image.new("RGB", (3, 2)).save(tmp_path / "b.png")
    (tmp_path / "b.png").rename(tmp_path / "b.tga")
    assert read(tmp_path / "b.tga").notes == ("the file is named like TGA but holds PNG (.png)",)


@pytest.mark.parametrize("options", [{}, {"compression": "tga_rle"}])
def test_every_cut_of_a_tga_is_refused(tmp_path, options):
    path = tmp_path / "a.tga"
    Image.fromarray(np.repeat(random((20, 9, 3)), 3, axis=1)).save(path, **options)
    data = path.read_bytes()
    end = len(data) - 26  # what follows is a footer of which nothing is needed
    for cut in {end * part // 10 for part in range(10)} | {17, 18, end - 1}:
        path.write_bytes(data[:cut])
        with pytest.raises(ImageReadError):
            read(path)
    path.write_bytes(data[:end])
    assert read(path).size == (20, 27)
