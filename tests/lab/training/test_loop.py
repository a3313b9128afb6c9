"""The loop: exact resuming, a known loss curve, refusals."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.lab.training.runs import Stop, same
from upres.errors import Hint, RecipeError, TrainingError
from upres.image.resize import imresize
from upres.lab.checkpoint import build, load, spec_of
from upres.lab.data.pictures import PicturePair
from upres.lab.losses.criterion import criterion
from upres.lab.training import loop
from upres.lab.training.listener import Silence
from upres.lab.training.loop import train
from upres.lab.training.recipe import Optimizer, Recipe, Schedule, Stage, WarmStart
from upres.lab.training.state import saved_progress, shrink_state
from upres.lab.training.validation import Validator
from upres.lab.training.warm_start import warm_start

STAGE = Stage(
    steps=12, batch_size=2, patch_size=12, optim=Optimizer(learning_rate=1e-3), schedule=Schedule(warmup_steps=2)
)
RECIPE = Recipe(name="quick", model="esr_cnn_x2", stages=(STAGE,), validate_every=4, save_every=3)


def _pictures() -> list[PicturePair]:
    y, x = np.mgrid[0:48, 0:64]
    waves = [127 + 100 * np.sin(x / period + y / 5.0) for period in (1.5, 2.5, 4.0)]
    hr = np.stack(waves, axis=2).astype(np.uint8)
    return [PicturePair(name="waves", hr=hr, lr=imresize(hr, scale=0.5))]


@pytest.fixture
def validator() -> Validator:
    return Validator(_pictures(), scale=2, color_mode="luma", name="waves")


@pytest.mark.parametrize(
    ("model", "optimizer", "per_mode"),
    [
        ("esr_cnn_x2", "adam", False),
        ("esr_tm_x2", "adam", False),
        ("esr_cnn_x2", "soap", False),
        ("esr_cnn_x2", "soap", True),
    ],
)
@pytest.mark.parametrize("stages", [1, 2])
def test_a_cut_off_run_goes_on_to_the_same_bits(
    tmp_path: Path, validator: Validator, model: str, optimizer: Literal["adam", "soap"], per_mode: bool, stages: int
) -> None:
    stage = replace(STAGE, optim=replace(STAGE.optim, name=optimizer, per_mode=per_mode))
    recipe = Recipe(
        name="cut", model=model, stages=(stage,) * stages, validate_every=4, save_every=3,
        share_orbits=model == "esr_tm_x2", slow_means=True,
    )  # fmt: skip
    whole = train(recipe, _pictures(), out=tmp_path / "whole", validator=validator)
    for cut in (4, 8 if stages == 1 else 16):
        with pytest.raises(KeyboardInterrupt):
            train(recipe, _pictures(), out=tmp_path / "cut", validator=validator, listener=Stop(cut))
    resumed = train(recipe, _pictures(), out=tmp_path / "cut", validator=validator)
    assert resumed.steps == whole.steps == 12 * stages
    assert resumed.best_psnr_db == whole.best_psnr_db
    for name in ("last.safetensors", "best.safetensors", "state.safetensors"):
        assert same(tmp_path / "whole" / name, tmp_path / "cut" / name), name
    steps = [json.loads(row)["step"] for row in (tmp_path / "cut" / "log.jsonl").read_text().splitlines()]
    assert steps == sorted(steps), "rows of the part that was lost are gone"


def test_training_lowers_the_loss_along_a_known_curve(tmp_path: Path, validator: Validator) -> None:
    losses: list[float] = []

    class Curve(Silence):
        def on_step(self, step: int, loss: float, rate: float) -> None:
            losses.append(loss)

    stage = Stage(
        steps=20, batch_size=2, patch_size=12, optim=Optimizer(learning_rate=2e-3), schedule=Schedule(name="constant")
    )
    recipe = Recipe(name="curve", model="esr_tm_x2", stages=(stage,), validate_every=100)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "_LOG_EVERY", 1)
        train(recipe, _pictures(), out=tmp_path, validator=validator, listener=Curve())
    assert len(losses) == 20
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])
    golden = json.loads(Path(__file__).with_name("golden_curve.json").read_text())
    np.testing.assert_allclose(losses, golden, rtol=2e-3)


def test_the_same_seed_gives_the_same_weights_and_another_does_not(tmp_path: Path, validator: Validator) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        recipe = Recipe(name="seeded", model="esr_tm_x2", stages=(STAGE,), seed=seed)
        train(recipe, _pictures(), out=tmp_path / name, validator=validator)
    assert same(tmp_path / "a" / "last.safetensors", tmp_path / "b" / "last.safetensors")
    assert not same(tmp_path / "a" / "last.safetensors", tmp_path / "c" / "last.safetensors")


def test_the_card_tells_recipe_steps_and_data(tmp_path: Path, validator: Validator) -> None:
    facts = {"pictures": 1, "licences": {"CC0": 1}}
    result = train(RECIPE, _pictures(), out=tmp_path, validator=validator, data_facts=facts)
    network, card = load(result.last)
    assert card.name == "esr_cnn_x2"
    assert card.training["steps"] == 12
    assert card.training["data"] == facts
    assert Recipe.from_dict(card.training["recipe"]) == RECIPE
    assert card.training["validation"]["protocol"] == "luma-float"
    assert card.training["validation"]["psnr_db"] == pytest.approx(validator.scores(network)["psnr"], abs=1e-3)
    assert Recipe.from_dict(json.loads((tmp_path / "recipe.json").read_text())) == RECIPE


def test_a_folder_of_another_recipe_is_refused_until_restarted(tmp_path: Path, validator: Validator) -> None:
    train(RECIPE, _pictures(), out=tmp_path, validator=validator)
    other = Recipe(name="quick", model="esr_cnn_x2", stages=(STAGE,), validate_every=4, save_every=3, seed=5)
    with pytest.raises(RecipeError, match=r"another recipe \(now, then: seed: 5, 0\)$") as raised:
        train(other, _pictures(), out=tmp_path, validator=validator)
    assert raised.value.hint is Hint.OTHER_FOLDER_OR_RESTART
    assert train(other, _pictures(), out=tmp_path, validator=validator, restart=True).steps == 12


def test_a_damaged_state_is_one_clear_error(tmp_path: Path, validator: Validator) -> None:
    train(RECIPE, _pictures(), out=tmp_path, validator=validator)
    state = tmp_path / "state.safetensors"
    state.write_bytes(state.read_bytes()[:100])
    with pytest.raises(TrainingError, match="not a training state"):
        train(RECIPE, _pictures(), out=tmp_path, validator=validator)


def test_a_step_that_is_not_finite_is_left_out_and_told(
    tmp_path: Path, validator: Validator, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = itertools.count()
    real = criterion
    warnings: list[str] = []

    def poisoned(terms: object) -> object:
        inner = real(terms)  # type: ignore[arg-type]
        return lambda sr, hr, lr: inner(sr, hr, lr) * (float("nan") if next(calls) == 5 else 1.0)

    class Ear(Silence):
        def on_warning(self, message: str) -> None:
            warnings.append(message)

    monkeypatch.setattr(loop, "criterion", poisoned)
    result = train(RECIPE, _pictures(), out=tmp_path, validator=validator, listener=Ear())
    assert warnings == ["step 5: loss or gradient not finite, step left out (1 so far)"]
    assert all(bool(torch.isfinite(value).all()) for value in load_file(result.last).values())
    assert saved_progress(tmp_path / "state.safetensors").skipped_steps == 1


def test_a_shrunk_state_is_a_warm_restart(tmp_path: Path, validator: Validator) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(RECIPE, _pictures(), out=tmp_path, validator=validator, listener=Stop(8))
    state, small = tmp_path / "state.safetensors", tmp_path / "small.safetensors"
    shrink_state(state, small)
    assert small.stat().st_size < state.stat().st_size
    small.replace(state)
    assert train(RECIPE, _pictures(), out=tmp_path, validator=validator).steps == 12


def test_warm_start_takes_what_fits_and_leaves_the_head_fresh(tmp_path: Path, validator: Validator) -> None:
    train(RECIPE, _pictures(), out=tmp_path / "quick", validator=validator)
    ours = build(spec_of("esr_cnn_x3"))
    before = {key: value.clone() for key, value in ours.state_dict().items()}
    start = WarmStart(model="quick", fresh=("filter.2.bias",))
    report = warm_start(ours, start, beside=tmp_path)
    theirs = load_file(tmp_path / "quick" / "best.safetensors")
    assert set(report.taken) == {"filter.0.weight", "filter.0.bias", "filter.2.weight"}
    assert torch.equal(ours.state_dict()["filter.0.weight"], theirs["filter.0.weight"])
    for name in report.fresh:
        assert torch.equal(ours.state_dict()[name], before[name])


def test_warm_start_from_an_unlike_network_is_an_error(tmp_path: Path, validator: Validator) -> None:
    train(RECIPE, _pictures(), out=tmp_path / "quick", validator=validator)
    with pytest.raises(RecipeError, match=r"start\.model=quick: no tensor in common"):
        warm_start(build(spec_of("espcn_x2")), WarmStart(model="quick"), beside=tmp_path)


@pytest.mark.slow
def test_a_killed_command_resumes(tmp_path: Path) -> None:
    from PIL import Image

    data, out = tmp_path / "photos", tmp_path / "run"
    data.mkdir()
    for index in range(2):
        Image.fromarray(_pictures()[0].hr).save(data / f"{index}.png")
    command = [
        sys.executable, "-m", "upres", "train", "esr_tm_x2", "--data", str(data), "--out", str(out), "--json",
        "--cache", str(tmp_path / "cache"), "--set", "steps=600", "--set", "patch_size=12", "--set", "save_every=50",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (out / "state.safetensors").is_file() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert 0 < saved_progress(out / "state.safetensors").step < 600
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(finished.stdout)["runs"][0]["steps"] == 600
    straight = [str(tmp_path / "straight") if part == str(out) else part for part in command]
    subprocess.run(straight, capture_output=True, check=True)
    assert same(out / "last.safetensors", tmp_path / "straight" / "last.safetensors")
