"""Rows resized from a part of an image equal the same rows of the whole."""

import numpy as np
import pytest

from upres.image.resize import imresize, imresize_rows, rows_needed

SIZES = [(80, 60), (17, 23), (53, 31), (40, 90), (40, 30), (7, 30), (97, 61)]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("size", SIZES)
def test_rows_equal_those_of_the_whole(dtype, size):
    values = np.random.default_rng(0).random((40, 30, 3))
    image = (values * (np.iinfo(dtype).max if dtype != np.float32 else 1)).astype(dtype)
    whole = imresize(image, size=size)
    for top in range(0, size[0], 6):
        rows = range(top, min(top + 6, size[0]))
        needed = rows_needed(40, size[0], rows)
        part = imresize_rows(image[needed.start : needed.stop], first_row=needed.start, height=40, size=size, rows=rows)
        np.testing.assert_array_equal(part, whole[rows.start : rows.stop])


def test_the_needed_rows_are_the_kernel_s_reach():
    assert rows_needed(100, 200, range(20, 40)) == range(8, 22)
    assert rows_needed(100, 50, range(0, 1)) == range(0, 5)
