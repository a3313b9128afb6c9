"""Recipes of the networks beyond the edge family.

Losses, rates and the course of the rates follow the papers; the number of steps and the batch are what a computer can
do in hours instead of days: 100 000 steps of 16 crops, where the papers have a million of 16 to 64 (``--set
steps=1000000 --set batch_size=64``). x3 and x4 start from x2, which is worth more than the same time from scratch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from upres.lab.checkpoint import build
from upres.lab.compress.quantize.network import suitable_layers
from upres.lab.data.degradations import CRISP, DRAWN, LIGHT, PHOTOGRAPH, REDUCED
from upres.lab.losses.adversarial import Adversary
from upres.lab.losses.criterion import LossTerm
from upres.lab.training.recipe import Optimizer, Recipe, Schedule, Stage, WarmStart
from upres.lab.zoo import MODELS

_STEPS = 100_000
_L1 = (LossTerm(name="l1"),)
_L2 = (LossTerm(name="l2"),)
MEAN_PSNR = LossTerm(name="l2", arguments={"focus": 0.2, "luma": 0.8})
"""What a mean of PSNRs on Y measures: crops count almost alike, however hard, and mostly by their luma."""
MEAN_PSNR_IN_COLOR = LossTerm(name="l2", arguments={"focus": 0.2, "luma": 0.5})
"""The same with colours at half of the weight: noise and JPEG leave more of their error there than in the luma."""
_HALVINGS = Schedule(name="step", milestones=(0.2, 0.4, 0.6, 0.8))
"""The literature's habit: halved every 200 thousand of a million steps."""
_LATE_HALVING = Schedule(name="step", milestones=(0.67,))
_COSINE = Schedule(name="cosine", warmup_steps=500)

_CROPS = {2: (2, 96), 3: (4, 64), 4: (4, 64)}
"""Scale -> crops in a batch and their low-resolution side: about the same work.

Large crops, because a network sees zeros beyond their borders: x2 gained 0.04 dB on whole pictures in 1400 steps by 2
crops of 96 pixels instead of 8 of 48.
"""
_REDUCTIONS = (1.0, 0.5)
"""Sizes at which pictures are shown: reduced photographs are as sharp as the pictures that networks are judged on."""

_BASES_OF_MATRICES = ("rlfn",)
"""Architectures that keep the form of SOAP in which what ships was trained, so that their runs can go on."""

REAL_BASES = ("rlfn", "rlfn_s", "rlfn_c32b6", "plain_c32b6")
"""Networks with recipes for real photographs, ``{base}_real_x{scale}``."""

LIGHT_BASES = ("plain_c32b6",)
"""Networks with recipes for JPEGs of good quality, ``{base}_light_x{scale}``."""

DRAWN_BASES = ("rlfn_c32b6",)
"""Networks with recipes for drawings and screens, ``{base}_drawn_x{scale}``."""

CLEAN_BASES = ("rlfn_c32b6", "rlfn_s")
"""Networks with recipes for clean photographs, however they were made small, ``{base}_clean_x{scale}``."""

CRISP_BASES = ("rlfn_c32b6",)
"""Networks with recipes for photographs that look sharp, ``{base}_crisp_x{scale}``."""

INT8_BASES = ("rlfn_c32b6",)
"""Networks with recipes for 8-bit arithmetic, ``{base}_int8_x{scale}``."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the papers of one architecture say."""

    learning_rate: float
    schedule: Schedule = _HALVINGS
    losses: tuple[LossTerm, ...] = _L1
    patch_size: int = 48
    clip_norm: float = 0.0
    fine_tune: bool = False
    """A last fifth with the squared error at a tenth of the rate."""
    head: tuple[str, ...] = ("upsampler.",)
    """Beginnings of the tensor names that x3 and x4 do not take from x2."""


SETTINGS: Mapping[str, Settings] = {
    "vdsr": Settings(learning_rate=1e-4, losses=_L2, patch_size=32, clip_norm=0.4, head=()),
    "rrdbnet": Settings(learning_rate=2e-4, head=("enlarge.",)),
    "srvggnet_compact": Settings(learning_rate=2e-4, head=("tail.",)),
    "edsr": Settings(learning_rate=1e-4, schedule=_LATE_HALVING),
    "rdn": Settings(learning_rate=1e-4, patch_size=32),
    "carn": Settings(learning_rate=1e-4, schedule=_LATE_HALVING, patch_size=64),
    "imdn": Settings(learning_rate=2e-4),
    "rfdn": Settings(learning_rate=5e-4, patch_size=64),
    "ecbsr": Settings(learning_rate=5e-4, schedule=Schedule(name="constant"), patch_size=64, head=()),
    "bsrn": Settings(learning_rate=1e-3, schedule=_COSINE),
    "fmen": Settings(learning_rate=5e-4, patch_size=64, fine_tune=True),
    "efdn": Settings(
        learning_rate=5e-4,
        losses=(LossTerm(name="l1"), LossTerm(name="gradient_variance", weight=0.1)),
        patch_size=64,
    ),
    "neesr": Settings(learning_rate=5e-4, patch_size=64, fine_tune=True),
    "mobilesr": Settings(learning_rate=5e-4, schedule=_COSINE, patch_size=64, clip_norm=1.0),
    "imdn_plus": Settings(learning_rate=2e-4, schedule=Schedule(name="cyclic", cycles=4), fine_tune=True),
    "lwfanet": Settings(learning_rate=2e-4, schedule=Schedule(name="cyclic", cycles=4), head=()),
    "span": Settings(learning_rate=5e-4, patch_size=64),
}
"""Architecture -> settings."""


def general(model: str) -> Recipe:
    """The recipe of any architecture in `SETTINGS`: one stage, or two where the paper ends with the squared error."""
    spec = MODELS[model]
    settings = SETTINGS[spec.architecture]
    stage = Stage(
        steps=_STEPS,
        patch_size=settings.patch_size,
        losses=settings.losses,
        optim=Optimizer(learning_rate=settings.learning_rate, clip_norm=settings.clip_norm),
        schedule=settings.schedule,
    )
    stages: tuple[Stage, ...] = (stage,)
    if settings.fine_tune:
        stages = (replace(stage, steps=_STEPS * 4 // 5), _fine_tuning(stage, steps=_STEPS // 5))
    start = WarmStart(model=_at_x2(model), fresh=settings.head) if spec.scale > 2 else WarmStart()
    return Recipe(name=model, model=model, stages=stages, start=start, validate_every=5000)


def shipping(model: str) -> Recipe:
    """RLFN as it ships, and plain trunks: the error as a mean of PSNRs weighs it, a cosine, once more at a low rate.

    x2 from scratch, the others from x2. Widths that suit the machine are 32 (``rlfn_c32b6``) and 48 (``rlfn_s``).
    SOAP is after a thousand steps where Adam is after ten thousand, and a step takes a fifth longer.
    """
    scratch = MODELS[model].scale == 2
    first = _shipping_stage(model, steps=75_000 if scratch else 50_000)
    return Recipe(
        name=model,
        model=model,
        stages=(first, _fine_tuning(first, steps=15_000 if scratch else 10_000, losses=(MEAN_PSNR,))),
        precision="bf16",
        start=WarmStart() if scratch else WarmStart(model=_at_x2(model), fresh=("upsampler.",)),
        reductions=_REDUCTIONS,
        validate_every=5000,
    )


def four_stages(model: str) -> Recipe:
    """The winner's way to a small network: x2, its own scale, contrastive loss, and two channels fewer.

    The first three stages train 48 channels: at x2 from scratch; at the model's scale from that; with the contrastive
    loss beside the absolute error, 1 to 255 as for pictures in 0..255. The last one keeps the strongest 46 and
    minimises the squared error on larger crops.

    Reference: Kong et al., 2022, arXiv:2205.07514, section 4.
    """
    wide = {"num_channels": 48}
    first = Stage(
        steps=40_000, losses=_L1, optim=Optimizer(learning_rate=5e-4), schedule=_HALVINGS, scale=2, arguments=wide
    )
    second = replace(first, scale=0, start=WarmStart(fresh=("upsampler.",)))
    third = replace(
        second,
        steps=20_000,
        losses=(LossTerm(name="l1"), LossTerm(name="contrastive", weight=1 / 255)),
        optim=Optimizer(learning_rate=2e-4),
        start=WarmStart(),
    )
    fourth = replace(_fine_tuning(third, steps=20_000), arguments={}, patch_size=64)
    return Recipe(name=model, model=model, stages=(first, second, third, fourth), validate_every=5000)


def real(name: str) -> Recipe:
    """A network for photographs as they are: begins with the bicubic one and learns to undo blur, noise and JPEG."""
    model = name.replace("_real", "")
    stage = replace(_shipping_stage(model, steps=60_000), losses=(MEAN_PSNR_IN_COLOR,), degradation=PHOTOGRAPH)
    return Recipe(
        name=name,
        model=model,
        stages=(stage,),
        start=WarmStart(model=model),
        precision="bf16",
        reductions=_REDUCTIONS,
        validate_every=5000,
    )


def light(name: str) -> Recipe:
    """A network for JPEGs of good quality: x2 begins with that for photographs as they are, the others with x2."""
    recipe = real(name.replace("_light", "_real"))
    (stage,) = recipe.stages
    stage = replace(stage, steps=10_000, degradation=LIGHT, optim=replace(stage.optim, learning_rate=2e-3))
    is_x2 = MODELS[recipe.model].scale == 2
    start = WarmStart(model=recipe.name) if is_x2 else WarmStart(model=_at_x2(name), fresh=("upsampler.",))
    return replace(recipe, name=name, stages=(stage,), start=start, validate_every=2000)


def clean(name: str) -> Recipe:
    """A network for clean photographs that any program made small: begins with that for bicubic reductions.

    What ships lies four tenths of the way back to that start (``upres export --towards``). ``rlfn_s`` begins with
    copies of the channels of the narrower one instead, and sees fewer crops by other filters.
    """
    recipe = real(name.replace("_clean", "_real"))
    (stage,) = recipe.stages
    stage = replace(
        stage,
        steps=12_000,
        losses=(MEAN_PSNR,),
        degradation=REDUCED,
        optim=replace(stage.optim, learning_rate=1e-3),
    )
    start = recipe.start
    if recipe.model.startswith("rlfn_s"):
        stage = replace(
            stage, degradation=replace(REDUCED, share=0.3), optim=replace(stage.optim, learning_rate=1.5e-3)
        )
        start = WarmStart(model=name.replace("rlfn_s", "rlfn_c32b6"), wide=True)
    return replace(recipe, name=name, stages=(stage,), start=start, validate_every=2000)


def drawn(name: str) -> Recipe:
    """A network for drawings and screens, clean or JPEG: begins with that for clean photographs.

    The absolute error, as blank crops, of which there are many, would lead a mean of PSNRs. What ships went 0.15 of the
    way back to that start (``upres export --towards``), and from there 700 steps at a fifth of the rate with an
    ``ema_decay`` of 0.99, without which flat colours are off by two levels; x4 went 0.05 of the way, and no further.
    """
    recipe = real(name.replace("_drawn", "_real"))
    (stage,) = recipe.stages
    stage = replace(stage, steps=12_000, losses=_L1, degradation=DRAWN, optim=replace(stage.optim, learning_rate=1e-3))
    start = WarmStart(model=name.replace("drawn", "clean"))
    return replace(recipe, name=name, stages=(stage,), start=start, rendered=1000, validate_every=2000)


def crisp(name: str) -> Recipe:
    """A network that makes photographs look sharp: that for photographs as they are goes on against a discriminator.

    x3, where there is none of those, begins with x2. The absolute error alone would be as soft as its start. The other
    terms are weighted so that, on degraded crops and at the start, wavelet bands and features pull about as hard as it
    does, and the discriminator comes to that in its first steps; artefacts weigh more the more there are, and the grid
    that a discriminator drives sub-pixel layers to is held down. ``stages.0.losses.1.weight=0`` (wavelet),
    ``stages.0.losses.2.weight=0`` (features), ``stages.0.losses.3.weight=0`` (artefacts),
    ``stages.0.losses.4.weight=0`` (grid), ``stages.0.adversary.weight=0`` and ``degradation.second_order_ratio=[1,1]``
    switch the pieces off; ``degradation.sharpened_amount=[0.5,0.5]`` switches sharpened targets on.
    """
    recipe = real(name.replace("_crisp", "_real"))
    (stage,) = recipe.stages
    scale = MODELS[recipe.model].scale
    stage = replace(
        stage,
        steps=4_000,
        batch_size=4,
        patch_size=max(48, 128 // scale),
        losses=(
            LossTerm(name="l1"),
            LossTerm(name="wavelet", weight=0.5),
            LossTerm(name="features", weight=0.02, arguments={"teacher": "plain_c48b6_deblock"}),
            LossTerm(name="ldl", weight=5.0),
            LossTerm(name="checkerboard", weight=2.0, arguments={"period": scale}),
        ),
        degradation=CRISP,
        adversary=Adversary(weight=0.1, learning_rate=2e-4, after=0.05, ramp=0.1),
        optim=replace(stage.optim, learning_rate=5e-4),
    )
    start = WarmStart(model=_at_x2(name), fresh=("upsampler.",)) if scale == 3 else WarmStart(model=recipe.name)
    return replace(recipe, name=name, stages=(stage,), start=start, validate_every=1000)


def int8(name: str) -> Recipe:
    """The network of that name without ``_int8``, trained a little longer with its wide 3x3 convolutions in 8 bits.

    The same loss at a tenth of the rate that the network was made with, falling to nothing.
    """
    model = name.replace("_int8", "")
    stage = _fine_tuning(_shipping_stage(model, steps=1000), steps=1000, losses=(MEAN_PSNR,))
    return Recipe(
        name=name,
        model=model,
        stages=(stage,),
        start=WarmStart(model=model),
        precision="bf16",
        ema_decay=0.99,
        quantized=suitable_layers(build(MODELS[model])),
        reductions=_REDUCTIONS,
        validate_every=500,
    )


def _shipping_stage(model: str, *, steps: int) -> Stage:
    """What networks that ship have in common."""
    batch_size, patch_size = _CROPS[MODELS[model].scale]
    return Stage(
        steps=steps,
        batch_size=batch_size,
        patch_size=patch_size,
        losses=(MEAN_PSNR,),
        optim=Optimizer(
            name="soap",
            learning_rate=3e-3,
            betas=(0.95, 0.95),
            per_mode=MODELS[model].architecture not in _BASES_OF_MATRICES,
        ),
        schedule=Schedule(name="cosine", warmup_steps=200),
    )


def _fine_tuning(stage: Stage, *, steps: int, losses: tuple[LossTerm, ...] = _L2) -> Stage:
    """These losses, the squared error unless told otherwise, at a tenth of the rate, falling to nothing."""
    optim = replace(stage.optim, learning_rate=stage.optim.learning_rate / 10)
    return replace(stage, steps=steps, losses=losses, optim=optim, schedule=Schedule(name="cosine"))


def _at_x2(model: str) -> str:
    return f"{model.rsplit('_x', 1)[0]}_x2"
