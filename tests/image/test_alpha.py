"""No halo: hidden colours never show."""

import numpy as np
import pytest
from PIL import Image

from upres.image.alpha import bleed, flatten
from upres.image.resize import imresize


def disc(dtype=np.uint8, hidden=0):
    """A red disc on nothing; ``hidden`` is the colour under the transparent pixels."""
    full = np.iinfo(dtype).max
    y, x = np.mgrid[:33, :41]
    inside = (y - 16) ** 2 + (x - 20) ** 2 < 100
    alpha = np.where(inside, full, 0).astype(dtype)
    pixels = np.full((33, 41, 3), hidden, dtype)
    pixels[inside] = (full * 4 // 5, full // 10, full // 10)
    return pixels, alpha


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("hidden", [0, 255])
def test_enlarged_edges_have_no_halo(dtype, hidden):
    pixels, alpha = disc(dtype, hidden)
    red = pixels[16, 20].astype(int)
    larger = imresize(bleed(pixels, alpha), scale=2)
    opacity = imresize(alpha, size=(66, 82))
    visible = opacity > 0
    assert np.abs(larger[visible].astype(int) - red).max() <= 1
    naive = imresize(pixels, scale=2)
    assert np.abs(naive[visible].astype(int) - red).max() > 50, "without bleeding there must be a halo to remove"


def test_visible_pixels_are_not_touched():
    random = np.random.default_rng(0)
    for shape in ((1, 1), (1, 7), (7, 1), (5, 9), (64, 64), (37, 101)):
        pixels = random.integers(0, 256, (*shape, 3), dtype=np.uint8)
        alpha = random.integers(0, 3, shape, dtype=np.uint8) * 127
        filled = bleed(pixels, alpha)
        assert filled.shape == pixels.shape
        assert filled.dtype == pixels.dtype
        assert (filled[alpha > 0] == pixels[alpha > 0]).all()


def test_bleeding_far_and_grey():
    pixels, alpha = np.zeros((300, 200), np.uint16), np.zeros((300, 200), np.uint16)
    pixels[0, 0], alpha[0, 0] = 40000, 1
    assert (bleed(pixels, alpha) == 40000).all()


def test_the_nearest_colour_wins():
    pixels, alpha = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), np.uint8)
    pixels[:, :8], alpha[:, :8] = (200, 0, 0), 255
    pixels[:, -8:], alpha[:, -8:] = (0, 0, 200), 255
    filled = bleed(pixels, alpha)
    assert filled[30, 9].tolist() == [200, 0, 0]
    assert filled[30, 54].tolist() == [0, 0, 200]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_beside_an_edge_colours_are_the_neighbours_wherever_the_picture_begins(dtype):
    full = np.iinfo(dtype).max
    pixels, alpha = np.zeros((48, 48, 3), dtype), np.zeros((48, 48), dtype)
    alpha[6:42, 8:40] = full  # black, and a blue bar eight rows above it
    pixels[:3], alpha[:3, 8:40] = (0, 0, full), full // 2
    for top in range(8):
        moved = (np.pad(array, [(top, 0)] + [(0, 0)] * (array.ndim - 1)) for array in (pixels, alpha))
        filled = bleed(*moved)[top:]
        assert (filled[5, 8:40] == 0).all()
        assert (filled[3, 8:40] == (0, 0, full)).all()
        assert (filled[20:30, 40:44] == 0).all()
        assert (filled[6:42, 8:40] == 0).all()


def test_nothing_to_do_costs_nothing():
    pixels = np.ones((4, 4, 3), np.uint8)
    assert bleed(pixels, np.full((4, 4), 1, np.uint8)) is pixels
    assert bleed(pixels, np.zeros((4, 4), np.uint8)) is pixels


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_flat_alpha_stays_exact(dtype, scale):
    _, alpha = disc(dtype)
    full = np.iinfo(dtype).max
    larger = imresize(alpha, size=(33 * scale, 41 * scale))
    assert larger.dtype == dtype
    blocks = larger.reshape(33, scale, 41, scale).swapaxes(1, 2)
    neighbours = np.pad(alpha, 2, mode="edge")
    window = np.stack([neighbours[y : y + 33, x : x + 41] for y in range(5) for x in range(5)])
    assert (blocks[(window == full).all(0)] == full).all()
    assert (blocks[(window == 0).all(0)] == 0).all()
    assert {0, full} < set(np.unique(larger).tolist())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_flatten_rounds_once(dtype):
    full = int(np.iinfo(dtype).max)
    random = np.random.default_rng(0)
    pixels = random.integers(0, full, (300, 20, 3), dtype=dtype, endpoint=True)
    alpha = random.integers(0, full, (300, 20), dtype=dtype, endpoint=True)
    alpha[0], alpha[1] = 0, full
    got = flatten(pixels, alpha, (10, 20, 255))
    behind = np.array([10, 20, 255]) * (full // 255)
    exact = (pixels * alpha[..., None].astype(float) + behind * (full - alpha[..., None].astype(float))) / full
    assert got.dtype == dtype
    assert np.abs(got - exact).max() <= 0.5 + 1e-6
    assert (got[1] == pixels[1]).all()
    assert (got[0] == behind).all()


def test_flatten_of_grey():
    pixels, alpha = np.full((2, 2), 100, np.uint8), np.array([[0, 255], [128, 1]], np.uint8)
    assert flatten(pixels, alpha).tolist() == [[255, 100], [177, 254]]
    assert flatten(pixels, alpha, (0, 0, 200)).shape == (2, 2, 3)


def test_flatten_agrees_with_pillow(rgb, alpha):
    image = Image.fromarray(rgb)
    image.putalpha(Image.fromarray(alpha))
    white = Image.new("RGBA", image.size, "white")
    expected = np.asarray(Image.alpha_composite(white, image).convert("RGB")).astype(int)
    assert np.abs(flatten(rgb, alpha) - expected).max() <= 1
