"""`upres models`."""

import json

from upres.apps.cli.main import main
from upres.models import choices


def test_the_list_as_json(tiny_catalogue, capsys):
    assert main(["models", "--json"]) == 0
    cards = json.loads(capsys.readouterr().out)
    assert [card["name"] for card in cards] == ["tiny_x2", "tiny_x3", "tiny_x4"]
    for card in cards:
        assert {"name", "architecture", "scale", "parameters", "default", "licence", "scores"} <= set(card)
        assert (card["architecture"], card["default"]) == ("esr_max", True)
        assert card["parameters"] == 2 * 9 * card["scale"] ** 2


def test_one_model_that_ships_is_the_default_of_each_task_and_scale(capsys):
    assert main(["models", "--json"]) == 0
    cards = json.loads(capsys.readouterr().out)
    assert {card["scale"] for card in cards} >= {2, 3, 4}
    for kind in {(card["task"], card["scale"]) for card in cards}:
        assert [card["default"] for card in cards if (card["task"], card["scale"]) == kind].count(True) == 1


def test_a_network_that_restores_is_told_with_its_task(tiny_restorers, monkeypatch, capsys):
    model = tiny_restorers["denoise"]
    monkeypatch.setattr("upres.models.catalog.WEIGHTS_DIR", model.weights.parent)
    monkeypatch.setitem(choices.CHOICES, ("denoise", "default", 1), model.card.name)
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "*  tiny_denoise  denoise  plain         x1     84          Apache-2.0"
    assert lines[1].startswith("   tiny_deblock  deblock  plain ")


def test_the_table(tiny_catalogue, capsys):
    assert main(["models", "--scale", "3"]) == 0
    assert capsys.readouterr().out == (
        "PSNR in dB on Set5\n"
        "   name     task     architecture  scale  parameters  paper  licence\n"
        "*  tiny_x3  upscale  esr_max       x3     162         33.00  Apache-2.0\n"
    )


def test_one_card_whole(tiny_catalogue, capsys):
    assert main(["models", "tiny_x2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "architecture: esr_max" in lines
    assert "  num_channels: 2" in lines
    assert "  Set5     paper          32.000 dB  SSIM 0.9000" in lines
    assert main(["models", str(tiny_catalogue[4].weights), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "tiny_x4"


def test_a_family(capsys):
    assert main(["models", "esr_tm"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[2:]] == [
        "esr_tm_x2",
        "esr_tm_x3",
        "esr_tm_x4",
    ]
    assert main(["models", "esr_tm", "--scale", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "esr_tm_x3"


def test_an_unknown_name(tiny_catalogue, capsys):
    assert main(["models", "tiny_x"]) == 1
    assert capsys.readouterr().err.startswith("upres: no model 'tiny_x'. Did you mean 'tiny_x")


def test_an_installation_without_models(tiny_catalogue, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("upres.models.catalog.WEIGHTS_DIR", tmp_path)
    assert main(["models"]) == 0
    assert capsys.readouterr().out == "no models in this installation\n"
