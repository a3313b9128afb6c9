"""Quantiles are numpy's own, to the bit."""

import subprocess
import sys

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from upres.image.quantiles import quantiles


@settings(deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=40),
    st.lists(st.floats(0, 1), min_size=1, max_size=4),
    st.sampled_from(["f4", "f8"]),
)
def test_any_numbers_give_what_numpy_gives(values, shares, dtype):
    array = np.array(values, dtype)
    found = quantiles(array, shares)
    expected = np.quantile(array, shares)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(array, np.array(values, dtype), "the values are left in their order")


def test_masked_arrays_are_not_imported():
    code = (
        "import sys, numpy as np; from upres.pipeline.judge import judge;"
        "print(judge(np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)).noise > 1,"
        " 'numpy.ma' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]
