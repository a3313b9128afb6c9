"""Recipes of the small luma networks: eSR, ESPCN, FSRCNN, eSR-CNN."""

from collections.abc import Mapping
from dataclasses import replace

from upres.lab.losses.criterion import LossTerm
from upres.lab.training.recipe import Optimizer, Recipe, Schedule, Stage, WarmStart
from upres.lab.zoo import MODELS

PATCH_SIZES: Mapping[int, int] = {2: 48, 3: 40, 4: 32}
"""Low-resolution side of a crop for each scale: about the same high-resolution area."""


_SOAP = Optimizer(name="soap", learning_rate=1e-2, betas=(0.95, 0.95))

_L2 = LossTerm(name="l2")
_FOCUSED = LossTerm(name="l2", weight=1e6, arguments={"focus": 3.0})
"""For eSR-MAX, which sharpens either the edges of hard crops or the grain of easy ones."""


def one_layer(model: str) -> Recipe:
    """eSR-MAX, eSR-TM, eSR-TR: limited by capacity, so small batches and a short run get there.

    The squared error is what PSNR measures, and these networks have nothing else to gain: with the absolute error
    the strong edges, where they can beat an interpolation, hardly count.
    """
    loss = _FOCUSED if MODELS[model].architecture == "esr_max" else _L2
    recipe = _edge(model, steps=5000, batch_size=4, loss=loss, optim=replace(_SOAP, learning_rate=3e-3))
    return replace(recipe, share_orbits=True)


def edge_cnn(model: str) -> Recipe:
    """eSR-CNN, ESPCN and FSRCNN: limited by training; x3 and x4 start from x2.

    eSR-CNN starts with filters without a mean and learns their means as fast as the rest: +0.14 dB after 2000 steps,
    where ESPCN loses 0.08.
    """
    spec = MODELS[model]
    recipe = _edge(model, steps=12_000 if spec.scale == 2 else 8_000, batch_size=8)
    recipe = replace(recipe, slow_means=spec.architecture != "esr_cnn")
    if spec.scale == 2:
        return recipe
    last = 6 + 2 * spec.arguments.get("num_blocks", 4) if spec.architecture == "fsrcnn" else 4
    head = f"{'filter' if spec.architecture == 'esr_cnn' else 'net'}.{last}."
    return replace(recipe, start=WarmStart(model=f"{model.removesuffix(f'_x{spec.scale}')}_x2", fresh=(head,)))


def _edge(model: str, *, steps: int, batch_size: int, loss: LossTerm = _L2, optim: Optimizer = _SOAP) -> Recipe:
    stage = Stage(
        steps=steps,
        batch_size=batch_size,
        patch_size=PATCH_SIZES[MODELS[model].scale],
        losses=(loss,),
        optim=optim,
        schedule=Schedule(name="cosine", warmup_steps=200),
    )
    return Recipe(
        name=model,
        model=model,
        stages=(stage,),
        slow_means=True,
        studio_fraction=0.5,
        reductions=(0.5, 0.25),
        validate_every=max(1, steps // 8),
    )
