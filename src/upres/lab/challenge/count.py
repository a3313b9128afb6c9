"""The cost of a model by its name: shipped, in a file, or a configuration of the zoo without weights."""

import re

from upres.errors import UnsupportedModelError
from upres.lab.complexity import Complexity, Convention, hd_input, measure
from upres.lab.subject import open_subject


def count(model: str, picture: str = "256x256", convention: Convention = "exact") -> Complexity:
    """Parameters, FLOPs, activations, convolutions, reach and memory of a model.

    Args:
        model: Shipped name, path of a checkpoint, or name in the zoo.
        picture: Width and height of the low-resolution input, ``WxH``; or ``720p``, whatever comes out as 1280x720.
        convention: ``exact`` or ``ntire``.

    Raises:
        UnknownModelError: If there is no such model.
        UnsupportedModelError: If the size is none, or too small for the network.
    """
    subject = open_subject(model)
    network, scale = subject.network, subject.card.scale
    size = hd_input(scale) if picture == "720p" else _size(picture)
    shortest = getattr(network, "min_size", 1)
    if min(size) < shortest:
        raise UnsupportedModelError(f"{model} takes pictures from {shortest}x{shortest} on, got {picture}")
    return measure(network, size=size, convention=convention)


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if not match:
        raise UnsupportedModelError(f"expected an input size such as 256x256, or 720p; got '{text}'")
    return int(match[2]), int(match[1])
