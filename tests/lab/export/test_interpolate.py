"""Weights between those of two networks."""

import pytest
import torch

from upres.apps.cli.main import main
from upres.errors import UnsupportedModelError
from upres.lab.checkpoint import build, describe, load, save, spec_of
from upres.lab.export.ship import ship

SCORE = {"dataset": "Set5", "protocol": "paper", "psnr_db": 35.4322, "ssim": 0.9}


def written(folder, name, *, seed, spec="esr_tm_x2"):
    torch.manual_seed(seed)
    network = build(spec_of(spec))
    path = folder / f"{name}.safetensors"
    save(path, network, describe(network, spec_of(spec), name=name, scores=(SCORE,)))
    return path


@pytest.fixture
def pair(tmp_path):
    return written(tmp_path, "sharp", seed=0), written(tmp_path, "soft", seed=1)


def test_every_weight_lies_between(pair, tmp_path, capsys):
    folder = tmp_path / "models"
    folder.mkdir()
    assert main(["export", str(pair[0]), "--towards", str(pair[1]), "--share", "0.25", "-o", str(folder)]) == 0
    assert "sharp: wrote" in capsys.readouterr().out
    network, card = load(folder / "sharp.safetensors")
    sharp, soft = (load(path)[0].state_dict() for path in pair)
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, 0.75 * sharp[name] + 0.25 * soft[name])
    assert card.training["interpolated"] == [{"towards": "soft", "share": 0.25}]
    assert card.scores == ()
    again = str(folder / "sharp.safetensors")
    assert main(["export", again, "--towards", str(pair[1]), "--half", "-o", str(folder)]) == 0
    halved, card = load(folder / "sharp.safetensors")
    assert [move["share"] for move in card.training["interpolated"]] == [0.25, 0.5]
    for name, tensor in halved.state_dict().items():
        torch.testing.assert_close(tensor, (0.5 * network.state_dict()[name] + 0.5 * soft[name]).half().float())
    assert main(["export", again, "--share", "0.25", "-o", str(folder)]) == 1
    assert "--share is of the way to another network" in capsys.readouterr().err


def test_networks_of_two_forms_have_nothing_between_them(pair, tmp_path):
    other = written(tmp_path, "other", seed=2, spec="esr_max_x2")
    with pytest.raises(UnsupportedModelError, match=r"^sharp and other are not of one form"):
        ship(pair[0], tmp_path, towards=(other, 0.5))
    with pytest.raises(UnsupportedModelError, match=r"^expected a share from 0 to 1, got 1\.5"):
        ship(pair[0], tmp_path, towards=(pair[1], 1.5))
