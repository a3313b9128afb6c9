"""Distillation in the training loop: whose output counts, and that a run goes on to the same bits."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from upres.errors import UnknownModelError
from upres.lab.checkpoint import build, describe, load, save
from upres.lab.losses.criterion import LossTerm
from upres.lab.training.listener import Silence
from upres.lab.training.loop import train
from upres.lab.training.recipe import Optimizer, Recipe, Stage
from upres.lab.training.run import run_recipe
from upres.lab.training.teachers import with_teachers

from .conftest import validator_for, waves

ARGUMENTS = {"num_channels": 4, "num_blocks": 1, "esa_channels": 4}


def recipe(teacher: str, *, weight: float = 1.0, steps: int = 6) -> Recipe:
    term = LossTerm(name="distillation", weight=weight, arguments={"teacher": teacher})
    stage = Stage(steps=steps, batch_size=2, patch_size=16, losses=(LossTerm(name="l1"), term), optim=Optimizer())
    return Recipe(
        name="student", model="rlfn_x2", arguments=ARGUMENTS, stages=(stage,), validate_every=steps, save_every=2
    )


def teacher_in(folder: Path) -> Path:
    """A teacher that makes black pictures."""
    spec = recipe("").spec()
    network = build(spec)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    folder.mkdir()
    save(folder / "best.safetensors", network, describe(network, spec, name="black"))
    return folder / "best.safetensors"


def _mean(path: Path) -> float:
    """Of what the trained network makes of a grey picture."""
    with torch.no_grad():
        return float(load(path)[0](torch.full((1, 3, 24, 24), 0.5)).mean())


def test_a_run_beside_is_the_teacher_and_draws_the_student_to_its_pictures(tmp_path: Path) -> None:
    teacher_in(tmp_path / "black")
    means = []
    for weight in (0.0, 20.0):
        job = recipe("black", weight=weight, steps=60)
        out = tmp_path / f"student{weight:.0f}"
        result = train(job, waves(), out=out, validator=validator_for(2, "rgb"))
        means.append(_mean(result.last))
    assert means[1] < means[0] - 0.05


class Stopping(Silence):
    """Interrupts at a step, once."""

    def on_validation(self, step: int, psnr_db: float) -> None:
        raise KeyboardInterrupt


def test_a_cut_off_run_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    teacher_in(tmp_path / "black")
    job = replace(recipe("black"), validate_every=4)
    whole = train(job, waves(), out=tmp_path / "whole", validator=validator_for(2, "rgb"))
    with pytest.raises(KeyboardInterrupt):
        train(job, waves(), out=tmp_path / "cut", validator=validator_for(2, "rgb"), listener=Stopping())
    cut = train(job, waves(), out=tmp_path / "cut", validator=validator_for(2, "rgb"))
    ours, theirs = (load(result.last)[0].state_dict() for result in (whole, cut))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_names_become_paths_and_the_recipe_stays_as_it_is(tmp_path: Path) -> None:
    weights = teacher_in(tmp_path / "black")
    stage = recipe("black").stages[0]
    found = with_teachers(stage.losses, beside=tmp_path)
    assert found[0] == stage.losses[0]
    assert found[1].arguments == {"teacher": str(weights)}
    assert stage.losses[1].arguments == {"teacher": "black"}


def test_a_teacher_that_is_missing_is_told_before_pictures_are_read(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError, match="no run beside this one"):
        run_recipe(recipe("nobody"), data=tmp_path / "none", out=tmp_path / "run")
