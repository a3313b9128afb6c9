"""Networks from the top of a picture down give what they give of the whole picture, and in windows."""

import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from upres.engines.engine import Session, SessionFacts
from upres.image.samples import Samples, Window
from upres.models.catalog import find
from upres.pipeline import still
from upres.pipeline.blended import Blended
from upres.pipeline.budget import DEFAULT_WORKING_BYTES, WIDE_WORKING_BYTES, Budget
from upres.pipeline.mixed import Mixed
from upres.pipeline.plan import Plan
from upres.pipeline.render import Chain, render
from upres.pipeline.rolling import LOW_SLAB_ROWS, SLAB_ROWS, WINDOW_ROWS, Rolling, from_the_top_down, goes_down
from upres.pipeline.sessions import Sessions, Settings
from upres.pipeline.stages import Enlarged, Resized, Stored
from upres.pipeline.steps import NetworkStep, Weakened


class Means(Session):
    """A network that gives each pixel the mean of nine, twice as large or as large; in slabs it wants `ahead` rows."""

    def __init__(self, scale=2, ahead=3):
        self.facts = SessionFacts(engine="test", precision="f32")
        self.scale, self.ahead, self.made = scale, ahead, []

    def __call__(self, batch, /):
        padded = np.pad(batch, ((0, 0), (0, 0), (1, 1), (1, 1)))
        height, width = batch.shape[2:]
        total = sum(padded[:, :, y : y + height, x : x + width] for y in range(3) for x in range(3)) / np.float32(9)
        return total.repeat(self.scale, axis=2).repeat(self.scale, axis=3)

    def slabs(self, height, width, *, rows):
        return MeansInSlabs(self, height, width, rows)


class Windowed(Means):
    def slabs(self, height, width, *, rows):
        return None


class MeansInSlabs:
    bytes = 1000

    def __init__(self, session, height, width, rows):
        count = -(-height // rows)
        made = [min(height, rows * (index + 1)) for index in range(count)]
        self.ends = [(min(height, end + session.ahead), end * session.scale) for end in made]
        self.session, self.given, self.width, self.next = session, np.empty((1, 3, 0, width), np.float32), width, 0

    def __call__(self, batch, /):
        self.given = np.concatenate([self.given, batch], axis=2)
        (given, end), start = self.ends[self.next], self.ends[self.next - 1][1] if self.next else 0
        assert self.given.shape == (1, 3, given, self.width)
        self.session.made.append((start, end))
        self.next += 1
        return self.session(self.given)[:, :, start:end]


def picture(shape, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def chain_of(pixels, session, *, widen=False, above=()):
    source = Stored((pixels,), Samples.of(pixels), widen=widen)
    stage = Enlarged(
        source.size, source.samples, session, scale=session.scale, color_mode="rgb", halo=1, bytes_per_pixel=400
    )
    return Chain(source, stage, *(make(stage) for make in above))


def chains_noted(monkeypatch):
    """The chains with networks from the top down that are made from now on, as they come."""
    noted = []

    def noting(*args, **options):
        noted.append(from_the_top_down(*args, **options))
        return noted[-1]

    monkeypatch.setattr(still, "from_the_top_down", noting)
    return noted


def rendered(chain, like, **options):
    samples = Samples.of(like)
    out = samples.empty(chain.size)
    render(chain, out, samples, **options)
    return out[0]


def halved(stage):
    return Resized(stage.size, stage.samples, (stage.size[0] // 2, stage.size[1] // 3))


@pytest.mark.parametrize("shape", [(300, 20, 3), (300, 20), (61, 9, 3), (3, 5, 3), (1, 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("rows", [7, 64, 1000])
def test_slabs_give_the_whole(shape, dtype, scale, rows):
    pixels, session = picture(shape, dtype), Means(scale)
    whole = rendered(chain_of(pixels, session), pixels, rows=10_000)
    down = from_the_top_down(chain_of(pixels, session), 10**9)
    assert isinstance(down.stages[0], Rolling)
    np.testing.assert_array_equal(rendered(down, pixels, rows=rows), whole)
    assert [start for start, _ in session.made[1:]] == [end for _, end in session.made[:-1]], "no row is made twice"


@pytest.mark.parametrize("ahead", [1, 200])
def test_all_rows_may_have_been_given_before_all_are_made(ahead):
    pixels, session = picture((300, 8, 3)), Means(ahead=ahead)
    whole = rendered(chain_of(pixels, Means()), pixels, rows=10_000)
    np.testing.assert_array_equal(rendered(from_the_top_down(chain_of(pixels, session), 10**9), pixels, rows=50), whole)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_share_of_the_change_is_that_of_the_whole_picture(dtype):
    pixels, session = picture((300, 20, 3), dtype), Means(1, ahead=9)

    def chain(session):
        weakened: Any = Weakened(session, 0.3)
        weakened.scale = 1
        return chain_of(pixels, weakened)

    whole = rendered(chain(session), pixels, rows=10_000)
    down = from_the_top_down(chain(session), 10**9)
    assert isinstance(down.stages[0], Rolling)
    np.testing.assert_array_equal(rendered(down, pixels, rows=40), whole)
    assert from_the_top_down(chain(Windowed()), 10**9).stages[0].__class__ is Enlarged, "an engine without slabs"


def test_stages_above_may_ask_for_rows_again():
    pixels, session = picture((300, 20, 3)), Means()
    whole = rendered(chain_of(pixels, session, widen=True, above=[halved]), pixels, rows=10_000)
    down = from_the_top_down(chain_of(pixels, session, widen=True, above=[halved]), 10**9)
    np.testing.assert_array_equal(rendered(down, pixels, rows=16), whole)


def test_strips_that_fade_stand_on_slabs():
    pixels = picture((300, 20, 3))

    def strips(stage):
        above = Enlarged(stage.size, stage.samples, Means(1), scale=1, color_mode="rgb", halo=9, bytes_per_pixel=400)
        return Blended(above, fade=20)

    chains = [chain_of(pixels, Means(1), widen=True, above=[strips]) for _ in range(2)]
    made = [rendered(chain, pixels, rows=64) for chain in (chains[0], from_the_top_down(chains[1], 10**9))]
    np.testing.assert_array_equal(*made)


@pytest.mark.parametrize("rows", [7, 64])
def test_networks_that_are_mixed_go_down_together(rows):
    pixels = picture((300, 20, 3))

    def chain(other):
        source = Stored((pixels,), Samples.of(pixels), widen=True)
        stages = [
            Enlarged(source.size, source.samples, network, scale=2, color_mode="rgb", halo=1, bytes_per_pixel=400)
            for network in (Means(ahead=3), other)
        ]
        return Chain(source, Mixed(*stages, share=0.3))

    whole = rendered(chain(Means()), pixels, rows=10_000)
    down = from_the_top_down(chain(Means(ahead=90)), 10**9)
    assert goes_down(down.stages[0])
    np.testing.assert_array_equal(rendered(down, pixels, rows=rows), whole)
    windows = chain(Windowed())
    assert from_the_top_down(windows, 10**9) is windows, "one that cannot keeps the other in windows"


def test_windows_go_down_the_picture():
    pixels = picture((300, 20, 3))
    down = from_the_top_down(chain_of(pixels, Means(1)), 10**9)
    for rows in (range(0, 50), range(40, 90), range(280, 300)):
        (planes,) = down.make([Window(rows, range(20))])
        assert planes[0].shape == (len(rows), 20, 3)
    with pytest.raises(ValueError, match="rows below them"):
        down.make([Window(range(0, 50), range(20))])


def test_memory_decides_how_high_slabs_are_and_whether_there_are_any():
    pixels, session = picture((4000, 100, 3)), Means(1)
    chain = chain_of(pixels, session)
    heights = set()
    for most in (10**9, 3 * 10**6, 10**6, 1000):
        down = from_the_top_down(chain, most)
        rolling = [stage for stage in down.stages if isinstance(stage, Rolling)]
        assert bool(rolling) == (most > 1000)
        assert down is chain or down.working_bytes((SLAB_ROWS[-1], 100)) <= most
        heights |= {stage.takes((1, 100))[0] for stage in rolling}
    assert len(heights) > 1
    without = Chain(chain.source)
    assert from_the_top_down(without, 10**9) is without


class Heavy(Means):
    """One of which slabs take memory by their rows."""

    def slabs(self, height, width, *, rows):
        slabs = MeansInSlabs(self, height, width, rows)
        slabs.bytes = 10**6 * rows
        return slabs


def test_more_memory_never_takes_slabs_away():
    pixels = picture((4000, 100, 3))
    going = [
        any(map(goes_down, from_the_top_down(chain_of(pixels, Heavy(), above=[halved]), most).stages))
        for most in range(10**7, 4 * 10**7, 10**5)
    ]
    assert going == sorted(going)
    assert set(going) == {False, True}


def test_networks_share_memory_by_what_each_needs():
    pixels = picture((4000, 100, 3))

    def second(stage):
        return Enlarged(stage.size, stage.samples, Means(1), scale=1, color_mode="rgb", halo=1, bytes_per_pixel=400)

    def far(stage):
        return Blended(stage, fade=20)

    down = from_the_top_down(chain_of(pixels, Heavy(1), above=[second]), 20 * 10**6)
    assert [goes_down(stage) for stage in down.stages] == [True, True]
    chain = chain_of(pixels, Means(1), above=[lambda stage: far(chain_of(pixels, Heavy(1)).stages[0])])
    little = from_the_top_down(chain, 10**7)
    assert [goes_down(stage) for stage in little.stages] == [True, False], "the local one alone"


@pytest.mark.needs("native")
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("plain_c32b6_denoise", np.uint8),
        ("plain_c32b6_denoise", np.uint16),
        ("plain_c32b6_denoise", "grey"),
        ("plain_c32b6_light_x2", np.uint8),
    ],
)
def test_networks_that_ship_are_equal_to_the_bit(name, kind, monkeypatch):
    dtype = np.uint8 if kind == "grey" else kind
    pixels = picture((1100, 1000) if kind == "grey" else (1100, 1000, 3), dtype)
    step = NetworkStep(find(name))
    plan = Plan(size=(1100 * step.scale, 1000 * step.scale), steps=(step,), exact=True)
    sessions, settings = Sessions(), Settings(threads=1)
    budget = Budget(cores=1, working_bytes=96 * 2**20)

    def made():
        samples = Samples.of(pixels)
        return still.make_planes((pixels,), samples, plan, sessions=sessions, settings=settings, budget=budget)[0]

    asked = chains_noted(monkeypatch)
    down = made()
    assert isinstance(asked[0].stages[0], Rolling)
    monkeypatch.setattr(still, "from_the_top_down", lambda chain, *_, **__: chain)
    windows = made()
    if kind == np.uint16:  # floats, of which windows round the last bits otherwise
        assert np.abs(down.astype(int) - windows).max() <= 1
    else:
        np.testing.assert_array_equal(down, windows)


@pytest.mark.needs("native")
@pytest.mark.parametrize("name", ["rlfn_c32b6_x2", "rlfn_c32b6_x4"])
def test_networks_that_see_far_give_the_whole_by_any_memory(name, monkeypatch):
    pixels, step = picture((500, 190, 3)), NetworkStep(find(name))
    plan = Plan(size=(500 * step.scale, 190 * step.scale), steps=(step,), exact=True)
    sessions, settings = Sessions(), Settings(threads=1)

    def made(mebibytes):
        budget = Budget(cores=1, working_bytes=mebibytes * 2**20)
        return still.make_planes(
            (pixels,), Samples.of(pixels), plan, sessions=sessions, settings=settings, budget=budget
        )[0]

    whole = made(1000)
    asked = chains_noted(monkeypatch)
    np.testing.assert_array_equal(made(45), whole)
    assert isinstance(asked[0].stages[0], Rolling)
    assert asked[0].working_bytes((32, 190)) < 45 * 2**20


@pytest.mark.needs("native")
def test_large_pictures_take_little_memory():
    pixels = np.zeros((6000, 500, 3), np.uint8)
    step = NetworkStep(find("plain_c32b6_deblock"))
    plan = Plan(size=(6000, 500), steps=(step,), exact=True)
    options = {"sessions": Sessions(), "settings": Settings(threads=1), "budget": Budget(cores=1)}
    small = replace(plan, size=(1100, 1000))
    still.make_planes((np.zeros((1100, 1000, 3), np.uint8),), Samples.of(pixels), small, **options)  # opens it
    tracemalloc.start()
    still.make_planes((pixels,), Samples.of(pixels), plan, **options)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    result = pixels.nbytes
    floats = 500 * 3 * 4 * (WINDOW_ROWS + SLAB_ROWS[0])
    assert peak < result + 4 * floats


@pytest.mark.parametrize("working", [None, 64 * 2**20])
@pytest.mark.parametrize("least", [1, 10**9])
def test_wide_pictures_get_more_memory_where_nobody_limits_it(monkeypatch, working, least):
    pixels, asked = np.zeros((600, 3000, 3), np.uint8), []

    def refuse(chain, available, *, heights):
        asked.append((available, tuple(heights)))
        return chain

    monkeypatch.setattr(still, "from_the_top_down", refuse)
    monkeypatch.setattr(still, "WIDE_PIXELS", least)
    plan = Plan(size=(600, 3000), steps=(NetworkStep(find("plain_c32b6_deblock")),), exact=True)
    options = {"sessions": Sessions(), "settings": Settings(threads=1)}
    budget = Budget(cores=1, working_bytes=working)
    still.make_planes((pixels,), Samples.of(pixels), plan, budget=budget, **options)
    first = (working or DEFAULT_WORKING_BYTES, SLAB_ROWS)
    wide = [(WIDE_WORKING_BYTES, LOW_SLAB_ROWS)] if working is None and least == 1 else []
    assert asked == [first, *wide]
