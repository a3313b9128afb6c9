"""A speed report as a results file: JSON for programs, Markdown for people."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from upres.bench.speed import SpeedReport, SpeedRow
from upres.errors import DataError, Hint, OutputError, OutputExistsError
from upres.machine.atomic import write_text
from upres.machine.names import label


def write_report(report: SpeedReport, path: Path, *, overwrite: bool = False) -> tuple[Path, Path]:
    """Write ``path`` as JSON and a Markdown table of the same name beside it.

    Returns:
        Both paths.

    Raises:
        OutputExistsError: If the JSON is there and ``overwrite`` is false.
        OutputError: If a file cannot be written.
    """
    check_free(path, overwrite=overwrite)
    table = path.with_suffix(".md")
    write_text(path, json.dumps(report.to_dict(), indent=1) + "\n")
    write_text(table, markdown(report))
    return path, table


def read_report(path: Path) -> dict[str, Any]:
    """A speed report that `write_report` wrote, as `SpeedReport.to_dict` gives it.

    Raises:
        DataError: If the file cannot be read or is no speed report.
    """
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a readable speed report ({error})") from error
    if not isinstance(report, dict) or not {"environment", "rows"} <= report.keys():
        raise DataError(f"{path}: not a speed report", hint=Hint.MEASURE_SPEED)
    return report


def latencies_of(paths: Iterable[Path]) -> dict[str, list[dict[str, Any]]]:
    """What speed reports say of each model, by its name, as cards hold it: with CPU, machine and file.

    Raises:
        DataError: If a file cannot be read or is no speed report.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for path in paths:
        report = read_report(path)
        name = report["environment"].get("name")
        place = {"cpu": report["environment"]["cpu"], **({"machine": name} if name else {}), "file": path.name}
        for row in report["rows"]:
            latency = {key: row[key] for key in ("engine", "precision", "width", "height", "threads")}
            latency["latency_ms"] = round(row["latency_ms_median"], 3)
            found.setdefault(row["model"], []).append(latency | place)
    return found


def check_free(path: Path, *, overwrite: bool) -> None:
    """Find out before the work whether its result may be written.

    Raises:
        OutputExistsError: If the file is there and ``overwrite`` is false.
        OutputError: If its folder is not there.
    """
    if path.exists() and not overwrite:
        raise OutputExistsError(f"{path} exists", hint=Hint.OVERWRITE)
    if not path.parent.is_dir():
        raise OutputError(f"{path}: cannot be written (there is no folder {path.parent})")


def markdown(report: SpeedReport) -> str:
    """The machine in a line and a table, fastest first within each size."""
    lines = [f"{describe(report.environment)}\n"]
    for size in dict.fromkeys((row.width, row.height) for row in report.rows):
        rows = [row for row in report.rows if (row.width, row.height) == size]
        lines.append(f"Output {size[0]}x{size[1]}, one plane or picture a call:\n")
        lines.append("| model | engine | precision | isa | threads | median ms | min ms | spread | fps | of peak |")
        lines.append("|---|---|---|---|--:|--:|--:|--:|--:|--:|")
        lines += [_line(row) for row in sorted(rows, key=lambda row: row.latency_ms_median)]
        lines.append("")
    return "\n".join(lines)


def describe(environment: dict[str, Any]) -> str:
    """The machine by its name, its cores, versions and measured ceilings in one paragraph."""
    versions = ", ".join(f"{name} {number}" for name, number in environment["versions"].items())
    limits = {key: value for key, value in (environment.get("ceilings") or {}).items() if value is not None}
    ceilings = ", ".join(
        f"{key.rsplit('_', 1)[0]} {value:.0f} {_UNITS[key.rsplit('_', 1)[1]]}" for key, value in limits.items()
    )
    return (
        f"{label(environment)}, {environment['cores']} cores, {' '.join(environment['instruction_sets'])}; "
        f"Python {environment['python']}, {versions}; {environment['allocator']} allocator; {environment['date']}."
        + (f" Ceilings: {ceilings}." if ceilings else "")
    )


_UNITS = {"gflops": "GFLOP/s", "gops": "GOP/s", "gbs": "GB/s"}


def _line(row: SpeedRow) -> str:
    peak = "" if row.fraction_of_peak is None else f"{row.fraction_of_peak:.0%}"
    latency = f"{row.latency_ms_median:.2f} | {row.latency_ms_min:.2f} | {row.spread:.0%} | {row.fps:.1f}"
    return f"| {row.model} | {row.engine} | {row.precision} | {row.isa or ''} | {row.threads} | {latency} | {peak} |"
