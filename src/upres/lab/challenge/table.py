"""Challenge tables in, as entries: the long form of published figures, or one line an entry."""

import csv
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from upres.errors import DataError

METRICS = ("latency_ms", "parameters_m", "flops_g", "activations_m", "peak_mib")
"""What the challenge compares: run time, then model complexity, then memory."""

PSNR = ("psnr_val_db", "psnr_test_db", "psnr_db")
"""Quality columns: the challenge's two data sets, or one data set at hand."""

PRINTED = ("main_rank", "sub1_score", "sub2_score")
"""What a table may print of its own ranking, to be compared with the rule."""

LONG_COLUMNS = ("system", "variant", "scale", "dataset", "metric", "value")

_LONG_METRICS = (
    (re.compile(r"runtime_ms\b.*", re.I), "latency_ms"),
    (re.compile(r"params_M", re.I), "parameters_m"),
    (re.compile(r"FLOPs_G", re.I), "flops_g"),
    (re.compile(r"activations_M", re.I), "activations_m"),
    (re.compile(r"gpu_mem_M\b.*", re.I), "peak_mib"),
    (re.compile(r"main_track_rank", re.I), "main_rank"),
    (re.compile(r"subtrack1_score\b.*", re.I), "sub1_score"),
    (re.compile(r"subtrack2_score\b.*", re.I), "sub2_score"),
)
_CHALLENGE = re.compile(r"NTIRE(\d{4}):(.*)")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of a challenge table."""

    name: str
    figures: Mapping[str, float] = field(default_factory=dict)
    """Of `METRICS`, `PSNR` and `PRINTED`, those that the table holds."""
    passed: bool | None = None
    """What the gate of the run that wrote the table said of it; ``None`` where the table does not tell."""


def read_table(path: str | Path, *, year: int | None = None) -> tuple[list[Entry], int | None]:
    """The entries of a CSV file and the challenge year that the file names, if it does.

    Two forms are understood. The long form has the columns ``system, variant, scale, dataset, metric, value`` and a
    row a figure; systems called ``NTIRE<year>:<team>`` are that year's entries, everything else in the file is passed
    over. The wide form has a column ``entry`` and columns named as in `METRICS`, `PSNR` and `PRINTED`; `upres challenge
    run` writes ``passed`` as well.

    Args:
        path: The CSV file.
        year: Which year to take of a long table that holds several.

    Raises:
        DataError: If the file cannot be read, has neither form, holds no entry or two of one name, or a figure is not a
            finite number of 0 or more.
    """
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            columns = tuple(reader.fieldnames or ())
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: not a readable CSV file ({error})") from error
    if set(LONG_COLUMNS) <= set(columns):
        entries, found = _from_long(path, rows, year)
    elif "entry" in columns:
        entries, found = [_from_wide(path, row) for row in rows], None
    else:
        raise DataError(
            f"{path}: expected a column 'entry' beside {', '.join(METRICS)}, or the long form "
            f"{','.join(LONG_COLUMNS)}; found {', '.join(columns) or 'no columns'}"
        )
    if not entries:
        raise DataError(f"{path}: the table holds no challenge entry")
    names = [entry.name for entry in entries]
    if doubled := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise DataError(f"{path}: the table has several entries named '{doubled[0]}'")
    return entries, found


def _from_wide(path: str | Path, row: Mapping[str, str | None]) -> Entry:
    name = (row["entry"] or "").strip()
    texts = {column: row.get(column) for column in (*METRICS, *PSNR, *PRINTED)}
    figures = {column: _number(path, name, column, text) for column, text in texts.items() if text}
    return Entry(name=name, figures=figures, passed={"True": True, "False": False}.get(row.get("passed") or ""))


def _from_long(path: str | Path, rows: Iterable[Mapping[str, str]], year: int | None) -> tuple[list[Entry], int | None]:
    named = [(match, row) for row in rows if (match := _CHALLENGE.fullmatch(row["system"]))]
    years = {int(match[1]) for match, _ in named}
    if year not in years:
        if len(years) != 1:
            raise DataError(
                f"{path}: expected systems called NTIRE{year or '<year>'}:<team>; found years {sorted(years)}"
            )
        year = years.pop()
    figures: dict[str, dict[str, float]] = {}
    for match, row in named:
        column = _long_column(row["metric"], row["dataset"])
        if int(match[1]) == year and column is not None:
            figures.setdefault(match[2], {})[column] = _number(path, match[2], row["metric"], row["value"])
    return [Entry(name=name, figures=values) for name, values in figures.items()], year


def _long_column(metric: str, dataset: str) -> str | None:
    if metric.upper() == "PSNR_RGB":
        return "psnr_test_db" if dataset.lower().endswith("test") else "psnr_val_db"
    return next((column for pattern, column in _LONG_METRICS if pattern.fullmatch(metric)), None)


def _number(path: str | Path, entry: str, column: str, text: str | None) -> float:
    try:
        number = float(text or "")
    except ValueError:
        raise DataError(f"{path}: {column} of '{entry}' is not a number: {text!r}") from None
    if not 0 <= number < math.inf:
        raise DataError(f"{path}: {column} of '{entry}' is {number:g}; expected a finite number of 0 or more")
    return number
