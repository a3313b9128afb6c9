"""What can be done to a network before it is trained on, by name: the operations of `upres compress` that weights need.

An operation is a function of a network and options, which gives another network and the step that its card gains.
"""

from collections.abc import Iterable, Mapping
from importlib import import_module
from inspect import signature
from typing import Any

from torch import Tensor, nn

from upres.errors import RecipeError, near_miss

OPERATIONS: Mapping[str, str] = {
    "fold": "upres.lab.compress.fold:fold",
    "ghost": "upres.lab.compress.ghost.convert:convert",
    "prune": "upres.lab.compress.prune.operation:prune",
    "separable": "upres.lab.compress.separable:separate",
}
"""Name -> ``module:function``; the function is given ``pairs`` where it has such an argument."""

Pairs = Iterable[tuple[Tensor, Tensor]]
"""Batches of training pictures: low resolution and high."""


def compress(
    network: nn.Module, options: Mapping[str, Any], *, pairs: Pairs | None = None
) -> tuple[nn.Module, Mapping[str, Any]]:
    """The network that an operation makes of another, and the step that its card gains.

    Args:
        network: Not changed.
        options: The operation's ``name`` and its own options.
        pairs: Pictures for operations that look at some.

    Raises:
        RecipeError: If there is no such operation, or an option is none of its own or out of range.
        UnsupportedModelError: If the operation does not know such a network.
    """
    known, name = require_operation(options), options["name"]
    own = {key: value for key, value in options.items() if key != "name"}
    if "pairs" in signature(known).parameters:
        own["pairs"] = pairs
    try:
        made, step = known(network, **own)
    except (TypeError, ValueError) as error:  # an option in a recipe may be of any kind
        raise RecipeError(f"compress {name}: {error}") from error
    return made, step


def require_operation(options: Mapping[str, Any]) -> Any:
    """The function of an operation, once its options are known to be some of its own.

    Raises:
        RecipeError: If there is no such operation, or it has no such option.
    """
    name = str(options.get("name"))
    if name not in OPERATIONS:
        raise RecipeError(
            f"compress: no operation '{name}'; there are {', '.join(OPERATIONS)}.{near_miss(name, OPERATIONS)}"
        )
    module, attribute = OPERATIONS[name].split(":")
    operation = getattr(import_module(module), attribute)
    known = signature(operation).parameters.keys() - {"network", "pairs"}
    for option in options.keys() - {"name"}:
        if option not in known:
            raise RecipeError(f"compress {name}: no option '{option}'.{near_miss(option, sorted(known))}")
    return operation
