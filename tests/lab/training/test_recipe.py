"""Recipes: whole, saved, changed by settings, refused with a hint."""

import json
from dataclasses import replace

import pytest
import torch

from upres.errors import RecipeError
from upres.lab.checkpoint import build
from upres.lab.data.degradations import Degradation
from upres.lab.data.mixing import MixUp
from upres.lab.data.patches import Growth
from upres.lab.losses.criterion import criterion
from upres.lab.training.recipe import Recipe, Schedule, Stage, difference, override, require_runnable
from upres.lab.training.recipes import recipe_for, recipe_names
from upres.lab.training.schedule import learning_rate
from upres.lab.zoo import MODELS
from upres.models.catalog import find

TWO_STAGES = Recipe(name="two", model="esr_tm_x2", stages=(Stage(steps=10), Stage(steps=30, batch_size=4)))


NOT_TRAINED = {"bicubic_conv"}


def test_every_trainable_model_of_the_zoo_has_a_recipe() -> None:
    trained = {recipe_for(name).model for name in recipe_names()}
    assert {name for name, spec in MODELS.items() if spec.architecture not in NOT_TRAINED} == trained
    assert len(set(recipe_names())) == len(recipe_names())


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_is_whole_and_survives_json(name: str) -> None:
    recipe = recipe_for(name)
    assert recipe.name == name
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    assert recipe.spec(recipe.stages[-1]) == recipe.spec()
    start = recipe.start.model
    if start:
        assert recipe_for(start).spec().architecture == recipe.spec().architecture
        assert start in recipe_names(), "whoever starts from a model can train it"
    for stage in recipe.stages:
        criterion(stage.losses)
        assert stage.steps > 0
        assert 0 < learning_rate(stage, stage.steps - 1) <= stage.optim.learning_rate


@pytest.mark.parametrize("name", [name for name in recipe_names() if name.endswith("x3")])
def test_what_stays_fresh_or_frozen_are_tensors_of_the_network(name: str) -> None:
    recipe = recipe_for(name)
    for stage in recipe.stages:
        prefixes = {*recipe.start.fresh, *stage.start.fresh, *stage.frozen}
        if prefixes:
            with torch.device("meta"):
                keys = list(build(recipe.spec(stage)).state_dict())
            for prefix in prefixes:
                assert any(key.startswith(prefix) for key in keys), f"{prefix} is no tensor of {name}"


def test_the_winners_four_stages() -> None:
    recipe = recipe_for("rlfn_ntire_x4")
    specs = [recipe.spec(stage) for stage in recipe.stages]
    assert [spec.scale for spec in specs] == [2, 4, 4, 4]
    assert [spec.arguments["num_channels"] for spec in specs] == [48, 48, 48, 46]
    assert [[term.name for term in stage.losses] for stage in recipe.stages] == [
        ["l1"], ["l1"], ["l1", "contrastive"], ["l2"],
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "per_mode"), [("rlfn_c32b6_x2", False), ("plain_c32b6_x2", True)])
def test_new_trunks_have_soap_per_mode_and_what_ships_keeps_its_own(name: str, per_mode: bool) -> None:
    assert [stage.optim.per_mode for stage in recipe_for(name).stages] == [per_mode, per_mode]


@pytest.mark.parametrize("name", ["rlfn_x2", "rlfn_s_x2", "rlfn_c32b6_x4", "rlfn_s_x3", "rlfn_real_x2"])
def test_what_ships_is_trained_as_long_as_promised(name: str) -> None:
    recipe = recipe_for(name)
    assert recipe.steps >= (90_000 if name in ("rlfn_x2", "rlfn_s_x2") else 60_000)
    assert min(stage.patch_size for stage in recipe.stages) >= 64, "borders weigh too much in small crops"
    real = "real" in name
    assert [stage.degradation.is_bicubic for stage in recipe.stages] == [not real] * len(recipe.stages)


def test_settings_of_a_stage_reach_every_stage_or_the_one_named() -> None:
    changed = override(TWO_STAGES, ["optim.learning_rate=2e-4", "stages.1.steps=5", "seed=7", "precision=bf16"])
    assert [stage.optim.learning_rate for stage in changed.stages] == [2e-4, 2e-4]
    assert [stage.steps for stage in changed.stages] == [10, 5]
    assert (changed.seed, changed.precision) == (7, "bf16")
    assert TWO_STAGES.seed == 0
    started = override(TWO_STAGES, ["start.model=a", "stages.1.start.model=b", 'arguments={"num_channels": 2}'])
    assert (started.start.model, [stage.start.model for stage in started.stages]) == ("a", ["", "b"])
    assert started.spec().arguments == {"kernel_size": 5, "num_channels": 2}
    degraded = override(TWO_STAGES, ["degradation.noise_sigma=[1, 5]"])
    assert [stage.degradation.settings()["noise_sigma"] for stage in degraded.stages] == [(1, 5), (1, 5)]


FIRST_PHOTOGRAPHS = Degradation().changed(
    share=0.9, blur_sigma=(0.0, 0.6), resize_ratio=(0.7, 1.5), noise_sigma=(0.0, 8.0), jpeg_quality=(40.0, 100.0)
)
"""What the networks for JPEG that ship were trained on."""


def test_degradations_are_read_as_cards_of_shipped_models_hold_them() -> None:
    old = {
        "share": 0.9,
        "blur_sigma": [0.0, 0.6],
        "resize_ratio": [0.7, 1.5],
        "noise_sigma": [0.0, 8.0],
        "jpeg_quality": [40.0, 100.0],
    }
    data = json.loads(json.dumps(recipe_for("rlfn_c32b6_real_x2").to_dict()))
    data["stages"][0]["degradation"] = old
    assert Recipe.from_dict(data).stages[0].degradation == FIRST_PHOTOGRAPHS
    whole = override(TWO_STAGES, [f"degradation={json.dumps(old)}"])
    assert [stage.degradation for stage in whole.stages] == [FIRST_PHOTOGRAPHS, FIRST_PHOTOGRAPHS]
    noisy = override(TWO_STAGES, ["stages.1.degradation.correlated_noise_sigma=[0, 50]"])
    assert [stage.degradation.is_bicubic for stage in noisy.stages] == [True, False]
    assert difference(noisy, TWO_STAGES) == ["stages.1.degradation.correlated_noise_sigma.1: 50.0, 0.0"]


@pytest.mark.parametrize("name", ["rlfn_c32b6_real_x2", "rlfn_c32b6_real_x4", "rlfn_c32b6_x2"])
def test_the_recipe_in_a_shipped_card_is_read(name: str) -> None:
    card = find(name).card.training["recipe"]
    real = "real" in name
    stages = Recipe.from_dict(card).stages
    assert [stage.degradation == FIRST_PHOTOGRAPHS for stage in stages] == [real] * len(stages)


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
        ("degradation.noise_sigma=[5, 1]", r"degradation\.noise_sigma: expected \[low, high\]"),
        ("degradation.fog_density=[0, 1]", "'fog_density' is none of share, blur_chance, blur_sigma, resize_chance"),
        ("degradation.earlier_jpg_quality=[40, 90]", r"Did you mean 'earlier_jpeg_quality'\?"),
        ('degradation={"nois_sigma": [0, 1]}', r"no setting 'stages\.0\.degradation\.nois_sigma'.*'noise_sigma'\?"),
        ("degradation.noise_sigma=5", r"degradation\.noise_sigma: expected a list, got 5"),
        ("seed", "expected a setting as key=value, got 'seed'"),
        ("mix_up.alfa=1", r"no setting 'mix_up.alfa'.*Did you mean 'alpha'\?"),
        ("mix_up.after=2", "mix_up: expected an alpha of 0 or more, and after and share from 0 to 1"),
        ('growth=[{"after": 0.5, "patch_size": 96}]', r"stages\.0\.growth\.0: .*batch_size"),
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


def test_cycles_begin_again_at_the_full_rate() -> None:
    stage = Stage(steps=1100, schedule=Schedule(name="cyclic", cycles=4, warmup_steps=100, final_ratio=0.01))
    peak = stage.optim.learning_rate
    for start in (100, 350, 600, 850):
        assert learning_rate(stage, start) == pytest.approx(peak)
        assert learning_rate(stage, start + 125) == pytest.approx(peak * 0.505)
        assert learning_rate(stage, start + 249) == pytest.approx(peak * 0.01, rel=0.02)


def test_restorers_are_trained_by_their_papers_settings() -> None:
    (first,) = recipe_for("mirnet_n16").stages
    assert (first.optim.weight_decay, first.clamp, first.mix_up) == (1e-8, True, MixUp(alpha=1.2, after=5 / 60))
    assert (first.losses[0].name, first.schedule.warmup_steps / first.steps) == ("charbonnier", 0.05)
    (second,) = recipe_for("mirnet_v2_n16").stages
    assert [second.patch_size, *(each.patch_size for each in second.growth)] == [128, 160, 192, 256, 320, 384]
    assert [round(each.after * 300) for each in second.growth] == [92, 156, 204, 240, 276]
    assert learning_rate(second, second.steps - 1) == pytest.approx(1e-6, rel=0.01)
    (third,) = recipe_for("nafnet_w16").stages
    assert (third.optim.name, third.optim.betas, third.patch_size) == ("adamw", (0.9, 0.9), 256)


@pytest.mark.parametrize("shares", [(0.0,), (0.5, 0.5), (0.6, 0.4), (1.0,)])
def test_crops_that_do_not_grow_in_order_are_refused(shares: tuple[float, ...]) -> None:
    growth = tuple(Growth(after=share, patch_size=16, batch_size=2) for share in shares)
    recipe = replace(TWO_STAGES, stages=tuple(replace(stage, growth=growth) for stage in TWO_STAGES.stages))
    with pytest.raises(RecipeError, match=r"stages\.0\.growth: expected shares above 0 and below 1 that rise"):
        require_runnable(recipe, devices=1, other_scales=True)


@pytest.mark.parametrize("setting", ["steps=0", "batch_size=-2", "patch_size=0"])
def test_numbers_below_one_are_refused(setting: str) -> None:
    recipe = override(recipe_for("esr_tm_x2"), [setting])
    with pytest.raises(RecipeError, match=rf"stages\.0\.{setting}: expected 1 or more"):
        require_runnable(recipe, devices=1, other_scales=True)


def test_batches_that_grow_must_be_shared_evenly() -> None:
    growth = (Growth(after=0.5, patch_size=16, batch_size=3),)
    recipe = replace(TWO_STAGES, stages=tuple(replace(stage, growth=growth) for stage in TWO_STAGES.stages))
    with pytest.raises(RecipeError, match=r"batch_size=3 cannot be shared by 2 devices"):
        require_runnable(recipe, devices=2, other_scales=True)
