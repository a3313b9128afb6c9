"""What was measured of a sweep's networks, in its folder: a file a machine and number of threads."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from upres.errors import LedgerError
from upres.machine.ledger import Ledger

FOLDER = "speed"


@dataclass(frozen=True, kw_only=True)
class Speed:
    """One network on one machine."""

    name: str
    machine: str
    threads: int
    engine: str
    precision: str
    latency_ms: float
    """Median of one call."""
    spread: float
    """Distance between the quartiles, as a fraction of the median."""
    memory_mib: float | None
    """Most memory of the network's process; of bicubic, which is no network, ``None``."""
    bicubic_ms: float
    """Of bicubic interpolation by Pillow in the same turns, to the same size."""


def speeds(ledger: Ledger) -> dict[str, Speed]:
    """Name -> what was measured last, on whatever machine.

    Raises:
        LedgerError: If a file of them is damaged.
    """
    files = sorted((Path(ledger.folder) / FOLDER).glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    return {row.name: row for path in files for row in read_speeds(path)}


def speeds_file(ledger: Ledger, machine: str, threads: int) -> Path:
    """The file of a machine, by its label, and a number of threads."""
    name = re.sub(r"\W+", "_", machine.split(" (")[0])
    return Path(ledger.folder) / FOLDER / f"{name}_{threads}.jsonl"


def read_speeds(path: Path) -> list[Speed]:
    """What a file holds; nothing where there is none.

    Raises:
        LedgerError: If it is damaged.
    """
    try:
        lines = path.read_text().splitlines() if path.is_file() else []
        return [Speed(**json.loads(line)) for line in lines]
    except (OSError, ValueError, TypeError) as error:
        raise LedgerError(f"{path}: damaged ({error}); remove it and measure again") from error
