"""A network to be worked on: opened by any of its names, weighed, and written once it has become another."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from upres.errors import CheckpointError, UnknownModelError, UnsupportedModelError
from upres.lab.checkpoint import build, describe, expected_shapes, load, mismatches, parameter_count, save, spec_of
from upres.lab.complexity import hd_input, measure
from upres.lab.compress.quantize.network import unquantized
from upres.lab.foreign.read import read
from upres.lab.foreign.recognise import recognise
from upres.models.card import ModelCard
from upres.models.catalog import find

BARRED: Mapping[str, tuple[str, ...]] = {"ghost": ("ghost",), "quantize": ("fold", "ghost", "prune", "quantize")}
"""Step in a card -> operations that cannot follow it: filters whose maps are copied are clustered no more; 8-bit layers
are rounded for good."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A network in evaluation mode, and its card."""

    network: nn.Module
    card: ModelCard
    trained: bool
    """Whether its weights come from a file; else it is a configuration of the zoo, freshly initialised."""


@dataclass(frozen=True, kw_only=True)
class Compressed:
    """What an operation made of a network."""

    network: nn.Module
    step: Mapping[str, Any]
    """What the card's ``transforms`` gain: the operation's name and the arguments that rebuild its network."""
    layers: tuple[Mapping[str, Any], ...]
    """What became of each layer that changed, JSON-ready, its ``name`` first."""


@dataclass(frozen=True, kw_only=True)
class Weight:
    """What a network costs before any clock runs."""

    parameters: int
    flops: int
    """Multiply-accumulates of one picture, as `upres.lab.complexity` counts them."""
    height: int
    """Of that picture, as it goes in: what comes out is 1280x720, or what the scale makes of the next larger size."""
    width: int


def open_subject(model: str, *, weights: str | Path | None = None) -> Subject:
    """The network of that name.

    Args:
        model: Shipped name, path of a checkpoint, or name in the zoo, which has no weights.
        weights: Any weight file that `upres.lab.foreign.recognise` knows for the architecture and scale of a name in
            the zoo; it, not the name, says how wide and deep the network is.

    Raises:
        UnknownModelError: If there is no such model.
        CheckpointError: If it is a file that cannot be read, or holds another network.
    """
    if weights is not None:
        asked = spec_of(model)
        found = recognise(read(weights), architecture=asked.architecture, scale=asked.scale, source=str(weights))
        network = found.network()
        return Subject(network=network, card=describe(network, found.spec, name=model), trained=True)
    try:
        network, card = load(find(model).weights)
    except UnknownModelError:
        if Path(model).suffix == ".safetensors":
            raise
        spec = spec_of(model)
        network = build(spec).eval()
        return Subject(network=network, card=describe(network, spec, name=model), trained=False)
    return Subject(network=network, card=card, trained=True)


def require_trained(subject: Subject) -> None:
    """Refuse a network that was never trained.

    Raises:
        UnknownModelError: If it has no weights.
    """
    if not subject.trained:
        name = subject.card.name
        raise UnknownModelError(
            f"'{name}' is a configuration of the zoo and has no weights; train it, and name the .safetensors file"
        )


def require_may_follow(subject: Subject, operation: str) -> None:
    """Refuse an operation that cannot follow what was done to a network.

    Raises:
        UnsupportedModelError: If it cannot.
    """
    for step in subject.card.spec.transforms:
        if operation in BARRED.get(step["name"], ()):
            raise UnsupportedModelError(
                f"{subject.card.name} went through {step['name']} already, and {operation} cannot follow that; take "
                "the network that it was made of"
            )


def weigh(network: nn.Module, *, scale: int) -> Weight:
    """Parameters and FLOPs of a network; FLOPs for the picture of which it makes 1280x720."""
    multiple = getattr(network, "multiple_of", 1)
    height, width = (-(-side // multiple) * multiple for side in hd_input(scale))
    with unquantized(network):  # the same arithmetic, and 8-bit layers that have no input ranges yet cannot run
        cost = measure(network, size=(height, width), probe_reach=False)
    return Weight(parameters=parameter_count(network), flops=round(cost.flops_g * 1e9), height=height, width=width)


def save_compressed(path: Path, before: Subject, made: Compressed) -> ModelCard:
    """Write what an operation made as a checkpoint; its file's stem is its name.

    The card keeps licence and training and loses scores and latencies: they were measured of another network.

    Returns:
        The card as written.

    Raises:
        CheckpointError: If the card would not rebuild the network, or the file cannot be written.
    """
    spec = replace(before.card.spec, transforms=(*before.card.spec.transforms, made.step))
    problems = mismatches(expected_shapes(spec), made.network.state_dict())
    if problems:
        raise CheckpointError(f"{made.step['name']}: the card would not rebuild this network: {problems[0]}")
    card = replace(before.card, name=path.stem, spec=spec, scores=(), latencies=())
    return save(path, made.network, card)
