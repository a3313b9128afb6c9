"""Files of the distillation networks and what came of them: IMDN, IMDN+, RFDN, BSRN and RLFN.

Ranges, identities and skips leave no trace in the shapes: every combination that has been published is tried.
"""

from typing import Any

from upres.lab.foreign.layouts.layout import Arguments, Layout, Shapes, State, numbered
from upres.lab.foreign.layouts.renaming import (
    RFDN_ESA,
    SQUEEZE_AND_EXCITE,
    Rule,
    layers,
    less_one,
    renamer,
    shuffle_scale,
    width,
    with_ranges,
    within,
)

FRAME: tuple[Rule, ...] = (
    (r"^fea_conv\.", "head."),
    (r"^LR_conv\.", "body_conv."),
    (r"^c\.0\.", "fusion.0."),
    (r"^upsampler\.upsampleOneStep\.", "upsampler."),
    (r"^(?:IMD)?B(\d+)\.", less_one("blocks.", ".")),
)


def _imdn(shapes: Shapes) -> list[Arguments]:
    num_channels, distilled = width(shapes, "fea_conv.weight"), width(shapes, "IMDB1.c4.weight")
    scale = shuffle_scale(shapes, "upsampler.0.weight")
    hidden = width(shapes, "IMDB1.cca.conv_du.0.weight")
    if not (num_channels and distilled and hidden and scale > 1):
        return []
    return with_ranges(
        {
            "scale": scale,
            "num_channels": num_channels,
            "num_blocks": numbered(shapes, r"IMDB(\d+)\..*"),
            "distillation_ratio": distilled / num_channels,
            "attention_reduction": 4 * distilled // hidden,
        }
    )


_IMDN_RULES: tuple[Rule, ...] = (
    *FRAME,
    (r"\.cca\.conv_du\.", ".attention.gate."),
    (r"\.c([123])\.", less_one(".stages.", ".")),
    (r"\.c4\.", ".last."),
    (r"\.c5\.", ".fusion."),
)


def _imdn_challenge(shapes: Shapes) -> list[Arguments]:
    num_channels, scale = width(shapes, "model.0.weight"), shuffle_scale(shapes, "model.2.weight")
    num_blocks = numbered(shapes, r"model\.1\.sub\.(\d+)\..*") - 1
    distilled = width(shapes, "model.1.sub.0.conv4.weight") or width(shapes, "model.1.sub.0.c4.weight")
    if not (num_channels and distilled and num_blocks > 0 and scale > 1):
        return []
    return with_ranges(
        {
            "scale": scale,
            "num_channels": num_channels,
            "num_blocks": num_blocks,
            "distillation_ratio": distilled / num_channels,
            "attention_reduction": None,
            "fuse_blocks": False,
            "body_kernel_size": width(shapes, f"model.1.sub.{num_blocks}.weight", 2),
        }
    )


_IMDN_CHALLENGE_RULES: tuple[Rule, ...] = (
    (r"^model\.0\.", "head."),
    (r"^model\.2\.", "upsampler.0."),
    (r"^model\.1\.sub\.\d+\.(weight|bias)$", r"body_conv.\1"),
    (r"^model\.1\.sub\.", "blocks."),
    (r"\.c(?:onv)?([123])\.(?:0\.)?(?=weight|bias)", less_one(".stages.", ".")),
    (r"\.c(?:onv)?4\.", ".last."),
    (r"\.(?:conv1x1|c5)\.", ".fusion."),
)


def _imdn_plus(shapes: Shapes) -> list[Arguments]:
    num_channels, scale = width(shapes, "FEM.0.weight"), shuffle_scale(shapes, "RM.0.weight")
    num_stages = numbered(shapes, r"FEM\.1\.sub\.0\.c(\d+)\..*") - 1
    if not (num_channels and num_stages > 0 and scale > 1):
        return []
    num_blocks = numbered(shapes, r"FEM\.1\.sub\.(\d+)\..*") - 1
    sizes = {"num_channels": num_channels, "num_blocks": num_blocks, "num_stages": num_stages}
    return with_ranges({"scale": scale, **sizes})


def _rename_imdn_plus(state: State) -> State:
    stages = max(int(name.split(".")[4][1:]) for name in state if name.startswith("FEM.1.sub.0."))
    rules = (
        (r"^FEM\.0\.", "head."),
        (r"^RM\.0\.", "upsampler.0."),
        (r"^FEM\.1\.sub\.\d+\.(weight|bias)$", r"body_conv.\1"),
        (r"^FEM\.1\.sub\.", "blocks."),
        (rf"\.c{stages}\.", ".fusion."),
        (r"\.c(\d+)\.", less_one(".stages.", ".")),
    )
    return renamer(rules)(state)


def _rfdn(shapes: Shapes) -> list[Arguments]:
    num_channels, distilled = width(shapes, "fea_conv.weight"), width(shapes, "B1.c1_d.weight")
    scale = shuffle_scale(shapes, "upsampler.0.weight")
    remaining = width(shapes, "B1.c1_r.weight")
    if not (num_channels and distilled and remaining and scale > 1 and "c.0.weight" in shapes):
        return []
    arguments = {
        "scale": scale,
        "num_channels": num_channels,
        "num_blocks": numbered(shapes, r"B(\d+)\..*"),
        "distillation_ratio": distilled / num_channels,
        "remaining_channels": remaining,
        **_attention(shapes, num_channels),
    }
    kernel_size = width(shapes, "B1.c1_d.weight", 2)
    plain, residual = ("imdb_r_fdc", "rfdb") if kernel_size == 1 else ("imdb_r", "imdb_r_srb")
    blocks = (residual, plain) if remaining == num_channels else (plain,)
    return with_ranges(arguments, block=blocks, block_skip=(False, True))


def _attention(shapes: Shapes, num_channels: int) -> dict[str, Any]:
    if esa := width(shapes, "B1.esa.conv_max.weight"):
        return {"attention": "esa", "attention_channels": esa, "attention_skip": "B1.esa.conv_f.weight" in shapes}
    if hidden := width(shapes, "B1.cca.conv_du.0.weight"):
        attended = width(shapes, "B1.cca.conv_du.0.weight", 1)
        reduction = attended // hidden
        return {"attention": "cca", "attention_reduction": reduction, "attention_first": attended != num_channels}
    return {"attention": "none"}


def _esa(at: str) -> tuple[str, ...]:
    return tuple(f"{at}.{name}" for name in ("conv1", "conv_f", "conv_max", "conv3_"))


STAGES: tuple[Rule, ...] = (
    (r"\.c([123])_d\.", less_one(".distilled.", ".")),
    (r"\.c([123])_r\.", less_one(".remaining.", ".")),
    (r"\.c4\.", ".last."),
    (r"\.c5\.", ".fusion."),
)

_RFDN_RULES: tuple[Rule, ...] = (
    *FRAME,
    *within(r"\.esa\.", RFDN_ESA),
    (r"\.cca\.conv_du\.", ".attention.gate."),
    (r"\.esa\.", ".attention."),
    *STAGES,
)


def _bsrn(shapes: Shapes) -> list[Arguments]:
    num_channels = width(shapes, "fea_conv.pw.weight")
    scale = shuffle_scale(shapes, "upsampler.upsampleOneStep.0.weight")
    if not (num_channels and "B1.c1_r.pw.weight" in shapes and scale > 1):
        return []
    return with_ranges(
        {
            "scale": scale,
            "num_channels": num_channels,
            "num_blocks": numbered(shapes, r"B(\d+)\..*"),
            "attention_channels": width(shapes, "B1.esa.conv1.weight"),
            "challenge": "B1.cw" in shapes,
        }
    )


_BSRN_RULES: tuple[Rule, ...] = (
    (r"\.pw\.", ".point."),
    (r"\.dw\.", ".depth."),
    *FRAME,
    (r"^c1\.", "fusion.0."),
    (r"^c2\.", "body_conv."),
    *within(r"\.esa\.", RFDN_ESA),
    (r"\.cca\.conv_du\.", ".channel.gate."),
    (r"\.esa\.", ".attention."),
    (r"\.cw$", ".channel.weight"),
    (r"\.conv_out\.", ".channel.project."),
    *STAGES,
)


def _rlfn(head: str, block: str) -> Layout:
    def match(shapes: Shapes) -> list[Arguments]:
        num_channels, mid = width(shapes, f"{head}.weight"), width(shapes, f"{block}1.c1_r.weight")
        scale, attention = shuffle_scale(shapes, "upsampler.0.weight"), width(shapes, f"{block}1.esa.conv1.weight")
        distils = f"{block}1.c1_d.weight" in shapes or f"{block}1.esa.conv_max.weight" in shapes
        if not (num_channels and mid and attention and scale > 1) or distils:
            return []
        return with_ranges(
            {
                "scale": scale,
                "num_channels": num_channels,
                "mid_channels": mid,
                "num_blocks": numbered(shapes, rf"{block}(\d+)\..*"),
                "esa_channels": attention,
            }
        )

    rules: tuple[Rule, ...] = (
        (r"^(conv_1|fea_conv)\.", "head."),
        (r"^(conv_2|LR_conv)\.", "body_conv."),
        (rf"^{block}(\d+)\.", less_one("blocks.", ".")),
        *within(r"\.esa\.", (*SQUEEZE_AND_EXCITE, (r"\.conv3\.", ".conv."))),
        (r"\.esa\.", ".attention."),
        (r"\.c([123])_r\.", r".conv\1."),
        (r"\.c5\.", ".fusion."),
    )
    names = layers(head, f"{block}1.c1_r", f"{block}1.c5", f"{block}1.esa.conv1", f"{block}1.esa.conv_f", "upsampler.0")
    return Layout(architecture="rlfn", match=match, rename=renamer(rules), by_trial=True, names=names)


LAYOUTS = (
    Layout(
        architecture="imdn",
        match=_imdn,
        rename=renamer(_IMDN_RULES),
        by_trial=True,
        names=layers("fea_conv", "IMDB1.c1", "IMDB1.cca.conv_du.0", "c.0", "LR_conv", "upsampler.0"),
    ),
    Layout(
        architecture="imdn",
        match=_imdn_challenge,
        rename=renamer(_IMDN_CHALLENGE_RULES),
        by_trial=True,
        names=layers(
            "model.0", "model.1.sub.0.conv1.0", "model.1.sub.0.conv4", "model.1.sub.0.conv1x1", "model.1.sub.8"
        ),
    ),
    Layout(
        architecture="imdn_plus",
        match=_imdn_plus,
        rename=_rename_imdn_plus,
        by_trial=True,
        names=layers("FEM.0", "FEM.1.sub.0.c1", "FEM.1.sub.8", "RM.0"),
    ),
    Layout(
        architecture="rfdn",
        match=_rfdn,
        rename=renamer(_RFDN_RULES),
        by_trial=True,
        names=layers("fea_conv", "B1.c1_d", "B1.c1_r", "B1.c4", "c.0", "LR_conv", "upsampler.0", *_esa("B1.esa")),
    ),
    Layout(
        architecture="bsrn",
        match=_bsrn,
        rename=renamer(_BSRN_RULES),
        by_trial=True,
        names=layers(
            *(f"{at}.{half}" for at in ("fea_conv", "B1.c1_r", "B1.c4", "B1.esa.conv3", "c2") for half in ("pw", "dw")),
            *("B1.c1_d", "B1.c5", "B1.esa.conv1", "B1.esa.conv_f", "B1.conv_out", "c1", "upsampler.upsampleOneStep.0"),
        ),
    ),
    _rlfn("conv_1", "block_"),
    _rlfn("fea_conv", "B"),
)
