"""Bands of rows give the whole picture."""

from pathlib import Path

import numpy as np
import pytest

from upres.bands import Enlarged, Resized, Stored, band_height, render
from upres.engines.select import open_session
from upres.image.convert import run_network, to_dtype, to_float
from upres.image.io import read
from upres.image.resize import imresize
from upres.models.catalog import find
from upres.upscaler import OVERLAP


@pytest.fixture(scope="module")
def session(tiny_models):
    return open_session(tiny_models[2], engine="onnxruntime", threads=1)


def picture(shape, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def enlarged(below, session, **options):
    return Enlarged(below, session, scale=2, color_mode="luma", halo=1, values_per_pixel=100, **options)


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
    assert len(shapes) == 1


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
    heights = [band_height(stage, budget, step=8) for budget in (0, 10**6, 10**7, 10**12)]
    assert heights == sorted(heights)
    assert heights[0] == 8
    assert heights[-1] == 8000
    for budget, height in zip((10**6, 10**7), heights[1:3], strict=True):
        assert height % 8 == 0
        assert stage.working_bytes(height) <= budget < stage.working_bytes(height + 8)


def test_bands_of_the_network_for_stills_have_no_visible_seams():
    """Its attention sees far, so bands are only nearly the whole picture."""
    model = find("rlfn_c32b6_x2")
    session = open_session(model, engine="openvino", precision="f32")
    pixels = read(Path(__file__).parents[1] / "examples" / "chelsea.png").frames[0].pixels[:, :240]
    results = []
    for rows in (96, 600):
        below = Stored(pixels, widen=False)
        stage = Enlarged(below, session, scale=2, color_mode="rgb", halo=OVERLAP, values_per_pixel=1)
        results.append(np.zeros((600, 480, 3), np.uint8))
        render(stage, results[-1], rows_per_band=rows)
    banded, whole = (result.astype(int) for result in results)
    assert 10 * np.log10(255**2 / ((banded - whole) ** 2).mean()) > 50
    assert (abs(banded - whole) > 2).mean() < 0.005


@pytest.mark.parametrize("shape", [(1, 1, 3), (15, 40, 3), (40, 3, 3), (16, 16, 3)])
def test_an_rgb_network_sees_no_picture_smaller_than_it_takes(shape):
    seen = []

    def nearest(batch):
        seen.append(batch.shape[2:])
        return batch.repeat(2, axis=2).repeat(2, axis=3)

    pixels = picture(shape)
    stage = Enlarged(Stored(pixels, widen=False), nearest, scale=2, color_mode="rgb", halo=32, values_per_pixel=9)
    out = np.zeros((2 * shape[0], 2 * shape[1], 3), np.uint8)
    render(stage, out, rows_per_band=500)
    np.testing.assert_array_equal(out, pixels.repeat(2, axis=0).repeat(2, axis=1))
    assert min(seen[0]) >= 16
