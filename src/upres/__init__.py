"""Efficient image super-resolution and restoration: weights inside, offline, fast on a plain CPU.

    >>> import upres
    >>> upres.upscale("photo.jpg", scale=2)  # doctest: +SKIP

Names load on first use, so that ``import upres`` costs milliseconds and imports neither torch nor an engine.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from upres.errors import UpresError as UpresError
    from upres.evaluation import evaluate as evaluate
    from upres.models.catalog import find as find_model
    from upres.models.catalog import list_models as list_models
    from upres.upscaler import Upscaler as Upscaler
    from upres.upscaler import restore as restore
    from upres.upscaler import upscale as upscale

    __version__: str

_HOMES = {
    "UpresError": ("upres.errors", "UpresError"),
    "Upscaler": ("upres.upscaler", "Upscaler"),
    "evaluate": ("upres.evaluation", "evaluate"),
    "find_model": ("upres.models.catalog", "find"),
    "list_models": ("upres.models.catalog", "list_models"),
    "restore": ("upres.upscaler", "restore"),
    "upscale": ("upres.upscaler", "upscale"),
}

__all__ = ["UpresError", "Upscaler", "__version__", "evaluate", "find_model", "list_models", "restore", "upscale"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("upres")  # pyproject.toml's
    if name not in _HOMES:
        raise AttributeError(f"module 'upres' has no attribute '{name}'")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return __all__
