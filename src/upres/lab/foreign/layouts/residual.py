"""Files of the residual networks: VDSR, EDSR, RDN, CARN, LWFANet and MobileSR."""

import re

import torch

from upres.errors import CheckpointError
from upres.lab.blocks.conv import DIV2K_RGB_MEAN
from upres.lab.foreign.layouts.layout import Arguments, Layout, Shapes, State, numbered, square_root
from upres.lab.foreign.layouts.renaming import RANGES, Rule, layers, less_one, renamer, width, with_ranges

SCALES = (4, 3, 2)
MEAN = r"(?:sub|add)_mean\..*"
"""The frozen 1x1 convolutions that shift the mean colour: constants of ours."""


def _without_mean(state: State) -> State:
    """The state without its colour shifts, which must be those our networks have built in.

    Raises:
        CheckpointError: If they shift by another colour or mix the colours.
    """
    for name, tensor in state.items():
        if not re.fullmatch(MEAN, name):
            continue
        expected = torch.eye(3)[..., None, None] if tensor.dim() == 4 else torch.tensor(DIV2K_RGB_MEAN)
        found = tensor if tensor.dim() == 4 else tensor.abs()
        fits = found.shape == expected.shape and any(
            torch.allclose(found, expected * white, rtol=1e-3) for white in ((1.0,) if tensor.dim() == 4 else RANGES)
        )
        if not fits:
            raise CheckpointError(f"{name} is not the shift by DIV2K's mean colour {DIV2K_RGB_MEAN} that was expected")
    return {name: tensor for name, tensor in state.items() if not re.fullmatch(MEAN, name)}


def _staged_scale(shapes: Shapes, first: str, second: str) -> int:
    """The scale of an upsampler that keeps its channels: one convolution to 4 or 9 times as many, or two to 4."""
    maps, inputs = width(shapes, first), width(shapes, first, 1)
    step = square_root(maps // inputs) if inputs and maps % inputs == 0 else 0
    return step**2 if second in shapes else step


def _edsr(shapes: Shapes) -> list[Arguments]:
    num_channels = width(shapes, "head.0.weight")
    scale = _staged_scale(shapes, "tail.0.0.weight", "tail.0.2.weight")
    num_blocks = numbered(shapes, r"body\.(\d+)\.body\.0\.weight")
    if not (num_channels and num_blocks and scale > 1):
        return []
    return _with_residual_scales({"scale": scale, "num_channels": num_channels, "num_blocks": num_blocks})


def _basicsr_edsr(shapes: Shapes) -> list[Arguments]:
    num_channels = width(shapes, "conv_first.weight")
    scale = _staged_scale(shapes, "upsample.0.weight", "upsample.2.weight")
    num_blocks = numbered(shapes, r"body\.(\d+)\.conv1\.weight")
    if not (num_channels and num_blocks and "conv_after_body.weight" in shapes and scale > 1):
        return []
    return _with_residual_scales({"scale": scale, "num_channels": num_channels, "num_blocks": num_blocks})


def _with_residual_scales(arguments: Arguments) -> list[Arguments]:
    likeliest = (0.1, 1.0) if arguments["num_channels"] >= 128 else (1.0, 0.1)
    return with_ranges(arguments, residual_scale=likeliest)


def _rename_edsr(state: State) -> State:
    rules: tuple[Rule, ...] = (
        (r"^head\.0\.", "head."),
        (r"^body\.(\d+)\.body\.0\.", r"blocks.\1.conv1."),
        (r"^body\.(\d+)\.body\.2\.", r"blocks.\1.conv2."),
        (r"^body\.\d+\.(weight|bias)$", r"body_conv.\1"),
        (r"^tail\.0\.", "upsampler."),
        (r"^tail\.1\.", "tail."),
    )
    return renamer(rules)(_without_mean(state))


_BASICSR_EDSR_RULES: tuple[Rule, ...] = (
    (r"^conv_first\.", "head."),
    (r"^body\.", "blocks."),
    (r"^conv_after_body\.", "body_conv."),
    (r"^upsample\.", "upsampler."),
    (r"^conv_last\.", "tail."),
)


def _rdn(shapes: Shapes) -> list[Arguments]:
    num_channels, growth = width(shapes, "SFENet1.weight"), width(shapes, "RDBs.0.convs.0.conv.0.weight")
    last = 2 + 2 * ("UPNet.4.weight" in shapes)
    scale = _staged_scale(shapes, "UPNet.0.weight", "UPNet.4.weight")
    if not (num_channels and growth and f"UPNet.{last}.weight" in shapes and scale > 1):
        return []
    sizes = {
        "num_channels": num_channels,
        "num_blocks": numbered(shapes, r"RDBs\.(\d+)\..*"),
        "num_layers": numbered(shapes, r"RDBs\.0\.convs\.(\d+)\..*"),
        "growth": growth,
    }
    return with_ranges({"scale": scale, **sizes})


def _rename_rdn(state: State) -> State:
    last = max(int(name.split(".")[1]) for name in state if name.startswith("UPNet."))
    rules: tuple[Rule, ...] = (
        (r"^SFENet1\.", "head."),
        (r"^SFENet2\.", "second."),
        (r"^RDBs\.(\d+)\.convs\.(\d+)\.conv\.0\.", r"blocks.\1.layers.\2."),
        (r"^RDBs\.(\d+)\.LFF\.", r"blocks.\1.fusion."),
        (r"^GFF\.", "fusion."),
        (rf"^UPNet\.{last}\.", "tail."),
        (r"^UPNet\.", "upsampler."),
    )
    return renamer(rules)(state)


def _vdsr(shapes: Shapes) -> list[Arguments]:
    inner = numbered(shapes, r"(?:residual_layer|trunk)\.(\d+)\.conv\.weight")
    first = "input.weight" if "input.weight" in shapes else "conv1.0.weight"
    if not inner or width(shapes, first, 1) != 1:
        return []
    sizes = {"num_channels": width(shapes, first), "num_layers": inner + 2, "bias": first[:-6] + "bias" in shapes}
    return [{"scale": scale, **sizes} for scale in SCALES]


def _rename_vdsr(state: State) -> State:
    inner = sum(re.fullmatch(r"(?:residual_layer|trunk)\.\d+\.conv\.weight", name) is not None for name in state)
    rules: tuple[Rule, ...] = (
        (r"^(?:input|conv1\.0)\.", "body.0."),
        (r"^(?:output|conv2)\.", f"body.{2 * inner + 2}."),
        (r"^(?:residual_layer|trunk)\.(\d+)\.conv\.", lambda match: f"body.{2 * int(match[1]) + 2}."),
    )
    return renamer(rules)(state)


def _carn(scale: int, upsampler: str) -> Layout:
    def match(shapes: Shapes) -> list[Arguments]:
        num_channels, first = width(shapes, "entry.weight"), f"{upsampler}.body.0.weight"
        inputs = width(shapes, first, 1)
        if not (num_channels and inputs and "b1.b1.body.0.weight" in shapes):
            return []
        step = square_root(width(shapes, first) // num_channels)
        if step ** (2 if f"{upsampler}.body.3.weight" in shapes else 1) != scale:
            return []
        return [
            {
                "scale": scale,
                "num_channels": num_channels,
                "groups": num_channels // inputs,
                "efficient": "b1.b1.body.4.weight" in shapes,
                "shared": "b1.b2.body.0.weight" not in shapes,
            }
        ]

    rules: tuple[Rule, ...] = (
        (r"^entry\.", "head."),
        (r"^exit\.", "tail."),
        (r"^c([123])\.body\.", less_one("body.fusions.", ".")),
        (r"^b([123])\.", less_one("body.blocks.", ".")),
        (r"^(body\.blocks\.\d)\.c1\.body\.", r"\1.fusions.0."),
        (r"^(body\.blocks\.\d)\.c2\.body\.", r"\1.fusions.1."),
        (r"^(body\.blocks\.\d)\.c3\.body\.", r"\1.fusions.2."),
        (r"^(body\.blocks\.\d)\.b1\.", r"\1.blocks.0."),
        (r"^(body\.blocks\.\d)\.b2\.", r"\1.blocks.1."),
        (r"^(body\.blocks\.\d)\.b3\.", r"\1.blocks.2."),
        (rf"^{upsampler}\.body\.", "upsampler."),
    )
    # one file may hold the heads of several scales, of which a network has its own
    others = rf"upsample\.(?!{upsampler.split('.')[1]}\.).*"
    rename = renamer(rules, drop=others)
    return Layout(
        architecture="carn",
        match=match,
        rename=lambda state: rename(_without_mean(state)),
        names=layers("entry", "b1.b1.body.0", "b1.c1.body.0", "c1.body.0", f"{upsampler}.body.0", "exit"),
    )


def _lwfanet(shapes: Shapes) -> list[Arguments]:
    num_channels, tail = width(shapes, "conv_first.weight"), width(shapes, "conv_L.weight")
    if not (num_channels and tail and "body.0.sa1.sa_conv.weight" in shapes):
        return []
    sizes = {"num_channels": num_channels, "num_blocks": numbered(shapes, r"body\.(\d+)\..*"), "tail_channels": tail}
    scales = (4,) if "conv_up2.weight" in shapes else (2, 3)
    return [arguments for scale in scales for arguments in with_ranges({"scale": scale, **sizes})]


_LWFANET_RULES: tuple[Rule, ...] = (
    (r"^conv_first\.", "head."),
    (r"^conv_body\.", "body_conv."),
    (r"^conv_L\.", "narrow."),
    (r"^conv_up([12])\.", less_one("enlarge.", ".")),
    (r"^conv_hr\.", "refine."),
    (r"^conv_last\.", "tail."),
    (r"^body\.", "blocks."),
    (
        r"\.conv([1-4])_([1-5])\.",
        lambda match: f".branches.{int(match[1]) - 1}.{2 * (int(match[2]) - 1)}.",
    ),
    (r"\.ca\.fc1\.", ".channel.bottleneck.0."),
    (r"\.ca\.fc2\.", ".channel.bottleneck.2."),
    (r"\.sa1\.sa_conv\.", ".place_out."),
    (r"\.sa2\.sa_conv\.", ".place_in."),
)


def _mobilesr(shapes: Shapes) -> list[Arguments]:
    num_channels, pairs = width(shapes, "head.weight"), numbered(shapes, r"body\.layers\.(\d+)\..*")
    scale = _staged_scale(shapes, "upsapling.0.weight", "upsapling.2.weight")
    if not (num_channels and pairs and "body.layers.0.0.attn.qkv.weight" in shapes and scale > 1):
        return []
    ratios = [width(shapes, f"body.layers.{i}.1.net.0.weight") // num_channels for i in range(pairs)]
    heads = tuple(count for count in (8, 4, 5, 10) if num_channels % count == 0)
    return with_ranges({"scale": scale, "num_channels": num_channels, "ratios": ratios}, num_heads=heads)


_MOBILESR_RULES: tuple[Rule, ...] = (
    (r"^fuse\.", "fusion."),
    (r"^upsapling\.", "upsampler."),
    (r"^body\.layers\.(\d+)\.([01])\.", lambda match: f"blocks.{2 * int(match[1]) + int(match[2])}."),
    (r"\.pos_embed\.", ".position."),
    (r"\.attn\.proj_out\.", ".attention.project."),
    (r"\.attn\.", ".attention."),
    (r"\.mlp\.fc\.", ".mlp."),
    (r"\.net\.", ".body."),
)

LAYOUTS = (
    Layout(
        architecture="edsr",
        match=_edsr,
        rename=_rename_edsr,
        by_trial=True,
        names=layers("head.0", "body.0.body.0", "body.16", "tail.0.0", "tail.1", "sub_mean", "add_mean"),
    ),
    Layout(
        architecture="edsr",
        match=_basicsr_edsr,
        rename=renamer(_BASICSR_EDSR_RULES),
        by_trial=True,
        names=layers("conv_first", "body.0.conv1", "conv_after_body", "upsample.0", "conv_last"),
    ),
    Layout(
        architecture="rdn",
        match=_rdn,
        rename=_rename_rdn,
        by_trial=True,
        names=layers("SFENet1", "RDBs.0.convs.0.conv.0", "RDBs.0.LFF", "GFF.0", "UPNet.0"),
    ),
    Layout(
        architecture="vdsr",
        match=_vdsr,
        rename=_rename_vdsr,
        names=("input.weight", "residual_layer.0.conv.weight", "output.weight"),
    ),
    *(_carn(scale, upsampler) for scale in SCALES for upsampler in (f"upsample.up{scale}", "upsample.up")),
    Layout(
        architecture="lwfanet",
        match=_lwfanet,
        rename=renamer(_LWFANET_RULES),
        by_trial=True,
        names=layers(
            *("conv_first", "body.0.conv1_1", "body.0.sa1.sa_conv", "conv_body"),
            *("conv_L", "conv_up1", "conv_hr", "conv_last"),
        ),
    ),
    Layout(
        architecture="mobilesr",
        match=_mobilesr,
        rename=renamer(_MOBILESR_RULES),
        by_trial=True,
        names=(
            *layers("head", "fuse", "upsapling.0", "tail"),
            *layers(*(f"body.layers.0.0.{name}" for name in ("attn.proj_out", "mlp.fc.0", "norm1", "pos_embed"))),
            *layers("body.layers.0.1.net.0"),
            "body.layers.0.0.attn.qkv.weight",
        ),
    ),
)
