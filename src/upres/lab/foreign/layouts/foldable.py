"""Files of networks that train in a wider form: NEESR, ECBSR, EFDN, FMEN and SPAN, expanded or folded."""

from upres.lab.foreign.layouts.distillation import FRAME, STAGES
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

FOLDED = ({"name": "fold"},)
"""Transforms of a network whose blocks are plain convolutions already."""


def _neesr(shapes: Shapes) -> list[Arguments]:
    num_channels, distilled = width(shapes, "fea_conv.weight"), width(shapes, "B1.c1_d.weight")
    scale, attention = shuffle_scale(shapes, "upsampler.0.weight"), width(shapes, "B1.esa.conv_23.weight")
    if not (num_channels and distilled and attention and scale > 1):
        return []
    folded = "B1.c1_r.conv1x1_3x3.k0" not in shapes
    return with_ranges(
        {
            "scale": scale,
            "num_channels": num_channels,
            "distilled_channels": distilled,
            "num_blocks": numbered(shapes, r"B(\d+)\..*"),
            "attention_channels": attention,
            "transforms": FOLDED if folded else (),
        }
    )


ECB_RULES: tuple[Rule, ...] = (
    (r"\.conv1x1_3x3\.k0$", ".expanded.point.weight"),
    (r"\.conv1x1_3x3\.b0$", ".expanded.point.bias"),
    (r"\.conv1x1_3x3\.k1$", ".expanded.conv.weight"),
    (r"\.conv1x1_3x3\.b1$", ".expanded.conv.bias"),
    (r"\.conv1x1_sbx\.", ".sobel_x."),
    (r"\.conv1x1_sby\.", ".sobel_y."),
    (r"\.conv1x1_lpl\.", ".laplacian."),
    (r"\.k0$", ".point.weight"),
    (r"\.b0$", ".point.bias"),
    (r"\.scale$", ".gain"),
)
"""Branches of edge-oriented blocks in the training form."""

ECB_CONSTANTS = r".*\.mask"
"""The fixed filters, which such files repeat."""


def _rename_neesr(state: State) -> State:
    folded = not any("conv1x1_3x3" in name for name in state)
    attention: tuple[Rule, ...] = (
        *SQUEEZE_AND_EXCITE,
        (r"\.conv_2\.", ".conv1."),
        (r"\.conv_3\.", ".conv2."),
        (r"\.conv_23\.", ".merge."),
    )
    rules: tuple[Rule, ...] = (
        *FRAME,
        *within(r"\.esa\.", attention),
        (r"\.esa\.", ".attention."),
        *STAGES,
        (r"\.conv3x3\.", "." if folded else ".conv."),
        *ECB_RULES,
    )
    return renamer(rules, drop=ECB_CONSTANTS)(state)


def _ecbsr(shapes: Shapes) -> list[Arguments]:
    layers = numbered(shapes, r"backbone\.(\d+)\..*")
    colors, num_channels = width(shapes, "backbone.0.conv3x3.weight", 1), width(shapes, "backbone.0.conv3x3.weight")
    scale = shuffle_scale(shapes, f"backbone.{layers - 1}.conv3x3.weight", colors) if colors else 0
    if layers < 2 or scale < 2:
        return []
    folded = "backbone.0.conv1x1_3x3.k0" not in shapes
    return with_ranges(
        {
            "scale": scale,
            "num_blocks": layers - 2,
            "num_channels": num_channels,
            "num_colors": colors,
            "activation": "prelu" if "backbone.0.act.weight" in shapes else "relu",
            "transforms": FOLDED if folded else (),
        },
        identity=(False,) if folded else (False, True),
    )


def _rename_ecbsr(state: State) -> State:
    folded = not any("conv1x1_3x3" in name for name in state)
    rules: tuple[Rule, ...] = (
        (r"^backbone\.(\d+)\.act\.", lambda match: f"body.{2 * int(match[1]) + 1}."),
        (r"^backbone\.(\d+)\.", lambda match: f"body.{2 * int(match[1])}."),
        (r"\.conv3x3\.", "." if folded else ".conv."),
        *ECB_RULES,
    )
    return renamer(rules, drop=ECB_CONSTANTS)(state)


def _efdn(shapes: Shapes) -> list[Arguments]:
    num_channels, scale = width(shapes, "head.weight"), shuffle_scale(shapes, "tail.0.weight")
    attention = width(shapes, "cells.0.att.conv1.weight")
    if not (num_channels and attention and "local_fuse.0.weight" in shapes and scale > 1):
        return []
    arguments = {"scale": scale, "num_channels": num_channels, "attention_channels": attention}
    wide = width(shapes, "cells.0.conv2.conv1x1_3x3.k0")
    if not wide:
        return with_ranges({**arguments, "transforms": FOLDED})
    return with_ranges({**arguments, "expansion": wide / num_channels}, identity=(False, True))


def _rename_efdn(state: State) -> State:
    folded = not any("conv1x1_3x3" in name for name in state)
    conv = (r"\.conv([123])\.rep_conv\.", less_one(".convs.", "." if folded else ".conv."))
    rules: tuple[Rule, ...] = (
        *within(r"\.att\.", RFDN_ESA),
        (r"\.att\.", ".attention."),
        (r"^tail\.", "upsampler."),
        (r"^local_fuse\.", "junctions."),
        (r"\.branch\.", ".distilled."),
        (r"\.fuse\.", ".fusion."),
        (r"\.conv([123])\.act\.", less_one(".acts.", ".")),
        (r"\.conv1\.conv1x1\.", ".convs.0."),
        conv,
        (r"\.conv([123])\.conv1x1\.", less_one(".convs.", ".point.")),
        (r"\.conv([123])\.", less_one(".convs.", ".")),
        *ECB_RULES,
    )
    return renamer(rules, drop=ECB_CONSTANTS)(state)


def _fmen(shapes: Shapes) -> list[Arguments]:
    num_channels, scale = width(shapes, "head.weight"), shuffle_scale(shapes, "tail.0.weight")
    expanded = "ERBs.0.conv1.fea_conv.weight" in shapes
    trunk, attentions = ("ERBs", "HFABs") if expanded else ("basic_blocks", "hfabs")
    blocks = numbered(shapes, rf"{trunk}\.(\d+)\..*")
    if not (num_channels and blocks and "warmup.1.squeeze.weight" in shapes and scale > 1):
        return []
    pairs = [numbered(shapes, r"warmup\.1\.convs\.(\d+)\..*")]
    pairs += [numbered(shapes, rf"{attentions}\.{i}\.convs\.(\d+)\..*") for i in range(blocks)]
    arguments = {
        "scale": scale,
        "num_channels": num_channels,
        "attention_channels": width(shapes, f"{attentions}.0.squeeze.weight"),
        "warmup_channels": width(shapes, "warmup.1.squeeze.weight"),
        "attention_pairs": pairs,
    }
    if not expanded:
        return with_ranges({**arguments, "transforms": FOLDED})
    inner = "HFABs.0.convs.0.conv1.expand_conv.weight"
    expansions = {
        "trunk_expansion": width(shapes, "ERBs.0.conv1.expand_conv.weight") // num_channels,
        "attention_expansion": width(shapes, inner) // max(width(shapes, inner, 1), 1),
    }
    return with_ranges({**arguments, **expansions})


_FMEN_RULES: tuple[Rule, ...] = (
    (r"^tail\.", "upsampler."),
    (r"^lr_conv\.", "body_conv."),
    (r"^(?:basic_blocks|ERBs)\.(\d+)\.", r"blocks.\1.0."),
    (r"^(?:hfabs|HFABs)\.(\d+)\.", r"blocks.\1.1."),
    (r"\.convs\.", ".pairs."),
    (r"\.excitate\.", ".excite."),
    (r"\.rep_conv\.", "."),
)


def _rename_fmen(state: State) -> State:
    if not any("expand_conv" in name for name in state):
        return renamer(_FMEN_RULES)(state)
    rules: tuple[Rule, ...] = (
        *_FMEN_RULES,
        (r"\.(squeeze|excite)\.", r".\1.conv."),
        (r"\.bn1\.", ".squeeze.norm_before."),
        (r"\.bn2\.", ".excite.norm_before."),
        (r"\.bn3\.", ".excite.norm_after."),
        (r"\.expand_conv\.", ".expand."),
        (r"\.fea_conv\.", ".conv."),
        (r"\.reduce_conv\.", ".reduce."),
    )
    return renamer(rules)(state)


def _span(shapes: Shapes) -> list[Arguments]:
    expanded = "conv_1.sk.weight" in shapes
    head = "conv_1.sk.weight" if expanded else "conv_1.eval_conv.weight"
    num_channels, scale = width(shapes, head), shuffle_scale(shapes, "upsampler.0.weight")
    if not (num_channels and "conv_cat.weight" in shapes and "block_1.c1_r.eval_conv.weight" in shapes and scale > 1):
        return []
    arguments = {
        "scale": scale,
        "num_channels": num_channels,
        "num_blocks": numbered(shapes, r"block_(\d+)\..*"),
        "cat_channels": width(shapes, "conv_cat.weight"),
        "transforms": () if expanded else FOLDED,
    }
    return [{**arguments, "input_gain": gain} for gain in (255.0, 1.0)]


def _rename_span(state: State) -> State:
    expanded = any(".sk." in name for name in state)
    rules: tuple[Rule, ...] = (
        (r"^conv_cat\.", "fusion."),
        (r"\.eval_conv\.", "."),
        (r"\.sk\.", ".skip."),
        (r"\.conv\.0\.", ".expand."),
        (r"\.conv\.2\.", ".reduce."),
        (r"\.conv\.1\.", ".conv."),
        (r"^conv_1\.", "head."),
        (r"^conv_2\.", "body_conv."),
        (r"^block_(\d+)\.", less_one("blocks.", ".")),
        (r"\.c([123])_r\.", r".conv\1."),
    )
    # files of the training form repeat what its branches fold to
    return renamer(rules, drop=r".*\.eval_conv\..*" if expanded else r"(?!)")(state)


LAYOUTS = (
    Layout(
        architecture="neesr",
        match=_neesr,
        rename=_rename_neesr,
        by_trial=True,
        names=layers(
            *("fea_conv", "B1.c1_d", "B1.c1_r.conv3x3", "B1.c4.conv3x3", "B1.c5", "LR_conv", "upsampler.0"),
            *(f"B1.esa.{name}" for name in ("conv1", "conv_f", "conv_2", "conv_23")),
        ),
    ),
    Layout(
        architecture="ecbsr",
        match=_ecbsr,
        rename=_rename_ecbsr,
        by_trial=True,
        names=(*layers("backbone.0.conv3x3"), "backbone.0.act.weight"),
    ),
    Layout(
        architecture="efdn",
        match=_efdn,
        rename=_rename_efdn,
        by_trial=True,
        names=(
            *layers("cells.0.conv1.conv1x1", "cells.0.conv2.rep_conv", "cells.0.branch.0", "cells.0.fuse"),
            *layers(
                "head", "tail.0", "local_fuse.0", *(f"cells.0.att.{name}" for name in ("conv1", "conv_f", "conv3_"))
            ),
            "cells.0.conv2.act.weight",
        ),
    ),
    Layout(
        architecture="fmen",
        match=_fmen,
        rename=_rename_fmen,
        by_trial=True,
        names=layers(
            *("head", "tail.0", "lr_conv", "warmup.0", "basic_blocks.0.conv1.rep_conv", "hfabs.0.squeeze"),
            *("hfabs.0.excitate", "hfabs.0.convs.0.conv1.rep_conv", "warmup.1.convs.0.conv1.rep_conv"),
        ),
    ),
    Layout(
        architecture="span",
        match=_span,
        rename=_rename_span,
        by_trial=True,
        names=layers("conv_1.eval_conv", "block_1.c1_r.eval_conv", "conv_cat", "upsampler.0"),
    ),
)
