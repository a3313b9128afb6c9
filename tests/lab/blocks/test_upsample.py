"""Tails: bicubic as MATLAB has it, stages, the order of phases."""

from itertools import product

import numpy as np
import pytest
import torch

from upres.image.resize import imresize
from upres.lab.blocks.upsample import BicubicUpsample, PhasedDeconvolution, pixel_shuffle_tail, staged_upsampler


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("size", [(2, 2), (7, 9), (12, 5)])
def test_bicubic_is_matlabs(scale, size):
    picture = np.random.default_rng(0).random(size, dtype=np.float32)
    found = BicubicUpsample(scale=scale)(torch.from_numpy(picture)[None, None])[0, 0].numpy()
    np.testing.assert_allclose(found, imresize(picture, scale=scale), atol=1e-6)


def test_bicubic_treats_planes_alone():
    planes = torch.rand(2, 3, 6, 5)
    upsample = BicubicUpsample(scale=3)
    alone = torch.cat([upsample(planes[:, c : c + 1]) for c in range(3)], dim=1)
    torch.testing.assert_close(upsample(planes), alone)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_stages_multiply_to_the_scale(scale):
    assert staged_upsampler(4, scale)(torch.rand(1, 4, 3, 5)).shape == (1, 4, 3 * scale, 5 * scale)


@pytest.mark.parametrize("scale", [0, 1, 5, 6])
def test_other_scales_are_refused(scale):
    with pytest.raises(ValueError, match=f"3 or a power of two, got {scale}"):
        staged_upsampler(4, scale)


def test_the_tail_lays_a_channels_phases_side_by_side():
    tail = pixel_shuffle_tail(1, 3, 2)
    with torch.no_grad():
        tail[0].weight.zero_()
        tail[0].bias.copy_(torch.arange(12.0))
    sr = tail(torch.zeros(1, 1, 1, 1))[0]
    assert sr.tolist() == [[[0, 1], [2, 3]], [[4, 5], [6, 7]], [[8, 9], [10, 11]]]


@pytest.mark.parametrize(("stride", "kernel_size"), [(2, 3), (3, 3), *product((2, 3, 4, 5, 8), (8, 9))])
@pytest.mark.parametrize("size", [(1, 1), (2, 7), (6, 5)])
def test_phases_are_the_transposed_convolution(stride, kernel_size, size):
    torch.manual_seed(0)
    layer = PhasedDeconvolution(3, 2, kernel_size=kernel_size, stride=stride).double()
    picture = torch.rand(2, 3, *size, dtype=torch.double, requires_grad=True)
    grads = []
    for training in (True, False):
        result = layer.train(training)(picture)
        assert result.shape == (2, 2, stride * size[0], stride * size[1])
        result.square().sum().backward()
        grads.append([result.detach(), picture.grad, layer.weight.grad, layer.bias.grad])
        picture.grad = layer.weight.grad = layer.bias.grad = None
    torch.testing.assert_close(*grads)
