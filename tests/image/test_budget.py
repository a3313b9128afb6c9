"""Limits on pixels and memory, asked before anything is decoded, in every format that could promise too much."""

import io
import struct
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from upres.errors import ImageReadError, ImageTooLargeError
from upres.image import budget as module
from upres.image.budget import WITHOUT_LENGTH, Budget, Cost, check_length
from upres.image.io import read, read_pixels


def gif(screen, *frames, data=b"\2\2\x4c\1\0"):
    """A GIF file of a screen and frames (left, top, width, height), each with hardly any data."""
    parts = [b"GIF89a", struct.pack("<HH", *screen), b"\x80\0\0", bytes(6)]
    for frame in frames:
        parts += [b",", struct.pack("<4H", *frame), b"\0", data]
    return b"".join([*parts, b";"])


def saved(image, form, **options):
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def webp_animation(size, count):
    """A WebP animation whose frames are as small as can be on a canvas of any size."""
    still = saved(Image.new("RGB", (1, 1)), "WEBP", lossless=True)[12:]
    three = lambda value: struct.pack("<I", value)[:3]  # noqa: E731
    frame = three(0) * 2 + three(0) * 2 + three(50) + b"\0" + still
    body = b"VP8X" + struct.pack("<I", 10) + b"\2\0\0\0" + three(size[0] - 1) + three(size[1] - 1)
    body += b"ANIM" + struct.pack("<I", 6) + bytes(6)
    body += (b"ANMF" + struct.pack("<I", len(frame)) + frame) * count
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def peak_mib(data, tmp_path, call="read"):
    """Memory that a process takes at most for reading this, and what it says."""
    (tmp_path / "input").write_bytes(data)
    program = (
        "from upres.image.io import read, read_pixels\nfrom upres.errors import ImageError\n"
        "from upres.machine.memory import peak_bytes\n"
        f"try: {call}({str(tmp_path / 'input')!r}); said = 'read'\n"
        "except ImageError as error: said = str(error)\nprint(peak_bytes() >> 20, said)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=100)
    peak, said = done.stdout.split(" ", 1)
    return int(peak), said


def hidden(screen, *frames):
    """A GIF whose further frames lie behind a byte that begins no block, which Pillow passes over."""
    return gif(screen, (0, 0, 1, 1))[:-1] + b"?" + gif(screen, *frames)[19:]


def displaced(screen, *frames):
    """A GIF whose further frames lie in a comment, where Pillow looks for blocks behind an empty extension."""
    inner = gif(screen, *frames)[19:]
    return gif(screen, (0, 0, 1, 1))[:-1] + b"!\x01\0" + b"!\xfe" + bytes([len(inner)]) + inner + b"\0;"


BOMBS = {
    "gif-hidden-frame": lambda: hidden((10, 10), (0, 0, 40000, 40000)),
    "gif-hidden-behind-an-empty-extension": lambda: displaced((10, 10), (0, 0, 40000, 40000)),
    "gif-hidden-far-frame": lambda: hidden((10, 10), (60000, 60000, 1, 1)),
    "gif-screen": lambda: gif((32000, 32000), (0, 0, 1, 1)),
    "gif-frame": lambda: gif((10, 10), (0, 0, 1, 1), (0, 0, 40000, 40000)),
    "gif-far-frame": lambda: gif((10, 10), (0, 0, 1, 1), (60000, 60000, 1, 1)),
    "gif-frames": lambda: gif((4000, 4000), *[(0, 0, 1, 1)] * 60),
    "webp-frames": lambda: webp_animation((16000, 16000), 4),
    "webp-canvas": lambda: webp_animation((16384 * 64, 16384 * 64), 1),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_at_once(name, tmp_path):
    peak, said = peak_mib(BOMBS[name](), tmp_path)
    assert (said == "read\n") == ("hidden" in name)
    assert peak < 120


def test_the_budget_is_asked_before_there_is_a_canvas(tmp_path):
    large = gif((30000, 30000), (0, 0, 1, 1))
    with pytest.raises(ImageTooLargeError, match=r"30000x30000 pixels make 900 megapixels"):
        read(large, max_pixels=16_000_000)
    growing = gif((10, 10), (0, 0, 1, 1), (4990, 4990, 10, 10))
    with pytest.raises(ImageTooLargeError, match="5000x5000"):
        read(growing, max_pixels=16_000_000)
    assert read_pixels(growing, max_pixels=16_000_000).shape == (10, 10, 3)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["GIF", "PNG", "BMP", "WEBP", "TIFF", "AVIF"])
def test_large_flat_pictures_by_ordinary_encoders_are_read(form):
    options = {"TIFF": {"compression": "tiff_lzw"}, "WEBP": {"lossless": True}}.get(form, {})
    assert read(saved(Image.new("L", (8200, 8200), 3), form, **options)).size == (8200, 8200)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["GIF", "JPEG", "PNG"])
def test_flat_pictures_of_400_megapixels_are_read(form):
    options = {"JPEG": {"optimize": True, "quality": 20}, "PNG": {"compress_level": 9}}.get(form, {})
    data = saved(Image.new("L", (20000, 20000)), form, **options)
    assert read(data).size == (20000, 20000)


def test_flat_webp_with_loss_is_read_and_a_cut_one_is_not():
    data = saved(Image.new("RGB", (4000, 4000), (90, 20, 30)), "WEBP", quality=1)
    assert read(data).size == (4000, 4000)
    place = data.index(b"VP8 ")
    kept = 1000
    cut = b"VP8 " + struct.pack("<I", kept) + data[place + 8 : place + 8 + kept]
    cut = b"RIFF" + struct.pack("<I", len(cut) + 4) + b"WEBP" + cut
    with pytest.raises(ImageReadError, match="4000x4000 pixels, which 1000 bytes cannot hold"):
        read(cut)


def test_webp_stills_take_little_and_equal_pillows(tmp_path):
    array = np.random.default_rng(0).integers(0, 256, (50, 70, 4), dtype=np.uint8)
    for options in ({"lossless": True, "exact": True}, {"quality": 70}, {"quality": 70, "exif": b"Exif\0\0II*\0"}):
        for image in (Image.fromarray(array), Image.fromarray(array[..., :3].copy())):
            data = saved(image, "WEBP", **options)
            shown = np.asarray(Image.open(io.BytesIO(data)))
            got = read(data)
            assert (got.pixels == shown[..., :3]).all()
            assert (got.alpha is None) == (shown.shape[2] == 3)
            assert got.alpha is None or (got.alpha == shown[..., 3]).all()
    peak, said = peak_mib(saved(Image.new("RGB", (8000, 8000), (1, 2, 3)), "WEBP", lossless=True), tmp_path)
    assert said == "read\n"
    assert peak < 600


def test_memory_is_asked_for_before_decoding(monkeypatch):
    data = saved(Image.new("L", (6000, 6000)), "PNG")
    assert read(data, max_memory=2**29).size == (6000, 6000)
    with pytest.raises(ImageTooLargeError, match=r"takes some 343 MiB of memory and 100 MiB may be taken"):
        read(data, max_memory=100 * 2**20)
    monkeypatch.setattr(module, "available_bytes", lambda: 50 * 2**20)
    with pytest.raises(ImageTooLargeError, match=r"50 MiB are free; make the picture smaller first"):
        read(data)
    monkeypatch.setattr(module, "available_bytes", lambda: None)
    assert read(data).size == (6000, 6000)


def test_frames_add_up():
    purse = Budget(1000)
    purse.spend(10, 10, 9)
    with pytest.raises(ImageTooLargeError, match=r"10x11 pixels make 0\.00101 megapixels in all"):
        purse.spend(10, 11)
    purse.spend(10, 10)
    kept = Budget(None, max_memory=2**27)
    kept.spend(4000, 4000, cost=Cost(kept=4, working=0))
    with pytest.raises(ImageTooLargeError, match="183 MiB"):
        kept.spend(4000, 4000, 2, cost=Cost(kept=4, working=0))


def test_sizes_are_held_against_the_length():
    small = Budget(None, max_memory=2**60, length=100)
    small.spend(8000, 8000)
    with pytest.raises(ImageReadError, match="20000x20000 pixels, which 100 bytes cannot hold"):
        small.check(20000, 20000)
    small.check(20000, 20000, cost=Cost(densest=WITHOUT_LENGTH))
    Budget(None, max_memory=2**60, length=10000).check(20000, 20000)
    check_length(1000, 1000, 0, 1)
    with pytest.raises(ImageReadError, match="2000x2000 pixels, which 100 bytes cannot hold"):
        check_length(2000, 2000, 100, 1032)


def test_no_side_is_zero():
    with pytest.raises(ImageReadError, match="its header says 0x5 pixels"):
        Budget(None).check(0, 5)
