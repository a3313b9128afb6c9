"""Modules imported so that atheris sees which of their lines are reached."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType


@contextmanager
def guided(*packages: str) -> Iterator[None]:
    """Imports within are instrumented where they are of these packages.

    Python's own finder comes first: atheris instruments nothing that the loader of an editable install brings, and the
    mutations are then blind.
    """
    import atheris

    spec = find_spec(packages[0].split(".")[0])
    assert spec is not None
    assert spec.origin is not None
    sys.path.insert(0, str(Path(spec.origin).parents[1]))
    sys.meta_path.insert(0, PathFinder)
    with atheris.instrument_imports(include=list(packages)):
        yield


def require_guided(function: FunctionType) -> None:
    """See that a function tells atheris which lines are reached.

    Raises:
        RuntimeError: If it does not: mutations would be blind, and find next to nothing.
    """
    import atheris

    if not any(constant is atheris for constant in function.__code__.co_consts):
        raise RuntimeError(f"{function.__module__}.{function.__name__} is not instrumented")
