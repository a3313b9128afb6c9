"""Trainings that begin with compression: resumed to the bit, started from what was compressed, refused in one line."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.lab.training.runs import Stop, same
from upres.errors import RecipeError
from upres.lab.checkpoint import load, spec_of
from upres.lab.compress.ghost.layer import advance, ghost_layers
from upres.lab.training import loop
from upres.lab.training.loop import train
from upres.lab.training.recipe import Optimizer, Recipe, Schedule, Stage, WarmStart, override
from upres.lab.training.validation import Validator

from .conftest import waves

STAGE = Stage(
    steps=20, batch_size=2, patch_size=12, optim=Optimizer(learning_rate=1e-3), schedule=Schedule(warmup_steps=2)
)
RECIPE = Recipe(
    name="ghost",
    model="edsr_baseline_x2",
    arguments={"num_channels": 8, "num_blocks": 2},
    stages=(STAGE,),
    compress=({"name": "ghost", "share": 0.5},),
    validate_every=4,
    save_every=3,
)


@pytest.mark.parametrize(
    "compress",
    [
        ({"name": "ghost", "share": 0.5},),
        ({"name": "ghost", "offsets": "channel", "max_offset": 2, "estimator": "straight_through"},),
        ({"name": "ghost", "offsets": "depthwise", "start": "random"},),
        ({"name": "ghost", "start": "random"}, {"name": "fold"}),
    ],
    ids=["layer", "channel", "depthwise", "folded"],
)
def test_a_cut_off_run_goes_on_to_the_same_bits(
    tmp_path: Path, rgb_validator: Validator, compress: tuple[dict[str, Any], ...]
) -> None:
    recipe = replace(RECIPE, compress=compress, stages=(STAGE, replace(STAGE, steps=6)), slow_means=True)
    train(recipe, waves(), out=tmp_path / "whole", validator=rgb_validator)
    for cut in (4, 16, 23):  # while offsets are learned, after they were frozen, in the second stage
        with pytest.raises(KeyboardInterrupt):
            train(recipe, waves(), out=tmp_path / "cut", validator=rgb_validator, listener=Stop(cut))
    train(recipe, waves(), out=tmp_path / "cut", validator=rgb_validator)
    for name in ("last.safetensors", "best.safetensors", "state.safetensors"):
        assert same(tmp_path / "whole" / name, tmp_path / "cut" / name), name


def test_offsets_are_learned_and_then_stay(tmp_path: Path, rgb_validator: Validator) -> None:
    chosen: list[tuple[Any, ...]] = []
    noisy: list[bool] = []

    def watched(network: torch.nn.Module, *, step: int, steps: int, seed: int) -> None:
        advance(network, step=step, steps=steps, seed=seed)
        layers = ghost_layers(network).values()
        chosen.append(tuple(layer.chosen for layer in layers))
        noisy.append(any(layer._noise is not None for layer in layers))

    stage = replace(STAGE, optim=Optimizer(learning_rate=2e-2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "advance", watched)
        train(replace(RECIPE, stages=(stage,)), waves(), out=tmp_path / "run", validator=rgb_validator)
    assert noisy == [True] * 12 + [False] * 8
    assert len(set(chosen[:13])) > 1, "some offset was learned"
    assert len(set(chosen[12:])) == 1
    network, card = load(tmp_path / "run" / "last.safetensors")
    assert tuple(layer.chosen for layer in ghost_layers(network).values()) == chosen[-1]
    assert not any(name.endswith(".offsets") for name in network.state_dict())
    assert [step["name"] for step in card.spec.transforms] == ["ghost"]


def test_a_run_goes_on_with_a_network_that_has_ghosts_already(tmp_path: Path, rgb_validator: Validator) -> None:
    first = train(RECIPE, waves(), out=tmp_path / "first", validator=rgb_validator)
    recipe = replace(RECIPE, name="second", compress=(), start=WarmStart(model=str(first.last)))
    stage = replace(STAGE, steps=3, optim=Optimizer(learning_rate=0.0))
    again = train(replace(recipe, stages=(stage,)), waves(), out=tmp_path / "second", validator=rgb_validator)
    assert load(again.last)[1].spec == load(first.last)[1].spec
    assert load(again.last)[1].training["earlier_steps"] == 20
    assert same(first.last, again.last)


def test_a_trained_network_keeps_the_filters_that_stay(tmp_path: Path, rgb_validator: Validator) -> None:
    plain = train(replace(RECIPE, compress=()), waves(), out=tmp_path / "plain", validator=rgb_validator)
    still = replace(STAGE, steps=1, optim=Optimizer(learning_rate=0.0))
    recipe = replace(RECIPE, start=WarmStart(model=str(plain.last)), stages=(still,))
    ghost = train(recipe, waves(), out=tmp_path / "ghost", validator=rgb_validator)
    teacher, network = load(plain.last)[0], load(ghost.last)[0]
    for name, layer in ghost_layers(network).items():
        kept = layer.order.argsort()[: layer.intrinsic]
        assert torch.equal(layer.primary.weight, teacher.get_submodule(name).weight[kept])  # type: ignore[index]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "gost"}, "no operation 'gost'.* Did you mean 'ghost'"),
        ({}, "no operation 'None'"),
        ({"name": "ghost", "shaer": 0.5}, "no option 'shaer'.* Did you mean 'share'"),
        ({"name": "ghost", "share": "half"}, "compress ghost: "),
        ({"name": "ghost", "share": 1.5}, "expected a share in"),
    ],
)
def test_what_cannot_be_done_is_refused(
    tmp_path: Path, rgb_validator: Validator, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        train(replace(RECIPE, compress=(options,)), waves(), out=tmp_path / "run", validator=rgb_validator)


def test_8_bit_layers_are_not_compressed(tmp_path: Path, rgb_validator: Validator) -> None:
    with pytest.raises(RecipeError, match="8-bit layers cannot be compressed"):
        train(replace(RECIPE, quantized=("body_conv",)), waves(), out=tmp_path / "run", validator=rgb_validator)


def test_options_are_settings_like_others() -> None:
    recipe = override(RECIPE, ["compress.0.share=0.25"])
    assert recipe.compress == ({"name": "ghost", "share": 0.25},)
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    plain = Recipe(name="plain", model="edsr_baseline_x2", stages=(STAGE,))
    assert override(plain, ['compress=[{"name": "ghost"}]']).compress == ({"name": "ghost"},)
    assert plain.spec() == spec_of("edsr_baseline_x2")
