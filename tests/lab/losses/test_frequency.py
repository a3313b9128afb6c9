"""The frequency loss on waves."""

import math

import pytest
import torch

from upres.lab.losses.frequency import fourier_l1


@pytest.mark.parametrize("frequency", [1, 5])
def test_a_wave_costs_the_same_at_every_frequency(frequency: int) -> None:
    side, amplitude = 32, 0.3
    wave = amplitude * torch.cos(2 * math.pi * frequency * torch.arange(side) / side).repeat(side, 1)[None, None]
    # an orthonormal cosine has the coefficient a / 2 * side; the half spectrum has side * (side / 2 + 1) coefficients
    expected = amplitude / 2 * side / (side * (side // 2 + 1) * 2)
    assert fourier_l1(wave, torch.zeros_like(wave)).item() == pytest.approx(expected, rel=1e-4)
