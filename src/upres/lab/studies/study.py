"""Comparisons: rows of recipes that differ in one thing, run with several seeds.

All rows are small trainings, so their gains are not the papers'. SOAP makes so few steps worth some ten times as many
of Adam's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from upres.lab.training.recipe import Optimizer, Recipe, Schedule, Stage, WarmStart

STAGE = Stage(
    steps=2500,
    batch_size=8,
    patch_size=32,
    optim=Optimizer(name="soap", learning_rate=3e-3, betas=(0.95, 0.95)),
    schedule=Schedule(name="cosine", warmup_steps=200),
)
"""What a row trains by unless it says otherwise."""
SHORT_STAGE = replace(STAGE, steps=1200)
"""The same in half of the time."""
SMALL: Mapping[str, Any] = {"num_channels": 24, "num_blocks": 4}
"""Arguments of the networks in which blocks and tricks are compared."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One contender."""

    label: str
    """Short, for file names; unique in the study."""
    says: str
    """What a table says of it."""
    against: str = ""
    """Label of the row that it is compared with; empty for a baseline."""
    model: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    stages: tuple[Stage, ...] = (STAGE,)
    ema_decay: float = 0.999
    reductions: tuple[float, ...] = (1.0,)
    """Sizes at which training pictures are shown, as in a recipe."""
    start: str = ""
    """Run, model or file whose weights it begins with; one of `Study.teachers`, for instance. Empty for fresh ones."""
    compress: tuple[Mapping[str, Any], ...] = ()
    """What is done to the network before the first step, as in a recipe."""
    seeds: tuple[int, ...] = ()
    """Of this row alone, the study's first among them; empty for the study's."""
    paper_gain_db: float | None = None


@dataclass(frozen=True, kw_only=True)
class Study:
    """Rows and seeds."""

    name: str
    title: str
    rows: tuple[Row, ...]
    seeds: tuple[int, ...]
    validation: str = ""
    """Name of the data set that must validate its runs; empty for the usual pictures."""
    teachers: tuple[Recipe, ...] = ()
    """Runs that rows begin with: trained first and not compared. Studies with the same teacher share it in a folder."""

    def recipes(self) -> list[Recipe]:
        """The teachers', then one for every row and seed, seed by seed, so that a study cut short compares all rows."""
        return [
            *self.teachers,
            *(self._recipe(row, seed) for seed in self._seeds() for row in self.rows if seed in self.seeds_of(row)),
        ]

    def seeds_of(self, row: Row) -> tuple[int, ...]:
        """The seeds that a row is run with."""
        return row.seeds or self.seeds

    def _seeds(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(seed for row in self.rows for seed in self.seeds_of(row)))

    def _recipe(self, row: Row, seed: int) -> Recipe:
        return Recipe(
            name=run_name(self, row, seed),
            model=row.model,
            arguments=row.arguments,
            stages=row.stages,
            start=WarmStart(model=row.start),
            compress=row.compress,
            seed=seed,
            ema_decay=row.ema_decay,
            reductions=row.reductions,
            precision="bf16",
            validate_every=sum(stage.steps for stage in row.stages),
        )


def run_name(study: Study, row: Row, seed: int) -> str:
    """The name of one run of a study, and of its folder."""
    return f"{study.name}-{row.label}-seed{seed}"
