"""What an executor is: something that runs commands at some place, several at a time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class Running(Protocol):
    """A command that was started."""

    def poll(self) -> int | None:
        """The exit status, not 0 where the command failed or was lost with its machine; ``None`` while it runs."""
        ...

    def stop(self) -> None:
        """Ask the command to save what it has and to end, as Ctrl-C does."""
        ...

    def kill(self) -> None:
        """End the command, and all that it started, where it stands."""
        ...


class Executor(Protocol):
    """Runs commands."""

    @property
    def slots(self) -> int:
        """How many commands run at a time; as machines come and go it may change."""
        ...

    def start(self, command: Sequence[str], log: Path) -> Running:
        """Start a command.

        Args:
            command: Program and arguments.
            log: File to which all that it says is added.

        Raises:
            OSError: If the log cannot be written or the program is not there.
        """
        ...
