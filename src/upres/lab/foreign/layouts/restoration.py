"""Files of the networks that restore: MIRNet as its authors publish it."""

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


LAYOUTS = (
    Layout(
        architecture="mirnet",
        match=_mirnet,
        rename=_rename_mirnet,
        names=layers("conv_in", "body.0.body.0.conv_out", "conv_out"),
    ),
)
