"""What each field of a model card may hold. A card comes out of a file, and a file may hold anything."""

import math
import reprlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, get_args

from upres.errors import CheckpointError

LARGEST_SCALE = 16
LARGEST_SIDE = 65_536
"""Of whatever counts pixels: halo, smallest side, multiple."""
LARGEST_ARGUMENT = 4096
"""Of whole numbers that a network is built from: no layer is so wide, and nothing is repeated so often."""
DEEPEST = 24
"""Objects and lists within each other; a training record has eight."""
LONGEST_TEXT = 200

Check = Callable[[Any], bool]


class Field(NamedTuple):
    """One field: what a message says is expected, and whether a value is that."""

    expected: str
    fits: Check


def require_fields(data: Mapping[str, Any], rules: Mapping[str, Field], *, of: str = "this model card") -> None:
    """Look at every field that there is a rule for; what is missing is another's business.

    Raises:
        CheckpointError: Naming the first field whose value does not fit.
    """
    for name, field in rules.items():
        if name in data and not field.fits(data[name]):
            raise CheckpointError(f"{of}: expected {name} to be {field.expected}, got {_shown(data[name])}")


def whole(least: int, most: int) -> Field:
    """A whole number between two; true and false are none."""
    return Field(f"a whole number from {least} to {most}", lambda value: _is_whole(value) and least <= value <= most)


def one_of(literal: Any) -> Field:
    """A word of a ``Literal``."""
    words = get_args(literal)
    return Field(f"one of {', '.join(words)}", lambda value: isinstance(value, str) and value in words)


def optional(field: Field) -> Field:
    """Null, or what the field takes."""
    return Field(f"null or {field.expected}", lambda value: value is None or field.fits(value))


def objects(expected: str, **members: Check) -> Field:
    """A list of objects that each have these members."""
    return Field(
        expected,
        lambda value: (
            isinstance(value, list | tuple)
            and is_plain(value)
            and all(isinstance(each, Mapping) and _has(each, members) for each in value)
        ),
    )


def is_name(value: Any) -> bool:
    """Whether it is a file's name without a folder."""
    return is_label(value) and not set(value) & set("/\\")


def is_label(value: Any) -> bool:
    """Whether it is a short line of text."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT and value.isprintable()


def is_count(value: Any) -> bool:
    """Whether it is a whole number from 1 on."""
    return _is_whole(value) and value >= 1


def is_number(value: Any) -> bool:
    """Whether it is a number, neither NaN nor infinite."""
    return (_is_whole(value) and abs(value) < 2**63) or (isinstance(value, float) and math.isfinite(value))


def is_figure(value: Any) -> bool:
    """Whether it is a number, or null where it was infinite."""
    return value is None or is_number(value)


def is_argument(value: Any, depth: int = 0) -> bool:
    """Whether a network may be built from it: small numbers, words, true, false, null, lists and objects."""
    if isinstance(value, Mapping):
        value = [*value, *value.values()]
    if isinstance(value, list | tuple):
        return (
            depth < DEEPEST and len(value) <= LARGEST_ARGUMENT and all(is_argument(each, depth + 1) for each in value)
        )
    if isinstance(value, str):
        return len(value) <= LONGEST_TEXT and value.isprintable()
    return value is None or isinstance(value, bool) or (is_number(value) and abs(value) <= LARGEST_ARGUMENT)


def is_plain(value: Any, depth: int = 0) -> bool:
    """Whether it is JSON that is not nested without end."""
    if isinstance(value, Mapping | list | tuple):
        inside = value.values() if isinstance(value, Mapping) else value
        return depth < DEEPEST and all(is_plain(each, depth + 1) for each in inside)
    return True


def _has(each: Mapping[str, Any], members: Mapping[str, Check]) -> bool:
    return all(fits(each.get(name)) for name, fits in members.items())


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    """The value in some words, however long or deep it is."""
    return reprlib.repr(value)[:LONGEST_TEXT]
