"""What a family of foreign weight files is recognised by: names and shapes of its tensors, nothing else."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

Shapes = Mapping[str, tuple[int, ...]]
State = Mapping[str, Tensor]
Arguments = Mapping[str, Any]
"""Keyword arguments of the architecture's class, ``scale`` among them, and perhaps ``transforms`` of its spec."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One layout of weight file for one architecture; an architecture may have several.

    Example:
        A layout whose scale follows from its last convolution::

            def _match(shapes):
                last = shapes.get("upsampler.0.weight")
                return [{"scale": square_root(last[0] // 3)}] if last else []

            Layout(architecture="rfdn", match=_match)
    """

    architecture: str
    """Name in `upres.lab.zoo.ARCHITECTURES`."""
    match: Callable[[Shapes], Sequence[Arguments]]
    """Arguments with which the architecture has tensors of these shapes, likeliest first; empty where it is another
    network. It need not check every tensor: the winner must still load strictly."""
    rename: Callable[[State], State] = dict
    """The state in the names and layouts of our class."""
    by_trial: bool = False
    """Whether the shapes leave a choice that running the network decides: every candidate upscales a test picture and
    the best one wins (`upres.lab.foreign.trial_upscaling`). Otherwise the first candidate wins."""
    names: tuple[str, ...] = ()
    """A few tensor names of this layout where they differ from our class's: they steer the message about the nearest
    architecture when a file is not recognised."""


def exact(shapes: Shapes, pattern: str) -> bool:
    """Whether every tensor's name matches the regular expression in full, and there is at least one."""
    return bool(shapes) and all(re.fullmatch(pattern, name) for name in shapes)


def numbered(shapes: Shapes, pattern: str) -> int:
    r"""How many values the group of a regular expression takes, e.g. the blocks of ``r"body\.(\d+)\..*"``."""
    found = (re.fullmatch(pattern, name) for name in shapes)
    return len({match[1] for match in found if match})


def square_root(number: int) -> int:
    """The integer whose square this is, e.g. the scale behind ``scale ** 2`` channels; 0 where there is none."""
    root = round(number**0.5)
    return root if root * root == number else 0
