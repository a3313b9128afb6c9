"""Files of ESRGAN and Real-ESRGAN: RRDBNet as three generations of their code name it, and the compact network.

All that is needed shows in names and shapes: folded pixels in the head's inputs, enlargements in the number of the
convolutions behind the trunk. Scale 3 has the names of scale 2; it is the second choice, asked for by ``scale``.
"""

import re
from collections.abc import Callable

from upres.lab.foreign.layouts.layout import Arguments, Layout, Shapes, State, numbered, square_root
from upres.lab.foreign.layouts.renaming import Rule, layers, less_one, renamer, width

RGB = 3


def _rrdbnet(shapes: Shapes, *, head: str, dense: str, block: str, steps: int) -> list[Arguments]:
    """Arguments of a trunk with so many enlargements; ``dense`` is the first convolution of the first dense block."""
    num_channels, inputs = width(shapes, f"{head}.weight"), width(shapes, f"{head}.weight", 1)
    growth = width(shapes, f"{dense}.weight")
    unshuffle = square_root(inputs // RGB) if inputs % RGB == 0 else 0
    if not (num_channels and growth and unshuffle):
        return []
    arguments = {
        "num_channels": num_channels,
        "num_grow_channels": growth,
        "num_blocks": numbered(shapes, block),
        "unshuffle": unshuffle,
    }
    enlarged = (2**steps, 3) if steps == 1 else (2**steps,)
    return [{"scale": each // unshuffle, **arguments} for each in enlarged if each % unshuffle == 0]


def _new(trunk: str, up: str) -> Callable[[Shapes], list[Arguments]]:
    """Names with a word for each layer: ``trunk`` holds the blocks."""

    def match(shapes: Shapes) -> list[Arguments]:
        dense = re.compile(rf"{trunk}\.0\.rdb1\.conv1", re.IGNORECASE)
        first = next((name.removesuffix(".weight") for name in shapes if dense.match(name)), "")
        steps = numbered(shapes, rf"{up}(\d+)\.weight")
        return _rrdbnet(shapes, head="conv_first", dense=first, block=rf"{trunk}\.(\d+)\..*", steps=steps)

    return match


def _old(shapes: Shapes) -> list[Arguments]:
    """Names of nested ``nn.Sequential``: 0 is the head, 1 the trunk, the rest enlargements and two convolutions."""
    steps = numbered(shapes, r"model\.(\d+)\.weight") - 3
    block = r"model\.1\.sub\.(\d+)\.RDB1\..*"
    dense = "model.1.sub.0.RDB1.conv1.0"
    return _rrdbnet(shapes, head="model.0", dense=dense, block=block, steps=steps) if steps >= 0 else []


_DENSE: tuple[Rule, ...] = (
    (
        r"(?i)\.rdb([123])\.conv([1-5])(?:\.0)?\.",
        lambda match: f".dense.{int(match[1]) - 1}.convs.{int(match[2]) - 1}.",
    ),
)

_NEW_RULES: tuple[Rule, ...] = (
    *_DENSE,
    (r"^conv_first\.", "head."),
    (r"^(?:body|RRDB_trunk)\.", "blocks."),
    (r"^(?:conv_body|trunk_conv)\.", "body_conv."),
    (r"^(?:conv_up|upconv)(\d+)\.", less_one("enlarge.", ".")),
    (r"^(?:conv_hr|HRconv)\.", "refine."),
    (r"^conv_last\.", "tail."),
)


def _rename_old(state: State) -> State:
    outer = sorted({int(match[1]) for name in state if (match := re.fullmatch(r"model\.(\d+)\.weight", name))})
    head, *enlarge, refine, tail = outer
    place = {head: "head", refine: "refine", tail: "tail"} | {at: f"enlarge.{i}" for i, at in enumerate(enlarge)}
    rules: tuple[Rule, ...] = (
        *_DENSE,
        (r"^model\.1\.sub\.\d+\.(weight|bias)$", r"body_conv.\1"),
        (r"^model\.1\.sub\.", "blocks."),
        (r"^model\.(\d+)\.", lambda match: f"{place[int(match[1])]}."),
    )
    return renamer(rules)(state)


def _compact(shapes: Shapes) -> list[Arguments]:
    convolutions = sorted(int(name.split(".")[1]) for name in shapes if re.fullmatch(r"body\.\d+\.bias", name))
    num_channels, inputs = width(shapes, "body.0.weight"), width(shapes, "body.0.weight", 1)
    if len(convolutions) < 2 or convolutions != list(range(0, 2 * len(convolutions), 2)) or inputs != RGB:
        return []
    last = width(shapes, f"body.{convolutions[-1]}.weight")
    scale = square_root(last // RGB) if last % RGB == 0 else 0
    activations = ("prelu",) if "body.1.weight" in shapes else ("relu", "leakyrelu")
    arguments = {"scale": scale, "num_channels": num_channels, "num_layers": len(convolutions) - 2}
    return [{**arguments, "activation": activation} for activation in activations] if scale and num_channels else []


def _rename_compact(state: State) -> State:
    last = max(int(name.split(".")[1]) for name in state)
    return renamer(((rf"^body\.{last}\.", "tail."),))(state)


LAYOUTS = (
    Layout(
        architecture="rrdbnet",
        match=_new("body", "conv_up"),
        rename=renamer(_NEW_RULES),
        names=layers("conv_first", "body.0.rdb1.conv1", "conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"),
    ),
    Layout(
        architecture="rrdbnet",
        match=_new("RRDB_trunk", "upconv"),
        rename=renamer(_NEW_RULES),
        names=layers(
            "conv_first", "RRDB_trunk.0.RDB1.conv1", "trunk_conv", "upconv1", "upconv2", "HRconv", "conv_last"
        ),
    ),
    Layout(
        architecture="rrdbnet",
        match=_old,
        rename=_rename_old,
        names=layers(
            "model.0", "model.1.sub.0.RDB1.conv1.0", "model.1.sub.23", "model.3", "model.6", "model.8", "model.10"
        ),
    ),
    Layout(architecture="srvggnet_compact", match=_compact, rename=_rename_compact, by_trial=True),
)
