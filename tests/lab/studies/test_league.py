"""The league: what is the same for all, and what equal time makes of it."""

import json
from dataclasses import replace
from itertools import count

import pytest
import torch

from upres.lab.checkpoint import build
from upres.lab.compress.operations import compress
from upres.lab.studies import league
from upres.lab.studies.league import STAGE_OF_ALL, STUDY, seconds_a_step, timed
from upres.lab.studies.run import recipes_of
from upres.lab.studies.study import Row, Study
from upres.lab.studies.sweep.plan import jobs_of
from upres.lab.training.loop import train
from upres.lab.training.validation import Validator
from upres.models.card import read_card

TINY = Study(
    name="toy",
    title="Toy",
    rows=tuple(
        Row(
            label=label,
            says=label,
            against="" if label == "edsr" else "edsr",
            model={"edsr": "edsr_baseline_x4", "rlfn": "rlfn_x4"}[label],
            arguments={"num_channels": 8, "num_blocks": 1},
            stages=(
                replace(
                    STAGE_OF_ALL, patch_size=20, batch_size=2, schedule=replace(STAGE_OF_ALL.schedule, warmup_steps=2)
                ),
            ),
            seeds=(0, 1) if label == "edsr" else (),
        )
        for label in ("edsr", "rlfn")
    ),
    seeds=(0,),
)


def test_only_the_network_differs():
    recipes = STUDY.recipes()
    assert len(recipes) == 30
    for recipe in recipes:
        same = replace(recipes[0], name=recipe.name, model=recipe.model, compress=recipe.compress, seed=recipe.seed)
        assert replace(recipe, arguments={}) == same
        assert recipe.stages == (STAGE_OF_ALL,)
    assert [row.label for row in STUDY.rows if row.seeds] == ["imdn", "rfdn", "rfdn_l", "e_rfdn", "rlfn"]
    assert len(jobs_of("league_x4", ["steps=7"])) == 30


@pytest.mark.parametrize("recipe", league._of_first_seed(STUDY), ids=lambda recipe: recipe.name)
def test_every_entrant_takes_the_crops(recipe):
    torch.manual_seed(0)
    network = build(recipe.spec())
    side = STAGE_OF_ALL.patch_size
    for options in recipe.compress:
        pairs = ((torch.rand(1, 3, 20, 20), torch.rand(1, 3, 80, 80)) for _ in count())
        network, _ = compress(network, options, pairs=pairs)
    with torch.no_grad():
        assert network(torch.rand(1, 3, side, side)).shape == (1, 3, 4 * side, 4 * side)


def test_equal_time_is_fewer_steps_where_a_step_takes_longer():
    recipes = timed(STUDY, 100, {row.label: 0.2 if row.label == "edsr" else 0.1 for row in STUDY.rows})
    steps = {recipe.name: recipe.steps for recipe in recipes}
    assert steps.pop("league_x4_time-edsr-seed0") == 500
    assert set(steps.values()) == {1000}
    assert all(recipe.validate_every == recipe.steps for recipe in recipes)
    with pytest.raises(ValueError, match="imdn: 10 s are 100 steps; expected more than the 200 of the warm-up"):
        timed(STUDY, 10, dict.fromkeys((row.label for row in STUDY.rows), 0.1))


def test_two_small_arms_are_measured_planned_and_trained(tmp_path, monkeypatch):
    monkeypatch.setattr(league, "STUDY", TINY)
    found = seconds_a_step(TINY, steps=3, rounds=1)
    assert found.keys() == {"edsr", "rlfn"}
    assert all(0 < each < 60 for each in found.values())
    monkeypatch.setattr(league, "seconds_a_step", lambda study: {"edsr": 0.1, "rlfn": 0.2})
    path = tmp_path / "toy.json"
    league.main(1, path)
    recipes = recipes_of(str(path))
    assert {recipe.name: recipe.steps for recipe in recipes} == {
        "toy_time-edsr-seed0": 10,
        "toy_time-rlfn-seed0": 5,
        "toy_time-edsr-seed1": 10,
    }
    assert [job.name for job in jobs_of(str(path))] == [recipe.name for recipe in recipes]
    validator = Validator(league._noise(4, 24), scale=4, color_mode="rgb", name="noise")
    for recipe in recipes[:2]:
        done = train(recipe, league._noise(4, 40), out=tmp_path / recipe.name, validator=validator)
        assert read_card(done.last).training["steps"] == recipe.steps
        assert json.loads((tmp_path / recipe.name / "recipe.json").read_text()) == json.loads(
            json.dumps(recipe.to_dict())
        )
