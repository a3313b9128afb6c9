"""Luma of every format is the kernels' own, chroma stays where it lies, and nothing becomes RGB that need not."""

from fractions import Fraction

import numpy as np
import pytest

from tests.video.films import Film, frame_of, planes_of
from tests.video.test_plan import film
from upres.image.resize import imresize
from upres.image.samples import Samples
from upres.pipeline.budget import Budget
from upres.pipeline.sizes import SizeRequest
from upres.pipeline.still import make_planes
from upres.upscaler import Upscaler
from upres.video.colors import YuvCoding
from upres.video.plan import Wishes, plan_video
from upres.video.planes import Enlarger, separate_planes
from upres.video.views import plane_views

FORMATS = (
    "yuv420p", "yuv422p", "yuv444p", "gray", "nv12", "p010le", "yuv420p10le", "yuv422p10le", "yuv444p10le", "gray10le",
    "yuv420p12le", "yuv444p12le", "yuva420p",
)  # fmt: skip


def enlarger(pixel_format, size, scale=2, **wishes):
    facts = film(pixel_format=pixel_format, height=size[0], width=size[1])
    plan = plan_video(facts, Wishes(request=SizeRequest(scale=scale), codec="ffv1", **wishes))
    upscaler = Upscaler(width=plan.size[1], height=plan.size[0], model="esr_tm", threads=1)
    return plan, upscaler, Enlarger(plan, upscaler, size)


@pytest.mark.parametrize("pixel_format", FORMATS)
@pytest.mark.parametrize("size", [(40, 60), (33, 51)])
def test_luma_equals_the_plane_call(pixel_format, size):
    plan, upscaler, enlarge = enlarger(pixel_format, size)
    frame = frame_of(Film(name="", size=size, pixel_format=pixel_format), 0)
    made = enlarge(frame)
    assert made.format.name == plan.source.planar
    assert (made.height, made.width) == (2 * size[0], 2 * size[1])
    planes, outs = separate_planes(frame), plane_views(made)
    samples = plan.source.samples(siting="left", studio=True)
    shown = tuple(np.ascontiguousarray(plane) for plane in planes[: len(samples.shapes(size))])
    expected = make_planes(
        shown,
        samples,
        upscaler.plan(size),
        sessions=upscaler.sessions,
        settings=upscaler.settings,
        budget=Budget(cores=1),
    )
    np.testing.assert_array_equal(outs[0], expected[0])
    session = upscaler.sessions.get(upscaler.plan(size).models[0], upscaler.settings).planes
    raw = session.run_plane(shown[0], peak=samples.white)
    inner = (slice(24, -24), slice(24, -24))
    if samples.white > 1023:  # in floats; integer kernels make rows together, which begin elsewhere without a margin
        np.testing.assert_array_equal(outs[0][inner], raw[inner])
    assert np.abs(outs[0][inner].astype(int) - raw[inner]).max() <= 1
    _, right = samples.subsampling
    for chroma, out in zip(planes[1 : len(expected)], outs[1:], strict=False):
        exact = imresize(chroma.astype(np.float64), scale=2, shift=(Fraction(0), Fraction(right - 1, 8)))
        assert np.abs(out - np.clip(exact, 0, samples.white)[: out.shape[0], : out.shape[1]]).max() <= 0.51


@pytest.mark.parametrize(("siting", "shift"), [("centre", (0, 0)), ("left", (0, 1)), ("topleft", (1, 1))])
def test_chroma_is_taken_where_it_lies(siting, shift):
    _, _, enlarge = enlarger("yuv420p10le", (40, 60), siting=siting)
    frame = frame_of(Film(name="", size=(40, 60), pixel_format="yuv420p10le"), 0)
    made = plane_views(enlarge(frame))[1]
    exact = imresize(
        plane_views(frame)[1].astype(np.float64), scale=2, shift=tuple(Fraction(each, 8) for each in shift)
    )
    assert np.abs(made - np.clip(exact, 0, 1023)).max() <= 0.51


def test_alpha_is_interpolated():
    _, _, enlarge = enlarger("yuva420p", (40, 60))
    frame = frame_of(Film(name="", size=(40, 60), pixel_format="yuva420p"), 0)
    expected = imresize(plane_views(frame)[3].astype(np.float64), scale=2)
    assert np.abs(plane_views(enlarge(frame))[3] - np.clip(expected, 0, 255)).max() <= 1.1  # rounded along each axis


def test_samples_of_semi_planar_frames_are_those_of_planar_ones():
    for name, shift in (("nv12", 0), ("p010le", 6)):
        frame = frame_of(Film(name="", pixel_format=name), 0)
        luma, both = planes_of(Film(name="", pixel_format=name), 0)
        apart = separate_planes(frame)
        np.testing.assert_array_equal(apart[0], luma >> shift)
        np.testing.assert_array_equal(apart[1], both[:, 0::2] >> shift)
        np.testing.assert_array_equal(apart[2], both[:, 1::2] >> shift)


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le", "yuv444p12le"])
def test_fewer_cores_make_the_same_planes(pixel_format):
    size = (90, 120)
    frame = frame_of(Film(name="", size=size, pixel_format=pixel_format), 0)
    made = []
    for threads in (None, 3, 1):
        *_, enlarge = enlarger(pixel_format, size)
        if threads is not None:
            enlarge.leave_cores(threads)
        made.append([view.copy() for view in plane_views(enlarge(frame))])
    for others in made[1:]:
        for plane, other in zip(made[0], others, strict=True):
            np.testing.assert_array_equal(plane, other)


def test_a_repeated_frame_is_computed_once():
    _, _, enlarge = enlarger("yuv420p", (40, 60))
    frames = [frame_of(Film(name="", size=(40, 60), repeats=3), index) for index in range(6)]
    made = [enlarge(frame) for frame in frames]
    assert enlarge.computed == 2
    assert made[0] is made[2]
    assert made[3] is not made[2]


@pytest.mark.parametrize("layout", ["grey", "yuv420", "yuv422", "yuv444"])
@pytest.mark.parametrize("studio", [False, True])
@pytest.mark.parametrize("matrix", [1, 6, 9])
def test_colours_come_back_from_rgb(layout, studio, matrix):
    samples = Samples(dtype="uint16", white=1023, studio=studio, layout=layout, siting="left")
    coding = YuvCoding(samples=samples, matrix=matrix)
    planes = tuple(
        np.full(shape, value, np.uint16)
        for shape, value in zip(samples.shapes((20, 31)), (400, 500, 530), strict=False)
    )
    back = coding.from_rgb(coding.to_rgb(planes))
    for plane, again in zip(planes, back, strict=True):
        assert again.shape == plane.shape
        assert np.abs(again.astype(int) - plane).max() <= 1


def test_white_and_black_of_studio_range_are_white_and_black():
    coding = YuvCoding(samples=Samples(studio=True, layout="yuv444"), matrix=1)
    luma = np.array([[16, 235]], np.uint8)
    grey = np.full((1, 2), 128, np.uint8)
    np.testing.assert_array_equal(coding.to_rgb((luma, grey, grey)), [[[0, 0, 0], [65535, 65535, 65535]]])


def test_chroma_is_reduced_to_where_it_lies():
    """A horizontal ramp of colour must have at each chroma sample the value of the luma pixel it lies on."""
    ramp = np.repeat(np.linspace(0, 60000, 64)[None, :, None], 16, axis=0)
    rgb = np.concatenate([np.zeros_like(ramp), np.zeros_like(ramp), ramp], axis=2).astype(np.uint16)
    samples = Samples(dtype="uint16", white=1023, layout="yuv420", siting="left")
    blue = YuvCoding(samples=samples, matrix=1).from_rgb(rgb)[1]
    full = YuvCoding(samples=Samples(dtype="uint16", white=1023, layout="yuv444"), matrix=1).from_rgb(rgb)[1]
    assert np.abs(blue[4, 4:-4].astype(int) - full[8, 8:-8:2]).max() <= 1
