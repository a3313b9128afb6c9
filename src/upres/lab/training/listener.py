"""Who is told how a run goes."""

from typing import Protocol

from upres.lab.training.state import RunPosition


class Listener(Protocol):
    """What is told how a run goes."""

    def on_start(self, progress: RunPosition) -> None:
        """The run begins, or goes on from ``progress``."""
        ...

    def on_step(self, step: int, loss: float, rate: float) -> None:
        """A few hundred times a run: the mean loss since the last call."""
        ...

    def on_validation(self, step: int, psnr_db: float) -> None:
        """After each validation."""
        ...

    def on_warning(self, message: str) -> None:
        """Something that the person at the terminal should know."""
        ...


class Silence:
    """A listener that hears of everything and says nothing; override what matters."""

    def on_start(self, progress: RunPosition) -> None:
        """Nothing."""

    def on_step(self, step: int, loss: float, rate: float) -> None:
        """Nothing."""

    def on_validation(self, step: int, psnr_db: float) -> None:
        """Nothing."""

    def on_warning(self, message: str) -> None:
        """Nothing."""
