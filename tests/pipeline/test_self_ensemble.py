"""Networks that work twice: on a picture and on its mirror image."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from tests.pipeline.test_rolling import Means, MeansInSlabs, chains_noted, picture
from tests.test_upscaler import as_jpeg, drawing, photograph
from upres.engines.self_ensemble import SelfEnsemble
from upres.image.io import read
from upres.image.samples import Samples
from upres.models.catalog import find
from upres.pipeline import still
from upres.pipeline.budget import Budget
from upres.pipeline.plan import Plan
from upres.pipeline.rolling import Rolling
from upres.pipeline.sessions import Sessions, Settings
from upres.pipeline.steps import NetworkStep
from upres.upscaler import Upscaler


class Leaning(Means):
    """A network that treats left and right differently."""

    def __call__(self, batch, /):
        return super().__call__(batch + np.float32(0.5) * np.roll(batch, 1, axis=3))


def batch_of(height, width):
    return np.random.default_rng(1).random((1, 3, height, width), np.float32)


def test_the_result_is_the_mean_of_both():
    session, batch = Leaning(), batch_of(5, 7)
    both = session(batch), session(batch[..., ::-1])[..., ::-1]
    assert np.abs(both[0] - both[1]).max() > 0.1
    made = SelfEnsemble(session)(batch)
    np.testing.assert_allclose(made, (both[0] + both[1]) / 2, atol=1e-6)
    np.testing.assert_array_equal(SelfEnsemble(session)(batch[..., ::-1]), made[..., ::-1])


def test_slabs_of_both_give_the_whole():
    session, batch = SelfEnsemble(Leaning(ahead=3)), batch_of(41, 9)
    slabs = session.slabs(41, 9, rows=8)
    assert slabs is not None
    assert slabs.bytes == 2 * MeansInSlabs.bytes + 12 * 9 * (11 + 16 * 2), "and what goes in and comes out once more"
    starts = [0, *(given for given, _ in slabs.ends)]
    made = [slabs(batch[:, :, start:end]).copy() for start, end in pairwise(starts)]
    np.testing.assert_array_equal(np.concatenate(made, axis=2)[:, :, :70], session(batch)[:, :, :70])


def test_a_network_that_has_no_slabs_has_none_twice():
    class Windowed(Means):
        def slabs(self, height, width, *, rows):
            return None

    assert SelfEnsemble(Windowed()).slabs(8, 8, rows=4) is None


@pytest.mark.needs("native")
def test_large_pictures_go_down_in_slabs_to_the_same_bits(monkeypatch):
    pixels = picture((500, 190, 3))
    step = NetworkStep(find("rlfn_c32b6_x2"), self_ensemble=True)
    plan = Plan(size=(1000, 380), steps=(step,), exact=True)
    options = {"sessions": Sessions(), "settings": Settings(threads=1)}

    def made(mebibytes, seen=pixels):
        budget = Budget(cores=1, working_bytes=mebibytes * 2**20)
        return still.make_planes((seen,), Samples.of(seen), plan, budget=budget, **options)[0]

    whole = made(1000)
    asked = chains_noted(monkeypatch)
    np.testing.assert_array_equal(made(70), whole)
    assert isinstance(asked[0].stages[0], Rolling)
    np.testing.assert_array_equal(made(1000, np.ascontiguousarray(pixels[:, ::-1])), whole[:, ::-1])
    once = still.make_planes(
        (pixels,),
        Samples.of(pixels),
        replace(plan, steps=(replace(step, self_ensemble=False),)),
        budget=Budget(cores=1),
        **options,
    )[0]
    assert (whole != once).any()


TWICE = " with self-ensemble"


@pytest.mark.parametrize(
    ("options", "quality", "expected"),
    [
        ({}, 98, f"tiny_x2{TWICE}"),
        ({}, 60, f"real_x2{TWICE}"),
        ({"clean": True}, 60, f"tiny_x2{TWICE}"),
        ({"strength": 0.5}, 60, f"tiny_x2{TWICE}, real_x2{TWICE} at 0.5"),
        ({"crisp": 0.25}, 98, f"tiny_x2{TWICE}, crisp_x2{TWICE} at 0.25"),
        ({"restore": {"denoise": 1.0}}, 98, f"tiny_denoise+tiny_x2{TWICE}"),
    ],
)
def test_best_takes_every_network_that_enlarges_twice(options, quality, expected, named_at_x2):
    upscaler, seen = Upscaler(2, best=True, **options), read(as_jpeg(photograph(), quality))
    assert upscaler.plan(seen.size, upscaler.choose(seen)).model_name == expected
    assert upscaler.model_identity() != Upscaler(2, **options).model_identity()


def test_steps_say_what_worked_twice(named_at_x2):
    upscaler = Upscaler(2, best=True, restore={"denoise": 1.0})
    steps = upscaler.plan((10, 10)).described()
    assert [step.get("self_ensemble") for step in steps] == [None, True]
    assert all("self_ensemble" not in step for step in Upscaler(2).plan((10, 10)).described())


def test_drawings_get_theirs_twice(named_at_x2):
    upscaler, seen = Upscaler(2, best=True), read(as_jpeg(drawing(), 98))
    assert upscaler.plan(seen.size, upscaler.choose(seen)).model_name == f"drawn_x2{TWICE}"


def test_every_step_in_which_it_grows_is_made_twice(named_at_x2):
    upscaler = Upscaler(8, best=True, clean=True)
    assert upscaler.plan((10, 10)).model_name == f"tiny_x2{TWICE}+tiny_x4{TWICE}"


@pytest.mark.parametrize("other", [{"fast": True}, {"model": "tiny"}])
def test_best_leaves_nothing_to_choose(other, named_at_x2):
    with pytest.raises(ValueError, match=r"^best chooses the networks by itself: give neither model nor fast$"):
        Upscaler(2, best=True, **other)
