"""Every study of the table can be run."""

import pytest
import torch

from upres.lab.checkpoint import build
from upres.lab.losses.criterion import criterion
from upres.lab.studies.study import Study
from upres.lab.studies.table import STUDIES


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_every_row_is_a_network_of_its_own_name_and_steps(study: Study) -> None:
    labels = [row.label for row in study.rows]
    assert len(set(labels)) == len(labels)
    recipes = study.recipes()
    assert len({recipe.name for recipe in recipes}) == len(recipes) == len(study.seeds) * len(labels)
    assert len({recipe.steps for recipe in recipes}) == 1, "every row has the same budget"
    assert {recipe.spec().scale for recipe in recipes} == {4}
    for recipe, row in zip(recipes, study.rows, strict=False):
        assert row.against == "" or row.against in labels
        for stage in recipe.stages:
            criterion(stage.losses)
            with torch.device("meta"):
                build(recipe.spec(stage))
