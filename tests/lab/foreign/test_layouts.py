"""Names and shapes alone: every layout leads to a network that they fill to the last tensor."""

import re
from itertools import pairwise
from typing import Any

import pytest
import torch

from upres.errors import CheckpointError
from upres.lab.blocks.conv import DIV2K_RGB_MEAN
from upres.lab.checkpoint import build, mismatches
from upres.lab.foreign.layouts.table import LAYOUTS
from upres.lab.foreign.read import read
from upres.lab.foreign.recognise import recognise
from upres.models.card import ModelSpec

LISTED: dict[str, tuple[str, int, dict[str, Any]]] = {
    "IMDN_x2": ("imdn", 2, {"num_blocks": 6}),
    "IMDN_x3": ("imdn", 3, {"num_channels": 64, "distillation_ratio": 0.25, "attention_reduction": 16}),
    "IMDN_x4": ("imdn", 4, {}),
    "imdn_baseline": ("imdn", 4, {"num_blocks": 8, "attention_reduction": None, "fuse_blocks": False}),
    "team26_imdn_nb7": ("imdn", 4, {"num_blocks": 7, "body_kernel_size": 3}),
    "RFDN_AIM": ("rfdn", 4, {"num_channels": 50, "num_blocks": 4, "distillation_ratio": 0.5, "attention": "esa"}),
    "team40_rfdn_pruned": ("rfdn", 4, {"num_channels": 40, "attention_channels": 12}),
    "carn_m": ("carn", 4, {"groups": 4, "efficient": True, "shared": True}),
    "carn_rand_x4": ("carn", 4, {"groups": 1, "efficient": False, "shared": False}),
    "rlfn_ntire_x4": ("rlfn", 4, {"num_channels": 46, "mid_channels": 48, "num_blocks": 4}),
    "rlfn_x2": ("rlfn", 2, {"num_channels": 52, "num_blocks": 6}),
    "rlfn_s_x2": ("rlfn", 2, {"num_channels": 48}),
    "team01_efdn": ("efdn", 4, {"num_channels": 48}),
    "team03_fmen": ("fmen", 4, {"attention_pairs": [2, 1, 1, 1, 1], "warmup_channels": 12}),
    "team05_efdn": ("neesr", 4, {"num_channels": 42, "distilled_channels": 10}),
    "team18_bsrn": ("bsrn", 4, {"num_channels": 48, "num_blocks": 5, "challenge": True}),
    "team20_mobilesr": ("mobilesr", 4, {"ratios": [4, 2, 2, 2, 4]}),
    "team27_lwfanet": ("lwfanet", 4, {"num_channels": 96, "num_blocks": 10, "tail_channels": 64}),
    "team39_imdn_plus": ("imdn_plus", 4, {"num_channels": 36, "num_stages": 6, "num_blocks": 8}),
    "team46_span": ("span", 4, {"num_channels": 28, "cat_channels": 20, "num_blocks": 6}),
}


def tensor_of(name, shape):
    """A tensor without data, except for the colour shift, whose values are looked at."""
    if not name.startswith(("sub_mean", "add_mean")):
        return torch.empty(shape, device="meta")
    return torch.eye(3)[..., None, None] if len(shape) == 4 else torch.tensor(DIV2K_RGB_MEAN) * 255


def candidates(shapes):
    """Every reading of the shapes that leads to a network they fill, likeliest first."""
    state = {name: tensor_of(name, shape) for name, shape in shapes.items()}
    fitting = []
    for layout in LAYOUTS:
        for arguments in layout.match(shapes):
            others = {key: value for key, value in arguments.items() if key not in ("scale", "transforms")}
            spec = ModelSpec(
                architecture=layout.architecture,
                scale=arguments["scale"],
                arguments=others,
                transforms=arguments.get("transforms", ()),
            )
            with torch.device("meta"):
                expected = {name: tensor.shape for name, tensor in build(spec).state_dict().items()}
            assert mismatches(expected, layout.rename(state)) == []
            fitting.append(spec)
    return fitting


def listed(shared, file):
    """Names and shapes of an official file, from the listing; most of the files themselves are not there."""
    text = (shared / "reference" / "state_dict_keys.txt").read_text()
    (section,) = re.findall(rf"^## {re.escape(file)}\.safetensors .*\n((?:\S+ \[.*\]\n)*)", text, re.MULTILINE)
    lines = [line.split(" ", 1) for line in section.splitlines()]
    return {name: tuple(int(side) for side in re.findall(r"\d+", shape)) for name, shape in lines}


@pytest.mark.parametrize("file", LISTED)
def test_official_files_are_recognised_by_names_and_shapes(file, shared):
    architecture, scale, arguments = LISTED[file]
    specs = candidates(listed(shared, file))
    assert {spec.architecture for spec in specs} == {architecture}
    assert specs[0].scale == scale
    assert {key: specs[0].arguments[key] for key in arguments} == arguments


def conv(name, inputs, outputs, kernel_size=3, *, bias=True):
    shapes = {f"{name}.weight": (outputs, inputs, kernel_size, kernel_size)}
    return shapes | ({f"{name}.bias": (outputs,)} if bias else {})


def edsr(scale, *, basicsr=False):
    steps = {2: (4,), 3: (9,), 4: (4, 4)}[scale]
    first, body, inner, upsampler, last = (
        ("conv_first", "conv_after_body", ("conv1", "conv2"), "upsample", "conv_last")
        if basicsr
        else ("head.0", "body.3", ("body.0", "body.2"), "tail.0", "tail.1")
    )
    shapes = conv(first, 3, 64) | conv(body, 64, 64) | conv(last, 64, 3)
    for block in range(3):
        shapes |= conv(f"body.{block}.{inner[0]}", 64, 64) | conv(f"body.{block}.{inner[1]}", 64, 64)
    for place, step in enumerate(steps):
        shapes |= conv(f"{upsampler}.{2 * place}", 64, 64 * step)
    return shapes if basicsr else shapes | conv("sub_mean", 3, 3, 1) | conv("add_mean", 3, 3, 1)


def test_imdn_of_the_real_time_challenge():
    shapes = conv("model.0", 3, 12) | conv("model.1.sub.5", 12, 12, 1) | conv("model.2", 12, 12)
    for block in range(5):
        at = f"model.1.sub.{block}"
        shapes |= conv(f"{at}.c1", 12, 12) | conv(f"{at}.c2", 9, 12) | conv(f"{at}.c3", 9, 12)
        shapes |= conv(f"{at}.c4", 9, 3) | conv(f"{at}.c5", 12, 12, 1)
    spec = candidates(shapes)[0]
    assert (spec.architecture, spec.scale) == ("imdn", 2)
    assert (spec.arguments["num_blocks"], spec.arguments["body_kernel_size"]) == (5, 1)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("basicsr", [False, True])
def test_edsr_of_any_size_in_both_spellings(scale, basicsr):
    specs = candidates(edsr(scale, basicsr=basicsr))
    assert {(spec.architecture, spec.scale) for spec in specs} == {("edsr", scale)}
    assert {(spec.arguments["num_channels"], spec.arguments["num_blocks"]) for spec in specs} == {(64, 3)}


@pytest.mark.parametrize(("scale", "ups"), [(2, {0: 256}), (3, {0: 576}), (4, {0: 256, 2: 256})])
def test_rdn(scale, ups):
    shapes = conv("SFENet1", 3, 64) | conv("SFENet2", 64, 64)
    for block in range(2):
        for layer in range(4):
            shapes |= conv(f"RDBs.{block}.convs.{layer}.conv.0", 64 + 32 * layer, 32)
        shapes |= conv(f"RDBs.{block}.LFF", 64 + 4 * 32, 64, 1)
    shapes |= conv("GFF.0", 128, 64, 1) | conv("GFF.1", 64, 64)
    for place, maps in ups.items():
        shapes |= conv(f"UPNet.{place}", 64, maps)
    shapes |= conv(f"UPNet.{max(ups) + 2}", 64, 3)
    spec = candidates(shapes)[0]
    assert (spec.architecture, spec.scale) == ("rdn", scale)
    assert (spec.arguments["num_blocks"], spec.arguments["num_layers"], spec.arguments["growth"]) == (2, 4, 32)


@pytest.mark.parametrize("names", [("input", "residual_layer", "output"), ("conv1.0", "trunk", "conv2")])
def test_vdsr_has_the_same_weights_at_every_scale(names):
    first, inner, last = names
    shapes = conv(first, 1, 64, bias=False) | conv(last, 64, 1, bias=False)
    for layer in range(18):
        shapes |= conv(f"{inner}.{layer}.conv", 64, 64, bias=False)
    specs = candidates(shapes)
    assert [spec.architecture for spec in specs] == ["vdsr"] * 3
    assert {spec.scale for spec in specs} == {2, 3, 4}
    assert {spec.arguments["num_layers"] for spec in specs} == {20}


def expanded_ecb(name, inputs, outputs, wide):
    shapes = conv(f"{name}.conv3x3", inputs, outputs)
    shapes |= {f"{name}.conv1x1_3x3.k0": (wide, inputs, 1, 1), f"{name}.conv1x1_3x3.b0": (wide,)}
    shapes |= {f"{name}.conv1x1_3x3.k1": (outputs, wide, 3, 3), f"{name}.conv1x1_3x3.b1": (outputs,)}
    for branch in ("sbx", "sby", "lpl"):
        at = f"{name}.conv1x1_{branch}"
        shapes |= {f"{at}.k0": (outputs, inputs, 1, 1), f"{at}.b0": (outputs,), f"{at}.bias": (outputs,)}
        shapes |= {f"{at}.scale": (outputs, 1, 1, 1), f"{at}.mask": (outputs, 1, 3, 3)}
    return shapes


@pytest.mark.parametrize("colors", [1, 3])
@pytest.mark.parametrize("expanded", [False, True])
def test_ecbsr_folded_and_expanded(colors, expanded):
    widths = [colors, 16, 16, 16, colors * 9]
    shapes = {}
    for layer, (inputs, outputs) in enumerate(pairwise(widths)):
        name = f"backbone.{layer}"
        shapes |= (
            expanded_ecb(name, inputs, outputs, 2 * outputs) if expanded else conv(f"{name}.conv3x3", inputs, outputs)
        )
        shapes |= {f"{name}.act.weight": (outputs,)} if layer < 3 else {}
    spec = candidates(shapes)[0]
    assert (spec.architecture, spec.scale) == ("ecbsr", 3)
    assert (spec.arguments["num_blocks"], spec.arguments["num_colors"]) == (2, colors)
    assert bool(spec.transforms) != expanded


def esa(name, channels, width):
    shapes = conv(f"{name}.conv1", channels, width, 1) | conv(f"{name}.conv_f", width, width, 1)
    for inner in ("conv_max", "conv2", "conv3", "conv3_"):
        shapes |= conv(f"{name}.{inner}", width, width)
    return shapes | conv(f"{name}.conv4", width, channels, 1)


@pytest.mark.parametrize("expanded", [False, True])
def test_neesr_folded_and_expanded(expanded):
    def block(name, inputs, outputs):
        return (
            expanded_ecb(name, inputs, outputs, 2 * outputs) if expanded else conv(f"{name}.conv3x3", inputs, outputs)
        )

    shapes = conv("fea_conv", 3, 42) | conv("LR_conv", 42, 42) | conv("upsampler.0", 42, 27)
    for number in (1, 2):
        at = f"B{number}"
        for stage in (1, 2, 3):
            shapes |= conv(f"{at}.c{stage}_d", 42, 10, 1) | block(f"{at}.c{stage}_r", 42, 42)
        shapes |= block(f"{at}.c4", 42, 10) | conv(f"{at}.c5", 40, 42, 1)
        shapes |= conv(f"{at}.esa.conv1", 42, 10, 1) | conv(f"{at}.esa.conv_f", 10, 10, 1)
        shapes |= conv(f"{at}.esa.conv_2", 10, 10) | conv(f"{at}.esa.conv_3", 10, 10)
        shapes |= conv(f"{at}.esa.conv_23", 20, 10) | conv(f"{at}.esa.conv4", 10, 42, 1)
    spec = candidates(shapes)[0]
    assert (spec.architecture, spec.scale, spec.arguments["num_blocks"]) == ("neesr", 3, 2)
    assert bool(spec.transforms) != expanded


def test_efdn_in_training_form():
    shapes = conv("head", 3, 48) | conv("tail.0", 48, 48)
    for cell in range(4):
        at = f"cells.{cell}"
        shapes |= conv(f"{at}.conv1.conv1x1", 48, 48, 1) | {f"{at}.conv{i}.act.weight": (48,) for i in (1, 2, 3)}
        for place in (2, 3):
            block = expanded_ecb(f"{at}.conv{place}", 48, 48, 96) | conv(f"{at}.conv{place}.conv1x1", 48, 48, 1)
            shapes |= {name.replace("conv3x3.", "rep_conv."): shape for name, shape in block.items()}
        for branch in range(4):
            shapes |= conv(f"{at}.branch.{branch}", 48, 24, 1)
        shapes |= conv(f"{at}.fuse", 96, 48, 1) | esa(f"{at}.att", 48, 12)
    for place in range(3):
        shapes |= conv(f"local_fuse.{place}", 96, 48, 1)
    spec = candidates(shapes)[0]
    assert (spec.architecture, spec.scale, spec.arguments["expansion"]) == ("efdn", 4, 2.0)
    assert spec.transforms == ()


def test_fmen_in_training_form():
    def norm(name, channels):
        vectors = {f"{name}.{kind}": (channels,) for kind in ("weight", "bias", "running_mean", "running_var")}
        return vectors | {f"{name}.num_batches_tracked": ()}

    def erb(name, channels):
        shapes = {}
        for place in (1, 2):
            at = f"{name}.conv{place}"
            shapes |= conv(f"{at}.expand_conv", channels, 2 * channels, 1)
            shapes |= conv(f"{at}.fea_conv", 2 * channels, 2 * channels)
            shapes |= conv(f"{at}.reduce_conv", 2 * channels, channels, 1)
        return shapes

    def hfab(name, width, pairs):
        shapes = conv(f"{name}.squeeze", 20, width) | conv(f"{name}.excitate", width, 20)
        shapes |= norm(f"{name}.bn1", 20) | norm(f"{name}.bn2", width) | norm(f"{name}.bn3", 20)
        for pair in range(pairs):
            shapes |= erb(f"{name}.convs.{pair}", width)
        return shapes

    shapes = conv("head", 3, 20) | conv("warmup.0", 20, 20) | hfab("warmup.1", 6, 2)
    for block in range(3):
        shapes |= erb(f"ERBs.{block}", 20) | hfab(f"HFABs.{block}", 10, 1)
    shapes |= conv("lr_conv", 20, 20) | conv("tail.0", 20, 12)
    spec = candidates(shapes)[0]
    assert (spec.architecture, spec.scale, spec.transforms) == ("fmen", 2, ())
    assert spec.arguments["attention_pairs"] == [2, 1, 1, 1]
    assert (spec.arguments["warmup_channels"], spec.arguments["attention_channels"]) == (6, 10)


def test_span_in_training_form_drops_what_its_branches_fold_to():
    def conv3xc(name, inputs, outputs):
        shapes = conv(f"{name}.sk", inputs, outputs, 1) | conv(f"{name}.eval_conv", inputs, outputs)
        shapes |= conv(f"{name}.conv.0", inputs, 2 * inputs, 1) | conv(f"{name}.conv.1", 2 * inputs, 2 * outputs)
        return shapes | conv(f"{name}.conv.2", 2 * outputs, outputs, 1)

    shapes = conv3xc("conv_1", 3, 48) | conv3xc("conv_2", 48, 48)
    for block in range(1, 7):
        for place in (1, 2, 3):
            shapes |= conv3xc(f"block_{block}.c{place}_r", 48, 48)
    shapes |= conv("conv_cat", 192, 48, 1) | conv("upsampler.0", 48, 12)
    spec = candidates(shapes)[0]
    assert (spec.architecture, spec.scale, spec.transforms) == ("span", 2, ())
    assert (spec.arguments["num_channels"], spec.arguments["num_blocks"]) == (48, 6)


def test_the_papers_bsrn():
    def separable(name, inputs, outputs):
        return conv(f"{name}.pw", inputs, outputs, 1, bias=False) | conv(f"{name}.dw", 1, outputs)

    shapes = separable("fea_conv", 12, 64) | separable("c2", 64, 64) | conv("c1", 8 * 64, 64, 1)
    for block in range(1, 9):
        at = f"B{block}"
        for stage in (1, 2, 3):
            shapes |= conv(f"{at}.c{stage}_d", 64, 32, 1) | separable(f"{at}.c{stage}_r", 64, 64)
        shapes |= separable(f"{at}.c4", 64, 32) | conv(f"{at}.c5", 128, 64, 1)
        shapes |= conv(f"{at}.esa.conv1", 64, 16, 1) | conv(f"{at}.esa.conv_f", 16, 16, 1)
        for inner in ("conv_max", "conv2", "conv3", "conv3_"):
            shapes |= separable(f"{at}.esa.{inner}", 16, 16)
        shapes |= conv(f"{at}.esa.conv4", 16, 64, 1)
        shapes |= conv(f"{at}.cca.conv_du.0", 64, 4, 1) | conv(f"{at}.cca.conv_du.2", 4, 64, 1)
    shapes |= conv("upsampler.upsampleOneStep.0", 64, 27)
    spec = candidates(shapes)[0]
    assert (spec.architecture, spec.scale, spec.arguments["challenge"]) == ("bsrn", 3, False)


def rfdn_block(name, channels, distilled, *, skip=True):
    shapes = conv(f"{name}.c4", channels, distilled) | conv(f"{name}.c5", 4 * distilled, channels, 1)
    for stage in (1, 2, 3):
        shapes |= conv(f"{name}.c{stage}_d", channels, distilled, 1) | conv(f"{name}.c{stage}_r", channels, channels)
    attention = esa(f"{name}.esa", channels, channels // 4)
    return shapes | {key: shape for key, shape in attention.items() if skip or "conv_f" not in key}


@pytest.mark.parametrize(("skip", "scale", "blocks"), [(True, 2, 6), (False, 4, 4)])
def test_rfdn_of_other_sizes_and_without_the_attentions_skip(skip, scale, blocks):
    shapes = conv("fea_conv", 3, 40) | conv("LR_conv", 40, 40) | conv("c.0", 40 * blocks, 40, 1)
    for block in range(1, blocks + 1):
        shapes |= rfdn_block(f"B{block}", 40, 20, skip=skip)
    shapes |= conv("upsampler.0", 40, 3 * scale**2)
    specs = candidates(shapes)
    assert {(spec.architecture, spec.scale) for spec in specs} == {("rfdn", scale)}
    assert {spec.arguments["attention_skip"] for spec in specs} == {skip}
    # neither identities nor range show in the shapes
    assert {spec.arguments["block"] for spec in specs} == {"rfdb", "imdb_r_fdc"}
    assert {spec.arguments["value_range"] for spec in specs} == {1.0, 255.0}


def recognise_official(shared, file):
    return read(shared / "reference" / "weights" / file)


def test_rlfn_in_the_challenges_spelling_behind_a_wrapper(shared):
    file = recognise_official(shared, "rlfn_ntire_x4.safetensors")
    renamed = {re.sub("^conv_1", "fea_conv", re.sub("^conv_2", "LR_conv", key)): value for key, value in file.items()}
    renamed = {f"module.{re.sub('^block_', 'B', key)}": value for key, value in renamed.items()}
    found, expected = recognise({"params": renamed}), recognise(file)
    assert found.spec == expected.spec
    assert all(torch.equal(found.state[key], value) for key, value in expected.state.items())


def test_a_file_of_several_heads_says_which_other_scales_it_holds(shared):
    state = recognise_official(shared, "carn_m.safetensors")
    everything = recognise(state)
    assert (everything.spec.scale, everything.other_scales) == (4, (2, 3))
    asked = recognise(state, scale=3)
    assert (asked.spec.scale, asked.other_scales) == (3, ())


def test_another_mean_colour_is_not_taken_for_ours(shared):
    state = recognise_official(shared, "carn_m.safetensors")
    state["sub_mean.shifter.bias"] = torch.full((3,), -0.5)
    with pytest.raises(CheckpointError, match=r"sub_mean\.shifter\.bias is not the shift by DIV2K's mean colour"):
        recognise(state)


@pytest.mark.parametrize(
    ("file", "nearest", "lost", "missing"),
    [
        ("RFDN_AIM", "rfdn (as e_rfdn_x4", r"B2\.c1_d\..*|c\.0\..*", "blocks.1.distilled.0.weight"),
        ("team05_efdn", "neesr (as neesr_x4", r"B1\.c1_d\..*", "blocks.0.distilled.0.weight"),
        ("team46_span", "span (as span_ntire_x4", r"conv_cat\..*", "fusion.weight"),
    ],
)
def test_a_file_that_lacks_tensors_is_told_its_nearest_model_and_which(file, nearest, lost, missing, shared):
    state = recognise_official(shared, f"{file}.safetensors")
    rest = {name: tensor for name, tensor in state.items() if not re.fullmatch(lost, name)}
    with pytest.raises(CheckpointError) as error:
        recognise(rest)
    assert f"Nearest architecture: {nearest}, {len(rest)} of {len(rest)} tensor names known)" in str(error.value)
    assert f"{missing} " in str(error.value)
