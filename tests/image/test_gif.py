"""GIF as it is written: one palette, flat colours exact, still parts still, and of each frame what changed."""

import io

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from upres.image.codecs.gif_palette import Palette, made_for
from upres.image.io import Frame, Metadata, Picture, read, write

WHITE, RED, BLUE = (255, 255, 255), (220, 0, 0), (0, 0, 200)


def smooth(height=96, width=128, seed=5):
    """A picture of thousands of colours without hard edges."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def moving(count=5):
    """A green square that moves over a smooth picture."""
    shown = []
    for index in range(count):
        pixels = smooth().copy()
        pixels[30:50, 10 + 12 * index : 30 + 12 * index] = (20, 200, 40)
        shown.append(pixels)
    return shown


def animation(arrays, alphas=None, delay=100.0, **fields):
    alphas = alphas or [None] * len(arrays)
    frames = (Frame(pixels=a, alpha=alpha, duration_ms=delay) for a, alpha in zip(arrays, alphas, strict=True))
    return Picture(frames=tuple(frames), **fields)


def written(picture, **options):
    stream = io.BytesIO()
    report = write(picture, stream, format="gif", **options)
    return stream.getvalue(), report


def boxes(data):
    """Left, top, width and height of every frame's rectangle."""
    found, position = [], 13 + (3 << ((data[10] & 7) + 1))
    while data[position : position + 1] in (b"!", b","):
        if data[position] == 0x21:
            position += 2
        else:
            found.append(tuple(np.frombuffer(data[position + 1 : position + 9], "<u2").tolist()))
            flags = data[position + 9]
            position += 11 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
        while size := data[position]:
            position += size + 1
        position += 1
    assert data[position:] == b";"
    return found


def test_what_stands_still_stays_to_the_bit_and_is_not_written_again():
    arrays = moving()
    data, report = written(animation(arrays))
    assert report.lost == ("colours (GIF holds 256 a frame)",)
    got = [frame.pixels for frame in read(data).frames]
    for index in range(1, len(arrays)):
        still = (arrays[index] == arrays[index - 1]).all(axis=2)
        assert (got[index] == got[index - 1]).all(axis=2)[still].all()
        assert (got[index][30:50, 10 + 12 * index : 30 + 12 * index] == (20, 200, 40)).all()
        assert np.abs(got[index].astype(int) - arrays[index]).mean() < 8
    assert boxes(data)[1:] == [(10 + 12 * index, 30, 32, 20) for index in range(4)]
    assert len(data) < 1.3 * len(written(animation(arrays[:1]))[0])


def test_levels_that_only_rounding_moved_are_taken_for_still():
    arrays = moving(3)
    noise = np.random.default_rng(1).integers(-1, 2, (3, *arrays[0].shape))
    shaken = [
        np.clip(array.astype(int) + shift, 0, 255).astype(np.uint8) for array, shift in zip(arrays, noise, strict=True)
    ]
    got = [frame.pixels for frame in read(written(animation(shaken))[0]).frames]
    still = (arrays[0] == arrays[1]).all(axis=2)
    assert (got[0] == got[1]).all(axis=2)[still].all()


def test_slow_changes_are_followed_in_the_end():
    base = smooth()
    arrays = [np.clip(base.astype(int) + 2 * index, 0, 255).astype(np.uint8) for index in range(12)]
    got = [frame.pixels for frame in read(written(animation(arrays))[0]).frames]
    assert abs(float(got[-1].mean()) - float(arrays[-1].mean())) < 4


def test_flat_colours_are_exact_among_many():
    pixels = np.full((96, 128, 3), WHITE, np.uint8)
    pixels[10:60, 10:60] = RED
    pixels[20:80, 70:120] = BLUE
    pixels[61:95, 5:65] = smooth(34, 60)
    chance = np.random.default_rng(2)
    shaken = pixels.astype(int) + chance.integers(-2, 3, pixels.shape) * (chance.random(pixels.shape) < 0.2)
    got = read(written(Picture(frames=(Frame(pixels=np.clip(shaken, 0, 255).astype(np.uint8)),)))[0]).pixels
    assert (got[:9] == WHITE).all()
    assert (got[12:58, 12:58] == RED).all(axis=2).mean() > 0.99
    assert (got[22:78, 72:118] == BLUE).all(axis=2).mean() > 0.99


def test_few_colours_between_flat_ones_make_a_small_palette():
    pixels = np.full((96, 128, 3), WHITE, np.uint8)
    pixels[20:60, 20:60] = RED
    pixels[40, :, 0] = pixels[41, :, 1] = np.linspace(0, 255, 128).astype(np.uint8)
    pixels[40:42, :, 2] = np.arange(256).reshape(2, 128)
    data, _ = written(Picture(frames=(Frame(pixels=pixels),)))
    assert data[10] & 7 < 7, "fewer than 256 colours do"


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("colors", [2, 255, 256])
def test_colours_that_are_few_enough_are_exact(count, colors):
    palette = np.random.default_rng(7).integers(0, 256, (colors, 3)).astype(np.uint8)
    index = np.random.default_rng(8).integers(0, colors, (count, 40, 50))
    index[:, 0, :], index[:, 1, :] = 0, 1
    arrays = [palette[plane] for plane in index]
    data, report = written(animation(arrays))
    assert report.lost == ()
    for mine, theirs in zip(arrays, read(data).frames, strict=True):
        assert (mine == theirs.pixels).all()
    composed = imagecodecs.gif_decode(data).reshape(count, 40, 50, -1)[..., :3]
    assert (composed == np.stack(arrays)).all()


def test_a_figure_that_moves_on_a_transparent_ground():
    arrays, alphas = [], []
    for index in range(6):
        alpha = np.zeros((96, 128), np.uint8)
        alpha[10:20, 10:100] = 255  # stays
        alpha[30 : 60 - 3 * index, 10 * index : 10 * index + 40] = 255  # moves and shrinks
        arrays.append(np.where(alpha[..., None] > 0, smooth(), 0).astype(np.uint8))
        alphas.append(alpha)
    data, report = written(animation(arrays, alphas, loop=3))
    got = read(data)
    assert report.lost == ("colours (GIF holds 256 a frame)",)
    assert got.loop == 3
    for index, frame in enumerate(got.frames):
        assert (frame.alpha == alphas[index]).all()
        assert np.abs(frame.pixels.astype(int) - arrays[index])[alphas[index] > 0].mean() < 8
        assert (frame.pixels[10:20, 10:100] == got.pixels[10:20, 10:100]).all()


def test_a_cut_gets_a_palette_of_its_own():
    first = np.dstack([smooth(seed=1)[..., 0], *[np.zeros((96, 128), np.uint8)] * 2])
    second = smooth(seed=2)[..., ::-1]
    arrays = [first + np.uint8(index) for index in range(14)] + [second]
    got = read(written(animation(arrays))[0]).frames[-1].pixels
    alone = read(written(Picture(frames=(Frame(pixels=second),)))[0]).pixels
    assert np.abs(got.astype(int) - second).mean() < 1.3 * np.abs(alone.astype(int) - second).mean()


def test_equal_frames_keep_their_delays():
    arrays = [moving(2)[index] for index in (0, 0, 1, 1, 1)]
    got = read(written(animation(arrays, delay=70.0))[0])
    assert [frame.duration_ms for frame in got.frames] == [70] * 5


@pytest.mark.parametrize(("wanted", "got"), [(1000 / 60, 20), (10.0, 10), (0.0, 0), (40.0, 40)])
def test_no_delay_becomes_one_that_browsers_stretch(wanted, got):
    data, report = written(animation(moving(3), delay=wanted))
    assert [frame.duration_ms for frame in read(data).frames] == [got] * 3
    assert ("exact delays (GIF counts hundredths of a second)" in report.lost) == (wanted != got)


def test_grey_frames_and_one_with_alpha_among_others():
    grey = smooth()[..., 0].copy()
    picture = Picture(
        frames=(
            Frame(pixels=grey, duration_ms=50.0),
            Frame(pixels=grey[::-1].copy(), alpha=np.full(grey.shape, 255, np.uint8), duration_ms=50.0),
        )
    )
    got = read(written(picture)[0])
    for mine, theirs in zip(picture.frames, got.frames, strict=True):
        assert np.abs(theirs.pixels.astype(int) - np.dstack([mine.pixels] * 3)).max() <= 3


def test_comments_of_any_bytes_and_number():
    text = (("Comment", b"caf\xe9 ".decode("utf-8", "surrogateescape") * 100), ("Comment", "zweiter"))
    data, report = written(Picture(frames=(Frame(pixels=smooth()),), metadata=Metadata(text=text)))
    assert "comments" not in report.lost
    assert b"!\xfe\xff" + b"caf\xe9 " * 51 in data
    assert b"!\xfe\x07zweiter\0" in data


def test_a_palette_of_no_pixels_has_a_colour():
    assert made_for(np.zeros((0, 3), np.uint8), 255).colors.shape == (1, 3)


def test_an_exact_palette_answers_with_its_own_colours():
    colors = np.array([[0, 0, 0], [1, 1, 1], [2, 2, 2], [254, 255, 255], [255, 255, 255]], np.uint8)
    places = np.arange(5)
    assert Palette(colors, exact=True).index(colors, places, places).tolist() == [0, 1, 2, 3, 4]
