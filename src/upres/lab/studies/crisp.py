"""What each piece of the recipe for photographs that look sharp adds.

`STUDY` begins with the absolute error and switches the pieces on one after the other; two rows change how the pictures
are degraded. Its PSNRs fall where pictures begin to look sharp: `python -m benchmarks measure crisp --part pieces`
judges the networks by SSIMULACRA2, NIQE and the grid that they leave.
"""

from dataclasses import replace

from upres.lab.data.degradations import Degradation
from upres.lab.losses.adversarial import Adversary
from upres.lab.studies.study import Row, Study
from upres.lab.training.recipe import Stage
from upres.lab.training.recipes import recipe_for

_RECIPE = recipe_for("rlfn_c32b6_crisp_x4")
_FULL = replace(_RECIPE.stages[0], steps=500)


def _row(label: str, says: str, stage: Stage, *, against: str = "") -> Row:
    return Row(
        label=label,
        says=says,
        against=against,
        model=_RECIPE.model,
        stages=(stage,),
        start=_RECIPE.start.model,
        reductions=_RECIPE.reductions,
    )


def _with(terms: int, *, adversary: bool = False) -> Stage:
    """The recipe's stage with the first of its terms."""
    return replace(_FULL, losses=_FULL.losses[:terms], adversary=_FULL.adversary if adversary else Adversary())


def _on(degradation: Degradation) -> Stage:
    return replace(_FULL, degradation=degradation)


STUDY = Study(
    name="crisp_pieces",
    title="Sharp photographs, piece by piece",
    seeds=(0,),
    rows=(
        _row("pixels", "absolute error", _with(1)),
        _row("wavelet", "and wavelet bands", _with(2), against="pixels"),
        _row("features", "and features of a restorer", _with(3), against="wavelet"),
        _row("adversary", "and an adversary", _with(3, adversary=True), against="features"),
        _row("ldl", "and artefacts weighted", _with(4, adversary=True), against="adversary"),
        _row("checkerboard", "and no grid: the recipe", _FULL, against="ldl"),
        _row(
            "once",
            "the recipe, degraded once",
            _on(_FULL.degradation.changed(second_order_ratio=(1.0, 1.0))),
            against="checkerboard",
        ),
        _row(
            "sharpened",
            "the recipe, targets sharpened",
            _on(_FULL.degradation.changed(sharpened_amount=(0.5, 0.5))),
            against="checkerboard",
        ),
    ),
)
