"""Plans: what waits for what, which jobs are taken, and the terms under which machines may work."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from upres.errors import DataError, LedgerError, RecipeError
from upres.lab.losses.criterion import LossTerm
from upres.lab.studies.sweep import terms
from upres.lab.studies.sweep.plan import SETTINGS_FILE, at, jobs_of, make_plan, read_plan
from upres.lab.training.recipe import WarmStart


def _write(path, recipes):
    path.write_text(json.dumps([recipe.to_dict() for recipe in recipes]))
    return str(path)


def test_recipes_come_after_what_they_begin_with_and_learn_from(recipes, tmp_path):
    third, first, second = recipes
    term = LossTerm(name="distillation", arguments={"teacher": "third"})
    (stage,) = second.stages
    second = replace(second, stages=(replace(stage, losses=(term,)),))
    jobs = jobs_of(_write(tmp_path / "some.json", [second, third, first]))
    assert [(job.name, job.needs) for job in jobs] == [("first", ()), ("third", ("first",)), ("second", ("third",))]
    assert [job.cost_s for job in jobs] == [4, 4, 4]


def test_what_is_not_in_the_list_is_not_waited_for(recipes, tmp_path):
    third, _, _ = recipes
    assert jobs_of(_write(tmp_path / "some.json", [third]))[0].needs == ()


def test_rings_and_double_names_are_refused(recipes, tmp_path):
    third, first, _ = recipes
    ring = replace(first, start=WarmStart(model="third"))
    with pytest.raises(LedgerError, match="third needs itself by way of first; break the ring"):
        jobs_of(_write(tmp_path / "ring.json", [third, ring]))
    with pytest.raises(LedgerError, match="two recipes have one name"):
        jobs_of(_write(tmp_path / "twice.json", [first, first]))


def test_a_study_and_a_recipe_are_plans():
    assert len(jobs_of("ladder_rfdn", ["steps=7"])) == 21
    assert [job.name for job in jobs_of("esr_tm_x2")] == ["esr_tm_x2"]
    with pytest.raises(RecipeError, match="no recipe 'pol'"):
        jobs_of("pol")


def test_only_takes_what_fits_and_what_that_needs(recipe_file):
    assert [job.name for job in jobs_of(str(recipe_file), only=["th*"])] == ["first", "third"]
    assert [job.name for job in jobs_of(str(recipe_file), only=["second", "first"])] == ["first", "second"]
    with pytest.raises(LedgerError, match=r"no job of \S*recipes.json fits 'fourth'; a name is, for instance, second"):
        jobs_of(str(recipe_file), only=["fourth"])


def test_a_plan_is_read_back_and_holds_where_pictures_are(recipe_file, places, tmp_path):
    ledger = make_plan("some", jobs_of(str(recipe_file)), tmp_path / "s", places=places, protocols=["esr"], cores=2)
    sweep = read_plan(tmp_path / "s")
    assert (sweep.name, sweep.cores, sweep.places, sweep.protocols) == ("some", 2, places, ("esr",))
    assert [job.name for job in ledger.jobs] == ["first", "third", "second"]
    assert at(sweep) == places


def test_other_pictures_are_refused_until_the_plan_is_made_again(recipe_file, places, tmp_path):
    jobs, out = jobs_of(str(recipe_file)), tmp_path / "s"
    make_plan("some", jobs, out, places=places, protocols=["esr"])
    other = tmp_path / "photos"
    other.mkdir()
    for path in Path(places.data).iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    assert at(read_plan(out), data=str(other)).data == str(other), "the same pictures at another place"
    (other / "0.png").write_bytes((other / "1.png").read_bytes())
    with pytest.raises(LedgerError, match=r"on \S+: \S+photos: other pictures than the plan's; make them equal"):
        at(read_plan(out), data=str(other))
    with pytest.raises(LedgerError, match="4 folders of pictures, and the plan has 3"):
        at(read_plan(out), sets=[*places.sets, *places.sets])
    with pytest.raises(DataError, match="nowhere: no such folder"):
        at(read_plan(out), data=str(tmp_path / "nowhere"))
    make_plan("some", jobs, out, places=replace(places, data=str(other)), protocols=["esr"])
    assert at(read_plan(out)).data == str(other)


def test_other_versions_are_refused(recipe_file, places, tmp_path, monkeypatch):
    make_plan("some", jobs_of(str(recipe_file)), tmp_path / "s", places=places, protocols=["esr"])
    monkeypatch.setattr(terms, "version", lambda package: "9.9")
    with pytest.raises(LedgerError, match=r"torch 9\.9, and the plan was made with \d"):
        at(read_plan(tmp_path / "s"))


def test_a_folder_without_a_plan_or_with_a_damaged_one_is_one_error(tmp_path):
    with pytest.raises(LedgerError, match="no sweep in it; plan one there first"):
        read_plan(tmp_path)
    for content in ("{", "{}", '{"places": {"data": 1}}'):
        (tmp_path / SETTINGS_FILE).write_text(content)
        with pytest.raises(LedgerError, match=r"damaged .*; plan the same sweep into the same folder again"):
            read_plan(tmp_path)
