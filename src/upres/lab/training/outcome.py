"""What a run leaves behind besides its state: the best and the last network, ready for use, and how it went."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from upres.lab.checkpoint import describe, save
from upres.lab.training.form import deployable, is_expanded
from upres.lab.training.recipe import Recipe
from upres.lab.training.state import RunPosition
from upres.lab.training.warm_start import earlier_steps
from upres.metrics.table import to_figures
from upres.models.card import ModelSpec, read_card


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """How a finished run went."""

    recipe: str
    steps: int
    best_psnr_db: float
    best_step: int
    seconds: float
    steps_per_s: float
    """Without validating and saving."""
    waiting_share: float
    """Share of the training time that went by waiting for batches."""
    best: Path
    last: Path


def finished(folder: Path, recipe: Recipe) -> TrainingResult | None:
    """A run that went to its end, by its networks alone: its state was not kept, or went another way.

    Args:
        folder: Of the run.
        recipe: That it has to be of.

    Returns:
        How it went, as far as its cards say; ``None`` where there is a state, no last network of the recipe, or one of
        fewer steps.
    """
    best, last = folder / "best.safetensors", folder / "last.safetensors"
    if (folder / "state.safetensors").is_file() or not last.is_file():
        return None
    ended = read_card(last).training
    if not ended.get("recipe") or Recipe.from_dict(ended["recipe"]) != recipe or ended["steps"] < recipe.steps:
        return None
    best = best if best.is_file() else last
    training = read_card(best).training
    return TrainingResult(
        recipe=recipe.name,
        steps=ended["steps"],
        best_psnr_db=training["validation"]["psnr_db"],
        best_step=training["steps"],
        seconds=0.0,
        steps_per_s=0.0,
        waiting_share=0.0,
        best=best,
        last=last,
    )


class Outcome:
    """The checkpoints of one run.

    A re-parameterisable network is written folded, as it is used, and as ``*.expanded.safetensors`` beside it, which
    another run can start from. A stage that trains another network than the recipe's leaves ``stage1-best`` and so on.

    Args:
        folder: Of the run.
        recipe: Goes into the cards.
        validation: What the networks are validated on, for the cards.
        data: What is known of the training pictures, for the cards.
    """

    def __init__(self, folder: Path, recipe: Recipe, *, validation: dict[str, Any], data: dict[str, Any]) -> None:
        self.folder, self.recipe, self.validation, self.data = folder, recipe, validation, data
        last = self.path("last")  # of a run that goes on; what it started from may be gone
        known = read_card(last).training.get("earlier_steps") if last.is_file() else None
        self._earlier_steps = earlier_steps(recipe.start, beside=folder.parent) if known is None else int(known)

    def path(self, which: str, stage: int | None = None) -> Path:
        """The file of the ``best`` or ``last`` network, of the run or of a stage (from 0) with one of its own."""
        prefix = "" if stage is None else f"stage{stage + 1}-"
        return self.folder / f"{prefix}{which}.safetensors"

    def clear(self) -> None:
        """Remove what an earlier run left."""
        for which in ("best", "last"):
            for file in self.folder.glob(f"*{which}*.safetensors"):
                file.unlink()
        self._earlier_steps = earlier_steps(self.recipe.start, beside=self.folder.parent)

    def result(self, progress: RunPosition) -> TrainingResult:
        """How the run went that stands there at its end."""
        return TrainingResult(
            recipe=self.recipe.name,
            steps=progress.step,
            best_psnr_db=progress.best_psnr_db,
            best_step=progress.best_step,
            seconds=progress.seconds,
            steps_per_s=progress.step / max(progress.step_seconds, 1e-9),
            waiting_share=progress.waited_seconds / max(progress.step_seconds, 1e-9),
            best=self.path("best"),
            last=self.path("last"),
        )

    def write(self, path: Path, network: nn.Module, spec: ModelSpec, *, step: int, scores: Mapping[str, float]) -> None:
        """Write an ordinary network of a spec to ``path``, folded where that makes a difference.

        ``scores`` are the figures of validation by name of the metric.
        """
        figures: dict[str, Any] = {"psnr_db": round(scores["psnr"], 4)}
        if len(scores) > 1:
            others = {name: value for name, value in scores.items() if name != "psnr"}
            figures["metrics"] = to_figures(others, digits=None)["metrics"]
        training = {
            "recipe": self.recipe.to_dict(),
            "steps": step,
            "earlier_steps": self._earlier_steps,
            "validation": {**self.validation, **figures},
            "data": self.data,
        }
        own = self.recipe.arguments or not self.recipe.stages[-1].degradation.is_bicubic
        said: dict[str, Any] = {
            "name": self.recipe.name if own else self.recipe.model,
            "licence": "Apache-2.0",
            "training": training,
        }
        folded, folded_spec = deployable(network, spec)
        save(path, folded, describe(folded, folded_spec, **said))
        if is_expanded(network):
            save(path.with_suffix(".expanded.safetensors"), network, describe(network, spec, **said))
