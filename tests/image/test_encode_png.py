"""PNG's pixels written piece by piece: what readers make of them, and what a file's bytes depend on."""

import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from upres.engines import _native
from upres.image.codecs import encode_png, png_chunks
from upres.image.codecs.encode_png import adler_of_both, pixel_chunks
from upres.image.io import Frame, Picture, write

SHAPES = [(1, 1), (1, 700), (700, 1), (5, 4, 3), (3, 7, 4), (2, 9, 2), (300, 401, 3), (1000, 1301), (700, 333, 4)]


def _file(array, threads=None):
    header, contents = pixel_chunks(array, threads)
    return png_chunks.join([(b"IHDR", header), *((b"IDAT", content) for content in contents), (b"IEND", b"")])


def _smooth(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    ramp = np.add.outer(np.arange(shape[0]), np.arange(shape[1]))
    values = ramp.reshape(*ramp.shape, *[1] * (len(shape) - 2)) + rng.integers(0, 9, shape)
    return (values * (257 if dtype == np.uint16 else 1)).astype(dtype)


def _read_back(data):
    return np.asarray(imagecodecs.png_decode(data))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", SHAPES)
def test_readers_find_what_was_written(shape, dtype):
    array = _smooth(shape, dtype)
    data = _file(array)
    assert (_read_back(data).reshape(shape) == array).all()
    if dtype == np.uint8:
        assert (np.asarray(Image.open(io.BytesIO(data))).reshape(shape) == array).all()


def test_pieces_make_one_stream_that_zlib_reads_to_its_checksum():
    array = _smooth((1500, 700, 3), np.uint8)
    contents = list(pixel_chunks(array)[1])
    assert len(contents) == 7
    unpacker = zlib.decompressobj()
    rows = unpacker.decompress(b"".join(contents))
    assert unpacker.eof
    assert not unpacker.unused_data
    assert len(rows) == 1500 * 2101
    assert set(rows[::2101]) <= set(range(5))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_rows_that_lie_apart_are_written_alike(dtype):
    array = _smooth((220, 512, 3), dtype)
    wide = np.zeros((440, 520, 3), dtype)
    wide[::2, 3:515] = array
    assert _file(wide[::2, 3:515]) == _file(array)


def test_a_file_is_the_same_on_any_number_of_threads(monkeypatch):
    pools = []
    monkeypatch.setattr(
        encode_png, "ThreadPoolExecutor", lambda most, **named: pools.append(most) or ThreadPoolExecutor(most, **named)
    )
    array = _smooth((1500, 700, 3), np.uint8)
    assert len({_file(array, threads) for threads in (1, 2, 5, 50)}) == 1
    assert pools == [1, 2, 5, 7]
    pictures = [Picture(frames=tuple(Frame(pixels=array, duration_ms=40.0) for _ in range(count))) for count in (1, 2)]
    for picture in pictures:
        write(picture, io.BytesIO(), format="png", threads=3)
    assert pools[4:] == [3, 3, 1], "of the second frame one pixel is there"


def test_without_the_kernels_libpng_writes_the_same_pixels(monkeypatch):
    monkeypatch.setattr(encode_png, "_native", lambda: None)
    for dtype in (np.uint8, np.uint16):
        array = _smooth((90, 70, 3), dtype)
        assert (_read_back(_file(array)) == array).all()


def test_photographs_take_less_room_than_by_libpng():
    rng = np.random.default_rng(0)
    noise = np.cumsum(np.cumsum(rng.normal(0, 1, (600, 600)), 0), 1)
    photo = np.clip(noise / np.abs(noise).max() * 120 + 128 + rng.normal(0, 2, noise.shape), 0, 255).astype(np.uint8)
    assert len(_file(photo)) < 0.97 * len(imagecodecs.png_encode(photo, 3))


@settings(max_examples=60, deadline=None)
@given(
    pieces=st.lists(st.binary(max_size=3000), min_size=1, max_size=4),
    level=st.integers(0, 12),
    repeat=st.integers(1, 90),
)
def test_streams_left_open_are_followed_by_others(pieces, level, repeat):
    texts = [piece * repeat for piece in pieces]
    streams = [bytes(imagecodecs.deflate_encode(text, level, raw=True)) for text in texts]
    whole = b"".join(map(_native.deflate_left_open, streams[:-1])) + streams[-1]
    assert zlib.decompress(whole, -15) == b"".join(texts)


@pytest.mark.parametrize("strategy", [zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE])
@pytest.mark.parametrize("level", [0, 1, 9])
def test_streams_of_zlib_are_left_open_too(strategy, level):
    text = bytes(np.random.default_rng(0).integers(0, 60, 200_000, np.uint8).cumsum(dtype=np.uint8))
    packer = zlib.compressobj(level, zlib.DEFLATED, -15, 9, strategy)
    stream = packer.compress(text) + packer.flush()
    assert zlib.decompress(_native.deflate_left_open(stream) + stream, -15) == 2 * text


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_damaged_streams_are_refused_or_stay_harmless(data):
    stream = bytearray(imagecodecs.deflate_encode(bytes(range(256)) * 40, 6, raw=True))
    where = data.draw(st.integers(0, len(stream) - 1))
    stream[where] ^= data.draw(st.integers(1, 255))
    with suppress(ValueError):
        assert len(_native.deflate_left_open(bytes(stream))) - len(stream) in (4, 5)
    with pytest.raises(ValueError, match="expected one whole stream"):
        _native.deflate_left_open(bytes(stream[:where]))


def test_checksums_of_two_texts_add_up():
    rng = np.random.default_rng(0)
    for _ in range(50):
        first, second = (rng.integers(0, 256, rng.integers(0, 70_000), np.uint8).tobytes() for _ in range(2))
        both = adler_of_both(zlib.adler32(first), zlib.adler32(second), len(second))
        assert both == zlib.adler32(first + second)


def test_kernels_refuse_what_does_not_fit():
    rows, out = np.zeros((3, 6), np.uint8), np.zeros((3, 7), np.uint8)
    for pixel_bytes in (0, 9):
        with pytest.raises(ValueError, match="pixels of 1 to 8 bytes"):
            _native.png_rows(rows, None, pixel_bytes, out)
    with pytest.raises(ValueError, match="a row above as long"):
        _native.png_rows(rows, np.zeros(5, np.uint8), 3, out)
    with pytest.raises(ValueError, match="room for as many rows"):
        _native.png_rows(rows, None, 3, np.zeros((3, 6), np.uint8))
    _native.png_rows(rows, np.full(6, 7, np.uint8), 3, out)
    assert out[0].tolist() == [0] * 7
    assert struct.unpack(">II", pixel_chunks(np.zeros((2, 3), np.uint16))[0][:8]) == (3, 2)
