"""Counts of parameters, operations and memory, exact ones and the challenge's."""

import csv
from importlib import import_module

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from upres.lab.blocks.reparam import fold_network
from upres.lab.complexity import hd_input, measure, receptive_field


class Functional(nn.Module):
    """Runs a function; its parameters are there to be used by it."""

    def __init__(self, function, **parameters):
        super().__init__()
        self.function = function
        for name, shape in parameters.items():
            self.register_parameter(name, nn.Parameter(torch.rand(shape)))

    def forward(self, x):
        return self.function(self, x)


def count(network, *, size=(10, 12), channels=4, **more):
    return measure(network, size=size, channels=channels, probe_reach=False, **more)


PIXELS = 10 * 12


@pytest.mark.parametrize(
    ("function", "parameters", "flops", "activations", "convs"),
    [
        (lambda s, x: F.conv2d(x, s.w, s.b, padding=1), {"w": (6, 4, 3, 3), "b": (6,)}, 216 * PIXELS, 6 * PIXELS, 1),
        (lambda s, x: F.conv2d(x, s.w, padding=1, groups=2), {"w": (6, 2, 3, 3)}, 108 * PIXELS, 6 * PIXELS, 1),
        (lambda s, x: F.conv2d(x, s.w, stride=2, padding=1), {"w": (6, 4, 3, 3)}, 216 * 30, 6 * 30, 1),
        (lambda s, x: F.conv_transpose2d(x, s.w, stride=2), {"w": (4, 5, 2, 2)}, 80 * PIXELS, 20 * PIXELS, 1),
        (lambda s, x: F.linear(x.movedim(1, -1), s.w, s.b), {"w": (7, 4), "b": (7,)}, 28 * PIXELS, 7 * PIXELS, 0),
        (lambda s, x: F.linear(x.movedim(1, -1), s.w), {"w": (7, 4)}, 28 * PIXELS, 7 * PIXELS, 0),
        (lambda s, x: x.flatten(2).mT @ x.flatten(2), {}, 4 * PIXELS**2, PIXELS**2, 0),
        (lambda s, x: torch.einsum("bchw,bdhw->bcd", x, x), {}, 16 * PIXELS, 16, 0),
        (lambda s, x: F.relu(F.interpolate(x, scale_factor=2)), {}, 0, 0, 0),
    ],
)
def test_exact_counts_see_what_is_executed(function, parameters, flops, activations, convs):
    cost = count(Functional(function, **parameters))
    assert cost.flops_g * 1e9 == pytest.approx(flops)
    assert cost.activations_m * 1e6 == pytest.approx(activations)
    assert cost.num_convs == convs


def test_fused_attention_counts_both_products():
    def attend(_, x):
        tokens = x.flatten(2).mT  # (N, HW, C)
        return F.scaled_dot_product_attention(tokens[:, None], tokens[:, None], tokens[:, None])

    assert count(Functional(attend)).flops_g * 1e9 == pytest.approx(2 * 4 * PIXELS**2)


def test_a_shared_layer_has_its_parameters_once_and_its_work_at_every_call():
    layer = nn.Conv2d(4, 4, 3, padding=1)
    cost = count(nn.Sequential(layer, layer, layer))
    assert cost.parameters_m * 1e6 == pytest.approx(4 * 4 * 9 + 4)
    assert cost.num_convs == 3
    assert cost.flops_g * 1e9 == pytest.approx(3 * 144 * PIXELS)
    assert count(nn.Sequential(layer, layer, layer), convention="ntire").num_convs == 3


@pytest.mark.parametrize(
    ("layers", "flops"),
    [
        ([nn.Conv2d(4, 6, 3, padding=1), nn.LeakyReLU(), nn.PReLU(), nn.ReLU6(), nn.ELU()], 216 + 4 * 6),
        ([nn.Conv2d(4, 6, 3, padding=1), nn.GELU(), nn.SiLU(), nn.Sigmoid()], 216),
        ([nn.BatchNorm2d(4)], 8),
        ([nn.ConvTranspose2d(4, 5, 2, stride=2)], 4 * 80),
        ([nn.Upsample(scale_factor=2), nn.PixelShuffle(2)], 0),
        ([Functional(lambda _, x: F.leaky_relu(x))], 0),
    ],
)
def test_the_challenges_own_counting(layers, flops):
    assert count(nn.Sequential(*layers), convention="ntire").flops_g * 1e9 == pytest.approx(flops * PIXELS)


def test_the_challenges_counting_of_a_linear_layer_keeps_its_mistake():
    class Pointwise(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 7)

        def forward(self, x):
            return self.layer(x.movedim(1, -1))  # (N, H, W, 7)

    assert count(Pointwise(), convention="ntire").flops_g * 1e9 == pytest.approx(10 * 10)
    assert count(Pointwise()).flops_g * 1e9 == pytest.approx(28 * PIXELS)


def test_a_network_that_looks_at_values_is_counted_on_real_ones():
    def branch(module, x):
        return F.conv2d(x, module.w) if x.mean().item() > 0 else x

    cost = count(Functional(branch, w=(6, 4, 1, 1)))
    assert cost.flops_g * 1e9 == pytest.approx(24 * PIXELS)
    assert cost.num_convs == 1


def test_peak_memory_is_weights_and_what_lives_at_once():
    network = nn.Sequential(
        nn.Conv2d(4, 8, 1, bias=False), nn.Conv2d(8, 6, 1, bias=False), nn.Conv2d(6, 2, 1, bias=False)
    )
    weights = 32 + 48 + 12
    alive = (4 + 8 + 6) * PIXELS  # the input stays, the first result is gone when the third is made
    assert count(network).peak_mib * 2**20 == pytest.approx(4 * (weights + alive))
    in_place = nn.Sequential(nn.Conv2d(4, 8, 1, bias=False), nn.ReLU(inplace=True))
    assert count(in_place).peak_mib * 2**20 == pytest.approx(4 * (32 + 12 * PIXELS))
    shared = Functional(lambda s, x: F.linear(x.movedim(1, -1), s.w), w=(4, 4))
    assert count(shared).peak_mib * 2**20 == pytest.approx(4 * (16 + 8 * PIXELS))  # a view of weights weighs nothing


def test_the_size_that_is_counted_costs_nothing_to_count():
    network = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1), nn.Conv2d(64, 3, 3, padding=1))
    cost = count(network, size=(20_000, 20_000), channels=3)
    assert cost.flops_g == pytest.approx(2 * 27 * 64 * 0.4)
    assert cost.peak_mib > 90_000


@pytest.mark.parametrize(
    ("layers", "width"),
    [
        ([nn.Conv2d(3, 4, 5, padding=2)], 5),
        ([nn.Conv2d(3, 4, 5, padding=2), nn.ReLU(), nn.Conv2d(4, 3, 3, padding=1)], 7),
        ([nn.Conv2d(3, 12, 3, padding=2, dilation=2), nn.PixelShuffle(2)], 5),
        ([nn.Conv2d(3, 4, 3, padding=1), nn.Upsample(scale_factor=2), nn.Conv2d(4, 3, 3, padding=1)], 5),
        ([nn.Conv2d(3, 4, 65, padding=32)], 65),
        ([nn.AdaptiveAvgPool2d(1), nn.Upsample(size=(24, 64))], None),
        ([Functional(lambda _, x: x - x.mean((2, 3), keepdim=True))], None),
    ],
)
def test_receptive_field(layers, width):
    assert receptive_field(nn.Sequential(*layers), channels=3) == width


def test_the_receptive_field_is_that_of_the_structure_whatever_the_weights():
    network = nn.Sequential(nn.Conv2d(3, 4, 5, padding=2), nn.ReLU(), nn.Conv2d(4, 3, 3, padding=1))
    for parameter in network.parameters():
        nn.init.constant_(parameter, -1.0)  # every ReLU is dead
    assert receptive_field(network, channels=3) == 7


def test_the_network_is_left_as_it_was_found():
    network = nn.Sequential(nn.BatchNorm2d(4), nn.Dropout(), nn.Conv2d(4, 4, 1))
    network[1].eval()
    state = {key: value.clone() for key, value in network.state_dict().items()}
    measure(network, size=(8, 8), channels=4)
    assert network[0].training
    assert not network[1].training
    assert not any(module._forward_hooks for module in network.modules())
    for key, value in network.state_dict().items():
        torch.testing.assert_close(value, state[key])


def test_wrong_conventions_are_refused():
    with pytest.raises(ValueError, match="convention must be 'exact' or 'ntire'"):
        measure(nn.Identity(), convention="flops")


@pytest.mark.parametrize(("scale", "size"), [(2, (360, 640)), (3, (240, 427)), (4, (180, 320))])
def test_the_papers_input(scale, size):
    assert hd_input(scale) == size


E_RFDN = {"num_channels": 50, "num_blocks": 4, "attention": "esa"}
IMDN_AIM = {"attention_reduction": None, "fuse_blocks": False}
CHALLENGE = {
    "-1_IMDN_baseline": ("imdn:IMDN", 4, {"num_blocks": 8, **IMDN_AIM}),
    "26_IMDN": ("imdn:IMDN", 4, {"num_blocks": 7, **IMDN_AIM}),
    "00_RFDN_baseline": ("rfdn:RFDN", 4, E_RFDN),
    "40_RFDNPrune": (
        "rfdn:RFDN",
        4,
        {**E_RFDN, "num_channels": 40, "block": "imdb_r_fdc", "remaining_channels": 40, "attention_channels": 12},
    ),
    "01_EFDN": ("efdn:EFDN", 4, {}),
    "03_FMEN": ("fmen:FMEN", 4, {"warmup_channels": 12}),
    "04_RLFN": ("rlfn:RLFN", 4, {"num_channels": 46, "mid_channels": 48, "num_blocks": 4}),
    "05_EFDN": ("neesr:NEESR", 4, {}),
    "18_RFDNFINALB5": ("bsrn:BSRN", 4, {"num_channels": 48, "num_blocks": 5, "challenge": True}),
    "20_MobileSR": ("mobilesr:MobileSR", 4, {}),
    "27_LWFANet": ("lwfanet:LWFANet", 4, {}),
    "39_IMDN_plus": ("imdn_plus:IMDNPlus", 4, {}),
    "rlfn_x2": ("rlfn:RLFN", 2, {}),
    "rlfn_s_x4": ("rlfn:RLFN", 4, {"num_channels": 48}),
    "eSR-MAX_s4_K5_C8": ("edge_sr:EdgeSRMax", 4, {"kernel_size": 5, "num_channels": 8}),
    "eSR-TM_s3_K5_C3": ("edge_sr:EdgeSRTM", 3, {"kernel_size": 5, "num_channels": 3}),
    "eSR-TR_s2_K5_C2": ("edge_sr:EdgeSRTR", 2, {"kernel_size": 5, "num_channels": 2}),
    "eSR-CNN_s4_C8_D9_S15": ("edge_sr:EdgeSRCNN", 4, {"num_channels": 8, "num_features": 9, "num_shrink": 15}),
    "ESPCN_s3_D22_S32": ("espcn:ESPCN", 3, {"num_features": 22, "num_shrink": 32}),
    "FSRCNN_s2_D56_S12_M4": ("fsrcnn:FSRCNN", 2, {"num_features": 56, "num_shrink": 12, "num_blocks": 4}),
}


def build(path, scale, arguments):
    module, name = path.split(":")
    return fold_network(getattr(import_module(f"upres.lab.archs.{module}"), name)(scale=scale, **arguments))


@pytest.mark.parametrize("variant", CHALLENGE)
def test_the_challenges_table_comes_out(variant, shared):
    with (shared / "reference/measured.csv").open() as file:
        rows = [r for r in csv.DictReader(file) if r["variant"] == variant and r["protocol_id"] == "challenge-count"]
    expected = {row["metric"]: row["value"] for row in rows}
    cost = measure(build(*CHALLENGE[variant]), convention="ntire", probe_reach=False)
    found = {
        "params_M": cost.parameters_m,
        "params": cost.parameters_m * 1e6,
        "FLOPs_G": cost.flops_g,
        "activations_M": cost.activations_m,
        "num_conv": cost.num_convs,
    }
    decimals = {metric: len(text.partition(".")[2]) for metric, text in expected.items()}
    assert {m: f"{found[m]:.{decimals[m]}f}" for m in expected} == expected
    for row in rows:
        # XPixel's printed FLOPs are not what the challenge's counter gives for its network.
        if row["published"] and (variant, row["metric"]) != ("18_RFDNFINALB5", "FLOPs_G"):
            assert float(found[row["metric"]]) == pytest.approx(float(row["published"]), abs=0.00501)


def test_linear_layers_and_attention_are_counted_rightly_beside_it():
    network = build(*CHALLENGE["20_MobileSR"])
    exact = measure(network, probe_reach=False)
    pixels, width, ratios = 256 * 256, 40, (4, 2, 2, 2, 4)
    attention = 3 * width**2 + 2 * 64 * width + width**2  # query, key, value; two products over 8x8 windows; output
    hidden = sum(2 * ratio * width**2 for ratio in ratios)
    convolutions = measure(network, convention="ntire", probe_reach=False).num_convs
    conv_work = (3 + 2 * width) * width * 9  # head and fusion
    conv_work += sum(2 * ratio * width**2 + 9 * ratio * width + 9 * width for ratio in ratios)
    conv_work += width * 160 + 4 * width * 160 + 16 * width * 3 * 9  # two pixel shuffles and the tail
    assert exact.num_convs == convolutions == 25
    assert exact.flops_g * 1e9 == pytest.approx(pixels * (5 * attention + hidden + conv_work))


@pytest.mark.parametrize(
    ("path", "scale", "arguments"),
    [CHALLENGE["eSR-TM_s3_K5_C3"], CHALLENGE["ESPCN_s3_D22_S32"], CHALLENGE["FSRCNN_s2_D56_S12_M4"]],
)
def test_the_receptive_field_is_what_the_halo_says(path, scale, arguments):
    network = build(path, scale, arguments)
    assert receptive_field(network) == 2 * network.halo + 1


def test_a_network_with_global_statistics_has_no_receptive_field():
    assert (
        receptive_field(build("rfdn:RFDN", 2, {"num_channels": 8, "num_blocks": 1, "attention": "cca"}), limit=256)
        is None
    )
