"""The running mean of the weights as what a loss looks at."""

import shutil
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.lab.training.conftest import validator_for, waves
from tests.lab.training.runs import Stop, same
from upres.lab.checkpoint import load
from upres.lab.data.patches import PatchSampler
from upres.lab.losses import artifacts
from upres.lab.losses.criterion import LossTerm
from upres.lab.training.listener import Silence
from upres.lab.training.loop import train
from upres.lab.training.recipe import Optimizer, Recipe, Stage
from upres.lab.training.state import MovingAverage

TERMS = (LossTerm(name="l1"), LossTerm(name="ldl", weight=10.0, arguments={"window": 3}))
STAGE = Stage(steps=8, batch_size=2, patch_size=12, losses=TERMS, optim=Optimizer(learning_rate=1e-3))
RECIPE = Recipe(
    name="artefacts", model="plain_c32b6_x2", arguments={"num_channels": 4, "num_blocks": 1}, stages=(STAGE,),
    validate_every=4, save_every=3, slow_means=True,
)  # fmt: skip


def _train(recipe: Recipe, out: Path, listener: Silence | None = None) -> None:
    train(recipe, waves(), out=out, validator=validator_for(2, "rgb"), listener=listener)


def test_a_cut_off_run_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    _train(RECIPE, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        _train(RECIPE, tmp_path / "cut", Stop(4))
    _train(RECIPE, tmp_path / "cut")
    assert same(tmp_path / "whole" / "state.safetensors", tmp_path / "cut" / "state.safetensors")


@pytest.mark.parametrize("slow_means", [False, True])
def test_artefacts_are_judged_by_the_mean_that_would_be_written(
    tmp_path: Path, slow_means: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, real = list[Tensor](), artifacts.artifact_map

    def ear(sr: Tensor, hr: Tensor, smooth: Tensor, *, window: int) -> Tensor:
        seen.append(smooth)
        return real(sr, hr, smooth, window=window)

    class Copy(Silence):
        def on_validation(self, step: int, psnr_db: float) -> None:
            shutil.copy(tmp_path / "last.safetensors", tmp_path / f"mean{step}.safetensors")

    monkeypatch.setattr(artifacts, "artifact_map", ear)
    _train(replace(RECIPE, slow_means=slow_means), tmp_path, Copy())
    lr = PatchSampler(waves(), scale=2, patch_size=12, batch_size=2, color_mode="rgb", seed=0).batch(4)[0]
    assert len(seen) == 8
    with torch.no_grad():
        torch.testing.assert_close(seen[4], load(tmp_path / "mean4.safetensors")[0](lr))


def test_the_mean_answers_as_it_is_used_and_leaves_the_network_as_it_is() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)).train()
    average = MovingAverage(network, 0.9)
    kept = {name: value.clone() for name, value in average.tensors.items()}
    with torch.no_grad():
        network[0].weight.add_(1.0)
    picture = torch.rand(1, 1, 6, 6)
    now = {name: value.clone() for name, value in network.state_dict().items()}
    given = average.output(network, picture, precision=nullcontext)
    assert network.training
    assert not given.requires_grad
    assert all(torch.equal(network.state_dict()[name], value) for name, value in now.items())
    assert all(torch.equal(average.tensors[name], value) for name, value in kept.items())
    network.load_state_dict(kept)
    torch.testing.assert_close(given, network.eval()(picture).detach())
