"""What becomes of many files, on the terminal: a bar, a line each, a sum."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, TextIO

from upres.apps.cli import terminal
from upres.apps.cli.hints import with_hint

if TYPE_CHECKING:
    from upres.folders.batch import FolderRun
    from upres.folders.reports import FileReport

Advance = Callable[[float], None]
Say = Callable[[str, TextIO | None], None]


def print_reports(
    run: "FolderRun",
    *,
    as_json: bool,
    quiet: bool,
    silent: bool,
    problems: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> int:
    """Do a run and print what becomes of each file; the exit code.

    Args:
        run: Not begun yet.
        as_json: Print one JSON object at the end instead of lines.
        quiet: Print errors only.
        silent: Print no line for what was made.
        problems: What should have been an input and cannot be one, each a sentence and an error.
        notes: What else is to be said before the run, besides the run's own notes.
    """
    reports, errors, unsaid = [], [], list[OSError]()
    notes = (*notes, *run.notes)
    with _progress(len(run.jobs), hidden=quiet) as (advance, say), closing(run.run(advance)) as done:
        for text in (*problems, *(() if quiet else notes)):
            say(f"upres: {text}", sys.stderr)
        for report in done:
            reports.append(report)
            errors.append(None if report.error is None else with_hint(report.error, report.hint))
            for warning in () if quiet else report.warnings:
                say(f"upres: {report.input}: {warning}", sys.stderr)
            if errors[-1] is not None:
                say(f"upres: {errors[-1]}", sys.stderr)
            elif not (silent or quiet or as_json or unsaid):
                unsaid += _said(_line(report), say)
    failed = sum(error is not None for error in errors)
    if as_json:
        rows = [{**report.to_dict(), "error": error} for report, error in zip(reports, errors, strict=True)]
        print(json.dumps({"files": rows, "problems": list(problems), "notes": list(notes)}, indent=2))
    if len(reports) > 1 and (failed or not quiet):
        skipped = sum(report.skipped for report in reports)
        made = len(reports) - failed - skipped
        terminal.say(f"upres: {made} made, {skipped} up to date, {failed} failed", sys.stderr)
    return 1 if failed or problems or unsaid else 0


def _said(text: str, say: Say) -> list[OSError]:
    """Print a line; the error where standard output takes no more: the pictures still to be made do not need it.

    Raises:
        BrokenPipeError: If nobody reads any more, which is meant to end the command.
    """
    try:
        say(text, sys.stdout)
    except BrokenPipeError:
        raise
    except OSError as error:
        terminal.drop(sys.stdout)
        say(f"upres: standard output cannot be written ({error.strerror}); the run goes on", sys.stderr)
        return [error]
    return []


def _line(report: "FileReport") -> str:
    if report.skipped:
        return f"{report.output}: up to date"
    assert report.size is not None
    height, width = report.size
    via = f"{report.model}, {report.engine}" if report.engine else report.model
    return f"{report.input} -> {report.output}  {width}x{height}  {_found(report)}{via}  {report.seconds:.2f} s"


def _found(report: "FileReport") -> str:
    """What was found in the picture; nothing where nobody looked, or what is done was asked for in any case."""
    if report.choice != "restore":
        nothing = "clean"
    else:
        nothing = "" if any(step["task"] != "upscale" for step in report.steps) else "nothing to restore"
    found = report.reason or nothing
    return f"judged: {found}  " if report.judged is not None and found else ""


@contextmanager
def _progress(count: int, *, hidden: bool) -> Iterator[tuple[Advance | None, Say]]:
    """A function that moves the progress bar and one that prints a line above it; no bar where nobody looks."""
    if hidden or sys.stderr is None or not sys.stderr.isatty():
        yield None, terminal.say
        return
    from tqdm import tqdm

    shape = "{l_bar}{bar}| {n:.1f}/{total} [{elapsed}<{remaining}]"
    with tqdm(total=count, file=sys.stderr, bar_format=shape, leave=False) as bar:

        def advance(done: float) -> None:
            bar.update(done - bar.n)

        def say(text: str, stream: TextIO | None) -> None:
            with bar.external_write_mode(file=stream):
                terminal.say(text, stream)

        yield advance, say
