"""Begin with the weights of another network: x3 and x4 with those of x2, a narrow network with those of a wider one.

Narrowing keeps the channels whose filters are strongest. Channels that meet in an addition or follow one another must
be the same ones, so all dimensions that shrink alike (48 to 46, say) keep one selection, scored over every layer that
makes such channels; where the next layer sees several such maps concatenated, it keeps the selection of each, and a
convolution before a pixel shuffle keeps all sub-positions of a channel.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from upres.errors import Hint, RecipeError, UnknownModelError
from upres.lab.checkpoint import load
from upres.lab.training.form import is_expanded
from upres.lab.training.recipe import WarmStart
from upres.models.card import read_card
from upres.models.catalog import find

_SHUFFLED = "upsampler."
"""Where the zoo's networks keep the convolutions whose outputs are shuffled."""

_Widths = tuple[int, int]
"""Theirs, ours."""


@dataclass(frozen=True, kw_only=True)
class WarmStartReport:
    """Which tensors came from where."""

    source: str
    taken: tuple[str, ...]
    fresh: tuple[str, ...]


def warm_start(network: nn.Module, start: WarmStart, *, beside: Path) -> WarmStartReport:
    """Fill every tensor of ``network`` that has its like in the network to start from.

    Args:
        network: Changed in place.
        start: Where from; a run ``beside / model`` comes before a shipped model of that name.
        beside: The folder in which the runs of a queue lie.

    Raises:
        UnknownModelError: If there is no such run, model or file.
        RecipeError: If the two networks have no tensor in common, or one is folded and the other is not.
    """
    source = source_of(start, beside, expanded=is_expanded(network))
    theirs, card = load(source)
    if is_expanded(network) and not is_expanded(theirs):
        raise RecipeError(
            f"start.model={start.model}: {source.name} ({card.architecture}) is folded and cannot be trained on in "
            "expanded form; start from the best.expanded.safetensors that its training left beside it"
        )
    return adopt(network, theirs, start, source=start.model)


def earlier_steps(start: WarmStart, *, beside: Path) -> int:
    """How many steps the weights to start from were trained, and those that they started from; 0 from scratch.

    Raises:
        UnknownModelError: If there is no such run, model or file.
    """
    if not start.model:
        return 0
    training = read_card(source_of(start, beside)).training
    return int(training.get("steps", 0)) + int(training.get("earlier_steps", 0))


def compressed_by(start: WarmStart, *, beside: Path) -> tuple[Mapping[str, Any], ...]:
    """The steps that made the network to start from smaller, with those before; none where it was folded alone.

    Raises:
        UnknownModelError: If there is no such run, model or file.
        RecipeError: If the network was made smaller and then quantised.
    """
    steps = read_card(source_of(start, beside)).spec.transforms if start.model else ()
    names = [step["name"] for step in steps]
    if not set(names) - {"fold", "quantize"}:
        return ()
    if "quantize" in names:
        raise RecipeError(
            f"start.model={start.model}: {' and '.join(names)} are done to it; start without 8-bit layers"
        )
    return steps


def source_of(start: WarmStart, beside: Path, *, expanded: bool = False) -> Path:
    """The weights that are named: of a run in ``beside``, of a shipped model, or a file.

    Args:
        start: Its ``model`` is looked for.
        beside: The folder in which the runs of a queue lie.
        expanded: Whether a run's network with branches comes before its folded one.

    Raises:
        UnknownModelError: If there is no such run, model or file.
    """
    names = ("best.expanded.safetensors", "best.safetensors") if expanded else ("best.safetensors",)
    runs = [beside / start.model / name for name in names]
    found = next((run for run in runs if run.is_file()), None)
    try:
        return found or find(start.model).weights
    except UnknownModelError as error:
        raise UnknownModelError(
            f"{error} This recipe begins with '{start.model}', and no run beside this one has that name",
            hint=Hint.OTHER_START,
        ) from error


def adopt(network: nn.Module, theirs: nn.Module, start: WarmStart, *, source: str) -> WarmStartReport:
    """Fill every tensor of ``network`` that has its like, by name and shape, in ``theirs``.

    Raises:
        RecipeError: If there is none, or ``start.narrow`` cannot tell which channels belong together.
    """
    ours, given = network.state_dict(), theirs.state_dict()
    if start.narrow:
        given = _narrowed(given, ours, fresh=start.fresh)
    taken = [
        name
        for name, value in ours.items()
        if name in given and given[name].shape == value.shape and not name.startswith(start.fresh or ("\0",))
    ]
    if not taken:
        raise RecipeError(f"start.model={source}: no tensor in common with the network that is trained")
    network.load_state_dict({**ours, **{name: given[name] for name in taken}})
    return WarmStartReport(source=source, taken=tuple(taken), fresh=tuple(ours.keys() - set(taken)))


def _narrowed(theirs: Mapping[str, Tensor], ours: Mapping[str, Tensor], *, fresh: tuple[str, ...]) -> dict[str, Tensor]:
    """Their tensors with the channels that ours have room for; those in which ours are larger are left out."""
    shared = {
        name: value
        for name, value in theirs.items()
        if name in ours and value.ndim == ours[name].ndim and not name.startswith(fresh or ("\0",))
        if all(a >= b for a, b in zip(value.shape, ours[name].shape, strict=True))
    }
    kept = _selections(shared, ours)
    result = {}
    for name, value in shared.items():
        for dimension, widths in enumerate(zip(value.shape, ours[name].shape, strict=True)):
            if widths[0] > widths[1]:
                shuffled = name.startswith(_SHUFFLED) and dimension == 0
                value = value.index_select(dimension, _selection(kept, widths, name, shuffled=shuffled))
        result[name] = value
    return result


def _selections(theirs: Mapping[str, Tensor], ours: Mapping[str, Tensor]) -> dict[_Widths, Tensor]:
    """For each width of outputs that shrinks, the channels with the strongest filters, in their order."""
    scores: dict[_Widths, Tensor] = {}
    for name, value in theirs.items():
        widths = (value.shape[0], ours[name].shape[0]) if value.ndim >= 2 else (0, 0)
        if widths[0] > widths[1] and not name.startswith(_SHUFFLED):
            norms = value.detach().float().flatten(1).abs().sum(1)
            # over their mean, so that no layer's scale decides for the others
            scores[widths] = scores.get(widths, torch.zeros_like(norms)) + norms / norms.mean().clamp_min(1e-12)
    return {widths: score.topk(widths[1]).indices.sort().values for widths, score in scores.items()}


def _selection(kept: Mapping[_Widths, Tensor], widths: _Widths, name: str, *, shuffled: bool) -> Tensor:
    """The channels that a dimension keeps: those of its width, or of several such maps side by side."""
    if widths in kept:
        return kept[widths]
    parts = [
        (base, widths[0] // base[0])
        for base in kept
        if widths[0] % base[0] == 0 and widths[0] // base[0] * base[1] == widths[1]
    ]
    if len(parts) != 1:
        raise RecipeError(
            f"start.narrow: {name} has {widths[0]} channels for {widths[1]}, and which of them the layers before keep "
            "cannot be told; name it in start.fresh"
        )
    (base, copies), *_ = parts
    if shuffled:  # the copies of one channel lie together
        return (kept[base][:, None] * copies + torch.arange(copies)).flatten()
    return (torch.arange(copies)[:, None] * base[0] + kept[base]).flatten()
