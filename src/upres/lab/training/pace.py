"""How fast a run goes and how much of that it spends waiting for pictures."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from torch import Tensor

from upres.lab.training.state import RunPosition


@dataclass(frozen=True, kw_only=True)
class Window:
    """What happened since the last look."""

    loss: float
    steps_per_s: float
    waiting_share: float


@dataclass
class Pace:
    """Adds up losses and seconds; times validation and saving apart.

    Args:
        progress: Its seconds are kept up to date.
    """

    progress: RunPosition
    _since: float = field(default_factory=time.monotonic)
    _aside: float = 0.0
    _waited: float = 0.0
    _losses: list[Tensor] = field(default_factory=list)

    def step(self, loss: Tensor) -> None:
        """Note a step."""
        self._losses.append(loss)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What happens within is not training."""
        started = time.monotonic()
        try:
            yield
        finally:
            self._aside += time.monotonic() - started

    def window(self, waited_seconds: float) -> Window:
        """Sum up since the last call.

        Args:
            waited_seconds: How long the stage has had to wait for batches so far.
        """
        now = time.monotonic()
        elapsed, waited, count = now - self._since, waited_seconds - self._waited, len(self._losses)
        training = max(elapsed - self._aside, 1e-9)
        self.progress.seconds += elapsed
        self.progress.step_seconds += training
        self.progress.waited_seconds += waited
        loss = float(sum(self._losses[1:], self._losses[0])) / count if count else 0.0
        self._since, self._aside, self._waited = now, 0.0, waited_seconds
        self._losses = []
        return Window(loss=loss, steps_per_s=count / training, waiting_share=waited / training)
