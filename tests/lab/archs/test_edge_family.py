"""The edge family: parameters as the papers count, official outputs, bicubic starts."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from upres.lab.blocks.bicubic import phase_filters
from upres.lab.checkpoint import build, parameter_count, spec_of
from upres.lab.foreign.read import read
from upres.lab.foreign.recognise import recognise
from upres.models.card import ModelSpec

POOL = {
    "eSR-MAX": ("esr_max", {"K": "kernel_size", "C": "num_channels"}),
    "eSR-TM": ("esr_tm", {"K": "kernel_size", "C": "num_channels"}),
    "eSR-TR": ("esr_tr", {"K": "kernel_size", "C": "num_channels"}),
    "eSR-CNN": ("esr_cnn", {"C": "num_channels", "D": "num_features", "S": "num_shrink"}),
    "ESPCN": ("espcn", {"D": "num_features", "S": "num_shrink"}),
    "FSRCNN": ("fsrcnn", {"D": "num_features", "S": "num_shrink", "M": "num_blocks"}),
}
"""The pool's family -> our architecture, and its letters -> our arguments."""

GOLDENS = {
    "Bicubic_s2": "Bicubic_s2_x2",
    "Bicubic_s3": "Bicubic_s3_x3",
    "Bicubic_PS_s2": "Bicubic_PS_s2_x2",
    "Bicubic_PS_s3": "Bicubic_PS_s3_x3",
    "eSR-MAX_s2_K7_C2": "eSR-MAX_s2_K7_C2_x2",
    "eSR-TM_s2_K7_C4": "eSR-TM_s2_K7_C4_x2",
    "eSR-TM_s3_K5_C3": "eSR-TM_s3_K5_C3_x3",
    "eSR-TR_s2_K5_C2": "eSR-TR_s2_K5_C2_x2",
    "eSR-CNN_s2_C4_D3_S6": "eSR-CNN_s2_C4_D3_S6_x2",
    "ESPCN_s2_D16_S24": "ESPCN_s2_D16_S24_x2",
    "ESPCN_s3_D0_S15": "ESPCN_s3_D0_S15_x3",
    "FSRCNN_s2_D56_S12_M4": "FSRCNN_s2_D56_S12_M4_x2",
    "FSRCNN_s3_D19_S6_M1": "FSRCNN_s3_D19_S6_M1_x3",
    "ESPCN_x3": "cv2_ESPCN_x3",
    "FSRCNN_x2": "cv2_FSRCNN_x2",
    "FSRCNN-small_x3": "cv2_FSRCNN-small_x3",
}
TRAINABLE = ("esr_max", "esr_tm", "esr_tr", "esr_cnn", "espcn", "fsrcnn")


def pool_rows(shared: Path):
    with (shared / "reference" / "edge_sr_pool.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("family", POOL)
def test_parameters_equal_the_pool_to_the_unit(shared, family):
    architecture, letters = POOL[family]
    rows = [row for row in pool_rows(shared) if row["family"] == family]
    assert len(rows) >= 144
    for row in rows:
        arguments = {name: int(row[letter]) for letter, name in letters.items()}
        network = build(ModelSpec(architecture=architecture, scale=int(row["s"]), arguments=arguments))
        assert parameter_count(network) == int(row["parameters"]), row["name"]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bicubic_stores_more_than_the_pool_counts(shared, scale):
    (row,) = [row for row in pool_rows(shared) if row["name"] == f"Bicubic_s{scale}"]
    naive = build(ModelSpec(architecture="bicubic_conv", scale=scale, arguments={"form": "naive"}))
    # the pool prints 26 s², which is neither form's number of stored weights: 121, 225 and 361 in its own files
    assert int(row["parameters"]) == 26 * scale**2
    assert parameter_count(naive) == {2: 121, 3: 225, 4: 361}[scale]


def test_parameters_layer_by_layer_as_the_papers_count():
    assert parameter_count(build(spec_of("esr_tm_x2"))) == 25 * 2 * 4 * 4
    assert parameter_count(build(spec_of("espcn_x2"))) == (25 * 16 + 16) + (9 * 16 * 24 + 24) + (9 * 24 * 4 + 4)
    shrunk = (25 * 56 + 56) + (56 * 12 + 12) + 4 * (9 * 12 * 12 + 12) + (12 * 56 + 56) + (81 * 56 + 1)
    assert parameter_count(build(spec_of("fsrcnn_x2"))) == shrunk + 7  # one slope a PReLU
    opencv = shrunk - 81 * 56 + 56 * 4 + (56 + 5 * 12 + 56)
    assert parameter_count(build(spec_of("fsrcnn_opencv_x2"))) == opencv == 8497


@pytest.mark.parametrize(("weights", "golden"), GOLDENS.items())
def test_official_weights_give_the_official_output(shared, weights, golden):
    network = recognise(read(shared / "reference" / "weights" / f"{weights}.safetensors")).network()
    pair = np.load(shared / "reference" / "golden" / f"{golden}.npz")
    with torch.no_grad():
        sr = network(torch.from_numpy(pair["input"])).numpy()
    if weights == "Bicubic_PS_s2":  # the official form loses a pixel a side; ours is always scale times the input
        sr = sr[..., 1:-1, 1:-1]
    assert sr.shape == pair["output"].shape
    assert np.abs(sr - pair["output"]).max() < 2e-5


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_both_forms_of_bicubic_agree(scale):
    forms = [
        build(ModelSpec(architecture="bicubic_conv", scale=scale, arguments={"form": form}))
        for form in ("naive", "efficient")
    ]
    lr = torch.rand(1, 1, 9, 11, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        naive, efficient = (network(lr) for network in forms)
    torch.testing.assert_close(naive, efficient, atol=1e-6, rtol=0)


def test_phase_centres_bicubic_at_scale_three():
    shifted, centred = (
        build(ModelSpec(architecture="bicubic_conv", scale=3, arguments={"phase": phase})) for phase in (-1.5, -1.0)
    )
    lr = torch.linspace(0, 1, 12).expand(1, 1, 12, 12)
    inside = slice(9, -9)
    expected = torch.linspace(-1 / 33, 1 + 1 / 33, 36)[inside]  # a ramp stays a ramp
    with torch.no_grad():
        torch.testing.assert_close(centred(lr)[0, 0, 18, inside], expected, atol=2e-6, rtol=0)
        half_a_pixel = expected - 0.5 / 33
        torch.testing.assert_close(shifted(lr)[0, 0, 18, inside], half_a_pixel, atol=2e-3, rtol=0)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_phase_filters_are_bicubic_interpolation(scale):
    lr = torch.rand(1, 1, 10, 12, generator=torch.Generator().manual_seed(0))
    # torch's own bicubic uses a = -0.75 unless it antialiases
    expected = F.interpolate(lr, scale_factor=scale, mode="bicubic", antialias=True)
    sr = F.pixel_shuffle(F.conv2d(lr, phase_filters(scale, 5), padding=2), scale)
    inside = slice(2 * scale, -2 * scale)
    torch.testing.assert_close(sr[..., inside, inside], expected[..., inside, inside], atol=1e-6, rtol=0)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("architecture", TRAINABLE)
def test_training_starts_near_interpolation(architecture, scale):
    torch.manual_seed(0)
    axis = torch.linspace(0, 1, 24)
    lr = (0.5 + 0.4 * torch.sin(5 * axis[:, None]) * torch.cos(4 * axis))[None, None]
    expected = F.interpolate(lr, scale_factor=scale, mode="bicubic", antialias=True)
    network = build(spec_of(f"{architecture}_x{scale}"))
    with torch.no_grad():
        error = (network(lr) - expected)[..., 12:-12, 12:-12]
    assert error.square().mean().sqrt() < 0.12
    assert error.mean().abs() < 0.1


def test_one_layer_channels_start_apart():
    filters = build(spec_of("esr_max_x2")).filter.weight.unflatten(0, (4, 4))
    assert (filters[0] - filters[1]).abs().max() > 1e-3


@pytest.mark.parametrize("architecture", ["esr_max", "esr_tm", "esr_tr"])
def test_even_kernels_are_refused(architecture):
    with pytest.raises(Exception, match="kernel_size must be odd, got 4"):
        build(ModelSpec(architecture=architecture, scale=2, arguments={"kernel_size": 4}))


def test_template_matching_of_one_candidate_is_that_candidate():
    network = build(ModelSpec(architecture="esr_tm", scale=2, arguments={"num_channels": 1}))
    lr = torch.rand(1, 1, 6, 7)
    values = F.conv2d(lr, network.filter.weight[:4], padding=2)
    torch.testing.assert_close(network(lr), F.pixel_shuffle(values, 2))


@pytest.mark.parametrize("groups", [("esr_max", 1), ("esr_tm", 2), ("esr_tr", 3)])
def test_reducing_before_the_shuffle_equals_the_papers_order(groups):
    architecture, count = groups
    network = build(spec_of(f"{architecture}_x3"))
    lr = torch.rand(2, 1, 7, 5)
    maps = F.pixel_shuffle(network.filter(lr), 3).chunk(count, dim=1)
    match architecture:
        case "esr_max":
            expected = maps[0].amax(dim=1, keepdim=True)
        case "esr_tm":
            expected = (maps[0] * maps[1].softmax(dim=1)).sum(dim=1, keepdim=True)
        case _:
            expected = (maps[0] * (maps[1] * maps[2]).softmax(dim=1)).sum(dim=1, keepdim=True)
    torch.testing.assert_close(network(lr), expected)


def test_steep_keys_do_not_overflow():
    network = build(spec_of("esr_tr_x2"))
    with torch.no_grad():
        network.filter.weight.mul_(100.0)
        noise = (torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0)) > 0.5).float()
        assert torch.isfinite(network(noise)).all()
