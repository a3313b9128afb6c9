"""Tiles cover a picture once, and a local network's stitched output is its whole output."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upres.pipeline.windows import pad_to_multiple, run_padded, run_tiled, tiles

SIZES = [(1, 1), (5, 40), (16, 16), (17, 33), (50, 23), (64, 47)]


def convolution(layers, scale):
    """A zero-padded network of 3x3 layers with a nonlinearity, then pixels repeated: ``layers`` pixels of halo."""
    kernels = np.random.default_rng(0).normal(size=(layers, 3, 3)).astype(np.float32)

    def network(batch):
        height, width = batch.shape[2:]
        for kernel in kernels:
            padded = np.pad(batch, ((0, 0), (0, 0), (1, 1), (1, 1)))
            batch = np.zeros_like(batch)
            for y in range(3):
                for x in range(3):
                    batch = batch + padded[:, :, y : y + height, x : x + width] * kernel[y, x]
            batch = np.maximum(batch, np.float32(0.1) * batch)
        return batch.repeat(scale, axis=2).repeat(scale, axis=3)

    return network


def batch_of(size, count=2, channels=3):
    return np.random.default_rng(1).random((count, channels, *size), dtype=np.float32)


lengths = st.integers(1, 60)


@given(lengths, lengths, st.tuples(lengths, lengths), st.integers(0, 9))
@settings(max_examples=100, deadline=None)
def test_tiles_cover_the_picture_once(height, width, tile, halo):
    covered = np.zeros((height, width), int)
    pieces = list(tiles(height, width, tile=tile, halo=halo))
    for piece in pieces:
        covered[piece.target(1)] += 1
        for part, window, length in zip(piece.target(1), piece.window, (height, width), strict=True):
            assert 0 <= window.start <= max(0, part.start - halo)
            assert min(length, part.stop + halo) <= window.stop <= length
    assert np.all(covered == 1)
    sizes = {tuple(window.stop - window.start for window in piece.window) for piece in pieces}
    assert len(sizes) == 1
    assert all(size <= side + 2 * halo for size, side in zip(sizes.pop(), tile, strict=True))


def test_tiles_are_made_about_equal():
    heights = [piece.rows.stop - piece.rows.start for piece in tiles(101, 8, tile=(50, 8), halo=2)]
    assert sorted(heights) == [33, 34, 34]


def test_row_bands_have_the_full_width():
    bands = list(tiles(100, 30, tile=(25, 30), halo=4))
    assert [band.rows.start for band in bands] == [0, 25, 50, 75]
    assert {(band.window_columns.start, band.window_columns.stop) for band in bands} == {(0, 30)}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scale", [1, 2, 3])
@pytest.mark.parametrize("tile", [8, 16, (5, 100), 200])
def test_enough_halo_is_exact(size, scale, tile):
    batch, network = batch_of(size), convolution(3, scale)
    np.testing.assert_array_equal(run_tiled(batch, network, scale=scale, tile=tile, halo=3), network(batch))


def test_too_little_halo_is_not_exact():
    """Or the test above would prove nothing."""
    batch, network = batch_of((40, 40)), convolution(3, 2)
    assert np.any(run_tiled(batch, network, scale=2, tile=16, halo=2) != network(batch))


def test_output_can_be_given():
    batch, network = batch_of((20, 20)), convolution(1, 2)
    out = np.full((2, 3, 40, 40), np.nan, np.float32)
    assert run_tiled(batch, network, scale=2, tile=8, halo=1, out=out) is out
    np.testing.assert_array_equal(out, network(batch))
    out[...] = np.nan
    run_tiled(batch, network, scale=2, tile=8, halo=2, blend=2, out=out)
    assert np.isfinite(out).all()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scale", [1, 2, 3])
@pytest.mark.parametrize("blend", [1, 3, 4])
def test_blending_adds_up_to_one(size, scale, blend):
    """Where tiles agree, fading them into each other changes nothing."""
    batch, network = batch_of(size), convolution(2, scale)
    made = run_tiled(batch, network, scale=scale, tile=16, halo=2 + blend, blend=blend)
    expected = network(batch)
    np.testing.assert_allclose(made, expected, rtol=0, atol=1e-6 * np.abs(expected).max())


def test_blending_hides_the_seams_of_a_network_that_is_not_local():
    batch = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(1, 1, 64, 64)

    def network(batch):
        return batch - batch.mean(axis=(2, 3), keepdims=True)

    def largest_step(image):
        return np.abs(np.diff(image[0, 0], axis=0)).max()

    stitched = run_tiled(batch, network, scale=1, tile=16, halo=8)
    blended = run_tiled(batch, network, scale=1, tile=16, halo=8, blend=4)
    assert largest_step(stitched) > 0.2
    assert largest_step(blended) < 0.06


def test_blending_goes_along_a_cosine():
    values = iter([0.0, 1.0])

    def network(batch):
        return np.full_like(batch, next(values))

    made = run_tiled(batch_of((32, 8), 1, 1), network, scale=1, tile=(16, 16), halo=4, blend=4)
    expected = np.sin(np.pi / 2 * (np.arange(8) + 0.5) / 8) ** 2
    np.testing.assert_allclose(made[0, 0, 12:20, 0], expected, atol=1e-6)
    assert np.all(made[0, 0, :12] == 0)
    np.testing.assert_allclose(made[0, 0, 20:], 1)


def test_the_network_gets_contiguous_windows_of_one_shape():
    shapes = set()

    def network(batch):
        assert batch.flags.c_contiguous
        shapes.add(batch.shape)
        return batch

    run_tiled(batch_of((37, 53)), network, scale=1, tile=16, halo=3)
    assert shapes == {(2, 3, 13 + 6, 14 + 6)}


@pytest.mark.parametrize("size", [(1, 1), (8, 16), (9, 23)])
def test_padding(size):
    batch = batch_of(size)
    padded = pad_to_multiple(batch, 8)
    assert padded.shape[2] % 8 == padded.shape[3] % 8 == 0
    np.testing.assert_array_equal(padded[:, :, : size[0], : size[1]], batch)
    if padded.shape[2] > size[0]:
        np.testing.assert_array_equal(padded[:, :, size[0], : size[1]], batch[:, :, -1])

    def network(batch):
        assert batch.shape[2] % 8 == batch.shape[3] % 8 == 0
        return batch.repeat(3, axis=2).repeat(3, axis=3)

    expected = batch.repeat(3, axis=2).repeat(3, axis=3)
    np.testing.assert_array_equal(run_padded(batch, network, scale=3, multiple=8), expected)


def test_bad_arguments():
    batch, network = batch_of((20, 20)), convolution(1, 1)
    with pytest.raises(ValueError, match="expected positive sizes and halo, got 20x20 pixels, tile 0, halo 1"):
        run_tiled(batch, network, scale=1, tile=0, halo=1)
    with pytest.raises(ValueError, match="halo -1"):
        list(tiles(4, 4, tile=2, halo=-1))
    for halo, blend in ((2, 3), (8, 5), (2, -1)):
        with pytest.raises(ValueError, match=f"blend from 0 to the halo .* got {blend}"):
            run_tiled(batch, network, scale=1, tile=16, halo=halo, blend=blend)
    with pytest.raises(ValueError, match=r"expected out of shape \(2, 3, 20, 20\), got \(1,\)"):
        run_tiled(batch, network, scale=1, tile=16, halo=1, out=np.zeros(1, np.float32))
