"""Turning other people's tensor names into ours by a list of substitutions."""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from upres.lab.foreign.layouts.layout import Arguments, Shapes, State, square_root

Rule = tuple[str, str | Callable[[re.Match[str]], str]]

SQUEEZE_AND_EXCITE: tuple[Rule, ...] = (
    (r"\.conv_f\.", ".skip."),
    (r"\.conv1\.", ".squeeze."),
    (r"\.conv2\.", ".stride."),
    (r"\.conv4\.", ".excite."),
)
"""What every flavour of enhanced spatial attention calls its outer convolutions; to be applied to its names alone."""

RFDN_ESA: tuple[Rule, ...] = (
    *SQUEEZE_AND_EXCITE,
    (r"\.conv_max\.", ".convs.0."),
    (r"\.conv3\.", ".convs.2."),
    (r"\.conv3_\.", ".convs.4."),
)


RANGES = (1.0, 255.0)
"""White inside a network: both are in use and neither shows in the shapes."""


def renamer(rules: Sequence[Rule], *, drop: str = r"(?!)") -> Callable[[State], State]:
    """A function that passes every name through the substitutions in order, each tried once.

    Args:
        rules: Regular expression and replacement.
        drop: Names that match in full are left out.
    """

    def rename(state: State) -> State:
        return {_substitute(name, rules): tensor for name, tensor in state.items() if not re.fullmatch(drop, name)}

    return rename


def within(pattern: str, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """The substitutions, applied only to names in which the pattern occurs."""

    def whole(match: re.Match[str]) -> str:
        return _substitute(match[0], rules)

    return ((rf".*{pattern}.*", whole),)


def with_ranges(arguments: Mapping[str, Any], **choices: tuple[Any, ...]) -> list[Arguments]:
    """The arguments with every combination of the choices and of the ranges."""
    values = product(*choices.values(), RANGES)
    return [{**arguments, **dict(zip([*choices, "value_range"], value, strict=True))} for value in values]


def layers(*names: str) -> tuple[str, ...]:
    """Weight and bias of each layer, for a `Layout`'s ``names``."""
    return tuple(f"{name}.{kind}" for name in names for kind in ("weight", "bias"))


def less_one(before: str, after: str = "") -> Callable[[re.Match[str]], str]:
    """A replacement that puts the match's first group, a number counted from one, between two strings."""
    return lambda match: f"{before}{int(match[1]) - 1}{after}"


def shuffle_scale(shapes: Shapes, name: str, colors: int = 3) -> int:
    """The scale behind a convolution to ``colors * scale ** 2`` maps; 0 where there is none."""
    filters = shapes.get(name, (0,))[0]
    return square_root(filters // colors) if filters % colors == 0 else 0


def width(shapes: Shapes, name: str, axis: int = 0) -> int:
    """One side of a tensor's shape; 0 where the tensor or the side is missing, which no network matches."""
    shape = shapes.get(name, ())
    return shape[axis] if len(shape) > axis else 0


def _substitute(name: str, rules: Sequence[Rule]) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name
