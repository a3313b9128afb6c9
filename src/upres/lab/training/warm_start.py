"""Begin with the weights of another network, as x3 and x4 do with those of x2."""

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from upres.errors import RecipeError
from upres.lab.checkpoint import load
from upres.lab.training.recipe import WarmStart
from upres.models.catalog import find


@dataclass(frozen=True, kw_only=True)
class WarmStartReport:
    """Which tensors came from where."""

    source: str
    taken: tuple[str, ...]
    fresh: tuple[str, ...]


def warm_start(network: nn.Module, start: WarmStart, *, beside: Path) -> WarmStartReport:
    """Fill every tensor of ``network`` that has its like, by name and shape, in the network to start from.

    Args:
        network: Changed in place.
        start: Where from; a run ``beside / model`` comes before a shipped model of that name.
        beside: The folder in which the runs of a queue lie.

    Raises:
        UnknownModelError: If there is no such run, model or file.
        RecipeError: If the two networks have no tensor in common.
    """
    run = beside / start.model / "best.safetensors"
    source = run if run.is_file() else find(start.model).weights
    theirs = load(source)[0].state_dict()
    ours = network.state_dict()
    taken = [
        name
        for name, value in ours.items()
        if name in theirs and theirs[name].shape == value.shape and not name.startswith(start.fresh or ("\0",))
    ]
    if not taken:
        raise RecipeError(f"start.model={start.model}: no tensor in common with the network that is trained")
    network.load_state_dict({**ours, **{name: theirs[name] for name in taken}})
    return WarmStartReport(source=start.model, taken=tuple(taken), fresh=tuple(ours.keys() - set(taken)))
