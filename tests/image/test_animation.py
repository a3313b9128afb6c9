"""Animations and documents: every frame, composed, with its time."""

import io
import struct

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from upres.image.codecs import png_chunks
from upres.image.io import Frame, Picture, Source, read, read_pixels, write


def frames(count=4, dtype=np.uint8, alpha=None):
    y, x = np.mgrid[:20, :30]
    base = np.stack([x * 8, y * 12, (x + y) * 5], -1).astype(np.uint8) // 64 * 64
    scale = 257 if dtype == np.uint16 else 1
    return tuple(
        Frame(
            pixels=np.roll(base, 4 * index, 1).astype(dtype) * dtype(scale), alpha=alpha, duration_ms=70.0 + 30 * index
        )
        for index in range(count)
    )


@pytest.mark.parametrize("name", ["gif", "png", "webp", "avif"])
@pytest.mark.parametrize("transparent", [False, True])
def test_animations_keep_frames_durations_and_alpha(tmp_path, name, transparent):
    alpha = np.full((20, 30), 255, np.uint8) if transparent else None
    if alpha is not None:
        alpha[:, :9] = 0
    picture = Picture(frames=frames(alpha=alpha), loop=5)
    path = tmp_path / f"a.{name}"
    report = write(picture, path, lossless=name == "webp" or None, quality=100 if name == "avif" else None)
    got = read(path)
    assert got.is_animation
    assert [frame.duration_ms for frame in got.frames] == [70, 100, 130, 160]
    assert got.loop == (0 if name == "avif" else 5)
    assert bool(report.lost) == (name == "avif")
    tolerance = 12 if name == "avif" else 0
    for mine, theirs in zip(picture.frames, got.frames, strict=True):
        shown = slice(None) if alpha is None else alpha > 0
        assert np.abs(mine.pixels[shown].astype(int) - theirs.pixels[shown]).max() <= tolerance
        assert (theirs.alpha is None) == (alpha is None)
        assert alpha is None or (theirs.alpha == alpha).all()
    assert (read_pixels(path) == got.pixels).all()


@pytest.mark.parametrize("plays", [0, 1, 2, 7])
@pytest.mark.parametrize("name", ["gif", "png", "webp"])
def test_number_of_plays(tmp_path, name, plays):
    path = tmp_path / f"a.{name}"
    write(Picture(frames=frames(), loop=plays), path)
    assert read(path).loop == plays


def test_a_gif_counts_repetitions(tmp_path):
    path = tmp_path / "a.gif"
    write(Picture(frames=frames(), loop=3), path)
    with Image.open(path) as image:
        assert image.info["loop"] == 2


def test_16_bit_apng_round_trips(tmp_path):
    picture = Picture(frames=frames(dtype=np.uint16), loop=2)
    picture = picture.map(lambda frame: Frame(pixels=frame.pixels ^ 0x0135, duration_ms=frame.duration_ms))
    write(picture, tmp_path / "a.png")
    got = read(tmp_path / "a.png")
    assert got.loop == 2
    assert got.source.bits == 16
    assert [frame.duration_ms for frame in got.frames] == [70, 100, 130, 160]
    assert all((a.pixels == b.pixels).all() for a, b in zip(picture.frames, got.frames, strict=True))
    assert (imagecodecs.apng_decode((tmp_path / "a.png").read_bytes()) == [f.pixels for f in picture.frames]).all()


def disposed(kind):
    """Red full frame, then a green corner disposed of by ``kind``, then a blue corner at the other side."""
    red = Image.new("RGBA", (8, 8), (255, 0, 0, 255))
    green = Image.new("RGBA", (8, 8))
    green.paste((0, 255, 0, 255), (0, 0, 4, 4))
    blue = Image.new("RGBA", (8, 8))
    blue.paste((0, 0, 255, 255), (4, 4, 8, 8))
    stream = io.BytesIO()
    red.save(
        stream, "PNG", save_all=True, append_images=[green, blue], disposal=[0, kind, 0], blend=[0, 1, 1], duration=100
    )
    return stream.getvalue()


@pytest.mark.parametrize(("kind", "corner"), [(0, [0, 255, 0]), (1, None), (2, [255, 0, 0])])
def test_apng_disposal_is_composed(kind, corner):
    got = read(disposed(kind))
    assert len(got.frames) == 3
    assert got.frames[1].pixels[0, 0].tolist() == [0, 255, 0]
    assert got.frames[1].pixels[7, 7].tolist() == [255, 0, 0]
    last = got.frames[2]
    assert last.pixels[7, 7].tolist() == [0, 0, 255]
    if corner is None:
        assert last.alpha[0, 0] == 0
        assert last.alpha[7, 7] == 255
    else:
        assert last.pixels[0, 0].tolist() == corner


def gif_bytes(*disposals, transparent=False):
    """A GIF by hand: a 4x4 red frame, a 2x2 green one at (0, 0), a 2x2 blue one at (2, 2)."""
    palette = bytes((255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0))
    data = b"GIF89a" + bytes((4, 0, 4, 0, 0x81, 3, 0)) + palette
    places = [(0, 0, 4), (0, 0, 2), (2, 2, 2)]
    for index, ((x, y, side), how) in enumerate(zip(places, disposals, strict=True)):
        pixels = [code for _ in range(side * side) for code in (index, 4)]  # clearing each time keeps codes at 3 bits
        codes = [4, *pixels[:-1], 5]
        bits = sum(code << (3 * place) for place, code in enumerate(codes))
        packed = bits.to_bytes((3 * len(codes) + 7) // 8, "little")
        data += b"!\xf9\x04" + bytes((how << 2 | transparent, 10, 0, 3, 0))
        data += b"," + bytes((x, 0, y, 0, side, 0, side, 0, 0, 2, len(packed))) + packed + b"\0"
    return data + b";"


@pytest.mark.parametrize(("disposal", "corner"), [(1, [0, 255, 0]), (2, None), (3, [255, 0, 0])])
def test_gif_disposal_is_composed(disposal, corner):
    got = read(gif_bytes(1, disposal, 1, transparent=True))
    assert [frame.duration_ms for frame in got.frames] == [100.0] * 3
    assert got.frames[0].pixels[0, 0].tolist() == [255, 0, 0]
    assert got.frames[1].pixels[:, :, 1].tolist() == [[255, 255, 0, 0]] * 2 + [[0] * 4] * 2
    last = got.frames[2]
    assert last.pixels[3, 3].tolist() == [0, 0, 255]
    assert last.pixels[3, 0].tolist() == [255, 0, 0]
    if corner is None:
        assert last.alpha[0, 0] == 0
    else:
        assert last.pixels[0, 0].tolist() == corner
    assert got.loop == 1, "a GIF that does not say plays once"


def test_a_gif_frame_that_names_no_disposal_stays():
    last = read(gif_bytes(3, 0, 1)).frames[2]
    assert last.pixels[0, 0].tolist() == [0, 255, 0]


def test_a_gif_without_its_end_mark_is_read_with_a_note():
    whole, cut = read(gif_bytes(1, 1, 1)), read(gif_bytes(1, 1, 1)[:-1])
    assert len(whole.frames) == len(cut.frames) == 3
    assert whole.notes == ()
    assert cut.notes == ("the file lacks its end mark; frames may be missing",)


def test_the_still_picture_before_an_apng_is_left_out_and_noted():
    stills = [Image.new("RGB", (4, 4), color) for color in ("red", "green", "blue")]
    stream = io.BytesIO()
    stills[0].save(stream, "PNG", save_all=True, append_images=stills[1:], default_image=True, duration=50)
    got = read(stream.getvalue())
    assert [frame.pixels[0, 0].tolist() for frame in got.frames] == [[0, 128, 0], [0, 0, 255]]
    assert got.notes == ("the still picture for viewers without animation was left out",)


def test_animation_to_formats_without(tmp_path):
    picture = Picture(frames=frames())
    assert write(picture, tmp_path / "a.jpg").lost == ("frames 2 to 4",)
    assert write(picture, tmp_path / "a.tif").lost == ("the animation's timing (its frames became pages)",)
    pages = read(tmp_path / "a.tif")
    assert len(pages.frames) == 4
    assert not pages.is_animation
    assert write(pages, tmp_path / "a.png").lost == ("pages 2 to 4",)
    assert len(read(tmp_path / "a.png").frames) == 1


def test_gif_colours(tmp_path, rgb, alpha):
    few = rgb // 64 * 64
    assert write(Picture(frames=(Frame(pixels=few),)), tmp_path / "few.gif").lost == ()
    assert (read(tmp_path / "few.gif").pixels == few).all()
    lost = write(Picture(frames=(Frame(pixels=rgb, alpha=alpha),)), tmp_path / "many.gif").lost
    assert lost == ("colours (GIF holds 256 a frame)", "soft transparency (GIF is opaque or not)")
    got = read(tmp_path / "many.gif")
    assert ((got.alpha == 255) == (alpha >= 128)).all()


def test_frames_of_one_animation_have_one_size(tmp_path):
    picture = Picture(frames=(*frames(1), Frame(pixels=np.zeros((3, 3, 3), np.uint8), duration_ms=10.0)))
    with pytest.raises(ValueError, match="one size"):
        write(picture, tmp_path / "a.gif")


def test_map_keeps_everything_else():
    picture = Picture(frames=frames(), loop=4, source=Source(format="gif", mode="palette"))
    doubled = picture.map(lambda frame: Frame(pixels=frame.pixels.repeat(2, 0), duration_ms=frame.duration_ms))
    assert doubled.size == (40, 30)
    assert (doubled.loop, doubled.source) == (4, picture.source)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"pixels": np.zeros((2, 2))}, TypeError, "expected uint8 or uint16 pixels, got float64"),
        ({"pixels": np.zeros((2, 2, 4), np.uint8)}, ValueError, "expected pixels of shape"),
        (
            {"pixels": np.zeros((2, 2), np.uint8), "alpha": np.zeros((2, 2), np.uint16)},
            ValueError,
            "expected alpha uint8",
        ),
    ],
)
def test_frames_check_their_arrays(arguments, error, message):
    with pytest.raises(error, match=message):
        Frame(**arguments)


def test_a_picture_needs_a_frame():
    with pytest.raises(ValueError, match="at least one frame"):
        Picture(frames=())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_apng_delays_are_fractions(tmp_path, dtype):
    delays = [1000 / 60, 1001 / 30, 1000 / 7, 0.0, 2500.0, 65535000.0]
    shown = [
        Frame(pixels=frame.pixels, duration_ms=delay) for frame, delay in zip(frames(6, dtype), delays, strict=True)
    ]
    write(Picture(frames=tuple(shown)), tmp_path / "a.png")
    controls = [content for name, content in png_chunks.chunks((tmp_path / "a.png").read_bytes()) if name == b"fcTL"]
    fractions = [struct.unpack_from(">HH", control, 20) for control in controls]
    assert fractions == [(1, 60), (1001, 30000), (1, 7), (0, 1), (5, 2), (65535, 1)]
    assert [frame.duration_ms for frame in read(tmp_path / "a.png").frames] == pytest.approx(delays)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("transparent", [False, True])
def test_an_apng_holds_of_each_frame_what_changed(tmp_path, dtype, transparent):
    noise = np.random.default_rng(3).integers(0, np.iinfo(dtype).max, (3, 64, 96, 4)).astype(dtype)
    shown = [noise[0], noise[0].copy(), noise[0].copy(), noise[0]]
    shown[1][5:9, 20:31] = noise[1][5:9, 20:31]
    shown[2][5:9, 20:31] = noise[1][5:9, 20:31]
    alphas = [array[..., 3] if transparent else None for array in shown]
    picture = Picture(
        frames=tuple(
            Frame(pixels=array[..., :3].copy(), alpha=alpha, duration_ms=50.0)
            for array, alpha in zip(shown, alphas, strict=True)
        )
    )
    write(picture, tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    boxes = [struct.unpack_from(">IIII", content, 4) for name, content in png_chunks.chunks(data) if name == b"fcTL"]
    assert boxes == [(96, 64, 0, 0), (11, 4, 20, 5), (1, 1, 0, 0), (11, 4, 20, 5)]
    with Image.open(io.BytesIO(data)) as image:
        assert image.n_frames == 4  # type: ignore[attr-defined]
    got = read(data)
    for mine, theirs in zip(picture.frames, got.frames, strict=True):
        assert (mine.pixels == theirs.pixels).all()
        assert mine.alpha is None or (mine.alpha == theirs.alpha).all()


@pytest.mark.parametrize(("name", "unit", "fps"), [("webp", 1, 60), ("gif", 10, 30), ("avif", 1, 60)])
def test_what_rounding_takes_from_a_delay_the_next_one_gets_back(tmp_path, name, unit, fps):
    shown = [Frame(pixels=frame.pixels, duration_ms=1000 / fps) for frame in frames(12)]
    write(Picture(frames=tuple(shown)), tmp_path / f"a.{name}")
    delays = [frame.duration_ms for frame in read(tmp_path / f"a.{name}").frames]
    assert len(delays) == 12
    assert sum(delays) == pytest.approx(12000 / fps, abs=unit / 2)
    assert all(abs(delay - 1000 / fps) < unit for delay in delays)
