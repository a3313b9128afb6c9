"""What a graph's values are while it is lowered: the picture, terms on convolutions' sums, and sizes."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """The network's input: each color times a factor plus a summand, moved about."""

    factor: Floats
    summand: Floats
    unshuffle: int = 1
    """Side of the squares of pixels that are one pixel with as many channels."""
    enlargement: int = 1
    """How often each pixel is repeated to the right and below."""
    copies: int = 1
    """How often each channel is repeated, its copies beside each other."""
    trail: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    """Reshaping that is not yet one of these."""


@dataclass(frozen=True, eq=False)
class Term:
    """A value of the pixel at which a convolution's sum is: the sum itself, another map, or a step on terms."""

    kind: str
    """``sum``, ``map``, ``picture``, or a step's name."""
    channels: int
    base: int
    """The convolution in whose epilogue this is computed; of a map, the convolution that makes it."""
    args: tuple["Term", ...] = ()
    constants: tuple[Floats, ...] = ()
    picture: Picture | None = None
    chosen: tuple[int, ...] = ()
    """Channels of the picture's map."""


class Value(NamedTuple):
    """A term whose channels, ``block`` squared for each one of the value, are a square of pixels."""

    term: Term
    block: int = 1


@dataclass(kw_only=True)
class Convolution:
    """One convolution and what is stored of it."""

    inputs: tuple["Picture | Term", ...]
    weight: Floats
    bias: Floats
    scale: int
    """Of its inputs: how many times as high and wide as the smallest maps."""
    stored: Value | None = None
    map: Term | None = None
    """What is stored, for those that read it."""


@dataclass(frozen=True, kw_only=True)
class Operations:
    """A network lowered: convolutions in the order in which they run, the last one making the output.

    Those of which nothing is stored are needed by nobody.
    """

    colors: int
    unshuffle: int
    enlargement: int
    """How many times as high and wide as the smallest maps the output is."""
    convolutions: tuple[Convolution, ...]


@dataclass(frozen=True)
class Beside:
    """Several values, their channels one after the other."""

    values: tuple[Any, ...]


class Sizes(NamedTuple):
    """Sides of a value, known by name alone, and numbers between them."""

    entries: tuple[Any, ...]
