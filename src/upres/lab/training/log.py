"""What a run writes down as it goes: one JSON object a line, and the same curves for TensorBoard."""

import json
from collections.abc import Callable
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from upres.machine.atomic import write_text


class RunLog:
    """The log of one run.

    Args:
        folder: Of the run; ``log.jsonl`` and TensorBoard event files go there.
        first_step: Where the run begins or goes on: later rows, left by a run that was cut off, are dropped.
        warn: Told where rows cannot be read, torn by a power cut perhaps; they are dropped as well.
    """

    def __init__(self, folder: Path, *, first_step: int, warn: Callable[[str], None]) -> None:
        self._path = folder / "log.jsonl"
        rows = (
            self._path.read_bytes().decode(errors="replace").splitlines() if self._path.is_file() and first_step else []
        )
        steps = [_step(row) for row in rows]
        if damaged := steps.count(None):
            warn(f"{self._path}: {damaged} row{'s' * (damaged > 1)} cannot be read and left out")
        kept = [row for row, step in zip(rows, steps, strict=True) if step is not None and step <= first_step]
        write_text(self._path, "".join(f"{row}\n" for row in kept))
        self._board = SummaryWriter(str(folder), purge_step=first_step + 1)

    def write(self, step: int, **values: float) -> None:
        """Note ``values`` at a step."""
        with self._path.open("a") as file:
            file.write(json.dumps({"step": step, **values}) + "\n")
        for name, value in values.items():
            self._board.add_scalar(name, value, step)

    def close(self) -> None:
        """Finish the TensorBoard files."""
        self._board.close()


def _step(row: str) -> int | None:
    """The step of a row; ``None`` where it is none."""
    try:
        step = json.loads(row)["step"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return step if isinstance(step, int) else None
