"""What a run writes down as it goes: one JSON object a line, and the same curves for TensorBoard."""

import json
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from upres.machine.atomic import write_text


class RunLog:
    """The log of one run.

    Args:
        folder: Of the run; ``log.jsonl`` and TensorBoard event files go there.
        first_step: Where the run begins or goes on: later rows, left by a run that was cut off, are dropped.
    """

    def __init__(self, folder: Path, *, first_step: int) -> None:
        self._path = folder / "log.jsonl"
        rows = self._path.read_text().splitlines() if self._path.is_file() and first_step else []
        kept = [row for row in rows if json.loads(row)["step"] <= first_step]
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
