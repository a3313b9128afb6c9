"""The end of a job whose driver is gone: nobody would note its result, and another worker may begin it anew."""

import os
import threading
from collections.abc import Mapping

_VARIABLE = "UPRES_LIFELINE"
_STDIN = 0


def with_lifeline(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a job whose standard input is a pipe that its driver holds open and never writes to."""
    return {**environment, _VARIABLE: "stdin"}


def hold_lifeline() -> None:
    """End this process with its driver, if a driver started it, however the driver ends."""
    if os.environ.pop(_VARIABLE, None) is not None:
        threading.Thread(target=_await_end, daemon=True).start()


def _await_end() -> None:
    while os.read(_STDIN, 1):
        pass
    os._exit(1)
