"""How many processor cores this process may use."""

import os


def available_cores() -> int:
    """Logical cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def without_blas_threads() -> None:
    """Keep numpy, where it is not imported yet, from starting OpenBLAS's threads; for who multiplies small matrices.

    These threads cost 17 ms of a start, and 70 ms of both cores' time: they wait in a loop for something to do. A
    number that the user has set stands.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
