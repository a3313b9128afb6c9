"""Knowledge distillation for the networks that ship: the output of a wider one beside the truth.

The teacher is the network itself with 48 channels instead of 32: it begins as the same function and is trained on, so
it has an advantage from the first step. Rows train what ships on, by the last stage of its own recipe, with and without
it.
"""

from dataclasses import replace

from upres.lab.losses.criterion import LossTerm
from upres.lab.studies.study import Row, Study
from upres.lab.training.recipe import Recipe, Schedule, Stage, WarmStart
from upres.lab.training.recipes.rgb import shipping

_STEPS = 1_000


def _teacher(scale: int) -> Recipe:
    model = f"rlfn_s_x{scale}"
    recipe, stage = shipping(model), _last_stage(model)
    stage = replace(
        stage,
        steps=2_000,
        optim=replace(stage.optim, learning_rate=7.5e-4),
        schedule=Schedule(name="cosine", warmup_steps=200),
    )
    start = WarmStart(model=f"rlfn_c32b6_x{scale}", wide=True)
    return replace(recipe, name=f"teacher_{model}", stages=(stage,), start=start)


def _last_stage(model: str, teacher: str = "") -> Stage:
    stage = shipping(model).stages[-1]
    distillation = LossTerm(name="distillation", arguments={"teacher": teacher, "norm": "l1"})
    losses = (*stage.losses, distillation) if teacher else stage.losses
    return replace(stage, steps=_STEPS, losses=losses)


def _study(scale: int) -> Study:
    model, teacher = f"rlfn_c32b6_x{scale}", _teacher(scale)

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
        row("distilled", "trained on with the teacher's output", _last_stage(model, teacher.name)),
    )
    title = f"What ships at x{scale}, with a wider teacher"
    return Study(name=f"distilled_x{scale}", title=title, teachers=(teacher,), seeds=(0,), rows=rows)


TWOFOLD, FOURFOLD = _study(2), _study(4)
