"""GhostSR's claims (Nie et al., 2021, arXiv:2101.08525) and their rivals, on networks that two cores can train.

* `CONVERTED`: half of the convolutions of a trained EDSR replaced, by ghosts and by other means, each trained on for
  the same steps; inner pruning by half has exactly the ghosts' operations.
* `SCRATCH`: ghosts from nothing, and a narrow plain network of as many operations, for as many steps as the teacher.
* `OFFSETS`: shares of ghosts by how their offsets are found, and what larger or more offsets give.
* `WIRING`: a network whose blocks share weights and group channels (CARN_M), and a chain (VDSR).
* `DENSE`: one that joins features (RDN).
* `FOURFOLD`: conversion at x4.

Studies with the same teacher share its run where their runs lie in one folder.
"""

from dataclasses import replace
from typing import Any

from upres.lab.losses.criterion import LossTerm
from upres.lab.studies.study import Row, Study
from upres.lab.training.recipe import Optimizer, Recipe, Schedule, Shrink, Stage, WarmStart

_TEACHER_STAGE = Stage(
    steps=30_000,
    batch_size=4,
    losses=(LossTerm(name="l1"),),
    optim=Optimizer(name="soap", learning_rate=3e-3, betas=(0.95, 0.95), per_mode=True),
    schedule=Schedule(name="cosine", warmup_steps=200),
)
_ON = replace(_TEACHER_STAGE, steps=6_000, optim=replace(_TEACHER_STAGE.optim, learning_rate=7.5e-4))
"""How a converted network is trained on: a quarter of the rate."""
_SHORT = replace(_ON, steps=2_500)
_SMALLER = replace(_TEACHER_STAGE, steps=6_000, patch_size=32)
"""Teachers of networks other than EDSR."""
_SMALLER_ON = replace(_SHORT, patch_size=32)


def _faded(shrink: Shrink) -> tuple[Stage, ...]:
    """SRP in the same steps: in the first half channels fade for 2500 steps and are held at that, then they are cut."""
    half = replace(_ON, steps=3_000)
    return replace(half, shrink=shrink), half


_EDSR = {"num_channels": 32, "num_blocks": 8}
_CARN_M = {"num_channels": 32}
_RDN = {"num_channels": 32, "growth": 32, "num_blocks": 4, "num_layers": 4}
_VDSR = {"num_channels": 32, "num_layers": 10}

_GHOST = {"name": "ghost", "share": 0.5}
_PRUNE = {"name": "prune", "kind": "inner", "share": 0.5}
_FIXED = {"estimator": "none"}
"""Offsets stay as they were placed."""


def _teacher(
    name: str, model: str, arguments: dict[str, Any], *, stage: Stage = _TEACHER_STAGE, start: str = ""
) -> Recipe:
    return Recipe(
        name=name,
        model=model,
        arguments=arguments,
        stages=(stage,),
        start=WarmStart(model=start, fresh=("upsampler.",) if start else ()),
        precision="bf16",
        validate_every=stage.steps,
    )


_EDSR_X2 = _teacher("teacher_edsr_c32b8_x2", "edsr_baseline_x2", _EDSR)
_EDSR_X4 = _teacher(
    "teacher_edsr_c32b8_x4",
    "edsr_baseline_x4",
    _EDSR,
    stage=replace(_TEACHER_STAGE, steps=6_000),
    start=_EDSR_X2.name,
)
_CARN_M_X2 = _teacher("teacher_carn_m_c32_x2", "carn_m_x2", _CARN_M, stage=_SMALLER)
_RDN_X2 = _teacher("teacher_rdn_d4c4g32_x2", "rdn_x2", _RDN, stage=_SMALLER)
_VDSR_X2 = _teacher("teacher_vdsr_c32d10_x2", "vdsr_x2", _VDSR, stage=_SMALLER)


def _arm(
    label: str,
    says: str,
    *compress: dict[str, Any],
    teacher: Recipe = _EDSR_X2,
    against: str = "original",
    stages: tuple[Stage, ...] = (_ON,),
    seeds: tuple[int, ...] = (),
) -> Row:
    """A row that begins with the teacher's weights."""
    return Row(
        label=label,
        says=says,
        against="" if label == against else against,
        model=teacher.model,
        arguments=teacher.arguments,
        stages=stages,
        start=teacher.name,
        compress=compress,
        seeds=seeds,
    )


_TWICE = (0, 1)
"""For the arms that decide, and whose spread stands for the others'."""

CONVERTED = Study(
    name="ghost",
    title="Half of the convolutions replaced, and trained on",
    teachers=(_EDSR_X2,),
    seeds=(0,),
    rows=(
        _arm("original", "original: EDSR, 32 channels, 8 blocks, trained on", seeds=_TWICE),
        _arm("ghost", "ghosts: k-means, offsets learned", _GHOST, seeds=_TWICE),
        _arm("random", "ghosts, intrinsic filters at random", {**_GHOST, "intrinsic": "random"}, against="ghost"),
        _arm("depthwise", "depthwise ghosts", {**_GHOST, "offsets": "depthwise"}, against="ghost"),
        _arm("separable", "depthwise separable convolutions", {"name": "separable"}, against="ghost"),
        _arm("pruned_l1", "inner width halved by L1", {**_PRUNE, "importance": "l1"}, against="ghost"),
        _arm("pruned_fpgm", "inner width halved by FPGM", {**_PRUNE, "importance": "fpgm"}, against="ghost"),
        _arm(
            "pruned_taylor",
            "inner width halved by Taylor",
            {**_PRUNE, "importance": "taylor"},
            against="ghost",
            seeds=_TWICE,
        ),
        _arm("faded", "inner width halved by SRP", against="ghost", stages=_faded(Shrink(share=0.5, growth_every=5))),
        _arm(
            "aligned",
            "25 channels kept everywhere by SRP, the same in all that is added up",
            against="ghost",
            stages=_faded(Shrink(kind="all", width=25, growth_every=5)),
        ),
    ),
)


def _fresh(label: str, says: str, *compress: dict[str, Any], against: str = "ghost", **arguments: Any) -> Row:
    """A row from nothing, for as long as the teacher was trained."""
    return Row(
        label=label,
        says=says,
        against="" if label == against else against,
        model=_EDSR_X2.model,
        arguments={**_EDSR, **arguments},
        stages=(_TEACHER_STAGE,),
        compress=compress,
    )


_UNTRAINED = {"intrinsic": "order", "start": "random"}
"""Filters that were never trained have neither clusters nor offsets that fit."""

SCRATCH = Study(
    name="ghost_scratch",
    title="Small networks from nothing",
    seeds=(0,),
    rows=(
        _fresh("ghost", "ghosts, offsets learned", {**_GHOST, **_UNTRAINED}),
        _fresh("narrow", "plain, 25 channels: as many operations", num_channels=25),
    ),
)

OFFSETS = Study(
    name="ghost_offsets",
    title="Shares of ghosts, and their offsets",
    teachers=(_EDSR_X2,),
    seeds=(0,),
    rows=(
        *(
            _arm(
                f"{label}{share * 100:.0f}",
                f"{share * 100:.0f} % ghosts, offsets {says}",
                {"name": "ghost", "share": share, **options},
                against=f"learned{share * 100:.0f}",
                stages=(_SHORT,),
            )
            for share in (0.25, 0.5, 0.75)
            for label, says, options in (
                ("learned", "learned", {}),
                ("zero", "(0, 0): copies", {"start": "zero", **_FIXED}),
                ("drawn", "at random, fixed", {"start": "random", **_FIXED}),
            )
        ),
        _arm(
            "wide", "50 % ghosts, offsets up to 2", {**_GHOST, "max_offset": 2}, against="learned50", stages=(_SHORT,)
        ),
        _arm(
            "own",
            "50 % ghosts, an offset each",
            {**_GHOST, "offsets": "channel"},
            against="learned50",
            stages=(_SHORT,),
        ),
        _arm("fixed", "50 % ghosts, calibrated and fixed", {**_GHOST, **_FIXED}, against="learned50", stages=(_SHORT,)),
    ),
)


def _wired(name: str, says: str, teacher: Recipe) -> tuple[Row, ...]:
    """A network trained on with and without ghosts."""
    return tuple(
        _arm(
            f"{name}_{kind}",
            f"{says}, {how}",
            *steps,
            teacher=teacher,
            against=f"{name}_original",
            stages=(_SMALLER_ON,),
        )
        for kind, how, steps in (("original", "trained on", ()), ("ghost", "half ghosts", (_GHOST,)))
    )


WIRING = Study(
    name="ghost_wiring",
    title="Shared blocks and groups, a chain",
    teachers=(_CARN_M_X2, _VDSR_X2),
    seeds=(0,),
    rows=(
        *_wired("carn_m", "CARN_M of 32 channels", _CARN_M_X2),
        *_wired("vdsr", "VDSR of 32 channels, 10 layers", _VDSR_X2),
    ),
)

DENSE = Study(
    name="ghost_dense",
    title="Dense connections",
    teachers=(_RDN_X2,),
    seeds=(0,),
    rows=_wired("rdn", "RDN D4C4G32", _RDN_X2),
)

FOURFOLD = Study(
    name="ghost_x4",
    title="Half of the convolutions replaced at x4",
    teachers=(_EDSR_X2, _EDSR_X4),
    seeds=(0,),
    rows=(
        _arm("original", "original: EDSR, 32 channels, 8 blocks, trained on", teacher=_EDSR_X4, stages=(_SHORT,)),
        _arm("ghost", "ghosts: k-means, offsets learned", _GHOST, teacher=_EDSR_X4, stages=(_SHORT,)),
    ),
)
