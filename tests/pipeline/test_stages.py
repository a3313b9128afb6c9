"""Bands of rows give the whole picture."""

from pathlib import Path

import numpy as np
import pytest

from upres.engines.select import open_session
from upres.image.convert import run_network, to_dtype, to_float
from upres.image.io import read
from upres.image.resize import imresize
from upres.models.catalog import find
from upres.pipeline.stages import Blended, Enlarged, Resized, Stored, band_height, render
from upres.upscaler import CONTEXT, FADE


@pytest.fixture(scope="module")
def session(tiny_models):
    return open_session(tiny_models[2], engine="onnxruntime", threads=1)


def picture(shape, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def enlarged(below, session, **options):
    return Enlarged(below, session, scale=2, color_mode="luma", halo=1, bytes_per_pixel=400, **options)


def whole_picture(pixels, session):
    """The picture reflected by two pixels at each side, through the network at once, cropped."""
    padded = np.pad(pixels, ((2, 2), (2, 2), *[(0, 0)] * (pixels.ndim - 2)), mode="symmetric")
    return run_network(padded, session, scale=2, color_mode="luma")[4:-4, 4:-4]


@pytest.mark.parametrize("shape", [(61, 20, 3), (61, 20), (3, 5, 3), (1, 1), (64, 9, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("rows", [1, 7, 16, 500])
def test_bands_equal_the_whole(session, shape, dtype, rows):
    pixels = picture(shape, dtype)
    whole = whole_picture(pixels, session)
    out = np.zeros_like(whole)
    render(enlarged(Stored(pixels, widen=False), session), out, rows_per_band=rows)
    np.testing.assert_array_equal(out, whole)


@pytest.mark.parametrize("name", ["esr_max_x2", "esr_tm_x3", "esr_tr_k7c8_x2"])
@pytest.mark.parametrize("shape", [(131, 70), (67, 40, 3)])
@pytest.mark.parametrize("rows", [1, 17, 64])
def test_bands_of_native_kernels_equal_the_whole(name, shape, rows):
    model = find(name)
    session = open_session(model, engine="auto", threads=2)
    scale, halo = model.card.scale, model.card.halo
    options = {"scale": scale, "color_mode": "luma", "halo": halo, "bytes_per_pixel": 400, "planes": session.planes}
    pixels = picture(shape)
    whole, out = (np.zeros((shape[0] * scale, shape[1] * scale, *shape[2:]), np.uint8) for _ in range(2))
    render(Enlarged(Stored(pixels, widen=False), session, **options), whole, rows_per_band=10**6)
    render(Enlarged(Stored(pixels, widen=False), session, **options), out, rows_per_band=rows)
    np.testing.assert_array_equal(out, whole)


@pytest.mark.parametrize("rows", [5, 32])
def test_a_chain_with_a_reduction_in_bands_equals_the_whole(session, rows):
    pixels = picture((40, 30, 3))
    wide = pixels.astype(np.uint16) * np.uint16(257)
    for _ in range(2):
        wide = whole_picture(wide, session)
    whole = to_dtype(to_float(imresize(wide, size=(101, 83))), np.uint8)
    stage = Resized(enlarged(enlarged(Stored(pixels, widen=True), session), session), (101, 83))
    out = np.zeros_like(whole)
    render(stage, out, rows_per_band=rows, workers=1)
    np.testing.assert_array_equal(out, whole)


def test_the_network_s_zero_padding_does_not_reach_the_picture(session):
    out = np.zeros((20, 30), np.uint8)
    render(enlarged(Stored(np.full((10, 15), 200, np.uint8), widen=False), session), out, rows_per_band=8)
    assert (out == 200).all()


def test_the_network_sees_few_shapes(session):
    shapes = set()

    def watched(batch):
        shapes.add(batch.shape)
        return session(batch)

    pixels = picture((500, 8, 3))
    render(enlarged(Stored(pixels, widen=False), watched), np.zeros((1000, 16, 3), np.uint8), rows_per_band=64)
    assert len(shapes) <= 2, "all alike but the last"


def test_bands_at_the_same_time_and_progress(session):
    pixels = picture((90, 12, 3))
    whole = whole_picture(pixels, session)
    out, fractions = np.zeros_like(whole), []
    stage = enlarged(Stored(pixels, widen=False), session)
    render(stage, out, rows_per_band=30, workers=3, progress=fractions.append)
    np.testing.assert_array_equal(out, whole)
    assert fractions == pytest.approx([n / 6 for n in range(1, 7)])


def test_an_error_in_a_band_comes_out():
    def broken(batch):
        raise RuntimeError("out of order")

    stage = enlarged(Stored(picture((40, 8)), widen=False), broken)
    with pytest.raises(RuntimeError, match="out of order"):
        render(stage, np.zeros((80, 16), np.uint8), rows_per_band=8, workers=2)


def test_bands_fill_the_budget(session):
    stage = enlarged(Stored(picture((4000, 100, 3)), widen=False), session)
    heights = [band_height(stage, budget, step=8) for budget in (0, 2 * 10**6, 10**7, 10**12)]
    assert heights == sorted(heights)
    assert heights[0] == 8
    assert heights[-1] == 8000
    for budget, height in zip((2 * 10**6, 10**7), heights[1:3], strict=True):
        assert height % 8 == 0
        assert stage.working_bytes(height) <= budget < stage.working_bytes(height + 8)


@pytest.mark.parametrize("rows", [24, 50, 500])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_strips_of_a_local_network_fade_into_the_whole(session, rows, dtype):
    pixels = picture((70, 12, 3), dtype)
    out = np.zeros((140, 24, 3), dtype)
    stage = Blended(enlarged(Stored(pixels, widen=False), session), fade=12)
    render(stage, out, rows_per_band=rows)
    np.testing.assert_array_equal(out, whole_picture(pixels, session))


def test_strips_do_not_depend_on_how_their_rows_are_asked_for():
    stage = Blended(Brightened((96, 4)), fade=8)
    rows = [stage.rows(range(top, top + 20)) for top in range(0, 80, 20)]
    again = [stage.rows(range(top, top + 1)) for top in (79, 3, 41, 40, 20)]
    np.testing.assert_array_equal(np.concatenate(again), np.concatenate(rows)[[79, 3, 41, 40, 20]])


def test_strips_fade_without_a_step():
    stage = Blended(Brightened((120, 4)), fade=32)
    made = np.concatenate([stage.rows(range(0, 40)), stage.rows(range(40, 120))]).astype(int)[:, 0]
    assert made[0] == 0
    assert made[-1] == 80  # the third strip's, which begins at row 80
    assert abs(np.diff(made)).max() <= 3


class Brightened:
    """A stage as little local as can be: a window's level is its first row's index."""

    def __init__(self, size):
        self.size = size

    def rows(self, rows):
        return np.full((len(rows), self.size[1]), rows.start, np.uint8)

    def working_bytes(self, count):
        return 1000 * count


def test_memory_for_strips_counts_what_is_kept():
    stage = Blended(Brightened((96, 4)), fade=8)
    assert stage.working_bytes(20) == 1000 * 28 + 2 * 20 * 4 * 6


def test_bands_of_the_network_for_stills_have_no_visible_seams():
    """Its attention sees far, so bands are only nearly the whole picture, and nowhere less so than at a seam."""
    model = find("rlfn_c32b6_x2")
    session = open_session(model, engine="openvino", precision="f32")
    pixels = read(Path(__file__).parents[2] / "examples" / "chelsea.png").frames[0].pixels[:, :240]
    results = []
    for rows in (200, 600):
        below = Stored(pixels, widen=False)
        stage = Enlarged(below, session, scale=2, color_mode="rgb", halo=CONTEXT, bytes_per_pixel=1)
        results.append(np.zeros((600, 480, 3), np.uint8))
        render(Blended(stage, fade=2 * FADE), results[-1], rows_per_band=rows)
    difference = results[0].astype(int) - results[1]
    assert 10 * np.log10(255**2 / (difference**2).mean()) > 52
    steps = abs(np.diff(difference, axis=0)).mean(axis=(1, 2))
    assert steps[[199, 399]].max() < np.quantile(steps, 0.99)


@pytest.mark.parametrize("shape", [(1, 1, 3), (15, 40, 3), (40, 3, 3), (16, 16, 3)])
def test_an_rgb_network_sees_no_picture_smaller_than_it_takes(shape):
    seen = []

    def nearest(batch):
        seen.append(batch.shape[2:])
        return batch.repeat(2, axis=2).repeat(2, axis=3)

    pixels = picture(shape)
    stage = Enlarged(Stored(pixels, widen=False), nearest, scale=2, color_mode="rgb", halo=32, bytes_per_pixel=9)
    out = np.zeros((2 * shape[0], 2 * shape[1], 3), np.uint8)
    render(stage, out, rows_per_band=500)
    np.testing.assert_array_equal(out, pixels.repeat(2, axis=0).repeat(2, axis=1))
    assert min(seen[0]) >= 16
