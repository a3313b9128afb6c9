"""Recipes of the networks that keep the size and undo what befell a picture."""

from collections.abc import Mapping
from typing import Literal

from upres.lab.data.degradations import BLOCKS, DARK, LIFTED, NOISE, Degradation
from upres.lab.losses.criterion import LossTerm
from upres.lab.training.recipe import Optimizer, Recipe, Schedule, Stage
from upres.lab.training.recipes.rgb import MEAN_PSNR_IN_COLOR
from upres.lab.zoo import MODELS
from upres.models.card import Task

DEGRADATIONS: Mapping[Task, Degradation] = {"denoise": NOISE, "deblock": BLOCKS, "enhance": DARK}
"""Task -> what its networks learn to undo."""
_CHARBONNIER = (LossTerm(name="charbonnier"),)
_COSINE = Schedule(name="cosine", warmup_steps=500)


def mirnet(model: str) -> Recipe:
    """MIRNet and its second version: Charbonnier loss, a cosine, crops of 128 pixels.

    Reference: Zamir et al., 2020, arXiv:2003.06792, section 4.2; 300 thousand steps and more there.
    """
    return _recipe(model, learning_rate=2e-4, losses=_CHARBONNIER)


def nafnet(model: str) -> Recipe:
    """NAFNet: the squared error as a mean of PSNRs weighs it, a high rate that falls with a cosine.

    Reference: Chen et al., 2022, arXiv:2204.04676, section 5.1; 200 thousand steps of 32 crops of 256 pixels there.
    """
    return _recipe(model, learning_rate=1e-3, losses=(MEAN_PSNR_IN_COLOR,), betas=(0.9, 0.9))


def own(model: str) -> Recipe:
    """Plain trunks on squares of pixels: as those that enlarge, on crops twice as large.

    Those for dark pictures clean what a curve has lifted, as `upres.image.exposure` does before they run.
    """
    return _recipe(
        model,
        learning_rate=3e-3,
        losses=(MEAN_PSNR_IN_COLOR,),
        optimizer="soap",
        betas=(0.95, 0.95),
        steps=60_000,
        degradations={**DEGRADATIONS, "enhance": LIFTED},
    )


def _recipe(
    model: str,
    *,
    learning_rate: float,
    losses: tuple[LossTerm, ...],
    optimizer: Literal["adam", "soap"] = "adam",
    betas: tuple[float, float] = (0.9, 0.999),
    steps: int = 100_000,
    degradations: Mapping[Task, Degradation] = DEGRADATIONS,
) -> Recipe:
    task = MODELS[model].arguments.get("task", "denoise")
    stage = Stage(
        steps=steps,
        batch_size=4,
        patch_size=128,
        losses=losses,
        optim=Optimizer(name=optimizer, learning_rate=learning_rate, betas=betas),
        schedule=_COSINE,
        degradation=degradations[task],
    )
    return Recipe(name=model, model=model, stages=(stage,), precision="bf16", validate_every=5000)
