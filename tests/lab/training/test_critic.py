"""Training against a discriminator: exact resuming, a late start, nothing changed where none is asked for."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from tests.lab.training.conftest import validator_for, waves
from tests.lab.training.runs import Stop, same
from upres.lab.checkpoint import build, load
from upres.lab.data.patches import PatchSampler
from upres.lab.losses.adversarial import Adversary, discriminator_loss
from upres.lab.losses.criterion import criterion
from upres.lab.training import critic, loop
from upres.lab.training.listener import Silence
from upres.lab.training.loop import train
from upres.lab.training.optimizers import optimizer
from upres.lab.training.outcome import TrainingResult
from upres.lab.training.recipe import Optimizer, Recipe, Schedule, Stage
from upres.lab.training.schedule import learning_rate

ADVERSARY = Adversary(weight=0.1, num_channels=2, learning_rate=1e-3, after=0.25, ramp=0.5)
STAGE = Stage(
    steps=12, batch_size=2, patch_size=12, adversary=ADVERSARY, optim=Optimizer(learning_rate=1e-3),
    schedule=Schedule(warmup_steps=2),
)  # fmt: skip
RECIPE = Recipe(
    name="crisp", model="plain_c32b6_x2", arguments={"num_channels": 4, "num_blocks": 1}, stages=(STAGE,),
    validate_every=4, save_every=3,
)  # fmt: skip


def _train(recipe: Recipe, out: Path, **more: object) -> TrainingResult:
    mode: Literal["luma", "rgb"] = "rgb" if recipe.model.startswith("plain") else "luma"
    return train(recipe, waves(), out=out, validator=validator_for(2, mode), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("loss", ["hinge", "relativistic"])
@pytest.mark.parametrize(("name", "per_mode"), [("adam", False), ("soap", True)])
@pytest.mark.parametrize("stages", [1, 2])
def test_a_cut_off_run_goes_on_to_the_same_bits(
    tmp_path: Path, loss: Literal["hinge", "relativistic"], name: Literal["adam", "soap"], per_mode: bool, stages: int
) -> None:
    optim = replace(STAGE.optim, name=name, per_mode=per_mode)
    stage = replace(STAGE, optim=optim, adversary=replace(ADVERSARY, loss=loss))
    recipe = replace(RECIPE, stages=(stage,) * stages)
    _train(recipe, tmp_path / "whole")
    for cut in (4, 8, *((16,) if stages == 2 else ())):
        with pytest.raises(KeyboardInterrupt):
            _train(recipe, tmp_path / "cut", listener=Stop(cut))
    _train(recipe, tmp_path / "cut")
    for file in ("last.safetensors", "best.safetensors", "state.safetensors"):
        assert same(tmp_path / "whole" / file, tmp_path / "cut" / file), file
    state = load_file(tmp_path / "cut" / "state.safetensors")
    assert {"critic.down.0.parametrizations.weight.0._u", "critic_optimizer.0.exp_avg"} <= state.keys()


def test_a_luma_network_has_an_adversary_for_one_plane(tmp_path: Path) -> None:
    _train(replace(RECIPE, model="esr_cnn_x2", arguments={}), tmp_path)
    assert load_file(tmp_path / "state.safetensors")["critic.first.weight"].shape == (2, 1, 3, 3)


def test_what_is_written_is_the_network_alone(tmp_path: Path) -> None:
    result = _train(RECIPE, tmp_path)
    network, card = load(result.last)
    assert load_file(result.last).keys() == build(RECIPE.spec()).state_dict().keys() == network.state_dict().keys()
    assert Recipe.from_dict(card.training["recipe"]) == RECIPE


def test_nothing_changes_before_the_adversary_begins_and_everything_after(tmp_path: Path) -> None:
    for name, adversary in (("late", replace(ADVERSARY, after=0.5)), ("without", Adversary())):
        recipe = replace(RECIPE, stages=(replace(STAGE, adversary=adversary),), validate_every=6)
        with pytest.raises(KeyboardInterrupt):
            _train(recipe, tmp_path / name / "half", listener=Stop(6))
        _train(recipe, tmp_path / name / "whole")
    for which, equal in (("half", True), ("whole", False)):
        files = [tmp_path / name / which / "last.safetensors" for name in ("late", "without")]
        assert same(*files) is equal


@pytest.mark.parametrize("name", ["adam", "soap"])
def test_without_an_adversary_the_loop_is_a_plain_one_to_the_bit(tmp_path: Path, name: Literal["adam", "soap"]) -> None:
    stage = replace(STAGE, adversary=Adversary(), optim=replace(STAGE.optim, name=name))
    recipe = replace(RECIPE, stages=(stage,), ema_decay=0.0)
    result = _train(recipe, tmp_path)
    torch.manual_seed(0)
    network = build(recipe.spec()).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optim, loss_of = optimizer(stage.optim, network.parameters()), criterion(stage.losses)
    sampler = PatchSampler(waves(), scale=2, patch_size=12, batch_size=2, color_mode="rgb", seed=0)
    for step in range(stage.steps):
        lr, hr = sampler.batch(step)
        for group in optim.param_groups:
            group["lr"] = learning_rate(stage, step)
        optim.zero_grad()
        loss_of(network(lr.contiguous(memory_format=torch.channels_last)), hr, lr).backward()
        optim.step()
    left, right = load_file(result.last), network.state_dict()
    assert all(torch.equal(left[key], right[key]) for key in left.keys() | right.keys())


def test_a_discriminator_that_is_not_finite_costs_the_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls, warnings = discriminator_loss, iter(range(100)), list[str]()

    def poisoned(kind: Literal["hinge", "relativistic"], true: Tensor, made: Tensor) -> Tensor:
        return real(kind, true, made) * (float("nan") if next(calls) == 2 else 1.0)

    class Ear(Silence):
        def on_warning(self, message: str) -> None:
            warnings.append(message)

    monkeypatch.setattr(critic, "discriminator_loss", poisoned)
    _train(RECIPE, tmp_path, listener=Ear())
    assert warnings == ["step 5: loss or gradient not finite, step left out (1 so far)"], "it begins at step 3"
    assert all(bool(torch.isfinite(v).all()) for v in load_file(tmp_path / "state.safetensors").values())


def test_the_discriminator_learns_to_tell_and_the_log_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_LOG_EVERY", 10)
    adversary = Adversary(weight=1e-6, num_channels=4, learning_rate=3e-3)
    stage = replace(STAGE, steps=60, adversary=adversary, schedule=Schedule(name="constant"))
    _train(replace(RECIPE, stages=(stage,), validate_every=60), tmp_path)
    rows = [json.loads(row) for row in (tmp_path / "log.jsonl").read_text().splitlines()]
    told = [row for row in rows if "critic_loss" in row]
    assert len(told) == 6
    assert told[-1]["critic_loss"] < told[0]["critic_loss"]
    assert told[-1]["critic_gap"] > told[0]["critic_gap"]
