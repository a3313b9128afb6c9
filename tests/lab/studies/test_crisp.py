"""What the rows of the study on sharp photographs differ in."""

from dataclasses import replace
from itertools import pairwise

from upres.lab.studies.crisp import STUDY
from upres.lab.training.recipes import recipe_for


def test_each_row_adds_one_piece_up_to_the_recipe():
    rows = {row.label: row for row in STUDY.rows}
    names = [[term.name for term in rows[label].stages[0].losses] for label in list(rows)[:6]]
    assert [len(each) for each in names] == [1, 2, 3, 3, 4, 5]
    assert all(more[: len(less)] == less for less, more in pairwise(names))
    assert [bool(row.stages[0].adversary.weight) for row in STUDY.rows] == [False] * 3 + [True] * 5
    (recipe,) = recipe_for("rlfn_c32b6_crisp_x4").stages
    assert replace(rows["checkerboard"].stages[0], steps=recipe.steps) == recipe
    for label in ("once", "sharpened"):
        changed = rows[label].stages[0].degradation.settings().items() - recipe.degradation.settings().items()
        assert len(changed) == 1
