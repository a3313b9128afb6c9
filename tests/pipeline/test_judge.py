"""What is found in pictures: each fault is made here, and measured."""

import io

import numpy as np
import pytest
from PIL import Image

from upres.image.jpeg_quality import quality_of_file, quality_of_path
from upres.image.read import read
from upres.image.resize import imresize
from upres.lab.data import rendered
from upres.pipeline.faults import DRAWINGS_FAST, PHOTOGRAPHS_FAST, found, is_drawing
from upres.pipeline.judge import Judgement, judge


def scene(size=(256, 320), seed=0):
    """Something like a photograph: large shapes, fine structure in places, no noise."""
    rng = np.random.default_rng(seed)
    base = imresize(rng.integers(30, 226, (size[0] // 16, size[1] // 16, 3)).astype(np.uint8), scale=16)
    fine = imresize(rng.integers(0, 256, (size[0] // 2, size[1] // 2)).astype(np.uint8), scale=2).astype(float) - 128
    mask = np.zeros(size)
    mask[size[0] // 3 : size[0] // 2, size[1] // 4 : size[1] // 2] = 0.5
    picture = base + (fine * mask)[..., None]
    picture[20:60, 30:200] = (220, 40, 60)
    return picture.clip(0, 255).round().astype(np.uint8)


def compressed(pixels, quality, **options):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality, **options)
    return stream.getvalue()


def noisy(pixels, sigma, *, seed=1, length=0):
    noise = np.random.default_rng(seed).normal(0, sigma, pixels.shape)
    for axis in (0, 1) if length else ():
        noise = (noise + np.roll(noise, 1, axis) + np.roll(noise, -1, axis)) / np.sqrt(3)
    return (pixels + noise).clip(0, 255).round().astype(np.uint8)


def resized(pixels, ratio):
    height, width = (round(side * ratio) for side in pixels.shape[:2])
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC))


def test_nothing_is_found_in_a_clean_picture():
    for pixels in (scene(), scene((1024, 1504)), scene()[..., 1], scene().astype(np.uint16) * 257):
        judged = judge(pixels)
        assert judged.jpeg_quality is None
        assert not found(judged)


@pytest.mark.parametrize("quality", [40, 60, 75, 85, 90])
@pytest.mark.parametrize("corner", [(0, 0), (3, 5)], ids=["whole", "cropped"])
def test_the_quality_of_a_jpeg_is_found_in_its_pixels(quality, corner):
    pixels = read(compressed(scene(), quality)).pixels[corner[0] :, corner[1] :]
    assert judge(pixels).jpeg_quality == pytest.approx(quality, abs=2.5)


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("quality", [30, 50, 75, 90, 95])
def test_the_quality_of_a_jpeg_is_in_its_file(quality, subsampling, tmp_path):
    data = compressed(scene(), quality, subsampling=subsampling, comment=b"x" * 60000)
    assert quality_of_file(data) == pytest.approx(quality, abs=1)
    assert read(data).source.jpeg_quality == quality_of_file(data)
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    assert quality_of_path(path) == quality_of_file(data)


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xdb\x00", b"\xff\xd8\xff\xdb\x00\x43\x00\x01", b"x" * 99]
)
def test_a_file_without_tables_has_no_quality(data, tmp_path):
    assert quality_of_file(data) is None
    assert quality_of_path(tmp_path / "absent.jpg") is None
    assert quality_of_path(tmp_path) is None


def test_a_strong_compression_shows_under_a_weak_one():
    again = read(compressed(read(compressed(scene(), 50)).pixels, 96))
    assert judge(again.pixels, again.source.jpeg_quality).jpeg_quality < 60


@pytest.mark.parametrize("sigma", [4, 8, 20, 50])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_noise_is_measured(sigma, depth):
    pixels = noisy(np.full((200, 300, 3), 128, np.uint8), sigma).astype(depth) * (257 if depth == np.uint16 else 1)
    on_luma = np.sqrt(0.299**2 + 0.587**2 + 0.114**2)
    assert judge(pixels[..., 1]).noise == pytest.approx(sigma, rel=0.1)
    assert on_luma * 0.9 < judge(pixels).noise / sigma < 1.2


@pytest.mark.parametrize(("sigma", "length"), [(6, 0), (15, 1)])
def test_noise_is_a_fault(sigma, length):
    assert [*found(judge(noisy(scene(), sigma, length=length)))] == ["noise"]


def test_blocks_are_found_after_resizing_and_lines_are_none():
    smooth = resized(read(compressed(scene(), 40)).pixels, 0.8)
    assert judge(smooth).jpeg_quality is None
    assert judge(smooth).blocks > 2 * judge(resized(scene(), 0.8)).blocks
    assert judge(smooth).blocks > 8
    lines = scene()
    lines[:, ::8] //= 2
    assert judge(lines).blocks < 8


@pytest.mark.parametrize("ratio", [0.3, 0.35])
def test_blur_is_measured(ratio):
    rng = np.random.default_rng(3)
    sharp = np.kron(rng.integers(0, 2, (60, 60)).astype(np.uint8) * 200, np.ones((4, 4), np.uint8))
    soft = resized(resized(sharp, ratio), 1 / ratio)
    assert judge(sharp).blur < 0.5 < 0.82 < judge(soft).blur


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (7, 9), (16, 16), (15, 3000), (40, 30000), (3, 3, 3)])
def test_pictures_of_every_size_are_judged(shape):
    judged = judge(np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8))
    assert isinstance(judged, Judgement)
    assert all(np.isfinite(value) for value in judged.to_dict().values() if value is not None)


def test_lettering_on_paper_and_patterns_are_no_noise():
    from PIL import ImageDraw, ImageFont

    page = Image.new("1", (400, 300), 1)
    for y in range(5, 300, 16):
        text = "lettering of one bit jumps over the dog 0123"
        ImageDraw.Draw(page).text((5, y), text, font=ImageFont.load_default(13))
    assert not found(judge(np.asarray(page.convert("L"))))
    y, x = np.mgrid[:96, :96]
    for period in (12, 24):
        assert not found(judge(((x + y) % period < period / 2).astype(np.uint8) * 200))


@pytest.mark.parametrize("levels", [2, 4, 8, 16])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_dithering_is_no_noise(levels, depth):
    order = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) / 16 + 1 / 32
    step = 255 // (levels - 1)
    level = (scene() / step + np.tile(order, (64, 80))[..., None]).astype(depth)
    pixels = level.clip(0, levels - 1) * step
    pixels *= np.iinfo(depth).max // 255
    for dithered in (pixels, pixels[..., 1]):
        judged = judge(dithered)
        assert (judged.noise, judged.doubtful_noise) == (0, 0)


def test_noise_of_a_picture_whose_contrast_was_stretched_is_noise():
    assert judge(noisy(scene(), 6) // 2 * 2).noise > 3


def test_a_pattern_too_strong_for_noise_is_not_in_doubt():
    squares = np.random.default_rng(1).integers(0, 2, (160, 160)).astype(np.uint8) * 250
    squares += np.random.default_rng(2).integers(0, 6, squares.shape).astype(np.uint8)
    judged = judge(squares)
    assert (judged.noise, judged.doubtful_noise) == (0, 0)


def test_drawings_have_bounds_of_their_own_for_the_small_networks():
    rng = np.random.default_rng(5)
    drawing = np.kron(rng.integers(0, 2, (40, 50)).astype(np.uint8) * 220, np.ones((6, 6), np.uint8))
    for quality in (75, 50):
        judged = judge(read(compressed(drawing, quality)).pixels, quality)
        assert is_drawing(judged)
        assert bool(found(judged, DRAWINGS_FAST)) == (quality == 50)
        assert found(judged, PHOTOGRAPHS_FAST)
    assert not is_drawing(judge(scene()))


@pytest.mark.parametrize("kind", list(rendered.KINDS))
def test_drawings_are_told_from_photographs(kind):
    index = list(rendered.KINDS).index(kind)
    pictures = [rendered.rendered(index + 6 * turn, height=192, width=256, seed=3) for turn in range(4)]
    told = [is_drawing(judge(picture)) for picture in pictures]
    assert sum(told) >= 3
    for pixels in (scene(), noisy(scene(), 12), np.full((64, 64), 9, np.uint8)):
        assert not is_drawing(judge(pixels))


def test_blown_out_parts_do_not_hide_the_noise():
    pixels = noisy(scene(), 12)
    pixels[:30] = 255
    assert judge(pixels).noise > 5


def test_a_smooth_pattern_is_no_noise():
    y, x = np.mgrid[:64, :64] * (2 * np.pi / 64)
    pixels = 128 + 40 * np.sin(5 * x) * np.cos(4 * y) + 30 * np.sin(3 * x + 6 * y)
    assert judge(pixels.round().astype(np.uint8)).noise == 0
