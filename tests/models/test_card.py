"""Model cards: what they say, and which of them are refused."""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from upres.errors import CheckpointError
from upres.models.card import FORMAT, HEADER_KEY, ModelCard, ModelSpec, read_card, weights_digest
from upres.models.catalog import list_models

CARD = ModelCard(name="net_x2", spec=ModelSpec(architecture="espcn", scale=2), color_mode="luma", parameters=1)


def test_a_card_written_before_tasks_and_sizes_were_in_it_is_read():
    old = {
        key: value for key, value in CARD.to_dict().items() if key not in ("task", "min_size", "multiple_of", "format")
    }
    assert ModelCard.from_dict(old) == CARD
    assert (CARD.task, CARD.min_size, CARD.multiple_of, CARD.format) == ("upscale", 1, 1, FORMAT)


def test_a_later_card_is_refused_with_what_to_do():
    with pytest.raises(CheckpointError) as raised:
        ModelCard.from_dict({**CARD.to_dict(), "format": FORMAT + 1, "something": "new"})
    assert str(raised.value) == (
        f"this model card has format {FORMAT + 1}, this upres reads up to {FORMAT}: a later upres wrote the card; "
        "install that"
    )


@pytest.mark.parametrize(("task", "scale"), [("denoise", 2), ("upscale", 1), ("enhance", 4)])
def test_only_upscaling_changes_the_size(task, scale):
    with pytest.raises(CheckpointError, match=f"task '{task}' cannot have scale {scale}"):
        replace(CARD, task=task, spec=replace(CARD.spec, scale=scale))
    assert replace(CARD, task="denoise", spec=replace(CARD.spec, scale=1)).scale == 1


def test_what_ships_says_what_it_takes():
    for model in list_models():
        squares = 1 if model.card.scale > 1 else 2  # networks that keep the size work on squares of pixels
        assert (model.card.task == "upscale") == (model.card.scale > 1)
        assert model.card.multiple_of == squares
        assert model.card.min_size == (15 if model.card.architecture == "rlfn" else squares), model.card.name


@pytest.mark.parametrize(
    ("text", "said"),
    [("not json", "is damaged"), ("[1]", "expected an object, got list"), ("[" * 100_000, "is damaged")],
)
def test_a_damaged_card_is_told(tmp_path, text, said):
    path = tmp_path / "net.safetensors"
    save_file({"filter.weight": np.zeros((1, 1, 3, 3), np.float32)}, path, metadata={HEADER_KEY: text})
    with pytest.raises(CheckpointError, match=f"net.safetensors: .*{said}"):
        read_card(path)


def test_the_digest_of_weights_is_that_of_the_tensors_alone(tmp_path):
    paths = [tmp_path / f"{name}.safetensors" for name in ("one", "rescored", "other")]
    cards = [CARD, replace(CARD, scores=({"dataset": "Set5", "psnr_db": 30.0},)), CARD]
    for path, card, value in zip(paths, cards, (1.0, 1.0, 2.0), strict=True):
        save_file({"filter": np.full((2, 3), value, np.float32)}, path, metadata=card.to_header())
    one, rescored, other = (weights_digest(path) for path in paths)
    assert one == rescored != other


WRONG: list[tuple[str, Any]] = [
    *(("name", value) for value in (3, "", "a/b", "a\\b", "x" * 201, "a\x1b[31m", None)),
    *(("architecture", value) for value in (3, None, [], "", "a\nb")),
    *(("scale", value) for value in ("x", "2", 2.0, True, None, [2], 0, -2, 17, 10**30)),
    *(
        ("arguments", value)
        for value in ([], None, "x", 3, {"a": 4097}, {"a": math.nan}, {"a": "\x00"}, {"a": [[1e9]]})
    ),
    *(("transforms", value) for value in ({"name": "fold"}, "fold", [3], [{}], [{"name": 3}], [None], 7)),
    *(("color_mode", value) for value in (3, "grey", None, ["rgb"])),
    *(("parameters", value) for value in (-1, "many", 1.5, None)),
    *(("task", value) for value in (1, "sharpen", None)),
    *(("halo", value) for value in ("2", 2.5, -1, 10**9, [], True)),
    *(("min_size", value) for value in (0, "1", None, 10**9)),
    *(("multiple_of", value) for value in (0, "1", None, -4)),
    *(("licence", value) for value in (3, None, [])),
    *(("training", value) for value in (3, None, [], "x")),
    *(("scores", value) for value in (3, {}, [3], [{}], [{"dataset": 1, "protocol": "p"}], "x")),
    ("scores", [{"dataset": "d", "protocol": "p", "psnr_db": "high"}]),
    ("scores", [{"dataset": "d", "protocol": "p", "metrics": {"psnr": "high"}}]),
    *(("latencies", value) for value in (3, {}, [3], [{}], [{"engine": "torch"}])),
    *(("format", value) for value in ("1", None, 1.0, True, 0, -1)),
]


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("name", "value"),
    [*WRONG, *((name, nested(400)) for name in CARD.to_dict())],
    ids=lambda value: repr(value)[:30],
)
def test_what_a_field_cannot_hold_is_told(name, value):
    data = json.loads(json.dumps({**CARD.to_dict(), name: value}))
    with pytest.raises(CheckpointError, match=f"^this model card: expected {name} to be ") as raised:
        ModelCard.from_dict(data)
    assert len(str(raised.value)) < 500
    assert str(raised.value).isprintable()


def test_every_field_has_a_rule():
    for name in CARD.to_dict():
        with pytest.raises(CheckpointError, match=f"^this model card: expected {name} to be "):
            ModelCard.from_dict({**CARD.to_dict(), name: object()})


def test_errors_about_files_are_one_line_of_bounded_length():
    error = CheckpointError("a\x1b[31mred\nline \udc80 " + "x" * 5000)
    assert str(error).startswith("a\\x1b[31mred\\nline \\udc80 xxx")
    assert str(error).isprintable()
    assert len(str(error)) < 1010
