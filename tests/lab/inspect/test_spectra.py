"""High frequencies of maps, shifted maps and their differences."""

import torch
from torch import nn

from upres.lab.inspect.spectra import high_share, spectra


def waves(frequency):
    return torch.cos(2 * torch.pi * frequency * torch.arange(64)).expand(1, 48, 64)


def test_shares_know_low_from_high():
    low, high = float(high_share(waves(0.1))), float(high_share(waves(0.4)))
    assert low < 1e-3
    assert high > 0.999
    assert abs(float(high_share((waves(0.1) + waves(0.4)) / 2 + 9)) - 0.5) < 0.01
    assert float(high_share(torch.full((1, 16, 16), 3.0))) == 0


def test_a_shift_keeps_the_spectrum_and_a_difference_raises_it():
    torch.manual_seed(0)
    smooth = nn.functional.interpolate(torch.rand(1, 1, 16, 16), size=(64, 64), mode="bicubic")
    network = nn.Conv2d(1, 4, 3, padding=1)
    (layer,) = spectra(network, smooth)
    assert abs(layer.features - layer.shifted) < 0.1 * layer.features
    assert layer.difference > 1.5 * layer.features
