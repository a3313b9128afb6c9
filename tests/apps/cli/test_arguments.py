"""Kinds of values that verbs share."""

from argparse import ArgumentTypeError

import pytest

from upres.apps.cli import arguments


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (arguments.positive_number, "1.5", 1.5),
        (arguments.positive_number, "2x", 2),
        (arguments.positive_number, "1.5X", 1.5),
        (arguments.positive_number, "25e-1", 2.5),
        (arguments.count, "12", 12),
        (arguments.threads, "10000", 10_000),
        (arguments.quality, "100", 100),
        (arguments.box, "1920X1080", (1920, 1080)),
        (arguments.boxes, "60x30, 8x4", [(60, 30), (8, 4)]),
        (arguments.memory, "500M", 500 * 2**20),
        (arguments.memory, "1.5GiB", 3 * 2**29),
        (arguments.memory, "4096", 4096),
        (arguments.color, "#ffcc00", (255, 204, 0)),
        (arguments.color, "white", (255, 255, 255)),
    ],
)
def test_values(kind, text, value):
    assert kind(text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (arguments.positive_number, "-1"),
        (arguments.positive_number, "inf"),
        (arguments.positive_number, "abc"),
        (arguments.positive_number, "x"),
        (arguments.positive_number, "2xx"),
        (arguments.positive_number, "nan"),
        (arguments.positive_number, ""),
        (arguments.quality, "high"),
        (arguments.memory, "9" * 400),
        (arguments.count, "0"),
        (arguments.count, "few"),
        (arguments.threads, "0"),
        (arguments.threads, "10001"),
        (arguments.threads, "99999999999"),
        (arguments.threads, "9" * 5000),
        (arguments.threads, "many"),
        (arguments.quality, "0"),
        (arguments.box, "0x4"),
        (arguments.boxes, "60x30,"),
        (arguments.memory, "much"),
        (arguments.memory, "0M"),
        (arguments.color, "blu"),
    ],
)
def test_other_texts_say_what_is_expected(kind, text):
    with pytest.raises(ArgumentTypeError, match="expected"):
        kind(text)
