"""Parameters against the papers: totals to the unit, and layer by layer where a total could hide two mistakes."""

import pytest
import torch

from upres.lab.blocks.reparam import fold_network
from upres.lab.checkpoint import build, spec_of

PUBLISHED = {
    "vdsr_x2": 664_704,
    "edsr_baseline_x2": 1_369_859,
    "edsr_baseline_x3": 1_554_499,
    "edsr_baseline_x4": 1_517_571,
    "edsr_x2": 40_729_603,
    "edsr_x3": 43_680_003,
    "edsr_x4": 43_089_923,
    "rdn_x2": 22_123_395,
    "carn_x4": 1_111_875,
    "imdn_x2": 694_404,
    "imdn_x3": 703_059,
    "imdn_x4": 715_176,
    "imdn_ntire_x4": 893_936,
    "xilinxsr_x4": 790_496,
    "rfdn_x2": 534_036,
    "rfdn_x3": 540_531,
    "rfdn_x4": 549_624,
    "rfdn_l_x2": 625_962,
    "rfdn_l_x3": 632_997,
    "rfdn_l_x4": 642_846,
    "e_rfdn_x4": 433_448,
    "megsr_x4": 289_888,
    "rlfn_x2": 526_856,
    "rlfn_x4": 543_740,
    "rlfn_s_x2": 454_620,
    "rlfn_s_x4": 470_208,
    "rlfn_ntire_x4": 317_218,
    "bsrn_ntire_x4": 156_288,
    "fmen_x4": 341_066,
    "efdn_x4": 276_192,
    "neesr_x4": 272_038,
    "mobilesr_x4": 175_883,
    "imdn_plus_x4": 275_844,
    "lwfanet_x4": 831_831,
    "span_ntire_x4": 146_328,
    "rrdbnet_x4": 16_697_987,
    "rrdbnet_b6_x4": 4_467_779,
    "srvggnet_compact_x4": 621_424,
    "srvggnet_compact_l32_x4": 1_213_296,
    "mirnet": 31_787_419,
    "mirnet_v2": 5_858_560,
    "nafnet_w32": 29_159_715,
    "nafnet_w64": 115_982_915,
}
"""Folded where the network folds."""


def conv(inputs, outputs, kernel_size, *, groups=1, bias=True):
    return outputs * (inputs // groups) * kernel_size**2 + outputs * bias


def counts(network):
    """Parameters of each direct child; what none of them holds is under the empty name."""
    found = {name: sum(p.numel() for p in child.parameters()) for name, child in network.named_children()}
    found = {name: count for name, count in found.items() if count}
    own = sum(p.numel() for p in network.parameters()) - sum(found.values())
    return found | ({"": own} if own else {})


def network_of(name):
    with torch.device("meta"):
        return fold_network(build(spec_of(name)))


@pytest.mark.parametrize("name", PUBLISHED)
def test_totals_are_the_published_ones(name):
    assert sum(p.numel() for p in network_of(name).parameters()) == PUBLISHED[name]


def test_carn_m_and_its_three_heads_make_the_published_file():
    networks = {scale: counts(network_of(f"carn_m_x{scale}")) for scale in (2, 3, 4)}
    heads = {scale: found.pop("upsampler") for scale, found in networks.items()}
    assert heads == {2: conv(64, 256, 3, groups=4), 3: conv(64, 576, 3, groups=4), 4: 2 * conv(64, 256, 3, groups=4)}
    assert networks[2] == networks[3] == networks[4]
    frozen = 2 * (9 + 3)  # two colour shifts, which the file repeats and we hold as constants
    assert sum(networks[4].values()) + sum(heads.values()) + frozen == 414_811


def test_rfdn_layer_by_layer():
    found = counts(network_of("rfdn_x4"))
    block = 3 * conv(48, 24, 1) + 3 * conv(48, 48, 3) + conv(48, 24, 3) + conv(96, 48, 1)
    attention = conv(48, 12, 1) + conv(12, 48, 1)
    assert found == {
        "head": conv(3, 48, 3),
        "blocks": 6 * (block + attention),
        "fusion": conv(6 * 48, 48, 1),
        "body_conv": conv(48, 48, 3),
        "upsampler": conv(48, 48, 3),
    }


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("imdb", conv(64, 64, 3) + 2 * conv(48, 64, 3) + conv(48, 16, 3)),
        ("imdb_r", conv(64, 16, 3) + conv(64, 48, 3) + 2 * conv(48, 16, 3) + 2 * conv(48, 48, 3) + conv(48, 16, 3)),
        ("imdb_r_fdc", conv(64, 16, 1) + conv(64, 48, 3) + 2 * conv(48, 16, 1) + 2 * conv(48, 48, 3) + conv(48, 16, 3)),
        ("imdb_r_srb", 3 * conv(64, 16, 3) + 3 * conv(64, 64, 3) + conv(64, 16, 3)),
        ("rfdb", 3 * conv(64, 16, 1) + 3 * conv(64, 64, 3) + conv(64, 16, 3)),
    ],
)
def test_the_ladder_block_by_block(block, expected):
    network = network_of(f"ladder_{block}_x2")
    attention_and_fusion = conv(64, 4, 1) + conv(4, 64, 1) + conv(64, 64, 1)
    assert counts(network)["blocks"] == 6 * (expected + attention_and_fusion)


def test_rearranging_the_split_costs_no_parameter():
    assert (
        counts(network_of("ladder_imdb_x4")) == counts(network_of("ladder_imdb_r_x4")) == counts(network_of("imdn_x4"))
    )


def test_rlfn_layer_by_layer():
    found = counts(network_of("rlfn_ntire_x4"))
    block = conv(46, 48, 3) + conv(48, 48, 3) + conv(48, 46, 3) + conv(46, 46, 1)
    attention = conv(46, 16, 1) + conv(16, 16, 1) + 2 * conv(16, 16, 3) + conv(16, 46, 1)
    assert found == {
        "head": conv(3, 46, 3),
        "blocks": 4 * (block + attention),
        "body_conv": conv(46, 46, 3),
        "upsampler": conv(46, 48, 3),
    }


def test_bsrn_layer_by_layer():
    found = counts(network_of("bsrn_ntire_x4"))

    def linear(inputs, outputs):
        return (inputs + 1) * outputs

    def separable(inputs, outputs):
        return linear(inputs, outputs) + conv(outputs, outputs, 3, groups=outputs)

    attention = linear(48, 12) + linear(12, 12) + conv(12, 12, 3) + 3 * separable(12, 12) + linear(12, 48)
    block = 3 * linear(48, 24) + 3 * separable(48, 48) + separable(48, 24) + linear(96, 48) + 48 + linear(48, 48)
    assert found == {
        "head": separable(12, 48),
        "blocks": 5 * (block + attention),
        "fusion": linear(240, 48),
        "body_conv": separable(48, 48),
        "upsampler": conv(48, 48, 3),
    }


def test_the_paper_bsrn_has_the_published_size():
    for scale, published in ((2, 332_000), (3, 340_000), (4, 352_000)):
        count = sum(p.numel() for p in network_of(f"bsrn_x{scale}").parameters())
        assert round(count, -3) == published


def test_fmen_layer_by_layer():
    found = counts(network_of("fmen_x4"))

    def attention(width, convs):
        return conv(50, width, 3) + convs * conv(width, width, 3) + conv(width, 50, 3)

    assert found == {
        "head": conv(3, 50, 3),
        "warmup": conv(50, 50, 3) + attention(12, 4),
        "blocks": 4 * (2 * conv(50, 50, 3) + attention(16, 2)),
        "body_conv": conv(50, 50, 3),
        "upsampler": conv(50, 48, 3),
    }


def test_span_layer_by_layer():
    found = counts(network_of("span_ntire_x4"))
    assert found == {
        "head": conv(3, 28, 3),
        "blocks": 6 * 3 * conv(28, 28, 3),
        "body_conv": conv(28, 28, 3),
        "fusion": conv(112, 20, 1),
        "upsampler": conv(20, 48, 3),
    }


@pytest.mark.parametrize(("name", "width", "blocks"), [("plain_c32b6", 32, 6), ("plain_c48b4", 48, 4)])
def test_plain_networks_layer_by_layer(name, width, blocks):
    same = conv(width, width, 3)
    trunk = {"head": conv(3, width, 3), "blocks": blocks * 3 * same, "body_conv": same}
    for scale in (2, 3, 4):
        found = counts(network_of(f"{name}_x{scale}"))
        assert found == trunk | {"upsampler": conv(width, 3 * scale**2, 3)}


def test_imdn_plus_narrows_by_six():
    block = sum(conv(width, width, 3) for width in (36, 30, 24, 18, 12, 6)) + conv(36, 36, 1)
    assert counts(network_of("imdn_plus_x4"))["blocks"] == 8 * block


def test_training_forms_are_wider_than_what_they_fold_to():
    for name in ("ecbsr_m4c16_x2", "fmen_x4", "efdn_x4", "neesr_x4", "span_x4"):
        with torch.device("meta"):
            network = build(spec_of(name))
        wide = sum(p.numel() for p in network.parameters())
        assert wide > 2 * sum(p.numel() for p in fold_network(network).parameters())
