"""The pool's rules beside the published list, and what each of its networks begins with."""

import csv

import pytest
import torch

from upres.errors import RecipeError
from upres.lab.checkpoint import build
from upres.lab.studies.sweep.pool import SCALES, Size, pool, sizes, step_seconds
from upres.lab.training.recipe import Recipe
from upres.lab.training.warm_start import adopt

PREFIXES = {"esr_max": "eSR-MAX", "esr_tm": "eSR-TM", "esr_tr": "eSR-TR", "esr_cnn": "eSR-CNN"}


@pytest.fixture(scope="module")
def jobs():
    return {job.name: job for job in pool()}


@pytest.fixture(scope="module")
def recipes(jobs):
    return {name: Recipe.from_dict(job.work["recipe"]) for name, job in jobs.items() if "recipe" in job.work}


def _pool_name(size: Size) -> str:
    letters = "_".join(f"{letter}{number}" for letter, number in size.letters)
    return f"{PREFIXES.get(size.family, size.family.upper())}_s{size.scale}_{letters}"


def test_the_rules_give_the_published_pool(shared, recipes):
    with (shared / "reference" / "edge_sr_pool.csv").open(newline="") as file:
        published = {row["name"]: int(row["parameters"]) for row in csv.DictReader(file)}
    bicubic = {f"Bicubic_s{scale}" for scale in SCALES}
    ours = {_pool_name(size): size for size in sizes()}
    assert ours.keys() | bicubic == published.keys()
    for size in list(ours.values())[::23]:
        parameters = sum(each.numel() for each in build(recipes[size.name].spec()).parameters())
        assert parameters == published[_pool_name(size)], size.name


def test_every_network_is_there_once_and_the_plan_is_always_the_same(jobs):
    count = {"esr_max": 144, "esr_tm": 144, "esr_tr": 144, "esr_cnn": 300, "espcn": 300, "fsrcnn": 150}
    families = [size.family for size in sizes()]
    assert {family: families.count(family) for family in count} == count
    assert jobs.keys() == {size.name for size in sizes()} | {f"bicubic_x{scale}" for scale in SCALES}
    assert list(jobs.values()) == pool()


def test_a_job_comes_after_what_its_network_begins_with(jobs, recipes):
    earlier = set()
    for name, job in jobs.items():
        start = recipes[name].start.model if name in recipes else ""
        assert list(job.needs) == [start] * bool(start)
        assert earlier >= set(job.needs)
        earlier.add(name)


def test_a_sweep_cut_short_has_every_family_at_every_scale(jobs, recipes):
    first = [recipes[name] for name in list(jobs)[:40] if name in recipes]
    assert {(recipe.spec().architecture, recipe.spec().scale) for recipe in first} >= {
        (size.family, size.scale) for size in sizes()
    }


def test_the_whole_costs_about_sixteen_hours_of_one_core(jobs):
    assert 15 < sum(job.cost_s for job in jobs.values()) / 3600 < 17


@pytest.mark.parametrize(
    ("size", "milliseconds"),
    [
        (Size("esr_max", 2, (("K", 3), ("C", 1))), 6.9),
        (Size("esr_tm", 2, (("K", 5), ("C", 4))), 7.1),
        (Size("esr_max", 2, (("K", 7), ("C", 16))), 16.0),
        (Size("esr_tr", 2, (("K", 7), ("C", 16))), 33.3),
        (Size("esr_cnn", 2, (("C", 8), ("D", 9), ("S", 15))), 42.3),
        (Size("espcn", 2, (("D", 1), ("S", 3))), 8.4),
        (Size("espcn", 2, (("D", 22), ("S", 32))), 32.1),
        (Size("espcn", 2, (("D", 64), ("S", 32))), 67.9),
        (Size("espcn", 4, (("D", 22), ("S", 32))), 13.3),
        (Size("fsrcnn", 2, (("D", 56), ("S", 12), ("M", 4))), 93.9),
    ],
)
def test_costs_follow_what_was_measured(size, milliseconds):
    assert step_seconds(size) * 1000 == pytest.approx(milliseconds, rel=0.25)


def test_networks_take_all_but_the_last_layer_from_what_they_begin_with(jobs, recipes):
    names = list(recipes)
    for name in [*names[:60], *names[60::19]]:
        recipe = recipes[name]
        if not recipe.start.model:
            continue
        network, theirs = build(recipe.spec()), build(recipes[recipe.start.model].spec())
        report = adopt(network, theirs, recipe.start, source=recipe.start.model)
        assert all(each.startswith(recipe.start.fresh or ("\0",)) for each in report.fresh), name
        assert network.scale == theirs.scale or recipe.start.fresh


def test_networks_of_one_layer_and_higher_scales_begin_with_others(recipes):
    scratch = {name for name, recipe in recipes.items() if not recipe.start.model}
    deep = {size.name for size in sizes() if size.scale == 2 and not size.family.startswith(("esr_max", "esr_t"))}
    assert scratch == deep | {f"esr_{kind}_k5c4_x{scale}" for kind in ("max", "tm", "tr") for scale in SCALES}
    assert recipes["espcn_d22s6_x3"].start.model == "espcn_d22s6_x2"
    assert [recipes[f"esr_tr_{size}_x4"].start.model for size in ("k5c8", "k7c8", "k7c5", "k3c1")] == [
        "esr_tr_k5c4_x4", "esr_tr_k5c8_x4", "esr_tr_k7c8_x4", "esr_tr_k5c1_x4",
    ]  # fmt: skip


def test_settings_change_every_recipe_and_its_cost():
    short = [job for job in pool(["steps=7"]) if "recipe" in job.work]
    assert {Recipe.from_dict(job.work["recipe"]).steps for job in short} == {7}
    assert sum(job.cost_s for job in short) < 40_000
    with pytest.raises(RecipeError, match="Did you mean 'seed'"):
        pool(["sed=1"])


def test_numbers_of_a_name_are_the_networks(recipes):
    assert recipes["fsrcnn_d19s3m1_x3"].spec().arguments == {"num_features": 19, "num_shrink": 3, "num_blocks": 1}
    assert build(recipes["espcn_d0s9_x4"].spec())(torch.zeros(1, 1, 8, 8)).shape == (1, 1, 32, 32)
