"""Windows hold all that a piece of the result depends on, begin where kernels can, and come in few lengths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upres.pipeline.windows import WINDOW_STEP, Side, fade_weights, reflect


@given(
    length=st.integers(1, 90),
    scale=st.integers(1, 4),
    reach=st.integers(0, 9),
    margin=st.integers(0, 8),
    unit=st.sampled_from([1, 2, 12]),
    multiple=st.sampled_from([1, 4, 8]),
    start=st.floats(0, 1),
    count=st.integers(1, 80),
)
@settings(max_examples=300, deadline=None)
def test_a_window_holds_what_a_piece_needs(length, scale, reach, margin, unit, multiple, start, count):
    side = Side(length, scale=scale, reach=reach, margin=margin, unit=unit, multiple=multiple)
    whole = side.whole()
    first = int(start * (length * scale - 1))
    piece = range(first, min(first + count, length * scale))
    window = side.window(piece)
    assert whole.start <= window.start <= max(whole.start, piece.start // scale - reach)
    assert min(whole.stop, (piece.stop - 1) // scale + 1 + reach) <= window.stop <= whole.stop
    assert (window.start + margin) % unit == 0
    assert len(window) % multiple == (window.start + margin) % multiple == 0
    assert len(window) <= side.longest(len(piece))


def test_the_whole_side_is_a_multiple_and_begins_with_the_margin():
    side = Side(30, scale=2, reach=3, margin=2, multiple=16)
    assert side.whole() == range(-2, 46)


def test_windows_come_in_few_lengths():
    side = Side(500, scale=2, reach=1, margin=2)
    lengths = {len(side.window(range(top, min(top + 64, 1000)))) for top in range(0, 1000, 64)}
    assert len(lengths) == 1
    assert lengths.pop() % WINDOW_STEP == 0


def test_reflection_repeats_the_outermost_pixel():
    np.testing.assert_array_equal(reflect(range(-3, 5), 3), [2, 1, 0, 0, 1, 2, 2, 1])
    np.testing.assert_array_equal(reflect(range(-2, 3), 1), [0] * 5)


@pytest.mark.parametrize("count", [1, 2, 7, 24])
def test_fading_goes_along_a_cosine_and_back_the_same_way(count):
    weights = fade_weights(count)
    np.testing.assert_allclose(weights + weights[::-1], 1, atol=1e-6)
    assert (np.diff(weights) > 0).all()
