"""Recipes of the small luma networks: eSR, ESPCN, FSRCNN, eSR-CNN."""

from collections.abc import Mapping
from dataclasses import replace

from upres.lab.losses.criterion import LossTerm
from upres.lab.training.recipe import Optimizer, Recipe, Schedule, Stage, WarmStart
from upres.lab.zoo import MODELS

PATCH_SIZES: Mapping[int, int] = {2: 48, 3: 40, 4: 32}
"""Low-resolution side of a crop for each scale: about the same high-resolution area."""


def one_layer(model: str) -> Recipe:
    """eSR-MAX, eSR-TM, eSR-TR: limited by capacity, so small batches and a short run get there.

    The squared error is what PSNR measures, and these networks have nothing else to gain: with the absolute error
    the strong edges, where they can beat an interpolation, hardly count.
    """
    recipe = _edge(model, steps=10_000, batch_size=4, learning_rate=3e-3, warmup_steps=200)
    return replace(recipe, share_orbits=True)


def edge_cnn(model: str) -> Recipe:
    """eSR-CNN, ESPCN and FSRCNN: limited by training; x3 and x4 start from x2."""
    spec = MODELS[model]
    if spec.scale == 2:
        return _edge(model, steps=60_000, batch_size=8, learning_rate=3e-3, warmup_steps=1000)
    recipe = _edge(model, steps=30_000, batch_size=8, learning_rate=2e-3, warmup_steps=500)
    last = 6 + 2 * spec.arguments.get("num_blocks", 4) if spec.architecture == "fsrcnn" else 4
    head = f"{'filter' if spec.architecture == 'esr_cnn' else 'net'}.{last}."
    return replace(recipe, start=WarmStart(model=f"{model.removesuffix(f'_x{spec.scale}')}_x2", fresh=(head,)))


def _edge(model: str, *, steps: int, batch_size: int, learning_rate: float, warmup_steps: int) -> Recipe:
    stage = Stage(
        steps=steps,
        batch_size=batch_size,
        patch_size=PATCH_SIZES[MODELS[model].scale],
        losses=(LossTerm(name="l2"),),
        optim=Optimizer(learning_rate=learning_rate),
        schedule=Schedule(name="cosine", warmup_steps=warmup_steps),
    )
    return Recipe(
        name=model,
        model=model,
        stages=(stage,),
        slow_means=True,
        studio_fraction=0.5,
        reductions=(1.0, 0.5),
        validate_every=max(1, steps // 8),
    )
