"""Kernels that others go before, by the threads of `native/base/pool.h`."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module


@contextmanager
def giving_way() -> Iterator[None]:
    """Let the kernels that this thread starts work in the time that others leave on the processor.

    An encoder's threads wait for each other, so a kernel that takes a core from one of them holds up all. Where hardly
    any time is left, this thread does the work all the same. Systems but Linux have no such priority: nothing changes.

    Raises:
        ImportError: If the kernels were not built.
    """
    native = import_module("upres.engines._native")
    native.give_way(True)
    try:
        yield
    finally:
        native.give_way(False)
