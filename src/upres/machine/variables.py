"""Environment variables for processes that start now: libraries read them once, while they are loaded."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def in_environment(variables: Mapping[str, str], *, without: str | None = None) -> Iterator[None]:
    """The process's own environment with these variables, for the processes that start while the block lasts.

    Args:
        variables: Name -> value.
        without: Beginning of the names of variables that are left out.
    """
    before = dict(os.environ)
    try:
        for name in [name for name in os.environ if without is not None and name.startswith(without)]:
            del os.environ[name]
        os.environ.update(variables)
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
