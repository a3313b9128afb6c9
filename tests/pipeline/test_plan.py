"""Plans: steps of any scale, from a size and a wish alone."""

from dataclasses import replace

import pytest

from upres.errors import ImageTooLargeError
from upres.pipeline.plan import Wish, growing, plan
from upres.pipeline.sizes import SizeRequest
from upres.pipeline.steps import NetworkStep


@pytest.fixture
def restorer(tiny_models):
    card = tiny_models[2].card
    return replace(
        tiny_models[2],
        card=replace(card, name="clean", task="denoise", color_mode="rgb", spec=replace(card.spec, scale=1)),
    )


def steps(made):
    return made.model_name, made.size, made.exact


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        (1, ("bicubic", (10, 12), True)),
        (0.5, ("bicubic", (5, 6), False)),
        (2, ("tiny_x2", (20, 24), True)),
        (1.5, ("tiny_x2", (15, 18), False)),
        (8, ("tiny_x2+tiny_x4", (80, 96), True)),
    ],
)
def test_networks_reach_the_size_or_pass_it(tiny_models, scale, expected):
    wish = Wish(request=SizeRequest(scale=scale), first=tiny_models)
    assert steps(plan((10, 12), wish, max_pixels=10**6)) == expected


@pytest.mark.parametrize(
    ("scale", "expected"),
    [(1, ("clean", (10, 12), True)), (3, ("clean+tiny_x3", (30, 36), True)), (0.5, ("clean", (5, 6), False))],
)
def test_restoring_is_a_step_of_scale_one(tiny_models, restorer, scale, expected):
    wish = Wish(request=SizeRequest(scale=scale), restorers=(NetworkStep(restorer),), first=tiny_models)
    made = plan((10, 12), wish, max_pixels=10**6)
    assert steps(made) == expected
    assert made.color_mode == "rgb"


def test_further_steps_may_have_networks_of_their_own(tiny_models):
    wish = Wish(request=SizeRequest(scale=4), first={2: tiny_models[2]}, further={2: tiny_models[3]})
    assert [model.card.name for model in growing(4, wish)] == ["tiny_x2", "tiny_x3"]


def test_the_first_step_is_the_robust_network_s_or_both_mixed(tiny_models):
    wish = Wish(request=SizeRequest(scale=8), first=tiny_models, robust={2: tiny_models[2], 3: tiny_models[4]})
    names = {}
    for strength in (0, 0.5, 1):
        made = plan((10, 12), replace(wish, strength=strength, further=tiny_models), max_pixels=10**6)
        names[strength] = made.model_name
        assert (made.robust is None) == (strength != 0.5)
    assert names == {0: "tiny_x2+tiny_x4", 0.5: "tiny_x2+tiny_x4, tiny_x2 at 0.5", 1: "tiny_x2+tiny_x4"}
    alone = replace(wish, robust={}, strength=1.0)
    assert plan((10, 12), alone, max_pixels=10**6).model_name == "tiny_x2+tiny_x4"


def test_a_result_over_the_budget_of_pixels_is_refused(tiny_models):
    wish = Wish(request=SizeRequest(scale=4), first=tiny_models)
    with pytest.raises(ImageTooLargeError, match="would have 48x40 pixels, over the budget of 1919"):
        plan((10, 12), wish, max_pixels=1919)
    assert plan((10, 12), wish, max_pixels=1920).size == (40, 48)
