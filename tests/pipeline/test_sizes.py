"""Sizes asked for, and the chains of native factors that reach them."""

from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upres.pipeline.sizes import SizeRequest, native_factors


@pytest.mark.parametrize(
    ("asked", "size", "label"),
    [
        ({"scale": 2}, (960, 1280), "x2"),
        ({"scale": 1.5}, (720, 960), "x1.5"),
        ({"scale": 0.25}, (120, 160), "x0.25"),
        ({"width": 800}, (600, 800), "w800"),
        ({"height": 1000}, (1000, 1333), "h1000"),
        ({"width": 800, "height": 100}, (100, 800), "800x100"),
        ({"fit": (1920, 1080)}, (1080, 1440), "fit1920x1080"),
        ({"fit": (700, 7000)}, (525, 700), "fit700x7000"),
    ],
)
def test_sizes_of_a_640x480_picture(asked, size, label):
    assert SizeRequest(**asked).size_of(480, 640) == size
    assert SizeRequest(**asked).label == label


def test_no_side_vanishes():
    assert SizeRequest(scale=0.001).size_of(3, 400) == (1, 1)
    assert SizeRequest(width=10).size_of(1, 400) == (1, 10)


@given(st.tuples(*[st.integers(1, 5000)] * 4))
def test_a_fitted_picture_stays_in_its_box_and_touches_it(numbers):
    height, width, box_width, box_height = numbers
    made = SizeRequest(fit=(box_width, box_height)).size_of(height, width)
    assert made[0] <= box_height
    assert made[1] <= box_width
    assert made[0] == box_height or made[1] == box_width


@pytest.mark.parametrize("asked", [{}, {"scale": 2, "width": 5}, {"fit": (3, 3), "height": 4}])
def test_one_way_to_ask(asked):
    with pytest.raises(ValueError, match="expected one of"):
        SizeRequest(**asked)


@pytest.mark.parametrize("asked", [{"scale": 0}, {"scale": -2}, {"width": 0}, {"fit": (0, 4)}, {"scale": float("inf")}])
def test_numbers_are_positive(asked):
    with pytest.raises(ValueError, match="expected positive numbers"):
        SizeRequest(**asked)


@pytest.mark.parametrize(
    ("wanted", "factors"),
    [
        (0.3, ()),
        (1, ()),
        (1.01, (2,)),
        (2, (2,)),
        (2.5, (3,)),
        (3.5, (4,)),
        (4, (4,)),
        (4.5, (2, 3)),
        (6.5, (2, 4)),
        (8, (2, 4)),
        (8.5, (3, 3)),
        (16, (4, 4)),
        (17, (2, 3, 3)),
    ],
)
def test_chains_of_native_factors(wanted, factors):
    assert native_factors(wanted, (2, 3, 4)) == factors


@given(st.floats(1.001, 300), st.sets(st.integers(2, 5), min_size=1))
def test_a_chain_reaches_the_size_with_the_fewest_passes(wanted, available):
    chain = native_factors(wanted, available)
    assert prod(chain) >= wanted
    assert max(available) ** (len(chain) - 1) < wanted
    assert list(chain) == sorted(chain)


def test_growing_needs_a_factor():
    with pytest.raises(ValueError, match="no native factor above 1"):
        native_factors(2, ())
