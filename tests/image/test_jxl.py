"""JPEG XL: pixels, colour, time and metadata, both ways."""

import io
import struct
from contextlib import suppress

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from upres.errors import ImageReadError, ImageTooLargeError
from upres.image.codecs import jxl_boxes, jxl_frames
from upres.image.codecs.jxl_bits import BitWriter
from upres.image.codecs.jxl_header import read_header, with_header
from upres.image.codecs.jxl_icc import read_icc
from upres.image.colorimetry import profile_of_code_points
from upres.image.io import Frame, Metadata, Picture, read, read_pixels, write
from upres.image.profiles import srgb_profile, to_srgb


def saved(picture, **options):
    stream = io.BytesIO()
    report = write(picture, stream, format="jxl", **options)
    return stream.getvalue(), report


def waves(height, width, channels, dtype=np.uint8):
    y, x = np.mgrid[:height, :width]
    planes = [np.sin(x / 9 + index) * np.cos(y / 7) * 0.4 + 0.5 for index in range(channels)]
    return (np.stack(planes, -1) * np.iinfo(dtype).max).round().astype(dtype)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_lossless_is_exact_and_stays_lossless(channels, dtype):
    pixels = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, (23, 31, channels), dtype, endpoint=True)
    data, report = saved(Picture(frames=(Frame.of(pixels),)), lossless=True)
    assert (report.lost, report.warnings) == ((), ())
    got = read(data)
    assert np.array_equal(got.frames[0].channels(), pixels)
    assert got.source.lossless
    assert (got.source.bits, got.metadata.icc) == (8 * pixels.itemsize, None)
    assert np.array_equal(read(saved(got)[0]).frames[0].channels(), pixels)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_lossy_is_near_and_smaller_with_less_quality(channels, dtype):
    pixels = waves(64, 96, channels, dtype)
    sizes = []
    for quality, most in ((None, 1.5), (60, 5)):
        data, _ = saved(Picture(frames=(Frame.of(pixels),)), quality=quality)
        got = read(data)
        scale = 257 if dtype == np.uint16 else 1
        assert got.pixels.dtype == dtype
        assert np.abs(got.frames[0].channels().astype(int) - pixels).mean() <= most * scale
        assert not got.source.lossless
        sizes.append(len(data))
    assert sizes[1] < sizes[0]


def test_16_bits_are_written_as_srgb_not_as_light():
    data, _ = saved(Picture(frames=(Frame(pixels=waves(16, 16, 3, np.uint16)),)), lossless=True)
    color = read_header(jxl_boxes.split(data).codestream).color
    assert (color.transfer, color.primaries, color.white, color.gamma) == (13, 1, 1, None)


@pytest.mark.parametrize("lossless", [True, False])
def test_metadata_travels(rgb, lossless):
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    block = exif.tobytes()[6:]
    metadata = Metadata(exif=block, xmp=b"<x:xmpmeta>hello</x:xmpmeta>")
    data, report = saved(Picture(frames=(Frame(pixels=rgb),), metadata=metadata), lossless=lossless)
    assert report.lost == ()
    got = read(data)
    assert (got.metadata.exif, got.metadata.xmp) == (metadata.exif, metadata.xmp)
    data, report = saved(Picture(frames=(Frame(pixels=rgb),), metadata=Metadata(dpi=(300.0, 300.0))), lossless=lossless)
    assert report.lost == ()
    assert read(data).metadata.dpi == (300, 300)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_profile_is_kept_without_loss_and_converted_with_loss(rgb, display_p3, dtype):
    pixels = rgb.astype(dtype) * dtype(257 if dtype == np.uint16 else 1)
    picture = Picture(frames=(Frame(pixels=pixels),), metadata=Metadata(icc=display_p3))
    data, report = saved(picture, lossless=True)
    got = read(data)
    assert (report.lost, got.metadata.icc) == ((), display_p3)
    assert np.array_equal(got.pixels, pixels)
    data, report = saved(picture)
    got = read(data)
    assert report.lost == ("colour profile (the colours were converted to sRGB)",)
    assert got.metadata.icc is None
    expected = to_srgb(pixels, "rgb", display_p3)[0].astype(int)
    assert np.abs(got.pixels.astype(int) - expected).mean() <= 2 * np.iinfo(dtype).max / 255


def test_a_grey_profile_is_kept_and_srgb_needs_none(rgb, grey_icc):
    grey = Picture(frames=(Frame(pixels=rgb[..., 0]),), metadata=Metadata(icc=grey_icc))
    assert read(saved(grey, lossless=True)[0]).metadata.icc == grey_icc
    usual = Picture(frames=(Frame(pixels=rgb),), metadata=Metadata(icc=srgb_profile()))
    data, report = saved(usual)
    assert (report.lost, read(data).metadata.icc) == ((), None)


@pytest.mark.parametrize("durations", [(40.0, 40.0, 40.0), (10.0, 1000 / 60, 12345.0)])
@pytest.mark.parametrize("lossless", [True, False])
def test_animations_keep_frames_time_and_plays(durations, lossless):
    frames = tuple(Frame.of(waves(48, 64, 4) // (i + 1)) for i in range(3))
    frames = tuple(Frame(pixels=f.pixels, alpha=f.alpha, duration_ms=d) for f, d in zip(frames, durations, strict=True))
    data, report = saved(Picture(frames=frames, loop=7), lossless=lossless)
    assert report.lost == ()
    got = read(data)
    assert got.loop == 7
    assert [frame.duration_ms for frame in got.frames] == pytest.approx(durations, abs=0.006)
    for one, other in zip(got.frames, frames, strict=True):
        difference = np.abs(one.channels().astype(int) - other.channels())
        assert difference.mean() <= (0 if lossless else 2)
    assert read_pixels(data).shape == (48, 64, 3)


def test_turns_of_the_codestream_are_carried_out_once(rgb):
    rgb = rgb[:39, :59]  # sides that the header writes in full
    data, _ = saved(Picture(frames=(Frame(pixels=rgb),)), lossless=True)
    stream = jxl_boxes.split(data).codestream
    turned = _with_orientation(stream, read_header(stream), 6)
    assert np.array_equal(read(turned).pixels, np.rot90(rgb, -1))


def _with_orientation(stream, header, orientation):
    """The header with ``extra_fields`` set, and behind its colour "tone mapping as usual"."""
    bits = "".join(format(byte, "08b")[::-1] for byte in stream[: header.frames_at])
    size = 16 + 1 + 2 + 9 + 3 + 2 + 9  # magic, no multiple of 8, height, no ratio, width
    assert bits[size] == "0"
    extra = "1" + format(orientation - 1, "03b")[::-1] + "000"
    end = header.color_at[1]
    text = bits[: size + 1] + extra + bits[size + 2 : end] + "1" + bits[end : header.end]
    text += "0" * (-len(text) % 8)
    return bytes(int(text[i : i + 8][::-1], 2) for i in range(0, len(text), 8)) + stream[header.frames_at :]


@pytest.mark.parametrize(
    ("code", "gamma", "expected"),
    [(11, None, profile_of_code_points(12, 13)), (9, None, profile_of_code_points(9, 13)), (1, 0.5, None)],
)
def test_colours_that_the_header_names_become_a_profile(rgb, code, gamma, expected):
    field = BitWriter()
    field.bits(0, 1 + 1 + 2)  # not all as usual, no profile, RGB
    field.bits(1, 2)  # D65
    if code == 1:
        field.bits(1, 2)
    else:
        field.bits(2 | (code - 2) << 2, 6)
    if gamma is None:
        field.bits(0 | 2 << 1 | (13 - 2) << 3, 7)
    else:
        field.bits(1 | round(gamma * 1e7) << 1, 25)
    field.bits(1, 2)
    data, _ = saved(Picture(frames=(Frame(pixels=rgb),)), lossless=True)
    got = read(with_header(jxl_boxes.split(data).codestream, color=field))
    assert np.array_equal(got.pixels, rgb)
    if expected is not None:
        assert got.metadata.icc[36:] == expected[0][36:]  # a date stands before
    else:
        light = to_srgb(np.full((1, 1, 3), 128, np.uint8), "rgb", got.metadata.icc)[0]
        assert abs(int(light[0, 0, 0]) - 137) <= 1  # (128 / 255) ** 2 of the light, as sRGB


@pytest.mark.parametrize("grey", [False, True])
def test_profiles_of_a_transcoded_jpeg_are_read(display_p3, grey_icc, grey):
    icc = grey_icc if grey else display_p3
    donor = io.BytesIO()
    Image.new("L" if grey else "RGB", (40, 24), 120 if grey else (200, 100, 50)).save(donor, "JPEG", icc_profile=icc)
    data = bytes(imagecodecs.jpegxl_encode_jpeg(donor.getvalue()))
    got = read(data)
    assert got.metadata.icc == icc
    assert got.size == (24, 40)
    assert not got.source.lossless


def test_every_frame_of_large_pictures_ends_where_the_file_does():
    for shape, options in [((2500, 300, 2), {}), ((2100, 2200, 3), {"level": 80}), ((3, 300, 517, 4), {"level": 80})]:
        pixels = np.broadcast_to(np.arange(shape[-2], dtype=np.uint8)[:, None], shape)
        data = jxl_boxes.split(bytes(imagecodecs.jpegxl_encode(pixels, effort=3, **options))).codestream
        header = read_header(data)
        frames = list(jxl_frames.frames(data, header, header.frames_at))
        assert frames[-1].end == len(data)
        assert len(frames) == (3 if len(shape) == 4 else 1)


def test_boxes(rgb):
    data, _ = saved(Picture(frames=(Frame(pixels=rgb),), metadata=Metadata(xmp=b"<x/>")), lossless=True)
    stream = jxl_boxes.split(data).codestream
    head = data[:32]

    def box(name, content):
        return struct.pack(">I4s", len(content) + 8, name) + content

    pieces = (
        box(b"jxlp", struct.pack(">I", 0) + stream[:50]),
        box(b"jxlp", struct.pack(">I", 1 << 31 | 1) + stream[50:]),
    )
    packed = box(b"brob", b"xml " + bytes(imagecodecs.brotli_encode(b"<packed/>")))
    got = read(head + packed + b"".join(pieces))
    assert np.array_equal(got.pixels, rgb)
    assert got.metadata.xmp == b"<packed/>"
    bomb = box(b"brob", b"xml " + bytes(imagecodecs.brotli_encode(bytes(64 << 20))))
    assert read(head + bomb + b"".join(pieces)).metadata.xmp is None
    with pytest.raises(ImageReadError, match="out of order"):
        read(head + pieces[1] + pieces[0])
    with pytest.raises(ImageReadError, match="truncated JPEG XL file"):
        read(head + pieces[0])
    with pytest.raises(ImageReadError, match="truncated JPEG XL file"):
        read(head)


def test_the_budget_is_asked_before_anything_is_decoded(monkeypatch):
    frames = tuple(Frame(pixels=waves(48, 64, 3), duration_ms=10.0) for _ in range(4))
    data, _ = saved(Picture(frames=frames))
    monkeypatch.setattr(imagecodecs, "jpegxl_decode", lambda *_, **__: pytest.fail("decoded"))
    with pytest.raises(ImageTooLargeError, match="64x48 x 4 frames"):
        read(data, max_pixels=48 * 64 * 4 - 1)
    huge = bytearray(b"\xff\x0a")
    bits = 0 | 3 << 1 | (2**30 - 1) << 3 | 1 << 33 | 1 << 36 | 1 << 37
    huge += bits.to_bytes(8, "little")
    with pytest.raises(ImageTooLargeError, match="1073741824x1073741824"):
        read(bytes(huge))


def test_damage_is_refused_in_one_line(rgb, display_p3):
    picture = Picture(frames=(Frame(pixels=rgb),), metadata=Metadata(icc=display_p3, xmp=b"<x/>"))
    data = saved(picture, lossless=True)[0]
    random = np.random.default_rng(5)
    refused = 0
    for _ in range(300):
        broken = bytearray(data)
        for place in random.integers(0, len(data), 3):
            broken[place] ^= 1 << int(random.integers(8))
        with suppress(ImageReadError, ImageTooLargeError):
            read(bytes(broken), max_pixels=1 << 22)
            continue
        refused += 1
    assert refused > 200


def test_a_profile_that_promises_too_much_is_refused():
    size = (1 << 30).to_bytes(4, "little")
    with pytest.raises(ImageReadError):
        read_icc(b"\xff" * 2 + size, 0)
