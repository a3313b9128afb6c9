"""Stages: warm starts, frozen tensors, exact resuming in each."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from upres.errors import RecipeError
from upres.lab.checkpoint import build, load
from upres.lab.data.mixing import MixUp
from upres.lab.data.patches import Growth
from upres.lab.losses.criterion import LossTerm
from upres.lab.training import loop
from upres.lab.training.listener import Silence
from upres.lab.training.loop import train
from upres.lab.training.outcome import TrainingResult
from upres.lab.training.recipe import Optimizer, Recipe, Schedule, Stage, WarmStart
from upres.lab.training.state import saved_progress

from .conftest import validator_for, waves

TINY = {"num_channels": 4, "num_blocks": 1, "esa_channels": 4}
STAGE = Stage(
    steps=4, batch_size=2, patch_size=16, optim=Optimizer(learning_rate=1e-3), schedule=Schedule(name="constant")
)
FOUR_STAGES = Recipe(
    name="four",
    model="rlfn_x3",
    arguments=TINY,
    stages=(
        replace(STAGE, scale=2, arguments={"num_channels": 6}),
        replace(STAGE, start=WarmStart(fresh=("upsampler.",))),
        replace(STAGE, losses=(LossTerm(name="l1"), LossTerm(name="contrastive", weight=0.1))),
        replace(STAGE, losses=(LossTerm(name="l2"),), frozen=("head.", "blocks.0.conv1.")),
    ),
    validate_every=2,
    save_every=3,
)


def _train(recipe: Recipe, out: Path, **more: object) -> TrainingResult:
    scale = recipe.spec().scale
    return train(
        recipe, waves(scale), out=out, validator=validator_for(scale, "rgb"),
        other_scale=lambda s: (waves(s), validator_for(s, "rgb")), **more,
    )  # fmt: skip


class _StopAt(Silence):
    """Presses Ctrl-C during a validation."""

    def __init__(self, step: int) -> None:
        self.step, self.warnings = step, list[str]()

    def on_validation(self, step: int, psnr_db: float) -> None:
        if step == self.step:
            os.kill(os.getpid(), signal.SIGINT)

    def on_warning(self, message: str) -> None:
        self.warnings.append(message)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole")
    assert _train(FOUR_STAGES, out).steps == 16
    return out


def test_a_stage_of_another_network_leaves_its_own_checkpoint(whole: Path) -> None:
    network, card = load(whole / "stage1-best.safetensors")
    assert (network.scale, card.spec.arguments["num_channels"], card.name) == (2, 6, "four")
    network, card = load(whole / "best.safetensors")
    assert (network.scale, card.spec.arguments["num_channels"]) == (3, 4)
    assert card.training["steps"] > 4, "the best of another network does not count"
    assert not (whole / "stage2-best.safetensors").exists()


@pytest.mark.parametrize("step", [2, 6, 14])
def test_stopped_in_any_stage_it_goes_on_to_the_same_bits(whole: Path, tmp_path: Path, step: int) -> None:
    listener = _StopAt(step)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        _train(FOUR_STAGES, tmp_path, listener=listener)
    assert signal.getsignal(signal.SIGINT) is before
    at = saved_progress(tmp_path / "state.safetensors").step
    assert step <= at <= step + 1
    assert listener.warnings == [f"stopped; the state at step {at} is saved, the same command goes on"]
    assert _train(FOUR_STAGES, tmp_path).steps == 16
    for name in ("last.safetensors", "best.safetensors", "state.safetensors", "stage1-last.safetensors"):
        ours, theirs = load_file(tmp_path / name), load_file(whole / name)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours), name


def test_frozen_tensors_stay_and_the_others_move(tmp_path: Path) -> None:
    recipe = replace(FOUR_STAGES, stages=(replace(STAGE, frozen=("head.", "blocks.0.conv1.")),), ema_decay=0.0)
    torch.manual_seed(recipe.seed)
    before = build(recipe.spec()).state_dict()
    _train(recipe, tmp_path)
    after = load_file(tmp_path / "last.safetensors")
    still = {name for name in after if torch.equal(after[name], before[name])}
    assert still == {"head.weight", "head.bias", "blocks.0.conv1.weight", "blocks.0.conv1.bias"}


def test_a_stage_begins_with_what_it_is_told_to_load(tmp_path: Path) -> None:
    source = replace(FOUR_STAGES, name="source", stages=(STAGE,))
    _train(source, tmp_path / "source")
    still = replace(STAGE, optim=Optimizer(learning_rate=1e-12), start=WarmStart(model="source"))
    recipe = replace(FOUR_STAGES, stages=(STAGE, still), ema_decay=0.0)
    _train(recipe, tmp_path / "run")
    ours, theirs = load_file(tmp_path / "run" / "last.safetensors"), load_file(tmp_path / "source" / "best.safetensors")
    for name, value in theirs.items():
        torch.testing.assert_close(ours[name], value, atol=1e-8, rtol=0)


def test_restart_applies_the_warm_start_again(tmp_path: Path) -> None:
    source = replace(FOUR_STAGES, name="source", stages=(STAGE,))
    _train(source, tmp_path / "source")
    still = replace(STAGE, optim=Optimizer(learning_rate=1e-12))
    recipe = replace(FOUR_STAGES, stages=(still,), start=WarmStart(model="source"), seed=5)
    for restart in (False, True):
        _train(recipe, tmp_path / "run", restart=restart)
        ours = load_file(tmp_path / "run" / "last.safetensors")
        for name, value in load_file(tmp_path / "source" / "best.safetensors").items():
            torch.testing.assert_close(ours[name], value, atol=1e-8, rtol=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stages": (replace(STAGE, scale=2),)}, "the last stage must train the recipe's own network, rlfn_x3"),
        ({"stages": (replace(STAGE, frozen=("",)),)}, "a stage freezes every tensor"),
    ],
)
def test_recipes_that_cannot_be_run_are_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        _train(replace(FOUR_STAGES, **change), tmp_path)


def test_a_batch_that_devices_cannot_share_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"stages\.0\.batch_size=2 cannot be shared by 3 devices"):
        _train(FOUR_STAGES, tmp_path, devices=3)


def test_expanded_networks_are_kept_expanded_and_folded(tmp_path: Path) -> None:
    stage = replace(STAGE, steps=2)
    recipe = Recipe(
        name="ecb", model="ecbsr_m4c8_x2", arguments={"num_blocks": 1}, stages=(stage,), validate_every=1
    )  # fmt: skip
    train(recipe, waves(), out=tmp_path / "ecb", validator=validator_for(2, "luma"))
    folded, card = load(tmp_path / "ecb" / "best.safetensors")
    expanded, expanded_card = load(tmp_path / "ecb" / "best.expanded.safetensors")
    assert card.spec.transforms == ({"name": "fold"},)
    assert (expanded_card.spec.transforms, expanded_card.training) == ((), card.training)
    assert card.parameters < expanded_card.parameters
    x = torch.rand(1, 1, 12, 12)
    torch.testing.assert_close(folded(x), expanded(x), atol=1e-5, rtol=0)
    assert card.training["validation"]["psnr_db"] == pytest.approx(
        validator_for(2, "luma").scores(folded)["psnr"], abs=1e-3
    )
    assert any("sobel" in name for name in load_file(tmp_path / "ecb" / "state.safetensors"))
    again = replace(recipe, name="again", start=WarmStart(model="ecb"))
    train(again, waves(), out=tmp_path / "again", validator=validator_for(2, "luma"))
    (tmp_path / "ecb" / "best.expanded.safetensors").unlink()
    with pytest.raises(RecipeError, match=r"is folded and cannot be trained on.*best\.expanded\.safetensors"):
        train(again, waves(), out=tmp_path / "again", validator=validator_for(2, "luma"), restart=True)


def test_the_result_tells_speed_and_waiting(whole: Path) -> None:
    result = _train(FOUR_STAGES, whole)
    assert result.steps_per_s > 0
    assert 0 <= result.waiting_share <= 1
    rows = [json.loads(row) for row in (whole / "log.jsonl").read_text().splitlines()]
    assert all({"loss", "learning_rate", "steps_per_s", "waiting_share"} <= row.keys() for row in rows if "loss" in row)


QUANTIZED = Recipe(
    name="eight bits",
    model="rlfn_x2",
    arguments=TINY,
    stages=(replace(STAGE, losses=(LossTerm(name="l2"),)),),
    quantized=("blocks.0.conv1", "body_conv"),
    ema_decay=0.5,
    save_every=2,
    validate_every=2,
)


def test_a_quantised_network_is_calibrated_and_trained(tmp_path: Path) -> None:
    result = _train(QUANTIZED, tmp_path / "run")
    network, card = load(result.last)
    assert card.spec.transforms == ({"name": "quantize", "layers": ["blocks.0.conv1", "body_conv"]},)
    start = load_file(_train(replace(QUANTIZED, stages=(replace(STAGE, steps=1),)), tmp_path / "one").last)
    for name in QUANTIZED.quantized:
        low, high = network.get_submodule(name).input_range.tolist()
        assert low <= 0 < high < 10
        assert not torch.equal(network.state_dict()[f"{name}.input_range"], start[f"{name}.input_range"]), "learned"


def test_a_quantised_run_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    whole = _train(QUANTIZED, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        _train(QUANTIZED, tmp_path / "parts", listener=_StopAt(2))
    parts = _train(QUANTIZED, tmp_path / "parts")
    expected, found = load_file(whole.last), load_file(parts.last)
    assert all(torch.equal(found[key], value) for key, value in expected.items())


def test_blends_and_growing_crops_go_on_to_the_same_bits(tmp_path: Path) -> None:
    stage = replace(
        STAGE,
        steps=8,
        patch_size=8,
        growth=(Growth(after=0.5, patch_size=16, batch_size=1),),
        mix_up=MixUp(alpha=1.2, after=0.25),
        clamp=True,
    )
    plain = {"num_channels": 4, "num_blocks": 1}
    recipe = replace(FOUR_STAGES, model="plain_c32b6_x3", arguments=plain, stages=(stage,))
    _train(recipe, tmp_path / "whole")
    for cut in (2, 4, 6):
        with pytest.raises(KeyboardInterrupt):
            _train(recipe, tmp_path / "cut", listener=_StopAt(cut))
    _train(recipe, tmp_path / "cut")
    ours, theirs = (load_file(tmp_path / run / "state.safetensors") for run in ("cut", "whole"))
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    for name, value in {"growth": (), "mix_up": MixUp()}.items():
        _train(replace(recipe, stages=(replace(stage, **{name: value}),)), tmp_path / name)
        other = load_file(tmp_path / name / "state.safetensors")
        assert not all(torch.equal(other[key], theirs[key]) for key in theirs), name


@pytest.mark.parametrize("clamp", [False, True])
def test_losses_see_what_is_shown_where_the_stage_clamps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clamp: bool
) -> None:
    seen: list[torch.Tensor] = []

    def loss_of(sr: torch.Tensor, hr: torch.Tensor, lr: torch.Tensor) -> torch.Tensor:
        seen.append(sr.detach())
        return (sr - 3 * hr).square().mean()

    monkeypatch.setattr(loop, "criterion", lambda terms: loss_of)
    stage = replace(STAGE, steps=40, clamp=clamp, optim=Optimizer(learning_rate=0.05))
    _train(replace(FOUR_STAGES, stages=(stage,)), tmp_path)
    assert (max(float(sr.max()) for sr in seen) > 1) is not clamp
    assert (min(float(sr.min()) for sr in seen) < 0) is not clamp
