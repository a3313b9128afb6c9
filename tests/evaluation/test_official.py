"""The official networks with the official weights, by our evaluation: it must meet what their own code measured.

``measured.csv`` was made on low-resolution pictures whose borders were reduced with the outermost pixel replicated;
MATLAB's ``imresize`` reflects there. On such pictures every figure is met to its last digits; on MATLAB's own the PSNR
is up to 0.006 dB lower, the SSIM equal to four decimals.
"""

import csv
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from upres.evaluation import LoadedPairs, bicubic_network, evaluate, evaluate_protocols, load_pairs
from upres.image.resize import imresize
from upres.lab.foreign.read import read
from upres.lab.foreign.recognise import recognise

FAST = [
    ("Bicubic_s2", 2),
    ("eSR-MAX_s2_K7_C2", 2),
    ("eSR-TM_s2_K7_C4", 2),
    ("ESPCN_s2_D16_S24", 2),
    ("FSRCNN_s2_D56_S12_M4", 2),
]
SLOW = [
    ("Bicubic_s3", 3),
    ("eSR-TM_s3_K5_C3", 3),
    ("eSR-TR_s2_K5_C2", 2),
    ("eSR-CNN_s2_C4_D3_S6", 2),
    ("FSRCNN_s3_D19_S6_M1", 3),
]
RGB = [
    ("IMDN_x2", "imdn", 2),
    ("IMDN_x4", "imdn", 4),
    ("RFDN_AIM", "rfdn_aim", 4),
    ("carn_m", "carn_m", 4),
    ("rlfn_ntire_x4", "rlfn_ntire", 4),
    ("rlfn_s_x4", "rlfn_s", 4),
    ("rlfn_x4", "rlfn", 4),
]


@pytest.fixture(scope="module")
def measured(shared):
    with (shared / "reference" / "measured.csv").open() as file:
        return {
            (row["variant"], row["scale"], row["dataset"], row["protocol_id"], row["metric"][:4]): float(row["value"])
            for row in csv.DictReader(file)
        }


def official(shared, name):
    network = recognise(read(shared / "reference" / "weights" / f"{name}.safetensors")).network()

    @torch.inference_mode()
    def run(batch):
        return network(torch.from_numpy(batch)).numpy()

    return run


def with_replicated_borders(data: LoadedPairs) -> LoadedPairs:
    """The data set with low-resolution pictures made as those behind ``measured.csv``."""
    margin = 8

    def reduce(hr):
        width = margin * data.scale
        wide = np.pad(hr, ((width, width), (width, width), (0, 0)), mode="edge")
        return imresize(wide, scale=Fraction(1, data.scale))[margin:-margin, margin:-margin]

    return replace(data, pairs=tuple(replace(pair, lr=reduce(pair.hr)) for pair in data.pairs))


def assert_meets(reports, measured, variant, *, decibels, similarity):
    for report in reports:
        key = (variant, str(report.scale), report.dataset, report.protocol)
        assert report.psnr_db == pytest.approx(measured[*key, "PSNR"], abs=decibels), key
        if (*key, "SSIM") in measured:
            assert report.ssim == pytest.approx(measured[*key, "SSIM"], abs=similarity), key


@pytest.mark.parametrize(("name", "scale"), FAST)
def test_luma_networks_score_as_measured(shared, measured, name, scale):
    assert_luma_network_scores_as_measured(shared, measured, name, scale, "Set5")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "scale", "dataset"), [(*each, "Set5") for each in SLOW] + [(*each, "Set14") for each in FAST + SLOW]
)
def test_more_luma_networks_score_as_measured(shared, measured, name, scale, dataset):
    assert_luma_network_scores_as_measured(shared, measured, name, scale, dataset)


def assert_luma_network_scores_as_measured(shared, measured, name, scale, dataset):
    network = official(shared, name)
    data = load_pairs(shared / "data" / "test" / dataset, scale)
    settings = {"scale": scale, "color_mode": "luma", "protocols": ["luma-float", "esr"]}
    reports = evaluate_protocols(network, with_replicated_borders(data), **settings)
    assert_meets(reports, measured, name, decibels=1e-4, similarity=2e-5)
    reports = evaluate_protocols(network, data, **settings)
    assert_meets(reports, measured, name, decibels=8e-3, similarity=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("weights", "variant", "scale"), RGB)
def test_rgb_networks_score_as_measured(shared, measured, weights, variant, scale):
    network = official(shared, weights)
    data = load_pairs(shared / "data" / "test" / "Set5", scale)
    settings = {"scale": scale, "color_mode": "rgb", "protocols": ["paper", "ntire", "matlab-uint8"]}
    reports = evaluate_protocols(network, with_replicated_borders(data), **settings)
    assert_meets(reports, measured, variant, decibels=1e-4, similarity=2e-5)
    reports = evaluate_protocols(network, data, **settings)
    assert_meets(reports, measured, variant, decibels=8e-3, similarity=1e-4)


@pytest.mark.parametrize(("scale", "psnr_db", "ssim"), [(2, 33.66, 0.9299), (3, 30.39, 0.8682), (4, 28.42, 0.8104)])
def test_bicubic_scores_what_papers_print(shared, scale, psnr_db, ssim):
    report = evaluate(bicubic_network(scale), shared / "data" / "test" / "Set5", scale=scale, color_mode="rgb")
    assert report.psnr_db == pytest.approx(psnr_db, abs=0.02)
    assert report.ssim == pytest.approx(ssim, abs=0.001)
