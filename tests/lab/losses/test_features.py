"""The perceptual loss: which layers count, by what formula, and its gradients."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from upres.errors import RecipeError
from upres.lab.checkpoint import build, describe, save
from upres.lab.losses import features as module
from upres.lab.losses.distillation import teacher_of
from upres.lab.losses.features import features
from upres.models.card import ModelSpec

SPEC = ModelSpec(
    architecture="plain",
    scale=1,
    arguments={"num_channels": 3, "num_blocks": 2, "gate": "hard", "unshuffle": 2, "task": "denoise"},
)


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = build(SPEC)
    save(tmp_path / "restorer.safetensors", network, describe(network, SPEC, name="restorer"))
    return tmp_path / "restorer.safetensors"


def _pair() -> tuple[torch.Tensor, torch.Tensor]:
    sr, hr = torch.rand(2, 2, 3, 8, 6, generator=torch.Generator().manual_seed(1))
    return sr, hr


def _convolved(x: np.ndarray, layer: nn.Conv2d) -> np.ndarray:
    """A 3x3 convolution with zeros around, by loops."""
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()  # type: ignore[union-attr]
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    result = np.zeros((len(x), len(weight), *x.shape[2:]))
    for y in range(x.shape[2]):
        for column in range(x.shape[3]):
            square = padded[:, :, y : y + 3, column : column + 3]
            result[:, :, y, column] = np.tensordot(square, weight, axes=((1, 2, 3), (1, 2, 3))) + bias
    return result


def test_the_loss_is_its_loops(teacher: Path) -> None:
    sr, hr = _pair()
    network = teacher_of(teacher)
    maps = [_convolved(F.pixel_unshuffle(each, 2).numpy(), network.head) for each in (sr, hr)]  # type: ignore[arg-type]
    expected = np.abs(maps[0] - maps[1]).mean() / np.abs(maps[1]).mean()
    assert features(sr, hr, teacher=str(teacher), layers=["head"]).item() == pytest.approx(expected, rel=1e-4)


def test_layers_are_summed_and_nothing_behind_the_last_is_run(teacher: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sr, hr = _pair()
    layers = ("blocks.0", "blocks.1.conv1")
    each = [features(sr, hr, teacher=str(teacher), layers=(name,)).item() for name in layers]
    network, ran = teacher_of(teacher), list[str]()
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(lambda *_, name=name: ran.append(name))
    assert features(sr, hr, teacher=str(teacher), layers=layers).item() == pytest.approx(sum(each))
    assert "blocks.1.conv1" in ran
    assert not {"blocks.1.conv2", "body_conv"} & set(ran)


def test_its_gradients_are_those_of_its_values(teacher: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    precise = build(SPEC).double().requires_grad_(requires_grad=False)
    monkeypatch.setattr(module, "teacher_of", lambda _: precise)
    sr, hr = (each.double() for each in _pair())
    sr.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda picture: features(picture, hr, teacher=str(teacher), layers=["blocks.0"]), sr
    )
    assert all(parameter.grad is None for parameter in precise.parameters())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "needs a teacher"),
        (
            {"teacher": "plain_c32b6_light_x2"},
            "expected a teacher of scale 1 for 3 planes; plain_c32b6_light_x2 is none",
        ),
        ({"teacher": "plain_c48b6_deblock", "layers": ["block.1"]}, r"no layer 'block.1'; it has head, blocks"),
    ],
)
def test_teachers_without_sense_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        features(*_pair(), **options)  # type: ignore[arg-type]


def test_crops_must_suit_the_teacher(teacher: Path) -> None:
    with pytest.raises(RecipeError, match=r"takes sides in multiples of 2, got \[7, 6\]"):
        features(*(each[:, :, :7] for each in _pair()), teacher=str(teacher), layers=["head"])
