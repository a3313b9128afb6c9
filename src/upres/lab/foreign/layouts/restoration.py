"""Files of the networks that restore, as their authors publish them: MIRNet, its second version, NAFNet."""

import re

import torch

from upres.errors import CheckpointError
from upres.lab.foreign.layouts.layout import Arguments, Layout, Shapes, State, numbered
from upres.lab.foreign.layouts.renaming import Rule, layers, renamer, width

_BLOCK = r"body\.0\.body\.0\."


def _mirnet(shapes: Shapes) -> list[Arguments]:
    num_channels = width(shapes, "conv_in.weight")
    rows, columns = numbered(shapes, rf"{_BLOCK}blocks\.(\d+)\..*"), numbered(shapes, rf"{_BLOCK}blocks\.0\.(\d+)\..*")
    members = numbered(shapes, r"body\.0\.body\.(\d+)\..*")
    if not (num_channels and rows and columns and members > 1):
        return []
    return [
        {
            "scale": 1,
            "num_channels": num_channels,
            "num_groups": numbered(shapes, r"body\.(\d+)\..*"),
            "num_blocks": members - 1,
            "num_rows": rows,
            "num_columns": columns,
        }
    ]


_MIRNET_RULES: tuple[Rule, ...] = (
    (r"^conv_in\.", "head."),
    (r"^conv_out\.", "tail."),
    (r"^body\.(\d+)\.body\.\d+\.weight$", r"groups.\1.tail.weight"),
    (r"^body\.(\d+)\.body\.(\d+)\.", r"groups.\1.blocks.\2."),
    (r"\.blocks\.(\d+)\.blocks\.(\d+)\.\d+\.", r".blocks.\1.units.\2."),
    (r"\.SA\.spatial\.conv\.", ".gates.0.conv."),
    (r"\.CA\.conv_du\.", ".gates.1.body."),
    (r"\.conv1x1\.", ".join."),
    (r"\.selective_kernel\.(\d+)\.conv_du\.", r".fusions.\1.squeeze."),
    (r"\.selective_kernel\.(\d+)\.fcs\.", r".fusions.\1.excite."),
    (r"\.conv_out\.", ".tail."),
    (r"\.last_up\.(\d+)\.", lambda match: f".last_up.{int(match[1]) - 1}."),
    (r"\.body\.(\d+)\.top\.", r".\1.body."),
    (r"\.body\.(\d+)\.bot\.", r".\1.short."),
)


def _rename_mirnet(state: State) -> State:
    """Ours keeps what the columns of a row share once, and counts rows where the authors' names count maps."""
    num_channels = state["conv_in.weight"].shape[0]

    def row(maps: str) -> int:
        return (int(maps) // num_channels).bit_length() - 1

    def down(match: re.Match[str]) -> str:
        return f".down.{row(match[1])}_{row(match[1]) + int(match[2]).bit_length() - 1}."

    def up(match: re.Match[str]) -> str:
        return f".up.{row(match[1])}_{row(match[1]) - int(match[2]).bit_length() + 1}."

    rules = (*_MIRNET_RULES, (r"\.down\.(\d+)_(\d+)\.", down), (r"\.up\.(\d+)_(\d+)\.", up))
    rename = renamer(rules, drop=r".*\.filt")
    renamed: dict[str, torch.Tensor] = {}
    for name, tensor in state.items():
        for ours, value in rename({name: tensor}).items():
            if ours in renamed and not torch.equal(renamed[ours], value):
                raise CheckpointError(f"{name}: expected what the units of a row share, got other values")
            renamed[ours] = value
    return renamed


def _mirnet_v2(shapes: Shapes) -> list[Arguments]:
    num_channels = width(shapes, "conv_in.weight")
    num_groups, members = numbered(shapes, r"body\.(\d+)\..*"), numbered(shapes, r"body\.0\.body\.(\d+)\..*")
    inputs = [width(shapes, f"body.{group}.body.0.dau_top.body.0.weight", 1) for group in range(num_groups)]
    if not (num_channels and members > 1 and inputs and all(inputs)):
        return []
    groups = [num_channels // each for each in inputs]
    return [{"scale": 1, "num_channels": num_channels, "groups": groups, "num_blocks": members - 1}]


_MIRNET_V2_RULES: tuple[Rule, ...] = (
    *_MIRNET_RULES[:4],
    (r"\.dau_top\.", ".units.0."),
    (r"\.dau_mid\.", ".units.1."),
    (r"\.dau_bot\.", ".units.2."),
    (r"\.gcnet\.conv_mask\.", ".mask."),
    (r"\.gcnet\.channel_add_conv\.", ".context."),
    (r"\.down2\.body\.0\.bot\.", ".downs.0."),
    (r"\.down4\.(\d)\.body\.0\.bot\.", lambda match: f".downs.{int(match[1]) + 1}."),
    (r"\.up(\d)\d_(\d)\.body\.0\.bot\.", lambda match: f".ups.{int(match[2]) - 1}.{int(match[1]) - 2}."),
    (r"\.skff_top\.", ".fusions.0."),
    (r"\.skff_mid\.", ".fusions.1."),
    (r"\.conv_du\.", ".squeeze."),
    (r"\.fcs\.", ".excite."),
    (r"\.conv_out\.", ".tail."),
)


def _nafnet(shapes: Shapes) -> list[Arguments]:
    num_channels, levels = width(shapes, "intro.weight"), numbered(shapes, r"downs\.(\d+)\..*")
    if not (num_channels and levels and "ending.weight" in shapes):
        return []
    return [
        {
            "scale": 1,
            "num_channels": num_channels,
            "encoder_blocks": [numbered(shapes, rf"encoders\.{level}\.(\d+)\..*") for level in range(levels)],
            "middle_blocks": numbered(shapes, r"middle_blks\.(\d+)\..*"),
            "decoder_blocks": [numbered(shapes, rf"decoders\.{level}\.(\d+)\..*") for level in range(levels)],
        }
    ]


_NAFNET_RULES: tuple[Rule, ...] = (
    (r"^intro\.", "head."),
    (r"^ending\.", "tail."),
    (r"^middle_blks\.", "middle."),
    (r"\.conv1\.", ".expand1."),
    (r"\.conv2\.", ".depthwise."),
    (r"\.conv3\.", ".project1."),
    (r"\.conv4\.", ".expand2."),
    (r"\.conv5\.", ".project2."),
    (r"\.sca\.1\.", ".attention."),
)


LAYOUTS = (
    Layout(
        architecture="mirnet",
        match=_mirnet,
        rename=_rename_mirnet,
        names=("conv_in.weight", "body.0.body.0.conv_out.weight", "conv_out.weight"),
    ),
    Layout(
        architecture="mirnet_v2",
        match=_mirnet_v2,
        rename=renamer(_MIRNET_V2_RULES),
        names=("conv_in.weight", "body.0.body.0.dau_top.body.0.weight", "conv_out.weight"),
    ),
    Layout(
        architecture="nafnet",
        match=_nafnet,
        rename=renamer(_NAFNET_RULES),
        names=layers("intro", "encoders.0.0.conv1", "middle_blks.0.conv1", "ending"),
    ),
)
