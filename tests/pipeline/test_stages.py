"""Windows of a picture give the whole picture."""

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from upres.engines.engine import SessionFacts
from upres.engines.select import open_session
from upres.image.convert import run_network, to_dtype, to_float
from upres.image.io import read
from upres.image.resize import imresize
from upres.image.samples import Samples, Window
from upres.models.catalog import find
from upres.pipeline.blended import Blended
from upres.pipeline.budget import Budget, divide, window_height
from upres.pipeline.render import Chain, cut_up, render
from upres.pipeline.stages import Enlarged, Resized, Stored
from upres.pipeline.steps import CONTEXT, FADE


@pytest.fixture(scope="module")
def session(tiny_models):
    return open_session(tiny_models[2], engine="onnxruntime", threads=1)


class Calling:
    """A session of a plain function."""

    planes = for_bytes = None
    best_batch = 1
    grid = (1, 0)
    facts = SessionFacts(engine="test", precision="f32")

    def __init__(self, function):
        self.function = function

    def __call__(self, batch):
        return self.function(batch)


def nearest(batch):
    return batch.repeat(2, axis=2).repeat(2, axis=3)


def picture(shape, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def stored(pixels, *, widen=False):
    return Stored((pixels,), Samples.of(pixels), widen=widen)


def enlarged(below, session, **options):
    options = {"scale": 2, "color_mode": "luma", "halo": 1, "bytes_per_pixel": 400, **options}
    return Enlarged(below.size, below.samples, session, **options)


def rendered(chain, like, **options):
    """The chain's result as an array of the type of ``like``."""
    samples = Samples.of(like)
    out = samples.empty(chain.size)
    render(chain, out, samples, **options)
    return out[0]


def whole_picture(pixels, session):
    """The picture reflected by two pixels at each side, through the network at once, cropped."""
    padded = np.pad(pixels, ((2, 2), (2, 2), *[(0, 0)] * (pixels.ndim - 2)), mode="symmetric")
    return run_network(padded, session, scale=2, color_mode="luma")[4:-4, 4:-4]


@pytest.mark.parametrize("shape", [(61, 20, 3), (61, 20), (3, 5, 3), (1, 1), (64, 9, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("rows", [1, 7, 16, 500])
def test_bands_equal_the_whole(session, shape, dtype, rows):
    pixels = picture(shape, dtype)
    source = stored(pixels)
    made = rendered(Chain(source, enlarged(source, session)), pixels, rows=rows)
    np.testing.assert_array_equal(made, whole_picture(pixels, session))


@pytest.mark.parametrize("shape", [(61, 90, 3), (61, 90), (3, 5, 3)])
@pytest.mark.parametrize("tile", [(7, 5), (16, 64), (64, 33)])
def test_tiles_equal_the_whole(session, shape, tile):
    pixels = picture(shape)
    source = stored(pixels)
    made = rendered(Chain(source, enlarged(source, session)), pixels, rows=tile[0], columns=tile[1])
    np.testing.assert_array_equal(made, whole_picture(pixels, session))


@pytest.mark.parametrize("together", [2, 3])
def test_windows_of_one_size_are_a_batch(session, together):
    batches = []

    def watched(batch):
        batches.append(batch.shape[0])
        return session(batch)

    pixels = picture((96, 20, 3))
    source = stored(pixels)
    chain = Chain(source, enlarged(source, Calling(watched)))
    np.testing.assert_array_equal(rendered(chain, pixels, rows=24, together=together), whole_picture(pixels, session))
    assert max(batches) == together
    assert sum(batches) == 8


@pytest.mark.parametrize("name", ["esr_max_x2", "esr_tm_x3", "esr_tr_k7c8_x2"])
@pytest.mark.parametrize("shape", [(131, 70), (67, 40, 3)])
@pytest.mark.parametrize("rows", [1, 17, 64])
def test_bands_of_native_kernels_equal_the_whole(name, shape, rows):
    model = find(name)
    session = open_session(model, engine="auto", threads=2)
    options = {"scale": model.card.scale, "halo": model.card.halo}
    pixels = picture(shape)
    source = stored(pixels)
    whole = rendered(Chain(source, enlarged(source, session, **options)), pixels, rows=10**6)
    made = rendered(Chain(source, enlarged(source, session, **options)), pixels, rows=rows)
    np.testing.assert_array_equal(made, whole)


@pytest.mark.parametrize("rows", [5, 32])
def test_a_chain_with_a_reduction_in_bands_equals_the_whole(session, rows):
    pixels = picture((40, 30, 3))
    wide = pixels.astype(np.uint16) * np.uint16(257)
    for _ in range(2):
        wide = whole_picture(wide, session)
    whole = to_dtype(to_float(imresize(wide, size=(101, 83))), np.uint8)
    source = stored(pixels, widen=True)
    first = enlarged(source, session)
    second = enlarged(first, session)
    chain = Chain(source, first, second, Resized(second.size, second.samples, (101, 83)))
    np.testing.assert_array_equal(rendered(chain, pixels, rows=rows), whole)


def test_a_step_of_scale_one_restores_before_the_picture_grows(session):
    pixels = picture((40, 30, 3)) // 2
    source = stored(pixels, widen=True)
    brighter = enlarged(source, Calling(lambda batch: batch + np.float32(0.25)), scale=1, color_mode="rgb")
    chain = Chain(source, brighter, enlarged(brighter, session))
    wide = to_dtype(to_float(pixels.astype(np.uint16) * np.uint16(257)) + np.float32(0.25), np.uint16)
    whole = to_dtype(to_float(whole_picture(wide, session)), np.uint8)
    np.testing.assert_array_equal(rendered(chain, pixels, rows=16), whole)


def test_the_network_s_zero_padding_does_not_reach_the_picture(session):
    pixels = np.full((10, 15), 200, np.uint8)
    source = stored(pixels)
    assert (rendered(Chain(source, enlarged(source, session)), pixels, rows=8) == 200).all()


def test_the_network_sees_few_shapes(session):
    shapes = set()

    def watched(batch):
        shapes.add(batch.shape)
        return session(batch)

    pixels = picture((500, 8, 3))
    source = stored(pixels)
    rendered(Chain(source, enlarged(source, Calling(watched))), pixels, rows=64)
    assert len(shapes) <= 2, "all alike but the last"


def test_bands_at_the_same_time_and_progress(session):
    pixels, fractions = picture((90, 12, 3)), []
    source = stored(pixels)
    chain = Chain(source, enlarged(source, session))
    made = rendered(chain, pixels, rows=30, workers=3, progress=fractions.append)
    np.testing.assert_array_equal(made, whole_picture(pixels, session))
    assert fractions == pytest.approx([n / 6 for n in range(1, 7)])


def test_an_error_in_a_band_comes_out():
    def broken(batch):
        raise RuntimeError("out of order")

    pixels = picture((40, 8))
    source = stored(pixels)
    with pytest.raises(RuntimeError, match="out of order"):
        rendered(Chain(source, enlarged(source, Calling(broken))), pixels, rows=8, workers=2)


def test_bands_fill_the_budget(session):
    source = stored(picture((4000, 100, 3)))
    chain = Chain(source, enlarged(source, session))
    heights = [window_height(chain, budget, columns=200, step=8) for budget in (0, 2 * 10**6, 10**7, 10**12)]
    assert heights == sorted(heights)
    assert heights[0] == 8
    assert heights[-1] == 8000
    for budget, height in zip((2 * 10**6, 10**7), heights[1:3], strict=True):
        assert height % 8 == 0
        assert chain.working_bytes((height, 200)) <= budget < chain.working_bytes((height + 8, 200))


def test_a_picture_too_wide_for_a_band_is_cut_into_tiles(session):
    source = stored(np.zeros((64, 200_000), np.uint8))
    chain = Chain(source, enlarged(source, session, halo=20))
    division = divide(chain, Budget(cores=1, working_bytes=1), color_mode="rgb", step=8)
    assert division.columns < 400_000 / 2
    assert chain.working_bytes((8, division.columns)) <= 48 * 2**20
    far = Chain(source, Blended(enlarged(source, session, halo=20), fade=24))
    assert divide(far, Budget(cores=1, working_bytes=1), color_mode="rgb", step=8).columns == 400_000


@pytest.mark.parametrize("rows", [24, 50, 500])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_strips_of_a_local_network_fade_into_the_whole(session, rows, dtype):
    pixels = picture((70, 12, 3), dtype)
    source = stored(pixels)
    chain = Chain(source, Blended(enlarged(source, session), fade=12))
    np.testing.assert_array_equal(rendered(chain, pixels, rows=rows), whole_picture(pixels, session))


def test_windows_lower_than_the_fade_have_a_network_below(session):
    pixels = picture((70, 12, 3))

    def chain():
        source = stored(pixels, widen=True)
        below = enlarged(source, session)
        return Chain(source, below, Blended(enlarged(below, session), fade=24))

    np.testing.assert_array_equal(rendered(chain(), pixels, rows=8), rendered(chain(), pixels, rows=500))


def test_strips_of_a_chain_are_made_once(session):
    """What the second network asks for again is there already."""
    heights = []

    def watched(batch):
        heights.append(batch.shape[2])
        return session(batch)

    pixels = picture((200, 12, 3))
    source = stored(pixels, widen=True)
    first = Blended(enlarged(source, Calling(watched), halo=8), fade=16)
    second = Blended(enlarged(first, session, halo=8), fade=16)
    made = rendered(Chain(source, first, second), pixels, rows=200)
    wide = whole_picture(whole_picture(pixels.astype(np.uint16) * np.uint16(257), session), session)
    np.testing.assert_array_equal(made, to_dtype(to_float(wide), np.uint8))
    assert sum(heights) < 2 * 200


class Brightened:
    """A stage as little local as can be: a window's level is its first row's index."""

    full_width = in_order = False

    def __init__(self, size):
        self.size, self.samples = size, Samples(layout="grey")

    def needs(self, window):
        return window

    def make(self, windows, inputs):
        return [(np.full(window.size, window.rows.start, np.uint8),) for window in windows]

    def takes(self, size):
        return size

    def working_bytes(self, size):
        return 1000 * size[0]


def strips(stage, *ranges):
    source = stored(np.zeros(stage.size, np.uint8))
    chain = Chain(source, stage)
    return [chain.make([Window(rows, range(stage.size[1]))])[0][0] for rows in ranges]


def test_strips_do_not_depend_on_how_their_rows_are_asked_for():
    stage = Blended(Brightened((96, 4)), fade=8)
    rows = strips(stage, *(range(top, top + 20) for top in range(0, 80, 20)))
    again = strips(stage, *(range(top, top + 1) for top in (79, 3, 41, 40, 20)))
    np.testing.assert_array_equal(np.concatenate(again), np.concatenate(rows)[[79, 3, 41, 40, 20]])


@pytest.mark.parametrize("order", [(79, 41, 20), (79, 41, 3, 20), (70, 30, 10), (41, 79, 39)])
def test_strips_of_which_little_is_kept_are_made_again_alike(order):
    expected = np.concatenate(
        strips(Blended(Brightened((96, 4)), fade=8), *(range(top, top + 20) for top in (0, 20, 40, 60)))
    )
    stage = Blended(Brightened((96, 4)), fade=8)
    strips(stage, range(0, 20))
    np.testing.assert_array_equal(
        np.concatenate(strips(stage, *(range(top, top + 1) for top in order))), expected[[*order]]
    )


def test_strips_that_are_done_take_no_memory():
    stage, held = Blended(Brightened((240, 40_000)), fade=8), []
    tracemalloc.start()
    for top in range(0, 240, 20):
        strips(stage, range(top, top + 20))
        held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert held[-1] < held[3] + 8 * 40_000  # less than one tail more


def test_strips_fade_without_a_step():
    stage = Blended(Brightened((120, 4)), fade=32)
    made = np.concatenate(strips(stage, range(0, 40), range(40, 120))).astype(int)[:, 0]
    assert made[0] == 0
    assert made[-1] == 80  # the third strip's, which begins at row 80
    assert abs(np.diff(made)).max() <= 3


def test_memory_for_strips_counts_what_is_kept():
    stage = Blended(Brightened((96, 4)), fade=8)
    assert stage.working_bytes((2, 4)) == 1000 * 16 + 2 * 2 * 4 * 2  # no strip is lower than its fade
    assert stage.working_bytes((20, 4)) == 1000 * 28 + 2 * 20 * 4 * 2


@pytest.mark.needs("openvino")
def test_bands_of_the_network_for_stills_have_no_visible_seams():
    """Its attention sees far, so bands are only nearly the whole picture, and nowhere less so than at a seam."""
    model = find("rlfn_c32b6_x2")
    session = open_session(model, engine="openvino", precision="f32")
    pixels = read(Path(__file__).parents[2] / "examples" / "chelsea.png").frames[0].pixels[:, :240]
    results = []
    for rows in (200, 600):
        source = stored(np.ascontiguousarray(pixels))
        stage = enlarged(source, session, color_mode="rgb", halo=CONTEXT, bytes_per_pixel=1)
        results.append(rendered(Chain(source, Blended(stage, fade=2 * FADE)), pixels, rows=rows))
    difference = results[0].astype(int) - results[1]
    assert 10 * np.log10(255**2 / (difference**2).mean()) > 52
    steps = abs(np.diff(difference, axis=0)).mean(axis=(1, 2))
    assert steps[[199, 399]].max() < np.quantile(steps, 0.99)


@pytest.mark.parametrize("shape", [(1, 1, 3), (15, 40, 3), (40, 3, 3), (16, 16, 3)])
def test_a_network_sees_no_picture_smaller_than_it_takes(shape):
    seen = []

    def watched(batch):
        seen.append(batch.shape[2:])
        return nearest(batch)

    pixels = picture(shape)
    source = stored(pixels)
    stage = enlarged(source, Calling(watched), color_mode="rgb", halo=32, min_size=16)
    made = rendered(Chain(source, stage), pixels, rows=500)
    np.testing.assert_array_equal(made, nearest(pixels.transpose(2, 0, 1)[None])[0].transpose(1, 2, 0))
    assert min(seen[0]) >= 16


@pytest.mark.parametrize("shape", [(1, 1, 3), (37, 53, 3), (64, 8, 3)])
@pytest.mark.parametrize("tile", [(20, 30), (500, 500)])
def test_a_network_gets_sides_of_the_multiple_that_it_needs(shape, tile):
    """A network that halves its maps: the mean of each 8x8 square must be of the same squares in every window."""

    def squares(batch):
        count, channels, height, width = batch.shape
        assert height % 8 == width % 8 == 0
        means = batch.reshape(count, channels, height // 8, 8, width // 8, 8).mean(axis=(3, 5), keepdims=True)
        return np.broadcast_to(means, (*means.shape[:3], 8, means.shape[4], 8)).reshape(batch.shape)

    pixels = picture(shape)
    padded = np.pad(pixels, ((0, -shape[0] % 8), (0, -shape[1] % 8), (0, 0)), mode="symmetric")
    whole = run_network(padded, squares, scale=1, color_mode="rgb")[: shape[0], : shape[1]]
    source = stored(pixels)
    stage = enlarged(source, Calling(squares), scale=1, color_mode="rgb", halo=8, multiple_of=8)
    made = rendered(Chain(source, stage), pixels, rows=tile[0], columns=tile[1])
    np.testing.assert_array_equal(made, whole)


YUV = [
    Samples(layout="yuv420", siting="left", studio=True),
    Samples(layout="yuv420", siting="topleft", dtype="uint16", white=1023, studio=True),
    Samples(layout="yuv422", siting="left", dtype="uint16", white=4095),
    Samples(layout="yuv444"),
]


def noisy_planes(samples, size):
    rng = np.random.default_rng(1)
    return tuple(rng.integers(0, samples.white, shape, samples.dtype, endpoint=True) for shape in samples.shapes(size))


@pytest.mark.parametrize("samples", YUV, ids=lambda samples: samples.layout + samples.siting)
@pytest.mark.parametrize("engine", ["onnxruntime", "native"])
@pytest.mark.parametrize("rows", [1, 14, 500])
def test_planes_in_windows_equal_the_whole(samples, engine, rows):
    model = find("esr_tm_x2")
    session = open_session(model, engine=engine, threads=1)
    planes = noisy_planes(samples, (41, 27))
    source = Stored(planes, samples, widen=False)
    results = []
    for height in (10**6, rows):
        out = samples.empty((82, 54))
        render(Chain(source, enlarged(source, session, halo=model.card.halo)), out, samples, rows=height)
        results.append(out)
    for whole, made in zip(*results, strict=True):
        np.testing.assert_array_equal(made, whole)
    assert max(plane.max() for plane in results[0]) <= samples.white
    luma = run_network(np.pad(planes[0], 8, mode="symmetric"), session, scale=2, color_mode="luma", white=samples.white)
    assert abs(results[0][0].astype(int) - luma[16:-16, 16:-16]).max() <= 1


@pytest.mark.parametrize("samples", YUV, ids=lambda samples: samples.layout + samples.siting)
def test_planes_of_one_colour_keep_it_through_any_chain(samples, session):
    planes = tuple(
        np.full(shape, level * (samples.white + 1) // 256, samples.dtype)
        for shape, level in zip(samples.shapes((30, 21)), (180, 90, 200), strict=True)
    )
    source = Stored(planes, samples, widen=True)
    first = enlarged(source, session)
    chain = Chain(source, first, Resized(first.size, first.samples, (47, 33)))
    out = samples.empty((47, 33))
    render(chain, out, samples, rows=10)
    for made, plane in zip(out, planes, strict=True):
        np.testing.assert_array_equal(made, plane[0, 0])


@pytest.mark.parametrize("samples", YUV, ids=lambda samples: samples.layout + samples.siting)
@pytest.mark.parametrize(("size", "wanted"), [((64, 64), (47, 85)), ((35, 63), (53, 40)), ((35, 63), (70, 126))])
def test_resized_chroma_stays_beside_its_luma_at_odd_sizes(samples, size, wanted):
    """Both sides of chroma are rounded up where luma is odd; that must not stretch it."""
    samples = replace(samples, dtype="uint16", white=65535)
    offs = (0.5 if samples.siting == "topleft" else 1.0, 1.0 if samples.siting == "centre" else 0.5)

    def places(size):
        """Where each chroma row and column lies, in parts of the picture's height and width."""
        sides = zip(samples.shapes(size)[1], samples.subsampling, offs, size, strict=True)
        return [(np.arange(n) * step + (off if step == 2 else 0.5)) / length for n, step, off, length in sides]

    down, right = (np.round(each * 0.9 * samples.white) for each in places(size))
    chroma = np.broadcast_to(down[:, None], (len(down), len(right))), np.broadcast_to(right, (len(down), len(right)))
    luma = np.zeros(size, samples.dtype)
    source = Stored((luma, *(plane.astype(samples.dtype) for plane in chroma)), samples, widen=True)
    made = samples.empty(wanted)
    render(Chain(source, Resized(size, source.samples, wanted)), made, samples, rows=7)
    for axis, (plane, place) in enumerate(zip(made[1:], places(wanted), strict=True)):
        inside = slice(len(place) // 4, -(len(place) // 4))  # beyond, the kernel sees the ramp reflected
        found = np.moveaxis(plane, axis, 0)[inside, 3] / (0.9 * samples.white)
        assert np.abs(found - place[inside]).max() * wanted[axis] < 0.05


def test_an_rgb_network_refuses_yuv_planes(session):
    source = Stored(noisy_planes(YUV[0], (8, 8)), YUV[0], widen=False)
    with pytest.raises(ValueError, match="an RGB network takes grey or RGB samples, got yuv420"):
        enlarged(source, session, color_mode="rgb")


def test_windows_of_subsampled_pictures_begin_on_whole_chroma_samples():
    windows = cut_up((41, 27), YUV[0], rows=7, columns=9)
    assert {window.rows.start % 2 for window in windows} == {window.columns.start % 2 for window in windows} == {0}
    covered = np.zeros((41, 27), int)
    for window in windows:
        covered[window.rows.start : window.rows.stop, window.columns.start : window.columns.stop] += 1
    assert (covered == 1).all()
