"""Ctrl-C that waits for the end of a training step."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Interrupt:
    """Whether the user wants a run to stop."""

    noted: bool = False

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """Within, the first Ctrl-C is noted and a second one ends at once; only the main thread may and can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def note(*_: object) -> None:
            self.noted = True
            signal.signal(signal.SIGINT, before)

        before = signal.signal(signal.SIGINT, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
