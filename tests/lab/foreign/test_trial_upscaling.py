"""Readings of equal shapes are told apart by what the network does."""

import pytest
import torch

from upres.errors import CheckpointError, Hint
from upres.lab.checkpoint import build
from upres.lab.foreign import trial_upscaling as trial
from upres.lab.foreign.recognise import recognise
from upres.models.card import ModelSpec

STEPS = 60


def trained(architecture, scale, **arguments):
    """A network that sharpens the trial's own kind of picture: enough for its roles to be told apart."""
    torch.manual_seed(0)
    network = build(ModelSpec(architecture=architecture, scale=scale, arguments=arguments))
    picture = trial.test_picture()
    hr = torch.cat((picture.flip(-1), picture.transpose(-1, -2).flip(-2), 1 - picture))
    lr = torch.nn.functional.interpolate(hr, scale_factor=1 / scale, mode="bicubic", antialias=True)
    optimizer = torch.optim.Adam(network.parameters(), 4e-3)
    for _ in range(STEPS):
        optimizer.zero_grad()
        (network(lr) - hr).abs().mean().backward()
        optimizer.step()
    return {key: value.detach() for key, value in network.state_dict().items()}


@pytest.mark.parametrize(
    ("architecture", "scale", "channels"),
    # each group shares its one tensor's shape
    [("esr_max", 2, 8), ("esr_tm", 2, 4), ("esr_max", 4, 2), ("esr_max", 3, 12), ("esr_tm", 3, 6), ("esr_tr", 3, 4)],
)
def test_the_trial_tells_equal_shapes_apart(architecture, scale, channels):
    state = trained(architecture, scale, kernel_size=5, num_channels=channels)
    spec = recognise(state).spec
    assert (spec.architecture, spec.scale) == (architecture, scale)
    assert spec.arguments == {"kernel_size": 5, "num_channels": channels}


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_trial_finds_the_scale_of_a_transposed_convolution(scale):
    network = build(ModelSpec(architecture="fsrcnn", scale=scale, arguments={"num_features": 6, "num_shrink": 3}))
    assert recognise(network.state_dict()).spec.scale == scale  # it starts at bicubic interpolation


@pytest.mark.parametrize("ends", [("tanh", "sigmoid"), ("relu", "tanh")])
def test_the_trial_finds_espcns_activations(ends):
    activation, output = ends
    state = trained("espcn", 2, num_features=8, num_shrink=6, activation=activation, output=output)
    arguments = recognise(state).spec.arguments
    assert (arguments["activation"], arguments["output"]) == ends


def test_noise_is_not_guessed_at():
    torch.manual_seed(0)
    state = {"filter.weight": torch.randn(32, 1, 3, 3)}
    with pytest.raises(CheckpointError, match=r"could be any of: .*esr_tm x2") as raised:
        recognise(state)
    assert raised.value.hint is Hint.NAME_THE_NETWORK
    assert recognise(state, architecture="esr_tm", scale=2).spec.arguments["num_channels"] == 4


def test_bicubic_gains_nothing_over_bicubic():
    network = build(ModelSpec(architecture="bicubic_conv", scale=2))
    assert trial.gain_over_bicubic(network, 2) == pytest.approx(0.0, abs=0.2)


def test_output_of_the_wrong_size_loses():
    network = build(ModelSpec(architecture="bicubic_conv", scale=2))
    assert trial.gain_over_bicubic(network, 3) == -torch.inf
