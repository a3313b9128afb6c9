"""Channels that fade under a growing penalty and are cut when the stage ends."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.lab.training.runs import Stop, same
from upres.errors import RecipeError, UnsupportedModelError
from upres.lab.archs.edsr import EDSR
from upres.lab.checkpoint import load
from upres.lab.compress.prune.importance import Importance
from upres.lab.compress.wiring import wiring_of
from upres.lab.training.fading import Fading
from upres.lab.training.form import slow_means
from upres.lab.training.loop import train
from upres.lab.training.recipe import Optimizer, Recipe, Schedule, Shrink, Stage, override
from upres.lab.training.validation import Validator

from .conftest import waves

STAGE = Stage(
    steps=20, batch_size=2, patch_size=12, optim=Optimizer(learning_rate=1e-3), schedule=Schedule(name="constant")
)
SHRINK = Shrink(kind="all", share=0.5, growth=0.1, growth_every=4)
RECIPE = Recipe(
    name="srp",
    model="edsr_baseline_x2",
    arguments={"num_channels": 8, "num_blocks": 2},
    stages=(replace(STAGE, shrink=SHRINK), replace(STAGE, steps=6)),
    validate_every=4,
    save_every=2,
)


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return EDSR(scale=2, num_channels=8, num_blocks=2)


@pytest.mark.parametrize("importance", ["random", "l1"])
def test_a_cut_off_run_goes_on_to_the_same_bits(
    tmp_path: Path, rgb_validator: Validator, importance: Importance
) -> None:
    shrinking = replace(STAGE, shrink=replace(SHRINK, importance=importance))
    recipe = replace(RECIPE, stages=(shrinking, *RECIPE.stages[1:]))
    train(recipe, waves(), out=tmp_path / "whole", validator=rgb_validator)
    for cut in (4, 16, 20, 24):  # twice while channels fade, when they are about to go, when they are gone
        with pytest.raises(KeyboardInterrupt):
            train(recipe, waves(), out=tmp_path / "cut", validator=rgb_validator, listener=Stop(cut))
    train(recipe, waves(), out=tmp_path / "cut", validator=rgb_validator)
    for name in ("last.safetensors", "best.safetensors", "state.safetensors"):
        assert same(tmp_path / "whole" / name, tmp_path / "cut" / name), name


def test_what_comes_out_is_narrow_and_its_card_rebuilds_it(tmp_path: Path, rgb_validator: Validator) -> None:
    result = train(RECIPE, waves(), out=tmp_path / "run", validator=rgb_validator)
    network, card = load(result.best)
    assert [step["name"] for step in card.spec.transforms] == ["prune"]
    assert network.get_submodule("blocks.1.conv1").weight.shape == (4, 4, 3, 3)
    assert network.get_submodule("upsampler.0").weight.shape == (16, 4, 3, 3)
    assert card.training["steps"] == result.best_step > 20
    # while they faded the network was another one, with a name of its own
    whole, whole_card = load(tmp_path / "run" / "stage1-best.safetensors")
    assert whole_card.spec.transforms == ()
    assert whole.get_submodule("blocks.1.conv1").weight.shape == (8, 8, 3, 3)


def test_what_is_to_go_has_faded_when_it_goes(tmp_path: Path, rgb_validator: Validator) -> None:
    norms: list[tuple[float, float]] = []
    original = Fading.cut

    def watched(self: Fading, averaged: nn.Module) -> tuple[nn.Module, Mapping[str, Any]]:
        weight = averaged.get_submodule("blocks.0.conv2").weight.detach()  # type: ignore[operator]
        classes = wiring_of(averaged).outputs["blocks.0.conv2"]
        gone = torch.tensor([number in self.classes for number in classes])
        norms.append((float(weight[gone].abs().mean()), float(weight[~gone].abs().mean())))
        return original(self, averaged)

    stage = replace(
        STAGE, steps=60, shrink=replace(SHRINK, growth=1.0, ceiling=50.0), optim=Optimizer(learning_rate=5e-3)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Fading, "cut", watched)
        recipe = replace(RECIPE, stages=(stage, replace(STAGE, steps=1)), ema_decay=0.5)
        train(recipe, waves(), out=tmp_path / "run", validator=rgb_validator)
    (gone, left), *others = norms
    assert not others
    assert gone < 0.2 * left


def test_the_penalty_is_a_gradient_on_filters_and_biases_that_go(network: nn.Module) -> None:
    shrink = Shrink(kind="stream", width=6, growth=0.25, growth_every=2)
    fading = Fading.chosen(network, shrink, ())
    rows = {
        name: [place for place, number in enumerate(classes) if number in fading.classes]
        for name, classes in wiring_of(network).outputs.items()
    }
    stream = {name for name, places in rows.items() if places}
    assert stream == {"head", "blocks.0.conv2", "blocks.1.conv2", "body_conv"}
    assert len({tuple(rows[name]) for name in stream}) == 1, "the same channels in all layers that are added"
    assert len(rows["head"]) == 2
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    fading.press(network, step=2)
    for name, parameter in network.named_parameters():
        expected = torch.ones_like(parameter)
        for row in rows[name.rpartition(".")[0]]:
            expected[row] += 0.5 * parameter[row]
        assert torch.allclose(parameter.grad, expected), name


def test_slow_mean_coordinates_are_pressed_as_filters_are(network: nn.Module) -> None:
    fading = Fading.chosen(network, SHRINK, ())
    slow_means(network)
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    fading.press(network, step=0)
    pressed = {name for name, parameter in network.named_parameters() if parameter.grad.any()}
    assert "blocks.0.conv1.parametrizations.weight.original" in pressed
    assert "blocks.0.conv1.bias" in pressed
    assert not any(name.startswith("tail") for name in pressed)


def test_frozen_parameters_are_not_pressed(network: nn.Module) -> None:
    fading = Fading.chosen(network, SHRINK, ())
    fading.press(network, step=0)  # none has a gradient
    assert all(parameter.grad is None for parameter in network.parameters())


def test_the_factor_grows_to_its_ceiling_and_stays() -> None:
    shrink = Shrink(share=0.5, growth=0.1, growth_every=10, ceiling=0.25)
    factors = [shrink.factor(step) for step in (0, 9, 10, 19, 20, 1000)]
    assert factors == pytest.approx([0.1, 0.1, 0.2, 0.2, 0.25, 0.25])


def test_a_recipe_with_fading_is_read_back(tmp_path: Path) -> None:
    assert Recipe.from_dict(json.loads(json.dumps(RECIPE.to_dict()))) == RECIPE
    changed = override(RECIPE, ["stages.0.shrink.width=6", "stages.0.shrink.share=0", 'stages.0.shrink.keep=["head"]'])
    assert changed.stages[0].shrink == replace(SHRINK, width=6, share=0.0, keep=("head",))
    with pytest.raises(RecipeError, match="Did you mean 'share'"):
        override(RECIPE, ["stages.0.shrink.shar=0.5"])


@pytest.mark.parametrize(
    ("shrinks", "says"),
    [
        ([{}, {"share": 0.5}], "what fades in the last stage would stay"),
        ([{"share": 0.5, "width": 4}, {}], r"stages\.0\.shrink: expected either a share between 0 and 1 or a width"),
        ([{"share": 1.5}, {}], r"stages\.0\.shrink: expected either a share"),
        ([{"share": 0.5, "growth_every": 0}, {}], "a penalty grows by more than 0 and after 1 step or more"),
        ([{"share": 0.5, "growth": 0.0}, {}], "a penalty grows by more than 0"),
    ],
)
def test_what_cannot_shrink_is_refused(
    tmp_path: Path, rgb_validator: Validator, shrinks: list[dict[str, Any]], says: str
) -> None:
    stages = tuple(replace(STAGE, shrink=Shrink(**settings)) for settings in shrinks)
    with pytest.raises(RecipeError, match=says):
        train(replace(RECIPE, stages=stages), waves(), out=tmp_path / "run", validator=rgb_validator)
    assert not (tmp_path / "run").exists()


def test_8_bit_layers_do_not_shrink(tmp_path: Path, rgb_validator: Validator) -> None:
    with pytest.raises(RecipeError, match="8-bit layers cannot be compressed"):
        train(replace(RECIPE, quantized=("head",)), waves(), out=tmp_path / "run", validator=rgb_validator)


def test_branches_do_not_shrink(tmp_path: Path, rgb_validator: Validator) -> None:
    recipe = replace(RECIPE, model="plain_c32b6_x2", arguments={"num_channels": 8, "num_blocks": 1, "expanded": True})
    with pytest.raises(UnsupportedModelError, match="fold it first"):
        train(recipe, waves(), out=tmp_path / "run", validator=rgb_validator)


@pytest.mark.parametrize("importance", ["l1", "taylor"])
def test_a_run_can_begin_pruned(tmp_path: Path, rgb_validator: Validator, importance: str) -> None:
    options = {"name": "prune", "share": 0.5, "importance": importance}
    recipe = replace(RECIPE, compress=(options,), stages=(replace(STAGE, steps=4),))
    result = train(recipe, waves(), out=tmp_path / "run", validator=rgb_validator)
    network, card = load(result.best)
    assert card.spec.transforms[0]["layers"]["blocks.0.conv1"] == [4, 8]
    assert network.get_submodule("blocks.0.conv2").weight.shape == (8, 4, 3, 3)


def test_a_share_out_of_range_is_refused_when_a_run_begins_pruned(tmp_path: Path, rgb_validator: Validator) -> None:
    recipe = replace(RECIPE, compress=({"name": "prune", "share": 1.5},), stages=(STAGE,))
    with pytest.raises(RecipeError, match="compress prune: expected either a share between 0 and 1"):
        train(recipe, waves(), out=tmp_path / "run", validator=rgb_validator)


def test_the_loop_presses_at_the_step_of_the_stage(tmp_path: Path, rgb_validator: Validator) -> None:
    steps: list[int] = []
    original = Fading.press

    def watched(self: Fading, network: nn.Module, step: int) -> None:
        steps.append(step)
        original(self, network, step)

    stages = (replace(STAGE, steps=2), replace(STAGE, steps=3, shrink=SHRINK), replace(STAGE, steps=2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Fading, "press", watched)
        train(replace(RECIPE, stages=stages), waves(), out=tmp_path / "run", validator=rgb_validator)
    assert steps == [0, 1, 2]
