"""Weight files that are not what they say: one line of ours from every verb that takes a model, and exit status 1."""

import json

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from upres.apps.cli.main import main
from upres.models.card import HEADER_KEY
from upres.models.catalog import find

VERBS = {
    "models": ["models", "{model}"],
    "upscale": ["upscale", "{picture}", "-o", "{folder}/out.png", "--model", "{model}"],
    "torch": ["upscale", "{picture}", "-o", "{folder}/out.png", "--model", "{model}", "--engine", "torch"],
    "import": ["import", "{model}", "-o", "{folder}/imported.safetensors", "--no-graph"],
    "evaluate": ["evaluate", "{model}", "--data", "{folder}/pictures", "--scale", "2"],
    "export": ["export", "{model}", "-o", "{folder}/graph.onnx"],
}


@pytest.fixture
def run(tmp_path, capsys):
    """Runs a verb of `VERBS` on the file ``model.safetensors``; the exit status and the lines on standard error."""
    (tmp_path / "pictures").mkdir()
    for name in ("small.png", "pictures/one.png"):
        Image.fromarray(np.full((16, 16, 3), 90, np.uint8)).save(tmp_path / name)

    def verb(name):
        places = {"model": tmp_path / "model.safetensors", "picture": tmp_path / "small.png", "folder": tmp_path}
        status = main([part.format(**places) for part in VERBS[name]])
        return status, capsys.readouterr().err.splitlines()

    return verb


def write(folder, card, tensors=None):
    text = card if isinstance(card, str) else json.dumps(card)
    tensors = load_file(find("esr_tm_x2").weights) if tensors is None else tensors
    save_file(tensors, folder / "model.safetensors", metadata={HEADER_KEY: text})


def card_with(**changes):
    return {**find("esr_tm_x2").card.to_dict(), **changes}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    "card",
    [
        "x",
        "[1, 2]",
        "[" * 50_000,
        '{"scale": ' + "9" * 5000 + "}",
        card_with(scale="x"),
        card_with(architecture=3),
        card_with(color_mode=3),
        card_with(arguments=[1]),
        card_with(arguments={"num_channels": [4]}, transforms=7),
        card_with(halo="wide"),
        card_with(name=None),
        card_with(scores=[3]),
        card_with(latencies={"a": 1}),
        card_with(surprise=1),
        {key: value for key, value in card_with().items() if key != "color_mode"},
    ],
    ids=lambda card: (card if isinstance(card, str) else json.dumps(card)[-30:])[:20],
)
def test_a_damaged_card_is_one_line(run, tmp_path, card, verb):
    write(tmp_path, card)
    status, lines = run(verb)
    assert status == 1
    assert len(lines) == 1
    assert "this model card" in lines[0]


@pytest.mark.parametrize("verb", ["upscale", "torch", "import", "evaluate", "export"])
@pytest.mark.parametrize(
    "card",
    [
        card_with(scale=3),
        card_with(architecture="esr_tn"),
        card_with(color_mode="rgb"),
        card_with(halo=1),
        card_with(arguments={"kernel_size": 5, "num_channels": None}),
        card_with(arguments={"kernel_size": "five"}),
        card_with(arguments={"kernel_size": 5, "num_channels": 4096}),
        card_with(arguments={"kernel_size": 5, "depth": 2}),
        card_with(transforms=[{"name": "melt"}]),
        card_with(transforms=[{"name": "quantize", "layers": 3}]),
        card_with(architecture="rdn", arguments={"num_blocks": 4096, "num_layers": 4096}),
        card_with(architecture="edsr", arguments={"num_channels": 4096, "num_blocks": 64}),
    ],
    ids=lambda card: json.dumps([card[key] for key in ("architecture", "scale", "color_mode", "halo", "arguments")])[
        :50
    ],
)
def test_a_card_of_another_network_is_one_line(run, tmp_path, card, verb):
    write(tmp_path, card)
    status, lines = run(verb)
    assert (status, len(lines)) == (1, 1), lines
    assert lines[0].startswith("upres: ")
