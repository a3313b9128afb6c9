"""Weights for a network of another width: a narrower one keeps channels, a wider one has several copies of them.

Channels that meet in an addition or follow one another must be the same ones, so all dimensions that change alike (48
to 46, say) take one selection; where the next layer sees several such maps concatenated, it takes the selection of
each, and a convolution before a pixel shuffle takes all sub-positions of a channel.

Narrowing keeps the channels whose filters are strongest, scored over every layer that makes such channels. Widening
(Net2Net, Chen et al., 2016, arXiv:1511.05641) leaves the function as it is: a layer that reads several copies of a
channel shares its weights out among them, at random, lest the copies be trained alike for ever.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from upres.errors import RecipeError
from upres.lab.complexity import evaluation_mode
from upres.lab.compress.wiring import probe

_SHUFFLED = "upsampler."
"""Where the zoo's networks keep the convolutions whose outputs are shuffled."""
_SAME = 1e-3
"""The largest error of a widened network, in parts of the largest output."""

_Widths = tuple[int, int]
"""Theirs, ours."""
_State = Mapping[str, Tensor]


def narrowed(theirs: _State, ours: _State, *, fresh: tuple[str, ...]) -> dict[str, Tensor]:
    """Their tensors with the channels that ours have room for; those in which ours are larger are left out.

    Args:
        theirs: Tensors of the wider network.
        ours: Tensors of the narrower one, of which the shapes count.
        fresh: Beginnings of the names that are left out.

    Raises:
        RecipeError: If it cannot be told which channels belong together.
    """
    shared = _shared(theirs, ours, fresh)
    shared = [name for name in shared if all(a >= b for a, b in _widths(theirs[name], ours[name]))]
    kept = _strongest({name: theirs[name] for name in shared}, ours)
    return {name: _selected(name, theirs[name], ours[name], kept, setting="narrow") for name in shared}


def widened(theirs: _State, ours: _State, *, fresh: tuple[str, ...]) -> dict[str, Tensor]:
    """Their tensors with channels copied until ours are full; those in which ours are smaller are left out.

    Args:
        theirs: Tensors of the narrower network.
        ours: Tensors of the wider one, of which the shapes count.
        fresh: Beginnings of the names that are left out.

    Raises:
        RecipeError: If it cannot be told which channels belong together.
    """
    shared = _shared(theirs, ours, fresh)
    shared = [name for name in shared if all(a <= b for a, b in _widths(theirs[name], ours[name]))]
    copies = {
        (before, after): torch.arange(after) % before
        for before, after in (_outputs(name, theirs[name], ours[name]) for name in shared)
        if before < after
    }
    generator = torch.Generator().manual_seed(0)
    result = {}
    for name in shared:
        value = _selected(name, theirs[name], ours[name], copies, setting="wide")
        inputs = _widths(theirs[name], ours[name])[1:2]
        if inputs and inputs[0][0] < inputs[0][1]:
            value = value * _shares(_selection(copies, inputs[0], name, setting="wide"), len(value), generator, value)
        result[name] = value
    return result


def require_same(wide: nn.Module, narrow: nn.Module) -> None:
    """Refuse a widened network that computes something else than the narrower one.

    Raises:
        RecipeError: If it does, for instance because it puts channels into groups.
    """
    picture = torch.rand_like(probe(narrow))
    with evaluation_mode(wide), evaluation_mode(narrow), torch.no_grad():
        expected = narrow(picture)
        error = (wide(picture) - expected).abs().max() / expected.abs().max()
    if not error <= _SAME:
        raise RecipeError(
            f"start.wide: a {type(wide).__name__} with copies of channels is another function; begin without it"
        )


def _shared(theirs: _State, ours: _State, fresh: tuple[str, ...]) -> list[str]:
    return [
        name
        for name, value in theirs.items()
        if name in ours and value.ndim == ours[name].ndim and not name.startswith(fresh or ("\0",))
    ]


def _widths(theirs: Tensor, ours: Tensor) -> list[_Widths]:
    return list(zip(theirs.shape, ours.shape, strict=True))


def _outputs(name: str, theirs: Tensor, ours: Tensor) -> _Widths:
    """The widths of a layer's outputs, if they are no sub-positions; else and for vectors (0, 0)."""
    return (0, 0) if theirs.ndim < 2 or name.startswith(_SHUFFLED) else _widths(theirs, ours)[0]


def _strongest(theirs: _State, ours: _State) -> dict[_Widths, Tensor]:
    """For each width of outputs that shrinks, the channels with the strongest filters, in their order."""
    scores: dict[_Widths, Tensor] = {}
    for name, value in theirs.items():
        widths = _outputs(name, value, ours[name])
        if widths[0] > widths[1]:
            norms = value.detach().float().flatten(1).abs().sum(1)
            # over their mean, so that no layer's scale decides for the others
            scores[widths] = scores.get(widths, torch.zeros_like(norms)) + norms / norms.mean().clamp_min(1e-12)
    return {widths: score.topk(widths[1]).indices.sort().values for widths, score in scores.items()}


def _selected(name: str, theirs: Tensor, ours: Tensor, kept: Mapping[_Widths, Tensor], *, setting: str) -> Tensor:
    for dimension, widths in enumerate(_widths(theirs, ours)):
        if widths[0] != widths[1]:
            shuffled = name.startswith(_SHUFFLED) and dimension == 0
            selection = _selection(kept, widths, name, setting=setting, shuffled=shuffled)
            theirs = theirs.index_select(dimension, selection)
    return theirs


def _selection(
    kept: Mapping[_Widths, Tensor], widths: _Widths, name: str, *, setting: str, shuffled: bool = False
) -> Tensor:
    """Which of their channels a dimension of ours takes: those of its width, or of several such maps side by side."""
    if widths in kept:
        return kept[widths]
    parts = [
        (base, widths[0] // base[0])
        for base in kept
        if widths[0] % base[0] == 0 and widths[0] // base[0] * base[1] == widths[1]
    ]
    if len(parts) != 1:
        raise RecipeError(
            f"start.{setting}: {name} has {widths[0]} channels for {widths[1]}, and which of them the layers before "
            "keep cannot be told; name it in start.fresh"
        )
    (base, copies), *_ = parts
    if shuffled:  # the copies of one channel lie together
        return (kept[base][:, None] * copies + torch.arange(copies)).flatten()
    return (torch.arange(copies)[:, None] * base[0] + kept[base]).flatten()


def _shares(selection: Tensor, outputs: int, generator: torch.Generator, like: Tensor) -> Tensor:
    """What part of a weight each copy of its input has, ``(outputs, inputs, 1, 1)``; those of one input add up to 1."""
    drawn = torch.rand(outputs, len(selection), generator=generator) + 0.5
    sums = torch.zeros(outputs, int(selection.max()) + 1).index_add_(1, selection, drawn)
    return (drawn / sums[:, selection]).to(like).view(outputs, len(selection), *[1] * (like.ndim - 2))
