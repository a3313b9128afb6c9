"""What ships made smaller: the default at x2 with ghosts, pruned, and with fewer blocks, each trained on as long.

One of these would be a better default if it were faster at the same quality, or better at the same speed.
"""

from dataclasses import replace
from typing import Any

from upres.lab.studies.study import Row, Study
from upres.lab.training.recipe import Schedule
from upres.lab.training.recipes.rgb import shipping

_MODEL = "rlfn_c32b6_x2"
_RECIPE = shipping(_MODEL)
_FIRST = _RECIPE.stages[0]
_ON = replace(
    _FIRST,
    steps=2_500,
    optim=replace(_FIRST.optim, learning_rate=_FIRST.optim.learning_rate / 4),
    schedule=Schedule(name="cosine", warmup_steps=200),
)


def _row(label: str, says: str, *compress: dict[str, Any]) -> Row:
    return Row(
        label=label,
        says=says,
        against="" if label == "original" else "original",
        model=_MODEL,
        stages=(_ON,),
        start=_MODEL,
        compress=compress,
        reductions=_RECIPE.reductions,
    )


STUDY = Study(
    name="shipped_smaller",
    title="What ships at x2, made smaller",
    seeds=(0,),
    rows=(
        _row("original", f"original: {_MODEL}, trained on"),
        _row("ghost", "half ghosts, offsets learned", {"name": "ghost", "share": 0.5}),
        _row(
            "inner", "half of the inner width", {"name": "prune", "kind": "inner", "share": 0.5, "importance": "taylor"}
        ),
        _row("narrow", "24 channels everywhere", {"name": "prune", "kind": "all", "width": 24, "importance": "taylor"}),
        _row("shallow", "4 of 6 blocks", {"name": "prune", "blocks": 4}),
    ),
)
