"""Ranges of 8-bit inputs, found by looking at pictures."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from upres.errors import UnsupportedModelError
from upres.lab.checkpoint import build, spec_of
from upres.lab.compress.quantize.calibration import calibrate, quantize
from upres.lab.compress.quantize.network import quantize_network, quantized_layers
from upres.models.card import ModelSpec

RLFN = ModelSpec(architecture="rlfn", scale=2, arguments={"num_channels": 32, "num_blocks": 1})


def two_layers():
    torch.manual_seed(0)
    return quantize_network(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 1, 3)), layers=["0", "2"])


def test_ranges_reach_over_nearly_all_that_a_layer_sees():
    network, batches = two_layers(), [torch.randn(4, 1, 64, 64) * 2 + 1 for _ in range(8)]
    calibrate(network, batches)
    seen = torch.cat(batches)
    low, high = quantized_layers(network)["0"].input_range.tolist()
    assert float(seen.min()) - 0.1 < low < -5
    assert 7 < high < float(seen.max()) + 0.1
    cut_off = float(((seen < low) | (seen > high)).float().mean())
    assert cut_off < 1e-3
    assert quantized_layers(network)["2"].input_range[0] == 0, "nothing is negative after a ReLU"


def test_a_single_outlier_does_not_widen_a_range():
    network, batch = two_layers(), torch.rand(8, 1, 256, 256)
    batch[0, 0, 0, 0] = 1000.0
    calibrate(network, [batch])
    assert quantized_layers(network)["0"].input_range.tolist()[1] < 1.1


def test_ranges_that_are_set_stay():
    network = two_layers()
    quantized_layers(network)["0"].input_range.data.copy_(torch.tensor([-9.0, 9.0]))
    calibrate(network, [torch.rand(1, 1, 32, 32)])
    assert quantized_layers(network)["0"].input_range.tolist() == [-9, 9]
    assert quantized_layers(network)["2"].input_range.any()


def test_a_folder_of_pictures_quantises_a_network(tmp_path, monkeypatch):
    monkeypatch.setenv("UPRES_CACHE", str(tmp_path / "cache"))
    (tmp_path / "pictures").mkdir()
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (400, 400, 3), np.uint8)).save(tmp_path / "pictures" / "noise.png")
    torch.manual_seed(0)
    network = build(RLFN).eval()
    x = torch.rand(1, 3, 24, 24)
    with torch.no_grad():
        exact = network(x)
        found = quantize(network, tmp_path / "pictures")(x)
    assert len(quantized_layers(network)) == 5
    assert 0 < float((found - exact).abs().max()) < 0.05


def test_a_network_of_narrow_layers_is_refused(tmp_path):
    with pytest.raises(UnsupportedModelError, match="no convolution that gains"):
        quantize(build(spec_of("esr_tm_x2")), tmp_path)
