"""The literature's efficient networks under one budget: one data set, one loss, one optimiser, at x4.

`STUDY` gives each the same steps. `timed` gives each the same time instead: its steps are that time over what a step of
it takes on this machine, which `seconds_a_step` measures beforehand. So a run is still a function of recipe, data and
seed, and goes on to the same bits after an interruption; a run that looked at a clock would do neither. What the loop
then takes differs from the budget by what the machine does besides.

    python -m upres.lab.studies.league SECONDS league_x4_time.json

measures and writes the recipes, which `upres sweep plan` and `upres train` take. Of TeamInception's entry no network
was published. What follows a training, five metrics and rankings, is `upres.lab.challenge`'s.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from upres.lab.data.pictures import PicturePair
from upres.lab.studies.study import STAGE, Row, Study
from upres.lab.training.loop import train
from upres.lab.training.recipe import Recipe
from upres.lab.training.validation import Validator
from upres.machine.atomic import write_text

STAGE_OF_ALL = replace(STAGE, optim=replace(STAGE.optim, per_mode=True, clip_norm=1.0))
"""Of every row. MobileSR's authors shorten gradients; Adam and SOAP hardly notice where it is not needed."""
_TWICE = (0, 1)
"""For the first five: their spread stands for the others'."""
_GHOST = {"name": "ghost", "share": 0.5, "intrinsic": "random"}
"""As GhostSR trains from nothing."""

_MEASURED_STEPS = 20
_ROUNDS = 3


def _entrant(label: str, says: str, *, model: str = "", seeds: tuple[int, ...] = (), ghosts: bool = False) -> Row:
    return Row(
        label=label,
        says=says,
        against="" if label == "imdn" else "imdn",
        model=f"{model or label}_x4",
        stages=(STAGE_OF_ALL,),
        seeds=seeds,
        compress=(_GHOST,) if ghosts else (),
    )


_ROWS = (
    _entrant("imdn", "IMDN", seeds=_TWICE),
    _entrant("rfdn", "RFDN", seeds=_TWICE),
    _entrant("rfdn_l", "RFDN-L", seeds=_TWICE),
    _entrant("e_rfdn", "E-RFDN", seeds=_TWICE),
    _entrant("rlfn", "RLFN", seeds=_TWICE),
    _entrant("rlfn_s", "RLFN-S"),
    _entrant("rlfn_ntire", "RLFN of the challenge"),
    _entrant("bsrn", "BSRN"),
    _entrant("fmen", "FMEN"),
    _entrant("efdn", "EFDN"),
    _entrant("neesr", "NEESR"),
    _entrant("mobilesr", "MobileSR"),
    _entrant("imdn_plus", "IMDN+"),
    _entrant("lwfanet", "LWFANet"),
    _entrant("megsr", "MegSR"),
    _entrant("xilinxsr", "xilinxSR"),
    _entrant("span", "SPAN"),
    replace(
        _entrant("ecbsr", "ECBSR, 16 blocks of 64, on RGB as the others", model="ecbsr_m16c64"),
        arguments={"num_colors": 3},
    ),
    _entrant("carn", "CARN"),
    _entrant("carn_m", "CARN_M"),
    _entrant("edsr", "EDSR-baseline", model="edsr_baseline"),
    _entrant("ghost_rlfn_s", "RLFN-S, half of it ghosts", model="rlfn_s", ghosts=True),
    _entrant("ghost_carn", "CARN, half of it ghosts", model="carn", ghosts=True),
    _entrant("ghost_edsr", "EDSR-baseline, half of it ghosts", model="edsr_baseline", ghosts=True),
    _entrant("compact", "SRVGGNetCompact", model="srvggnet_compact"),
)

STUDY = Study(name="league_x4", title="The literature under one budget", rows=_ROWS, seeds=(0,))


def timed(study: Study, seconds: float, step_seconds: Mapping[str, float]) -> list[Recipe]:
    """The study's recipes, each with as many steps as a time allows, by the name ``STUDY_time``.

    Args:
        study: Rows of one stage.
        seconds: Of training, for each run.
        step_seconds: Seconds a step of each row takes, by its label.

    Raises:
        ValueError: If the time is not enough for a row to get beyond its warm-up.
    """
    rows = []
    for row in study.rows:
        (stage,) = row.stages
        steps = int(seconds / step_seconds[row.label])
        if steps <= stage.schedule.warmup_steps:
            raise ValueError(
                f"{row.label}: {seconds:g} s are {steps} steps; expected more than the {stage.schedule.warmup_steps} "
                "of the warm-up"
            )
        rows.append(replace(row, stages=(replace(stage, steps=steps),)))
    return replace(study, name=f"{study.name}_time", rows=tuple(rows)).recipes()


def seconds_a_step(study: Study, *, steps: int = _MEASURED_STEPS, rounds: int = _ROUNDS) -> dict[str, float]:
    """What a training step of each row takes on this machine, in seconds by its label: medians of runs in turn.

    The runs are those of `upres.lab.training.loop.train`, on noise, which takes as long as pictures do.

    Args:
        study: Its rows of the first seed are measured.
        steps: Of each run; the first ones, which are slower, are in the sum.
        rounds: Runs of each row.
    """
    recipes = {row.label: recipe for row, recipe in zip(study.rows, _of_first_seed(study), strict=True)}
    found: dict[str, list[float]] = {label: [] for label in recipes}
    for _ in range(rounds):
        for label, recipe in recipes.items():
            found[label].append(_step_seconds(recipe, steps))
    return {label: median(each) for label, each in found.items()}


def _of_first_seed(study: Study) -> list[Recipe]:
    return replace(study, rows=tuple(replace(row, seeds=()) for row in study.rows), seeds=study.seeds[:1]).recipes()


def _step_seconds(recipe: Recipe, steps: int) -> float:
    stages = tuple(replace(stage, steps=steps) for stage in recipe.stages)
    scale, side = recipe.spec().scale, 2 * max(stage.patch_size for stage in stages)
    pictures = _noise(scale, side)
    validator = Validator(_noise(scale, 24), scale=scale, color_mode="rgb", name="noise")
    with TemporaryDirectory() as folder:
        short = replace(recipe, stages=stages, validate_every=steps)
        return 1 / train(short, pictures, out=folder, validator=validator).steps_per_s


def _noise(scale: int, side: int) -> Sequence[PicturePair]:
    rng = np.random.default_rng(0)
    lr, hr = (rng.integers(0, 256, (length, length, 3), np.uint8) for length in (side, side * scale))
    return (PicturePair(name="noise", hr=hr, lr=lr),)


def main(seconds: float, path: Path) -> None:
    """Measure this machine and write the recipes of equal time.

    Raises:
        ValueError: If the time is not enough.
        OutputError: If the file cannot be written.
    """
    recipes = timed(STUDY, seconds, seconds_a_step(STUDY))
    write_text(path, json.dumps([recipe.to_dict() for recipe in recipes], indent=1) + "\n")


if __name__ == "__main__":
    main(float(sys.argv[1]), Path(sys.argv[2]))
