"""What becomes of many files, on the terminal: a bar, a line each, a sum."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from upres.apps.cli.hints import with_hint

if TYPE_CHECKING:
    from upres.folders.batch import FileReport, FolderRun

Advance = Callable[[float], None]
Say = Callable[[str, TextIO], None]


def print_reports(run: "FolderRun", *, as_json: bool, quiet: bool, silent: bool) -> int:
    """Do a run and print what becomes of each file; the exit code.

    Args:
        run: Not begun yet.
        as_json: Print one JSON object at the end instead of lines.
        quiet: Print errors only.
        silent: Print no line for what was made.
    """
    reports, errors = [], []
    with _progress(len(run.jobs), hidden=quiet) as (advance, say):
        for report in run.run(advance):
            reports.append(report)
            errors.append(None if report.error is None else with_hint(report.error, report.hint))
            for warning in () if quiet else report.warnings:
                say(f"upres: {report.input}: {warning}", sys.stderr)
            if errors[-1] is not None:
                say(f"upres: {errors[-1]}", sys.stderr)
            elif not (silent or quiet or as_json):
                say(_line(report), sys.stdout)
    failed = sum(error is not None for error in errors)
    if as_json:
        rows = [{**report.to_dict(), "error": error} for report, error in zip(reports, errors, strict=True)]
        print(json.dumps({"files": rows}, indent=2))
    if len(reports) > 1 and (failed or not quiet):
        skipped = sum(report.skipped for report in reports)
        made = len(reports) - failed - skipped
        print(f"upres: {made} made, {skipped} up to date, {failed} failed", file=sys.stderr)
    return 1 if failed else 0


def _line(report: "FileReport") -> str:
    if report.skipped:
        return f"{report.output}: up to date"
    assert report.size is not None
    height, width = report.size
    via = f"{report.model}, {report.engine}" if report.engine else report.model
    judged = f"judged: {report.reason or 'clean'}  " if report.judged is not None else ""
    return f"{report.input} -> {report.output}  {width}x{height}  {judged}{via}  {report.seconds:.2f} s"


@contextmanager
def _progress(count: int, *, hidden: bool) -> Iterator[tuple[Advance | None, Say]]:
    """A function that moves the progress bar and one that prints a line above it; no bar where nobody looks."""
    if hidden or not sys.stderr.isatty():
        yield None, lambda text, stream: print(text, file=stream, flush=True)
        return
    from tqdm import tqdm

    shape = "{l_bar}{bar}| {n:.1f}/{total} [{elapsed}<{remaining}]"
    with tqdm(total=count, file=sys.stderr, bar_format=shape, leave=False) as bar:

        def advance(done: float) -> None:
            bar.update(done - bar.n)

        yield advance, lambda text, stream: bar.write(text, file=stream)
