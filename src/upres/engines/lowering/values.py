"""What a graph's values are while it is lowered: the picture, terms on convolutions' sums, and sizes."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Level(NamedTuple):
    """How high and wide a map is: ``scale`` times the smallest maps that no window made smaller, then made smaller."""

    scale: int = 1
    reductions: tuple[tuple[int, int], ...] = ()
    """Side and stride of the windows of each, none of them beyond the edges."""


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


class Choice(NamedTuple):
    """Which of a pixel's channels, ``parts`` times ``candidates`` times those ``kept``, are candidates and scores.

    The candidates are the first part; a value kept is their sum, weighted by the softmax of their scores.
    """

    parts: int
    candidates: int
    kept: int
    left: int
    """Part that scores a candidate."""
    right: int | None
    """Part that the score is multiplied by."""


@dataclass(frozen=True, eq=False)
class Term:
    """A value of the pixel at which a convolution's sum is: the sum itself, another map, or a step on terms."""

    kind: str
    """``sum``, ``map``, ``picture``, a step's name, or ``choice``, behind which nothing comes."""
    channels: int
    base: int
    """Number of the maker in whose epilogue this is computed; of a map, of the one that makes it."""
    args: tuple["Term", ...] = ()
    constants: tuple[Floats, ...] = ()
    picture: Picture | None = None
    chosen: tuple[int, ...] = ()
    """Channels of the picture's map."""
    choice: Choice | None = None


class Value(NamedTuple):
    """A term whose channels, ``block`` squared for each one of the value, are a square of pixels."""

    term: Term
    block: int = 1


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """A term's channels as several axes."""

    value: Value
    sides: tuple[int, ...]
    """Of the axes between the batch's and the rows'."""
    factors: tuple[int, ...] = ()
    """Numbers of the parts of which this is the product; none where it is all of them."""


class Weights(NamedTuple):
    """The softmax of scores over the candidates."""

    scores: Candidates


class Weighted(NamedTuple):
    """Candidates times their weights."""

    scores: Candidates


class Chosen(NamedTuple):
    """What is chosen among the candidates of a value; ``block`` as of a value."""

    value: Value
    choice: Choice
    block: int = 1

    def as_value(self) -> Value:
        """The same as a term, for the output."""
        term = self.value.term
        return Value(Term("choice", self.choice.kept, term.base, (term,), choice=self.choice), self.block)


class Raised(NamedTuple):
    """A coarse map enlarged bilinearly."""

    value: Value
    level: Level
    """That it is enlarged to."""


@dataclass(kw_only=True)
class Maker:
    """What makes a map of others, and what is stored of it."""

    inputs: tuple["Picture | Term", ...]
    level: Level
    """Of its inputs."""
    stored: Value | None = None
    map: Term | None = None
    """What is stored, for those that read it."""

    def made(self, block: int = 1) -> Level:
        """Of what it makes, each pixel of which is a square of ``block`` pixels."""
        return Level(self.level.scale * block, self.level.reductions)


@dataclass(kw_only=True)
class Convolution(Maker):
    """One convolution over every pixel, zeros beyond the edges."""

    weight: Floats
    bias: Floats


@dataclass(kw_only=True)
class Reduction(Maker):
    """One value for each window: the largest one of each channel, or a convolution's."""

    side: int
    stride: int
    filters: tuple[Floats, Floats] | None = None
    """Weight and bias; ``None`` for the largest value."""

    def made(self, block: int = 1) -> Level:
        """Of what it makes, each pixel of which is a square of ``block`` pixels."""
        return Level(self.level.scale * block, (*self.level.reductions, (self.side, self.stride)))


@dataclass(frozen=True, kw_only=True)
class Operations:
    """A network lowered: what makes its maps, in the order in which they run, the last one making the output.

    Those of which nothing is stored are needed by nobody.
    """

    colors: int
    unshuffle: int
    enlargement: int
    """How many times as high and wide as the smallest maps the output is."""
    makers: tuple[Convolution | Reduction, ...]


@dataclass(frozen=True)
class Beside:
    """Several values, their channels one after the other."""

    values: tuple[Any, ...]


class Sizes(NamedTuple):
    """Sides of a value, known by name alone, and numbers between them."""

    entries: tuple[Any, ...]
