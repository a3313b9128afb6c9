"""PNG files that were once read although they are not whole, or refused although their pixels are."""

import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from upres.errors import ImageReadError, ImageTooLargeError
from upres.image.codecs import png_chunks
from upres.image.io import Frame, Picture, read, read_pixels, write

KINDS = ["grey", "rgb", "rgba", "palette", "1-bit", "deep", "interlaced-deep", "apng", "apng-deep"]


def noise(shape, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def saved(image, **options):
    stream = io.BytesIO()
    image.save(stream, "PNG", **options)
    return stream.getvalue()


def animation(dtype=np.uint8):
    stream = io.BytesIO()
    frames = tuple(Frame(pixels=np.roll(noise((20, 28, 3), dtype), 5 * i, 1), duration_ms=40.0) for i in range(3))
    write(Picture(frames=frames), stream, format="png")
    return stream.getvalue()


def deep(*, interlaced=False, size=(21, 29)):
    """A 16-bit RGB file by hand, each row unfiltered."""
    array = noise((*size, 3), np.uint16)
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    parts = [array[y::dy, x::dx] for x, y, dx, dy in passes] if interlaced else [array]
    raw = b"".join(b"\0" + row.astype(">u2").tobytes() for part in parts if part.size for row in part)
    header = struct.pack(">IIBBBBB", size[1], size[0], 16, 2, 0, 0, int(interlaced))
    return png_chunks.join([(b"IHDR", header), (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]), array


def sample(kind):
    if kind.startswith("apng"):
        return animation(np.uint16 if kind == "apng-deep" else np.uint8)
    if "deep" in kind:
        return deep(interlaced=kind.startswith("interlaced"))[0]
    image = Image.fromarray(noise((20, 28, 4)), "RGBA")
    modes = {"grey": "L", "rgb": "RGB", "rgba": "RGBA", "1-bit": "1"}
    return saved(image.convert("RGB").quantize(32) if kind == "palette" else image.convert(modes[kind]))


def with_chunk(data, name, change):
    """The file with the first chunk of this name passed through ``change``, its checksum right."""
    parts, done = [], False
    for found, content in png_chunks.chunks(data):
        if found == name and not done:
            content, done = change(content), True
        parts.append((found, content))
    assert done
    return png_chunks.join(parts)


@pytest.mark.parametrize("kind", KINDS)
def test_every_cut_is_seen(kind):
    data = sample(kind)
    for cut in range(9, len(data) - 1, 7):
        with pytest.raises(ImageReadError):
            read(data[:cut])


@pytest.mark.parametrize("kind", KINDS)
def test_every_flipped_bit_of_the_pixels_is_seen(kind):
    data = sample(kind)
    starts = [data.index(name) for name in (b"IHDR", b"IDAT", b"IEND")]
    for start, end in ((starts[0], starts[0] + 17), (starts[1], starts[1] + 60), (starts[2], len(data))):
        for place in range(start, end):
            broken = bytearray(data)
            broken[place] ^= 1 << place % 8
            with pytest.raises(ImageReadError):
                read(bytes(broken))


@pytest.mark.parametrize("kind", KINDS)
def test_missing_rows_are_seen(kind):
    def shortened(content):
        raw = zlib.decompress(content)
        return zlib.compress(raw[:-5])

    with pytest.raises(ImageReadError, match="ends before the last row of pixels"):
        read(with_chunk(sample(kind), b"IDAT", shortened))


def test_a_filter_that_does_not_exist_is_seen():
    with pytest.raises(ImageReadError, match="filtered in a way that does not exist"):
        read(with_chunk(deep()[0], b"IDAT", lambda content: zlib.compress(b"\7" + zlib.decompress(content)[1:])))


def test_refused_files_do_not_reach_the_decoder_that_leaks(monkeypatch):
    import imagecodecs

    def refuse(*_):
        raise AssertionError("called")

    monkeypatch.setattr(imagecodecs, "png_decode", refuse)
    monkeypatch.setattr(imagecodecs, "apng_decode", refuse)
    for kind in ("deep", "interlaced-deep", "apng", "apng-deep"):
        data = sample(kind)
        with pytest.raises(ImageReadError):
            read(data[: len(data) // 2])


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (3, 2), (21, 29), (8, 8)])
def test_deep_pictures_are_read_to_the_bit_and_in_silence(tmp_path, interlaced, size):
    data, array = deep(interlaced=interlaced, size=size)
    (tmp_path / "a.png").write_bytes(data)
    program = f"from upres.image.io import read; read({str(tmp_path / 'a.png')!r})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert (read(data).pixels == array).all()


def test_a_damaged_comment_is_left_out_and_noted():
    text = PngImagePlugin.PngInfo()
    text.add_text("Title", "A title")
    text.add_text("Author", "Somebody")
    for image in (Image.fromarray(noise((9, 9, 3))), Image.fromarray(noise((9, 9), np.uint16))):
        data = bytearray(saved(image, pnginfo=text))
        data[data.index(b"A title")] ^= 1
        got = read(bytes(data))
        assert (got.pixels == np.asarray(image)).all()
        assert got.metadata.text == (("Author", "Somebody"),)
        assert got.notes == ("its tEXt chunk is damaged and was left out",)


@pytest.mark.parametrize("kind", ["iTXt", "zTXt", "iCCP"])
def test_what_grows_beyond_a_megabyte_is_left_out_and_noted(kind):
    packed = zlib.compress(bytes(3 << 20))
    content = {"iTXt": b"Key\0\1\0en\0Key\0", "zTXt": b"Key\0\0", "iCCP": b"Key\0\0"}[kind] + packed
    own = list(png_chunks.chunks(sample("rgb")))
    got = read(png_chunks.join([own[0], (kind.encode(), content), *own[1:]]))
    assert (got.pixels == read(sample("rgb")).pixels).all()
    assert got.notes == (f"its {kind} chunk holds over 1 MiB and was left out",)


def test_two_headers_are_refused():
    own = list(png_chunks.chunks(sample("rgb")))
    with pytest.raises(ImageReadError, match="two headers"):
        read(png_chunks.join([own[0], *own]))


def test_apples_own_kind_is_named():
    own = list(png_chunks.chunks(sample("rgb")))
    with pytest.raises(ImageReadError, match=r"is an Apple CgBI file, .* turn it back into a PNG first"):
        read(png_chunks.join([(b"CgBI", bytes(4)), *own]))


@pytest.mark.parametrize("kind", ["apng", "apng-deep"])
@pytest.mark.parametrize("promised", [1, 2, 4, 10**9])
def test_an_animation_has_the_frames_it_promises(kind, promised):
    data = with_chunk(sample(kind), b"acTL", lambda content: struct.pack(">I", promised) + content[4:])
    with pytest.raises(ImageReadError, match=f"3 frames instead of {promised}"):
        read(data)


def test_an_animation_without_its_last_chunks_is_damaged():
    own = list(png_chunks.chunks(animation()))
    for count in range(4, len(own) - 1):
        with pytest.raises(ImageReadError):
            read(png_chunks.join([*own[:count], own[-1]]))


def test_a_flipped_bit_in_a_later_frame_is_damage():
    data = animation()
    start = data.rindex(b"fdAT")
    broken = bytearray(data)
    broken[start + 20] ^= 4
    with pytest.raises(ImageReadError, match="the checksum of its fdAT chunk is wrong"):
        read(bytes(broken))
    assert (read_pixels(data) == noise((20, 28, 3))).all()


@pytest.mark.parametrize("change", [(4, 99), (8, 99), (12, 10), (16, 10), (24, 3), (25, 3)])
def test_a_frame_that_leaves_the_canvas_is_damage(change):
    place, value = change

    new = bytes([value]) if place >= 24 else struct.pack(">I", value)

    def changed(content):
        return content[:place] + new + content[place + len(new) :]

    with pytest.raises(ImageReadError, match="damaged PNG file \\(a frame of"):
        read(with_chunk(animation(), b"fcTL", changed))


def test_many_large_frames_are_refused_before_any_is_decoded():
    own = list(png_chunks.chunks(animation()))
    size = struct.pack(">II", 20000, 20000)
    own[0] = (b"IHDR", size + own[0][1][8:])
    with pytest.raises(ImageTooLargeError, match="20000x20000 x 3 frames"):
        read(png_chunks.join(own))


@pytest.mark.parametrize("mode", ["1", "L", "RGB"])
def test_large_flat_pictures_are_read(mode):
    assert read(saved(Image.new(mode, (6000, 6000), 1), compress_level=9)).size == (6000, 6000)
