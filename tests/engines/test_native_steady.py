"""Steady films by the kernels, against a loop over blocks in numpy: depths, sizes, strides, threads."""

import numpy as np
import pytest

from upres.engines.native_steady import steady_plane

native = pytest.importorskip("upres.engines._native", reason="the native module was not built")

ISAS = native.instruction_sets()


def owners(source, made):
    """For each pixel of a side of ``made`` pixels the source's pixel that it was made of."""
    begins = np.arange(source + 1) * made // source
    return np.searchsorted(begins, np.arange(made), side="right") - 1


def by_numpy(source_before, source, made_before, made, *, level):
    """Planes ``(H, W, C)``."""
    moves = np.abs(source.astype(np.int64) - source_before)
    bounds = np.empty_like(moves)
    for y in range(0, source.shape[0], 8):
        for x in range(0, source.shape[1], 8):
            block = moves[y : y + 8, x : x + 8]
            bounds[y : y + 8, x : x + 8] = min(
                level, max(0, (4 * level * block.size - block.sum()) // (2 * block.size))
            )
    rows, columns = (owners(*sides) for sides in zip(source.shape[:2], made.shape[:2], strict=True))
    moves, bounds = (each[rows][:, columns] for each in (moves, bounds))
    last, now = made_before.astype(np.int64), made.astype(np.int64)
    bounds = bounds + np.minimum(bounds, moves)
    return np.clip(np.clip(now, last - moves, last + moves), now - bounds, now + bounds)


def frames(rng, size, made_size, white, channels=1):
    """Two frames and what was made of them: still and moving parts, with black and white in them."""
    dtype = np.uint8 if white < 256 else np.uint16
    level = white // 255
    planes = []
    for height, width, spread in ((*size, (0.7 * level, 2 * level, 6 * level, white)), (*made_size, 4 * [3 * level])):
        first = rng.integers(0, white + 1, (height, width, channels))
        first[rng.random(first.shape) < 0.2] = 0
        first[rng.random(first.shape) < 0.2] = white
        parts = np.asarray(spread)[np.arange(width) * 4 // width][None, :, None]
        second = np.clip(np.round(first + rng.uniform(-1, 1, first.shape) * parts), 0, white)
        planes += [first.astype(dtype), second.astype(dtype)]
    return planes


@pytest.mark.parametrize("white", [255, 1023, 4095, 65535])
@pytest.mark.parametrize(
    ("size", "made_size"),
    [((33, 51), (66, 102)), ((16, 64), (48, 192)), ((5, 1), (20, 4)), ((21, 61), (31, 91)), ((40, 50), (30, 33))],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_the_kernels_follow_the_rule(white, size, made_size, channels):
    planes = frames(np.random.default_rng(white), size, made_size, white, channels)
    expected = by_numpy(*planes, level=white // 255)
    flat = [plane.reshape(len(plane), -1) for plane in planes]
    for threads in (1, 2, 5):
        made = flat[3].copy()
        source_before, source, made_before, _ = flat
        steady_plane(source_before, source, made_before, made, white=white, channels=channels, threads=threads)
        np.testing.assert_array_equal(made.reshape(expected.shape), expected)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("white", [255, 1023])
def test_rows_may_lie_apart_and_what_is_between_stays(isa, white):
    planes = [plane[..., 0] for plane in frames(np.random.default_rng(1), (45, 130), (90, 260), white)]
    wide = [np.full((len(plane), plane.shape[1] + 7), 9, plane.dtype) for plane in planes]
    for plane, around in zip(planes, wide, strict=True):
        around[:, 3:-4] = plane
    native.steady(*(around[:, 3:-4] for around in wide), 1, white // 255, 2, isa)
    expected = by_numpy(*(plane[..., None] for plane in planes), level=white // 255)
    np.testing.assert_array_equal(wide[3][:, 3:-4], expected[..., 0])
    assert (wide[3][:, :3] == 9).all()
    assert (wide[3][:, -4:] == 9).all()


def test_what_moves_keeps_every_bit_and_what_is_still_is_within_two_levels():
    rng = np.random.default_rng(2)
    before, after, made_before, made = (plane[..., 0] for plane in frames(rng, (64, 96), (128, 192), 255))
    plain = made.copy()
    steady_plane(before, after, made_before, made, white=255)
    off = np.abs(made[:, :48].astype(int) - plain[:, :48])  # quarters, which end with a block
    moves = (after != before).repeat(2, axis=0).repeat(2, axis=1)[:, :48]
    assert off[~moves].max() == 1
    assert off[moves].max() == 2
    np.testing.assert_array_equal(made[:, 144:], plain[:, 144:])


def test_what_does_not_fit_is_refused():
    source, made = np.zeros((8, 8), np.uint8), np.zeros((16, 16), np.uint8)
    apart = made.copy()
    for planes, message in (
        ((source[:4], source, apart, made), "both frames of one size"),
        ((source, source, apart[:4], made), "both frames of one size"),
        ((source, source, made, made), "shares no memory"),
    ):
        with pytest.raises(ValueError, match=message):
            steady_plane(*planes, white=255)
    with pytest.raises(ValueError, match="rows of whole pixels"):
        steady_plane(source, source, apart, made, white=255, channels=3)
    with pytest.raises(TypeError, match="the same for all"):
        steady_plane(source, source, apart.astype(np.uint16), made, white=255)
    with pytest.raises(TypeError, match="the same for all"):
        steady_plane(*(each.astype(np.float32) for each in (source, source, apart, made)), white=255)
    assert not made.any()
