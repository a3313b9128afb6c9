"""Settings from plain data: what JSON holds becomes frozen dataclasses, or an error that names the setting."""

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

from upres.errors import RecipeError, near_miss
from upres.lab.data.degradations import BICUBIC, Degradation


def built(kind: Any, value: Any, where: str = "") -> Any:
    """The object of a type that plain data describe.

    Args:
        kind: A dataclass, a tuple, a choice of literals, or a plain type.
        value: Mappings, lists and plain values, as JSON holds them.
        where: The setting's name, for messages.

    Raises:
        RecipeError: If a key is unknown or missing, or a value is of the wrong kind.
    """
    if kind is Degradation:
        settings = {key: float if key == "share" else tuple[float, ...] for key in BICUBIC.settings()}
        return _build_object(BICUBIC.changed, settings, value, where)
    if is_dataclass(kind):
        return _build_object(kind, get_type_hints(kind), value, where)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        if value not in arguments:
            raise RecipeError(f"{where}: expected one of {', '.join(map(str, arguments))}, got {value!r}")
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise RecipeError(f"{where}: expected a list, got {value!r}")
        return tuple(built(arguments[0], item, f"{where}.{i}") for i, item in enumerate(value))
    return _build_scalar(kind, value, where)


def _build_object(make: Any, hints: Mapping[str, Any], value: Any, where: str) -> Any:
    if not isinstance(value, Mapping):
        raise RecipeError(f"{where or 'recipe'}: expected settings, got {value!r}")
    for key in value:
        if key not in hints:
            raise RecipeError(f"no setting '{where}.{key}'.{near_miss(key, hints)}".replace("'.", "'"))
    try:
        return make(**{k: built(hints[k], v, f"{where}.{k}".lstrip(".")) for k, v in value.items()})
    except TypeError as error:
        raise RecipeError(f"{where or 'recipe'}: {error}") from error


def _build_scalar(kind: Any, value: Any, where: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    expected = {int: int, float: float, bool: bool, str: str}.get(kind)
    if expected is None:
        return value
    if not isinstance(value, expected) or (kind is int and isinstance(value, bool)):
        raise RecipeError(f"{where}: expected {kind.__name__}, got {value!r}")
    return value
