"""Files of MIRNet-v2 and NAFNet under the names that their authors' code gives to tensors."""

import re

import pytest
import torch

from upres.lab.archs.mirnet_v2 import MIRNetV2
from upres.lab.archs.nafnet import NAFNet
from upres.lab.foreign.recognise import recognise


def mirnet_v2_name(name):
    """Theirs for ours."""
    if name in ("head.weight", "tail.weight"):
        return {"head.weight": "conv_in.weight", "tail.weight": "conv_out.weight"}[name]
    if tail := re.fullmatch(r"groups\.(\d)\.tail\.weight", name):
        return f"body.{tail[1]}.body.1.weight"
    _, group, _, block, part, rest = name.split(".", 5)
    number, _, inner = rest.partition(".")
    if part == "units":
        inner = inner.replace("mask", "gcnet.conv_mask").replace("context", "gcnet.channel_add_conv")
        theirs = f"dau_{('top', 'mid', 'bot')[int(number)]}.{inner}"
    elif part == "downs":
        theirs = f"{('down2', 'down4.0', 'down4.1')[int(number)]}.body.0.bot.{inner}"
    elif part == "ups":
        row, _, inner = inner.partition(".")
        theirs = f"up{('21', '32')[int(row)]}_{int(number) + 1}.body.0.bot.{inner}"
    elif part == "fusions":
        theirs = f"skff_{('top', 'mid')[int(number)]}.{inner.replace('squeeze', 'conv_du').replace('excite', 'fcs')}"
    else:
        theirs = f"conv_out.{rest}"
    return f"body.{group}.body.{block}.{theirs}"


def nafnet_name(name):
    """Theirs for ours."""
    ours = {"head": "intro", "tail": "ending", "middle": "middle_blks", "attention": "sca.1"}
    ours |= {"expand1": "conv1", "depthwise": "conv2", "project1": "conv3", "expand2": "conv4", "project2": "conv5"}
    return ".".join(ours.get(part, part) for part in name.split("."))


FILES = {
    "mirnet_v2": (MIRNetV2, {"num_channels": 16, "groups": [1, 4, 2], "num_blocks": 1}, mirnet_v2_name),
    "nafnet": (
        NAFNet,
        {"num_channels": 4, "encoder_blocks": [1, 3], "middle_blocks": 2, "decoder_blocks": [2, 1]},
        nafnet_name,
    ),
}


@pytest.mark.parametrize("architecture", FILES)
def test_files_of_the_authors_are_recognised(architecture):
    make, arguments, theirs = FILES[architecture]
    network = make(scale=1, **arguments).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    recognised = recognise({theirs(name): tensor for name, tensor in network.state_dict().items()})
    assert (recognised.spec.architecture, recognised.spec.scale) == (architecture, 1)
    assert recognised.spec.arguments == arguments
    x = torch.rand(1, 3, 16, 20)
    with torch.no_grad():
        assert torch.equal(recognised.network()(x), network(x))


def test_names_are_those_of_the_authors_code():
    """A few of each as they stand there, so that the two mappings above cannot agree on other ones."""
    v2 = {mirnet_v2_name(name) for name in MIRNetV2(scale=1).state_dict()}
    assert {
        "conv_in.weight",
        "body.3.body.1.dau_mid.gcnet.channel_add_conv.2.weight",
        "body.0.body.0.down4.1.body.0.bot.1.weight",
        "body.0.body.0.up32_2.body.0.bot.0.weight",
        "body.0.body.0.skff_mid.fcs.1.weight",
        "body.0.body.0.conv_out.weight",
    } <= v2
    naf = {nafnet_name(name) for name in NAFNet(scale=1).state_dict()}
    assert {
        "intro.bias",
        "encoders.3.7.sca.1.weight",
        "middle_blks.11.norm2.bias",
        "decoders.0.1.conv5.weight",
        "downs.2.bias",
        "ups.1.0.weight",
        "encoders.0.0.beta",
    } <= naf


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (MIRNetV2, {"scale": 2}, "expected scale 1"),
        (MIRNetV2, {"scale": 1, "num_channels": 24}, "a multiple of 16, got 24"),
        (NAFNet, {"scale": 1, "task": "upscale"}, "a task that restores"),
        (NAFNet, {"scale": 1, "encoder_blocks": (1,)}, "as many decoders as encoders, got 4, 1"),
    ],
)
def test_what_they_cannot_be_is_refused(make, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(**arguments)
