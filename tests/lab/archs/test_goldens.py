"""Official weights, imported by recognition, against the official networks' outputs."""

import csv

import numpy as np
import pytest
import torch

from upres.lab.foreign.read import read
from upres.lab.foreign.recognise import recognise

TOLERANCE = {"0-1": 2e-5, "0-255": 5e-3}
WHITE = {"0-1": 1.0, "0-255": 255.0}

GOLDENS = {
    "imdn_x2": ("IMDN_x2", "imdn"),
    "imdn_x4": ("IMDN_x4", "imdn"),
    "ntire_imdn_baseline_x4": ("imdn_baseline", "imdn"),
    "rfdn_aim_x4": ("RFDN_AIM", "rfdn"),
    "rlfn_ntire_x4": ("rlfn_ntire_x4", "rlfn"),
    "rlfn_x4": ("rlfn_x4", "rlfn"),
    "rlfn_s_x4": ("rlfn_s_x4", "rlfn"),
    "carn_m_x4": ("carn_m", "carn"),
    "carn_m_x2": ("carn_m", "carn"),
    "carn_rand_x4": ("carn_rand_x4", "carn"),
    "ntire01_nku_efdn_x4": ("team01_efdn", "efdn"),
    "ntire03_njujet_fmen_x4": ("team03_fmen", "fmen"),
    "ntire05_neesr_efdn_x4": ("team05_efdn", "neesr"),
    "ntire18_xpixel_bsrn_x4": ("team18_bsrn", "bsrn"),
    "ntire20_njust_mobilesr_x4": ("team20_mobilesr", "mobilesr"),
    "ntire39_rainbow_imdnplus_x4": ("team39_imdn_plus", "imdn_plus"),
    "mirnet_small_rand_n8_rrg1_mrb2": ("mirnet_small_rand_n8_rrg1_mrb2", "mirnet"),
    "span28_ntire2025_team46_x4": ("team46_span", "span"),
}
"""Output -> weights and the architecture they must be recognised as."""

ORIGINALS = {
    "rlfn_ntire_x4.pth": "rlfn_ntire_x4",
    "team01_efdn.pth": "ntire01_nku_efdn_x4",
    "team05_efdn.pt": "ntire05_neesr_efdn_x4",
    "team18_bsrn.pth": "ntire18_xpixel_bsrn_x4",
    "team46_span.pth": "span28_ntire2025_team46_x4",
}


def check(shared, golden, file):
    with (shared / "reference" / "golden" / "index.csv").open() as index:
        (row,) = [row for row in csv.DictReader(index) if row["file"] == f"{golden}.npz"]
    recognised = recognise(read(shared / "reference" / "weights" / file), scale=int(row["scale"]), source=file)
    assert (recognised.spec.architecture, recognised.spec.scale) == (GOLDENS[golden][1], int(row["scale"]))
    arrays = np.load(shared / "reference" / "golden" / f"{golden}.npz")
    white = WHITE[row["range"]]
    with torch.no_grad():
        sr = recognised.network()(torch.from_numpy(arrays["input"]) / white) * white
    np.testing.assert_allclose(sr.numpy(), arrays["output"], atol=TOLERANCE[row["range"]], rtol=0)


@pytest.mark.parametrize("golden", GOLDENS)
def test_official_weights_give_the_official_output(golden, shared):
    check(shared, golden, f"{GOLDENS[golden][0]}.safetensors")


@pytest.mark.slow
@pytest.mark.parametrize("file", ORIGINALS)
def test_files_as_their_authors_saved_them_give_it_too(file, shared):
    check(shared, ORIGINALS[file], file)
