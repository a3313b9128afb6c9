"""What papers on restoration claim, at a budget that two cores have.

* `ABLATION`: MIRNet without its parts (Zamir et al., 2020, arXiv:2003.06792, section 4.6), on camera noise.
* `RESTORERS`: MIRNet, its second version, NAFNet and a plain trunk at about as many operations a pixel.
* `ONE_RESOLUTION`: real super-resolution behind a bicubic interpolation, as MIRNet does it, and by a pixel shuffle.
* `NOISE_MODELS`: one network trained on Gaussian noise, on a sensor's, and on our mix (Brooks et al., 2019,
  arXiv:1811.11127; Guo et al., 2019, arXiv:1807.04686), judged by the noise of real cameras.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from upres.lab.data.degradations import NOISE, PHOTOGRAPH, Degradation
from upres.lab.data.degradations.camera_noise import CameraNoise
from upres.lab.data.degradations.jpeg import Jpeg
from upres.lab.data.degradations.noise import Noise
from upres.lab.losses.criterion import LossTerm
from upres.lab.studies.study import Row, Study
from upres.lab.training.recipe import Optimizer, Schedule, Stage

_STAGE = Stage(
    steps=800,
    batch_size=4,
    patch_size=64,
    losses=(LossTerm(name="charbonnier"),),
    optim=Optimizer(name="soap", learning_rate=3e-3, betas=(0.95, 0.95), per_mode=True),
    schedule=Schedule(name="cosine", warmup_steps=200),
    degradation=NOISE,
)
_LONGER = replace(_STAGE, steps=5000)
_RIVALRY = replace(_STAGE, steps=2000, patch_size=48, optim=Optimizer(name="adamw", learning_rate=1e-3))
"""AdamW, because the bases that SOAP keeps of NAFNet's wide layers cost more than all convolutions."""
_ENLARGING = replace(_STAGE, steps=2000, patch_size=32, degradation=PHOTOGRAPH)
_TWICE = (0, 1)
"""For the arms that decide, and whose spread stands for the others'."""

_NONE: Mapping[str, Any] = {}
MIRNET: dict[str, Any] = {"num_channels": 16, "num_groups": 1, "num_blocks": 1}
"""A MIRNet that two cores can train: 79 thousand multiply-adds a pixel, where the paper's has 7.3 million."""


def _row(
    label: str,
    says: str,
    model: str,
    *,
    first: str,
    stage: Stage,
    arguments: Mapping[str, Any] = _NONE,
    seeds: tuple[int, ...] = (),
) -> Row:
    """A row that is compared with the study's first."""
    against = "" if label == first else first
    return Row(label=label, says=says, against=against, model=model, arguments=arguments, stages=(stage,), seeds=seeds)


def _without(label: str, says: str, *, seeds: tuple[int, ...] = (), **arguments: Any) -> Row:
    return _row(label, says, "mirnet_n16", first="full", stage=_STAGE, arguments={**MIRNET, **arguments}, seeds=seeds)


ABLATION = Study(
    name="mirnet_ablation",
    title="MIRNet without its parts",
    seeds=(0,),
    rows=(
        _without("full", "MIRNet, 16 channels, one block: three rows, two columns", seeds=_TWICE),
        _without("no_skips", "nothing added to its input", seeds=_TWICE, skips=False),
        _without("no_attention", "plain residual units instead of dual attention", seeds=_TWICE, attention=False),
        _without("sum", "rows joined by their sum", seeds=_TWICE, fusion="sum"),
        _without("cat", "rows joined by concatenation and a 1x1 convolution", seeds=_TWICE, fusion="cat"),
        _without("rows1", "one row", num_rows=1),
        _without("rows2", "two rows", num_rows=2),
        _without("columns1", "one column", num_columns=1),
    ),
)

RESTORERS = Study(
    name="restorers",
    title="Restorers of about as many operations",
    seeds=_TWICE,
    rows=tuple(
        _row(label, says, model, first="plain", stage=_RIVALRY, arguments=arguments)
        for label, says, model, arguments in (
            (
                "plain",
                "plain trunk on squares of 2x2 pixels: 40 channels, 7 blocks",
                "plain_c32b6_denoise",
                {"num_channels": 40, "num_blocks": 7},
            ),
            ("mirnet", "MIRNet, 16 channels, one block", "mirnet_n16", MIRNET),
            ("mirnet_v2", "MIRNet-v2, 16 channels", "mirnet_v2_n16", {}),
            ("nafnet", "NAFNet, 26 channels, 16 blocks", "nafnet_w16", {"num_channels": 26}),
        )
    ),
)

ONE_RESOLUTION = Study(
    name="one_resolution",
    title="Real super-resolution at one resolution",
    seeds=_TWICE,
    rows=tuple(
        _row(label, says, model, first="shuffled", stage=_ENLARGING)
        for label, says, model in (
            ("shuffled", "plain trunk on the small picture, a pixel shuffle at its end", "plain_c32b6_x2"),
            ("enlarged", "the same trunk on squares of 2x2 enlarged pixels", "enlarged_plain_c32b6_x2"),
            ("mirnet", "MIRNet, 16 channels, one block, on enlarged pixels", "enlarged_mirnet_n16_x2"),
        )
    ),
)

_GAUSSIAN = Degradation(share=0.95, steps=(Noise(sigma=(0.0, 50.0)),))
_SENSOR = Degradation(
    share=0.95,
    steps=(
        CameraNoise(shot=(1e-4, 2.56e-2), mosaic=(1.0, 1.0)),
        Jpeg(quality=(60.0, 100.0), chance=(0.5, 0.5)),
    ),
)
"""As CBDNet's: noise of a mosaic up to a deviation of 0.16 in white, by turns behind JPEG."""

NOISE_MODELS = Study(
    name="noise_models",
    title="Noise to train on, judged by real cameras",
    seeds=_TWICE,
    validation="PolyU50",
    rows=tuple(
        _row(
            label,
            says,
            "plain_c32b6_denoise",
            first="gaussian",
            stage=replace(_LONGER, degradation=degradation),
        )
        for label, says, degradation in (
            ("gaussian", "Gaussian noise of sigma 0 to 50", _GAUSSIAN),
            ("sensor", "a sensor's noise, as CBDNet's", _SENSOR),
            ("mix", "our mix", NOISE),
        )
    ),
)
