"""Every study of the table can be run."""

import pytest
import torch

from upres.lab.checkpoint import build
from upres.lab.losses.criterion import criterion
from upres.lab.studies.study import Study
from upres.lab.studies.table import STUDIES
from upres.lab.training.recipe import require_runnable
from upres.models.catalog import list_models

SHIPPED = {model.card.name for model in list_models()}


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_every_row_is_a_network_of_its_own_name_and_steps(study: Study) -> None:
    labels = [row.label for row in study.rows]
    assert len(set(labels)) == len(labels)
    recipes = study.recipes()[len(study.teachers) :]
    runs = sum(len(study.seeds_of(row)) for row in study.rows)
    assert len({recipe.name for recipe in recipes}) == len(recipes) == runs
    assert len({recipe.steps for recipe in recipes}) == 1, "every row has the same budget"
    assert len({recipe.spec().scale for recipe in recipes}) == 1
    for recipe, row in zip(recipes, study.rows, strict=False):
        assert row.against == "" or row.against in labels
        for stage in recipe.stages:
            criterion(stage.losses)
            with torch.device("meta"):
                build(recipe.spec(stage))


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_rows_begin_with_runs_that_come_before_them(study: Study) -> None:
    names: list[str] = []
    for recipe in study.recipes():
        assert recipe.name not in names
        assert recipe.start.model in {"", *names, *SHIPPED}
        require_runnable(recipe, devices=1, other_scales=True)
        names.append(recipe.name)
    for row in study.rows:
        assert study.seeds_of(row)[: len(study.seeds)] == study.seeds
