"""Knowledge distillation for the networks that ship: the output of a wider one beside the truth.

Rows train what ships on, by the last stage of its own recipe, with and without the output of RLFN with 48 channels. The
teachers are trained here, for as long as two cores allow.
"""

from dataclasses import replace

from upres.lab.losses.criterion import LossTerm
from upres.lab.studies.study import Row, Study
from upres.lab.training.recipe import Recipe, Stage, WarmStart
from upres.lab.training.recipes.rgb import shipping

_STEPS = 3_000


def _teacher(scale: int, *, steps: tuple[int, int], start: WarmStart) -> Recipe:
    model = f"rlfn_s_x{scale}"
    recipe = shipping(model)
    stages = tuple(replace(stage, steps=count) for stage, count in zip(recipe.stages, steps, strict=True))
    return replace(recipe, name=f"teacher_{model}", stages=stages, start=start)


_X2 = _teacher(2, steps=(13_000, 2_000), start=WarmStart())
_X4 = _teacher(4, steps=(6_000, 2_000), start=WarmStart(model=_X2.name, fresh=("upsampler.",)))


def _last_stage(model: str, teacher: str = "") -> Stage:
    stage = shipping(model).stages[-1]
    distillation = LossTerm(name="distillation", arguments={"teacher": teacher, "norm": "l1"})
    losses = (*stage.losses, distillation) if teacher else stage.losses
    return replace(stage, steps=_STEPS, losses=losses)


def _study(scale: int, teachers: tuple[Recipe, ...]) -> Study:
    model = f"rlfn_c32b6_x{scale}"

    def row(label: str, says: str, stage: Stage) -> Row:
        return Row(
            label=label,
            says=f"{model}, {says}",
            against="" if label == "original" else "original",
            model=model,
            stages=(stage,),
            start=model,
            reductions=shipping(model).reductions,
        )

    rows = (
        row("original", "trained on", _last_stage(model)),
        row("distilled", "trained on with the teacher's output", _last_stage(model, teachers[-1].name)),
    )
    title = f"What ships at x{scale}, with a wider teacher"
    return Study(name=f"distilled_x{scale}", title=title, teachers=teachers, seeds=(0,), rows=rows)


TWOFOLD, FOURFOLD = _study(2, (_X2,)), _study(4, (_X2, _X4))
