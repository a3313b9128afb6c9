"""Begin with the weights of another network: x3 and x4 with those of x2, one width with those of another."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from upres.errors import Hint, RecipeError, UnknownModelError
from upres.lab.checkpoint import load
from upres.lab.training.candidates import candidates_of, recast
from upres.lab.training.form import is_expanded
from upres.lab.training.recipe import WarmStart
from upres.lab.training.widths import narrowed, require_same, widened
from upres.models.card import read_card
from upres.models.catalog import find


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
        RecipeError: If there is none, or it cannot be told which channels belong together in another width.
    """
    ours, given = network.state_dict(), theirs.state_dict()
    if start.narrow or start.wide:
        given = _of_this_width(network, theirs, start)
    taken = [
        name
        for name, value in ours.items()
        if name in given and given[name].shape == value.shape and not name.startswith(start.fresh or ("\0",))
    ]
    if not taken:
        raise RecipeError(f"start.model={source}: no tensor in common with the network that is trained")
    network.load_state_dict({**ours, **{name: given[name] for name in taken}})
    if start.wide and len(taken) == len(ours) and candidates_of(network) is None:
        require_same(network, theirs)
    return WarmStartReport(source=source, taken=tuple(taken), fresh=tuple(ours.keys() - set(taken)))


def _of_this_width(network: nn.Module, theirs: nn.Module, start: WarmStart) -> dict[str, Tensor]:
    """Their tensors with the channels of ours, narrower or wider; candidates and kernels go both ways at once."""
    ours, given = network.state_dict(), theirs.state_dict()
    resize = narrowed if start.narrow else widened
    candidates = candidates_of(network)
    if candidates is None or candidates != candidates_of(theirs):
        return resize(given, ours, fresh=start.fresh)
    name, kinds = candidates
    own, other = ours[name], given[name]
    if (own.shape[0], own.shape[2:]) == (other.shape[0], other.shape[2:]):
        return resize(given, ours, fresh=start.fresh)
    result = resize(given, ours, fresh=(*start.fresh, name))
    if network.scale == theirs.scale and not name.startswith(start.fresh or ("\0",)):
        filters = recast(other, own, kinds=kinds, scale=int(network.scale))  # type: ignore[arg-type]
        if filters is not None:
            result[name] = filters
    return result
