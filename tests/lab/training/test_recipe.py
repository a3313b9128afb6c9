import json

import pytest

from upres.errors import RecipeError
from upres.lab.checkpoint import build, spec_of
from upres.lab.losses.criterion import criterion
from upres.lab.training.recipe import Recipe, Schedule, Stage, difference, override
from upres.lab.training.recipes import recipe_for, recipe_names
from upres.lab.training.schedule import learning_rate

TWO_STAGES = Recipe(name="two", model="esr_tm_x2", stages=(Stage(steps=10), Stage(steps=30, batch_size=4)))


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_is_whole_and_survives_json(name: str) -> None:
    recipe = recipe_for(name)
    assert recipe.name == name
    assert recipe.steps > 0
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    for stage in recipe.stages:
        criterion(stage.losses)
    network = build(spec_of(recipe.model))
    for prefix in recipe.start.fresh:
        assert any(key.startswith(prefix) for key in network.state_dict()), f"{prefix} is no tensor of {name}"


def test_settings_of_a_stage_reach_every_stage_or_the_one_named() -> None:
    changed = override(TWO_STAGES, ["optim.learning_rate=2e-4", "stages.1.steps=5", "seed=7", "precision=bf16"])
    assert [stage.optim.learning_rate for stage in changed.stages] == [2e-4, 2e-4]
    assert [stage.steps for stage in changed.stages] == [10, 5]
    assert (changed.seed, changed.precision) == (7, "bf16")
    assert TWO_STAGES.seed == 0


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("optim.learning_rte=1", r"no setting 'optim.learning_rte'.*Did you mean 'learning_rate'\?"),
        ("sed=1", r"no setting 'sed'.*Did you mean 'seed'\?"),
        ("stage.0.steps=1", r"Did you mean 'stages'\?"),
        ("stages.2.steps=1", "no setting 'stages.2.steps'"),
        ("seed=many", "seed: expected int, got 'many'"),
        ("steps=1.5", "expected int, got 1.5"),
        ("precision=f16", "precision: expected one of f32, bf16, got 'f16'"),
        ("seed", "--set takes key=value, got 'seed'"),
    ],
)
def test_wrong_settings_are_refused_with_a_hint(setting: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        override(TWO_STAGES, [setting])


def test_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"no recipe 'esr_tm_x5'\. Did you mean 'esr_tm_x"):
        recipe_for("esr_tm_x5")


def test_difference_names_both_values() -> None:
    assert difference(TWO_STAGES, override(TWO_STAGES, ["seed=3"])) == ["seed: 0, 3"]


def test_cosine_warms_up_and_ends_low() -> None:
    stage = Stage(steps=1000, schedule=Schedule(name="cosine", warmup_steps=100, final_ratio=0.01))
    peak = stage.optim.learning_rate
    assert learning_rate(stage, 0) == pytest.approx(peak / 100)
    assert learning_rate(stage, 100) == pytest.approx(peak)
    assert learning_rate(stage, 550) == pytest.approx(peak * 0.505)
    assert learning_rate(stage, 999) == pytest.approx(peak * 0.01, rel=0.01)


def test_steps_halve_at_milestones() -> None:
    stage = Stage(steps=100, schedule=Schedule(name="step", milestones=(0.5, 0.9), gamma=0.5))
    rates = [learning_rate(stage, step) / stage.optim.learning_rate for step in (0, 49, 50, 89, 90)]
    assert rates == [1.0, 1.0, 0.5, 0.5, 0.25]
