"""Sample formats: planes, windows of planes, white."""

from fractions import Fraction

import numpy as np
import pytest

from upres.image.samples import Samples, Window, chroma_window


def test_an_array_is_its_own_format():
    assert Samples.of(np.zeros((4, 5, 3), np.uint8)) == Samples()
    assert Samples.of(np.zeros((4, 5), np.uint16)) == Samples(dtype="uint16", white=65535, layout="grey")
    with pytest.raises(ValueError, match="expected uint8 or uint16"):
        Samples.of(np.zeros((4, 5)))


@pytest.mark.parametrize(("layout", "chroma"), [("yuv420", (3, 4)), ("yuv422", (5, 4)), ("yuv444", (5, 7))])
def test_planes_of_odd_pictures(layout, chroma):
    samples = Samples(layout=layout)
    planes = samples.empty((5, 7))
    assert [plane.shape for plane in planes] == [(5, 7), chroma, chroma]
    assert samples.check(planes) == (5, 7)


@pytest.mark.parametrize("planes", [(), (np.zeros((4, 4), np.uint8),), (np.zeros((0, 0), np.uint8),) * 3])
def test_planes_that_do_not_fit_are_refused(planes):
    with pytest.raises(ValueError, match="expected yuv420 planes"):
        Samples(layout="yuv420").check(planes)
    with pytest.raises(ValueError, match="expected uint16 planes"):
        Samples(dtype="uint16", white=1023, layout="grey").check((np.zeros((4, 4), np.uint8),))


def test_white_fits_the_type():
    with pytest.raises(ValueError, match="a white that fits, got uint8 and 1023"):
        Samples(white=1023)


@pytest.mark.parametrize(("white", "factor"), [(255, 257), (1023, 64), (4095, 16), (65535, 1)])
def test_widening_keeps_white_within_sixteen_bits(white, factor):
    samples = Samples(dtype="uint8" if white == 255 else "uint16", white=white)
    assert samples.widening == factor
    assert samples.widened() == Samples(dtype="uint16", white=white * factor)


def test_a_window_has_the_chroma_that_it_touches():
    planes = tuple(np.arange(np.prod(shape)).reshape(shape).astype(np.uint8) for shape in ((6, 8), (3, 4), (3, 4)))
    window = Window(range(1, 4), range(2, 8))
    luma, blue, _ = Samples(layout="yuv420").cut(planes, window)
    np.testing.assert_array_equal(luma, planes[0][1:4, 2:8])
    np.testing.assert_array_equal(blue, planes[1][0:2, 1:4])
    assert chroma_window(window, (1, 1)) == window


@pytest.mark.parametrize(
    ("siting", "layout", "shift"),
    [
        ("centre", "yuv420", (0, 0)),
        ("left", "yuv420", (0, Fraction(1, 8))),
        ("topleft", "yuv420", (Fraction(1, 8), Fraction(1, 8))),
        ("topleft", "yuv422", (0, Fraction(1, 8))),
        ("left", "yuv444", (0, 0)),
    ],
)
def test_chroma_moves_only_where_it_is_subsampled_and_off_the_centre(siting, layout, shift):
    assert Samples(layout=layout, siting=siting).chroma_shift(Fraction(2), Fraction(2)) == shift
