"""Recipes of the networks that keep the size and undo what befell a picture."""

from collections.abc import Mapping
from dataclasses import replace

from upres.lab.data.degradations import BLOCKS, DARK, LIFTED, NOISE, PHOTOGRAPH, Degradation
from upres.lab.data.mixing import MixUp
from upres.lab.data.patches import Growth
from upres.lab.losses.criterion import LossTerm
from upres.lab.training.recipe import Optimizer, Recipe, Schedule, Stage
from upres.lab.training.recipes.rgb import MEAN_PSNR_IN_COLOR
from upres.lab.zoo import MODELS
from upres.models.card import Task

DEGRADATIONS: Mapping[Task, Degradation] = {"denoise": NOISE, "deblock": BLOCKS, "enhance": DARK}
"""Task -> what its networks learn to undo."""
_STEPS = 100_000
_STAGE = Stage(steps=_STEPS, batch_size=4, patch_size=128, schedule=Schedule(name="cosine", warmup_steps=500))


def mirnet(model: str) -> Recipe:
    """MIRNet as its authors train it to denoise: Charbonnier loss of what is shown, a cosine, crops blended early on.

    Reference: Zamir et al., 2020, arXiv:2003.06792, section 4.2, and its code: 60 epochs of 16 crops of 128 pixels, of
    which 3 warm up and 5 blend nothing; 700 thousand steps there.
    """
    stage = replace(
        _STAGE,
        losses=(LossTerm(name="charbonnier"),),
        optim=Optimizer(learning_rate=2e-4, weight_decay=1e-8),
        schedule=Schedule(name="cosine", warmup_steps=_STEPS * 3 // 60, final_ratio=5e-3),
        mix_up=MixUp(alpha=1.2, after=5 / 60),
        clamp=True,
    )
    return _recipe(model, stage)


def mirnet_v2(model: str) -> Recipe:
    """MIRNet-v2: absolute error, a cosine, and crops that grow from 128 to 384 pixels.

    Reference: Zamir et al., 2022, arXiv:2205.01649, section 4.2, and its code: 300 thousand steps of 64 crops, of which
    less are taken at a time as these grow. There the rate rises by half in the first third.
    """
    grown = ((92, 160, 3), (156, 192, 2), (204, 256, 1), (240, 320, 1), (276, 384, 1))
    stage = replace(
        _STAGE,
        growth=tuple(
            Growth(after=thousands / 300, patch_size=patch_size, batch_size=batch_size)
            for thousands, patch_size, batch_size in grown
        ),
        optim=Optimizer(learning_rate=2e-4, clip_norm=0.01),
        schedule=Schedule(name="cosine", final_ratio=5e-3),
        mix_up=MixUp(alpha=1.2, share=0.5),
    )
    return _recipe(model, stage)


def nafnet(model: str) -> Recipe:
    """NAFNet: the squared error as a mean of PSNRs weighs it, a high rate that falls with a cosine, large crops.

    Reference: Chen et al., 2022, arXiv:2204.04676, section 5.1; 200 thousand steps of 32 crops of 256 pixels there.
    """
    stage = replace(
        _STAGE,
        batch_size=2,
        patch_size=256,
        losses=(MEAN_PSNR_IN_COLOR,),
        optim=Optimizer(name="adamw", learning_rate=1e-3, betas=(0.9, 0.9)),
        schedule=Schedule(name="cosine", final_ratio=1e-4),
    )
    return _recipe(model, stage)


def own(model: str) -> Recipe:
    """Plain trunks on squares of pixels: as those that enlarge, on crops twice as large.

    Those for dark pictures clean what a curve has lifted, as `upres.image.exposure` does before they run. Absolute
    error, unlike those that enlarge: faults are of all strengths here, and a mean of PSNRs weighs clean crops, whose
    error is next to nothing, so much that networks learn to leave pictures alone (5600 steps against noise by it: 29.5
    dB at sigma 25 on BSD100, and 36.2 on PolyU50, whose noisy pictures have 36.3).
    """
    optim = Optimizer(name="soap", learning_rate=2e-3, betas=(0.95, 0.95))
    stage = replace(_STAGE, steps=60_000, losses=(LossTerm(name="charbonnier"),), optim=optim)
    return _recipe(model, stage, {**DEGRADATIONS, "enhance": LIFTED})


def enlarged(model: str) -> Recipe:
    """What restores behind an interpolation: photographs as they lie on disks, made larger at one resolution."""
    spec = MODELS[model]
    optim = Optimizer(name="soap", learning_rate=2e-3, betas=(0.95, 0.95), per_mode=True)
    stage = replace(_STAGE, patch_size=128 // spec.scale, losses=(LossTerm(name="charbonnier"),), optim=optim)
    return _recipe(model, stage, {"denoise": PHOTOGRAPH})


def _recipe(model: str, stage: Stage, degradations: Mapping[Task, Degradation] = DEGRADATIONS) -> Recipe:
    task = MODELS[model].arguments.get("task", "denoise")
    stage = replace(stage, degradation=degradations[task])
    return Recipe(name=model, model=model, stages=(stage,), precision="bf16", validate_every=5000)
