"""What the entries of the efficiency challenges changed, a change a row."""

from dataclasses import replace
from typing import Any

from upres.lab.losses.criterion import LossTerm
from upres.lab.studies.study import SHORT_STAGE, SMALL, Row, Study
from upres.lab.training.recipe import Stage, WarmStart
from upres.lab.training.recipes.rgb import MEAN_PSNR

_HALF = replace(SHORT_STAGE, steps=600)
_ABSOLUTE = LossTerm(name="l1")
_WIDE = {"num_channels": 26}


def _trick(label: str, says: str, *, against: str = "rlfb", **changes: Any) -> Row:
    arguments = {**SMALL, **changes.pop("arguments", {})}
    stages = changes.pop("stages", (SHORT_STAGE,))
    return Row(label=label, says=says, against=against, model="rlfn_x4", arguments=arguments, stages=stages, **changes)


def _losses(*terms: LossTerm) -> tuple[Stage, ...]:
    return (replace(SHORT_STAGE, losses=terms),)


_ROWS = (
    _trick("rlfb", "RLFB: the baseline of this table", against=""),
    Row(
        label="rfdb",
        says="RFDB instead of RLFB",
        against="rlfb",
        stages=(SHORT_STAGE,),
        model="e_rfdn_x4",
        arguments={**SMALL, "attention_channels": 16},
    ),
    Row(
        label="separable",
        says="blueprint-separable convolutions (BSRN) instead of dense ones in the RFDB",
        against="rfdb",
        stages=(SHORT_STAGE,),
        model="bsrn_x4",
        arguments={**SMALL, "attention_channels": 16},
    ),
    _trick("esa_full", "full ESA instead of the reduced one", arguments={"full_attention": True}),
    _trick("expanded", "re-parameterised 3x3 convolutions (ECB), folded", arguments={"expanded": True}),
    _trick("silu", "SiLU instead of LReLU", arguments={"activation": "silu"}),
    _trick("gelu", "GELU instead of LReLU", arguments={"activation": "gelu"}),
    _trick("wide", "26 channels instead of 24", arguments=_WIDE),
    _trick(
        "pruned",
        "24 channels kept of 26 half-way, instead of 26 to the end (48 to 46 in the challenge)",
        against="wide",
        stages=(replace(_HALF, arguments=_WIDE), _HALF),
    ),
    _trick("squared", "squared error instead of L1", stages=_losses(LossTerm(name="l2"))),
    _trick(
        "mean_psnr",
        "squared error of each crop to the power 0.2, four fifths of it the luma's (ours)",
        against="squared",
        stages=_losses(MEAN_PSNR),
    ),
    _trick(
        "contrastive",
        "contrastive loss beside L1",
        stages=_losses(_ABSOLUTE, LossTerm(name="contrastive", weight=1 / 255)),
    ),
    _trick(
        "gradient_variance",
        "gradient-variance loss beside L1",
        stages=_losses(_ABSOLUTE, LossTerm(name="gradient_variance", weight=0.1)),
    ),
    _trick(
        "stages",
        "two stages, L1 and L2, in the same time",
        stages=(
            _HALF,
            replace(_HALF, losses=(LossTerm(name="l2"),), optim=replace(SHORT_STAGE.optim, learning_rate=3e-4)),
        ),
    ),
    _trick(
        "warm_start",
        "half of the time at x2, then x4 from that",
        stages=(replace(_HALF, scale=2), replace(_HALF, start=WarmStart(fresh=("upsampler.",)))),
    ),
    _trick("no_ema", "no running mean of the weights", ema_decay=0.0),
)

STUDY = Study(name="tricks", title="The efficiency challenge's lessons", rows=_ROWS, seeds=(0, 1))
