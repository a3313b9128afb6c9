"""Comparisons: rows of recipes that differ in one thing, run with several seeds.

All rows are small trainings, so their gains are not the papers'. SOAP makes so few steps worth some ten times as many
of Adam's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from upres.lab.training.recipe import Optimizer, Recipe, Schedule, Stage

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
    paper_gain_db: float | None = None


@dataclass(frozen=True, kw_only=True)
class Study:
    """Rows and seeds."""

    name: str
    title: str
    rows: tuple[Row, ...]
    seeds: tuple[int, ...]

    def recipes(self) -> list[Recipe]:
        """A recipe for every row and seed, seed by seed, so that a study cut short still compares all rows."""
        return [
            Recipe(
                name=run_name(self, row, seed),
                model=row.model,
                arguments=row.arguments,
                stages=row.stages,
                seed=seed,
                ema_decay=row.ema_decay,
                precision="bf16",
                validate_every=sum(stage.steps for stage in row.stages),
            )
            for seed in self.seeds
            for row in self.rows
        ]


def run_name(study: Study, row: Row, seed: int) -> str:
    """The name of one run of a study, and of its folder."""
    return f"{study.name}-{row.label}-seed{seed}"
