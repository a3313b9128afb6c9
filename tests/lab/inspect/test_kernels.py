"""Upscaling kernels put together from the pieces that convolutions hold, and what they do to frequencies."""

import numpy as np
import pytest
import torch
from torch import nn

from upres.lab.archs.edge_sr import EdgeSRCNN, EdgeSRMax, EdgeSRTM, EdgeSRTR
from upres.lab.archs.espcn import ESPCN
from upres.lab.archs.fsrcnn import FSRCNN
from upres.lab.archs.rlfn import RLFN
from upres.lab.archs.vdsr import VDSR
from upres.lab.inspect.kernels import SPECTRUM, Kernel, kernels, strongest


@pytest.mark.parametrize(("network", "roles"), [(EdgeSRTM(scale=3), 2), (EdgeSRTR(scale=2, kernel_size=7), 3)])
def test_a_kernel_is_what_the_network_makes_of_one_bright_pixel(network, roles):
    found = kernels(network)
    assert [kernel.group for kernel in found] == [role for role in network.roles for _ in range(4)]
    size, scale = network.filter.kernel_size[0], network.scale
    point = torch.zeros(1, 1, size, size)
    point[0, 0, size // 2, size // 2] = 1
    with torch.no_grad():
        planes = nn.functional.pixel_shuffle(network.filter(point).unflatten(1, (roles * 4, scale**2))[0], scale)
    for kernel, plane in zip(found, planes[:, 0], strict=True):
        np.testing.assert_array_equal(kernel.taps, plane.numpy())


def test_a_transposed_convolution_holds_its_kernels_whole():
    network = FSRCNN(scale=2, num_features=6)
    last = [kernel for kernel in kernels(network) if kernel.group == "last"]
    (layer,) = (each for each in network.modules() if isinstance(each, nn.ConvTranspose2d))
    np.testing.assert_array_equal(last[3].taps, layer.weight[3, 0].detach().numpy())
    assert last[3].scale == 2


def test_filters_of_the_picture_are_turned_and_colours_added_up():
    network = RLFN(scale=2, num_channels=8, num_blocks=1)
    first = [kernel for kernel in kernels(network) if kernel.group == "first"]
    expected = network.head.weight[5].detach().sum(0).flip(0, 1)
    np.testing.assert_allclose(first[5].taps, expected.numpy(), rtol=1e-6)
    assert len([kernel for kernel in kernels(network) if kernel.group == "last"]) == 8


def test_which_groups_networks_have():
    counts = {
        EdgeSRMax(scale=2): {"values": 4},
        EdgeSRCNN(scale=2): {"first": 3, "values": 24, "keys": 24},
        ESPCN(scale=2, num_features=5, num_shrink=7): {"first": 5, "last": 7},
        VDSR(scale=2, num_channels=4, num_layers=3): {"first": 4},
    }
    for network, expected in counts.items():
        groups = [kernel.group for kernel in kernels(network)]
        assert {group: groups.count(group) for group in groups} == expected, type(network).__name__


def facts_of(taps, scale=1):
    return Kernel(group="first", number=0, taps=np.asarray(taps, np.float32), scale=scale).facts()


def test_facts_know_gain_direction_and_what_the_input_cannot_hold():
    across = facts_of([[0, 0, 0], [1, -2, 1], [0, 0, 0]])
    assert (across["gain"], round(across["direction"]) % 180) == (0, 0)
    down = facts_of([[0, 1, 0], [0, -2, 0], [0, 1, 0]])
    assert round(down["direction"]) == 90
    assert min(across["directed"], down["directed"]) > 0.3
    assert facts_of([[1, 0, 0], [0, -2, 0], [0, 0, 1]])["direction"] == pytest.approx(45, abs=1)
    assert facts_of([[0, 0, 0], [0, 1, 0], [0, 0, 0]])["directed"] < 0.01
    box = facts_of(np.ones((2, 2)), scale=2)
    point = facts_of([[4, 0], [0, 0]], scale=2)
    assert box["gain"] == point["gain"] == 1
    assert box["beyond"] < 0.5 < point["beyond"]
    assert facts_of(np.zeros((3, 3)))["gain"] == 0
    assert Kernel(group="first", number=0, taps=np.ones((3, 3), np.float32), scale=1).response.shape == (SPECTRUM,) * 2


def test_the_strongest_stay_in_their_order():
    planes = [np.full((2, 2), value, np.float32) for value in (1, 5, 2, -9)]
    found = [Kernel(group="first", number=n, taps=taps, scale=1) for n, taps in enumerate(planes)]
    assert [kernel.number for kernel in strongest(found, 2)] == [1, 3]
    assert strongest(found, 9) == found
