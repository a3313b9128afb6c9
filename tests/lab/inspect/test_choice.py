"""The choice among candidates is the one that the network makes."""

import pytest
import torch

from upres.errors import UnsupportedModelError
from upres.lab.archs.edge_sr import EdgeSRCNN, EdgeSRMax, EdgeSRTM, EdgeSRTR
from upres.lab.archs.vdsr import VDSR
from upres.lab.inspect.choice import BANDS, choice, power_of_bands


@pytest.mark.parametrize("architecture", [EdgeSRMax, EdgeSRTM, EdgeSRTR, EdgeSRCNN])
@pytest.mark.parametrize("scale", [2, 3])
def test_candidates_and_weights_make_the_output(architecture, scale):
    torch.manual_seed(0)
    network = architecture(scale=scale)
    batch = torch.rand(1, 1, 12, 9)
    found = choice(network, batch)
    with torch.no_grad():
        torch.testing.assert_close((found.values * found.weights).sum(0), network(batch)[0, 0])
    torch.testing.assert_close(found.weights.sum(0), torch.ones(12 * scale, 9 * scale))
    assert found.winners.shape == (12 * scale, 9 * scale)
    if architecture is EdgeSRMax:
        assert float(found.entropy().abs().max()) == 0
    else:
        assert 0 < float(found.entropy().mean()) <= 2.001


def test_networks_without_candidates_are_refused():
    with pytest.raises(UnsupportedModelError, match="VDSR does not choose among candidates"):
        choice(VDSR(scale=2, num_channels=4, num_layers=3), torch.rand(1, 1, 12, 9))


def test_a_wave_lies_in_the_ring_of_its_frequency():
    columns = torch.arange(64)
    for frequency, ring in ((0.095, 1), (0.28, 4), (0.47, BANDS - 1)):
        wave = torch.cos(2 * torch.pi * frequency * columns).expand(1, 48, 64)
        power = power_of_bands(wave + 5)[0]
        assert power.argmax() == ring
        assert power[ring] > 0.9 * power.sum()
