"""Learning rates as a pure function of the step, so that a resumed run needs no scheduler state."""

import math

from upres.lab.training.recipe import Stage


def learning_rate(stage: Stage, step: int) -> float:
    """The rate at ``step`` (counted from 0) of a stage."""
    return stage.optim.learning_rate * rate_factor(stage, step)


def rate_factor(stage: Stage, step: int) -> float:
    """The rate at ``step`` (counted from 0) of a stage as a share of its full rate."""
    schedule = stage.schedule
    if step < schedule.warmup_steps:
        return (step + 1) / schedule.warmup_steps
    done = (step - schedule.warmup_steps) / max(1, stage.steps - schedule.warmup_steps)
    if schedule.name == "cyclic":
        done = done * schedule.cycles % 1
    if schedule.name in ("cosine", "cyclic"):
        return schedule.final_ratio + (1 - schedule.final_ratio) * 0.5 * (1 + math.cos(math.pi * done))
    if schedule.name == "step":
        passed = sum(step >= milestone * stage.steps for milestone in schedule.milestones)
        return float(schedule.gamma**passed)
    return 1.0
