"""The recipe that makes photographs look sharp: all of its pieces, each of which can be switched off."""

from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file

from tests.lab.training.conftest import validator_for, waves
from tests.lab.training.runs import Stop, same
from upres.lab.checkpoint import load
from upres.lab.data.degradations import PHOTOGRAPH
from upres.lab.training.loop import train
from upres.lab.training.recipe import Recipe, override
from upres.lab.training.recipes import recipe_for
from upres.models.catalog import find

QUICK = ["steps=3", "batch_size=2", "patch_size=16", "adversary.after=0.2", "adversary.num_channels=4"]
PIECES = {
    "wavelet": "stages.0.losses.1.weight=0",
    "features": "stages.0.losses.2.weight=0",
    "artefacts": "stages.0.losses.3.weight=0",
    "checkerboard": "stages.0.losses.4.weight=0",
    "adversary": "stages.0.adversary.weight=0",
    "second round": "degradation.second_order_ratio=[1,1]",
}
SHARPENED = "degradation.sharpened_amount=[0.5,0.5]"


def _quick(scale: int, *settings: str) -> Recipe:
    recipe = override(recipe_for(f"rlfn_c32b6_crisp_x{scale}"), [*QUICK, *settings])
    return replace(recipe, validate_every=3, save_every=2)


def _train(recipe: Recipe, out: Path, stop: int | None = None) -> None:
    scale = recipe.spec().scale
    listener = None if stop is None else Stop(stop)
    train(recipe, waves(scale, height=96), out=out, validator=validator_for(scale, "rgb"), listener=listener)


def test_it_begins_with_weights_that_ship() -> None:
    for scale in (2, 4):
        recipe = recipe_for(f"rlfn_c32b6_crisp_x{scale}")
        assert find(recipe.start.model).card.spec == recipe.spec()
    assert recipe_for("rlfn_c32b6_crisp_x3").start.model == "rlfn_c32b6_crisp_x2"


def test_a_few_steps_cut_off_and_resumed_end_on_the_same_bits(tmp_path: Path) -> None:
    recipe = _quick(4, "steps=6")
    _train(recipe, tmp_path / "whole")
    for step in (2, 4):
        with pytest.raises(KeyboardInterrupt):
            _train(recipe, tmp_path / "cut", stop=step)
    _train(recipe, tmp_path / "cut")
    for file in ("last.safetensors", "state.safetensors"):
        assert same(tmp_path / "whole" / file, tmp_path / "cut" / file), file
    before, (network, card) = load_file(find(recipe.start.model).weights), load(tmp_path / "cut" / "last.safetensors")
    moved = [float((value - before[name]).abs().max()) for name, value in network.state_dict().items()]
    assert all(0 < distance < 0.1 for distance in moved), "it goes on from the start, and every tensor learns"
    assert card.name == "rlfn_c32b6_crisp_x4"


@pytest.mark.parametrize("setting", [*PIECES.values(), SHARPENED], ids=[*PIECES, "sharpened"])
def test_each_piece_does_something_and_can_be_switched_off(tmp_path: Path, setting: str) -> None:
    for name, settings in (("with", ()), ("without", (setting,))):
        _train(_quick(2, *settings, "degradation.second_order_chance=[1,1]", "precision=f32"), tmp_path / name)
    files = [tmp_path / name / "last.safetensors" for name in ("with", "without")]
    assert not same(*files)


def test_all_pieces_off_leave_the_absolute_error_and_the_degradations_for_photographs(tmp_path: Path) -> None:
    (stage,) = _quick(2, *PIECES.values()).stages
    assert [term.name for term in stage.losses if term.weight] == ["l1"]
    assert stage.adversary.weight == 0
    switched = PHOTOGRAPH.settings()
    off = {name: value for name, value in stage.degradation.settings().items() if not name.startswith("second_order_")}
    assert off == {name: value for name, value in switched.items() if name in off}
    _train(_quick(2, *PIECES.values()), tmp_path)
    assert not any(name.startswith("critic") for name in load_file(tmp_path / "state.safetensors"))
