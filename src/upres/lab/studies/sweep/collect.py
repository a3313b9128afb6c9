"""All results of a sweep as one table."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from upres.lab.studies.sweep.speeds import Speed, speeds
from upres.machine.atomic import write_text
from upres.machine.ledger import Ledger

FACTS = ("name", "family", "scale", "K", "C", "D", "S", "M", "parameters", "steps", "seconds")
SPEED = ("memory_mib", "threads", "engine", "latency_ms", "machine")


def collect(ledger: Ledger) -> tuple[tuple[str, ...], list[Mapping[str, Any]]]:
    """The columns, and a row a finished job in the order of the plan; what a network lacks is left out.

    Raises:
        LedgerError: If a result is damaged.
    """
    results = [result for job in ledger.jobs if (result := ledger.result(job.name)) is not None]
    scores = tuple(dict.fromkeys(name for result in results for name in result["scores"]))
    measured = speeds(ledger)
    rows: list[Mapping[str, Any]] = [
        {
            **{key: value for key, value in each.items() if key != "scores"},
            **each["scores"],
            **_speed_of(measured.get(each["name"])),
        }
        for each in results
    ]
    return (*FACTS, *scores, *SPEED), rows


def to_csv(ledger: Ledger) -> str:
    """The table as CSV; empty where a network has nothing to say, decibels and shares to four decimals.

    Raises:
        LedgerError: If a result is damaged.
    """
    columns, rows = collect(ledger)
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    return text.getvalue()


def write_csv(ledger: Ledger, path: str | Path) -> int:
    """Write the table to a file; returns how many networks are in it.

    Raises:
        LedgerError: If a result is damaged.
        OutputError: If the file cannot be written.
    """
    text = to_csv(ledger)
    write_text(path, text)
    return text.count("\n") - 1


def _speed_of(speed: Speed | None) -> Mapping[str, Any]:
    return {} if speed is None else {name: getattr(speed, name) for name in SPEED}


def _cell(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
