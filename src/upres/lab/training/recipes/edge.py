"""Recipes of the small luma networks: eSR, ESPCN, FSRCNN, eSR-CNN."""

from collections.abc import Mapping
from dataclasses import replace

from upres.lab.data.degradations import DRAWN, PHOTOGRAPH, REDUCED
from upres.lab.losses.criterion import LossTerm
from upres.lab.training.recipe import Optimizer, Recipe, Schedule, Stage, WarmStart
from upres.lab.zoo import MODELS

REAL_BASES = ("espcn_d22s32",)
"""Networks with recipes for real photographs, ``{base}_real_x{scale}``."""

CLEAN_BASES = ("espcn_d22s32",)
"""Networks with recipes for photographs that any program made small, ``{base}_clean_x{scale}``."""

DRAWN_BASES = ("espcn_d22s32",)
"""Networks with recipes for drawings and screens, ``{base}_drawn_x{scale}``."""

PATCH_SIZES: Mapping[int, int] = {2: 120, 3: 80, 4: 60}
"""Low-resolution side of a crop for each scale, nearly all of a tile of half its size.

Along a crop's border the network sees zeros. In small crops that is a larger part than in any picture, and the network
learns borders instead of pictures: eSR-MAX K7 C8 gained 0.18 dB by crops of 120 instead of 48 pixels.
"""


_SOAP = Optimizer(name="soap", learning_rate=1e-2, betas=(0.95, 0.95))

_L2 = LossTerm(name="l2")
_FOCUSED = LossTerm(name="l2", weight=1e6, arguments={"focus": 3.0})
"""For eSR-MAX, which sharpens either the edges of hard crops or the grain of easy ones."""
_ALIKE = LossTerm(name="l2", arguments={"focus": 0.2})
"""Crops count almost alike, or the noisiest would be all that is learned."""
_COMPRESSED = PHOTOGRAPH.changed(
    blur_chance=(0.2, 0.2), noise_chance=(0.2, 0.2), correlated_noise_chance=(0.1, 0.1), jpeg_chance=(0.9, 0.9)
)
"""Mostly JPEG: a network of some thousand parameters that removes strong noise blurs everything else."""


def one_layer(model: str) -> Recipe:
    """eSR-MAX, eSR-TM, eSR-TR: limited by capacity, so small batches and a short run get there.

    The squared error is what PSNR measures, and these networks have nothing else to gain: with the absolute error
    the strong edges, where they can beat an interpolation, hardly count.
    """
    loss = _FOCUSED if MODELS[model].architecture == "esr_max" else _L2
    recipe = _edge(model, steps=5000, loss=loss, optim=replace(_SOAP, learning_rate=3e-3))
    return replace(recipe, share_orbits=True)


def edge_cnn(model: str) -> Recipe:
    """eSR-CNN, ESPCN and FSRCNN: limited by training; x3 and x4 start from x2.

    eSR-CNN starts with filters without a mean and learns their means as fast as the rest: +0.14 dB after 2000 steps,
    where ESPCN loses 0.08.
    """
    spec = MODELS[model]
    recipe = _edge(model, steps=12_000 if spec.scale == 2 else 8_000)
    recipe = replace(recipe, slow_means=spec.architecture != "esr_cnn")
    if spec.scale == 2:
        return recipe
    last = 6 + 2 * spec.arguments.get("num_blocks", 4) if spec.architecture == "fsrcnn" else 4
    head = f"{'filter' if spec.architecture == 'esr_cnn' else 'net'}.{last}."
    return replace(recipe, start=WarmStart(model=f"{model.removesuffix(f'_x{spec.scale}')}_x2", fresh=(head,)))


def real_edge(name: str) -> Recipe:
    """A small network for photographs as they are, ``{model}_real_x{scale}``: begins with the bicubic one."""
    recipe = edge_cnn(name.replace("_real", ""))
    stage = replace(recipe.stages[0], steps=20_000, losses=(_ALIKE,), degradation=_COMPRESSED)
    return _gone_on(name, recipe, stage)


def clean_edge(name: str) -> Recipe:
    """A small network for clean photographs that any program made small, ``{model}_clean_x{scale}``.

    It begins with the bicubic one and ships as it is trained: on the way back it is worse than at either end.
    """
    recipe = edge_cnn(name.replace("_clean", ""))
    return _gone_on(name, recipe, replace(recipe.stages[0], steps=8000, degradation=REDUCED))


def drawn_edge(name: str) -> Recipe:
    """A small network for drawings and screens, ``{model}_drawn_x{scale}``: begins with the bicubic one.

    The absolute error, as in `upres.lab.training.recipes.rgb.drawn`.
    """
    recipe = edge_cnn(name.replace("_drawn", ""))
    stage = replace(recipe.stages[0], steps=8000, losses=(LossTerm(name="l1"),), degradation=DRAWN)
    return replace(_gone_on(name, recipe, stage), rendered=1000)


def _gone_on(name: str, recipe: Recipe, stage: Stage) -> Recipe:
    """The network of that recipe, trained on with this stage."""
    return replace(
        recipe,
        name=name,
        stages=(stage,),
        start=WarmStart(model=recipe.model),
        studio_fraction=0.0,
        validate_every=stage.steps // 4,
    )


def _edge(model: str, *, steps: int, loss: LossTerm = _L2, optim: Optimizer = _SOAP) -> Recipe:
    stage = Stage(
        steps=steps,
        batch_size=2,
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
        reductions=(0.5,),
        validate_every=max(1, steps // 8),
    )
