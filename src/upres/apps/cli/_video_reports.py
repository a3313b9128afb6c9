"""What becomes of films, on the terminal: what they will lack, a line each, what a file is."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from upres.apps.cli import terminal
from upres.apps.cli._video_progress import awaited_stop, progress_bar
from upres.apps.cli.hints import with_hint

if TYPE_CHECKING:
    from upres.video.batch import VideoBatch
    from upres.video.plan import VideoPlan
    from upres.video.probe import Colors, Probe
    from upres.video.report import VideoReport

_UNSAID = 2
"""What stands for no number in H.273."""
_RANGES = {1: "studio", 2: "full"}
"""FFmpeg's number -> name."""


def print_batch(batch: "VideoBatch", *, as_json: bool, quiet: bool) -> int:
    """Do a run and print what becomes of each film; the exit code."""
    from upres.video.report import InterruptedRun

    reports: list[VideoReport] = []
    stopped = None
    for text in (*batch.problems, *(() if quiet else batch.notes)):
        terminal.say(f"upres: {text}", sys.stderr)
    with progress_bar(hidden=quiet) as show, awaited_stop() as stop:
        try:
            for report in batch.run(show, stop, None if quiet else say_losses):
                reports.append(report)
                _tell(report, as_json=as_json, quiet=quiet)
        except InterruptedRun as error:
            stopped = str(error)
    if as_json:
        rows = [{**each.to_dict(), "error": each.error and with_hint(each.error, each.hint)} for each in reports]
        print(json.dumps(rows[0] if len(rows) == 1 else {"films": rows}, indent=2))
    if stopped is not None:
        terminal.say(f"upres: {stopped}", sys.stderr)
        return 130
    return 1 if batch.problems or any(report.error for report in reports) else 0


def _tell(report: "VideoReport", *, as_json: bool, quiet: bool) -> None:
    if report.error is not None:
        terminal.say(f"upres: {with_hint(report.error, report.hint)}", sys.stderr)
        return
    if quiet or as_json:
        return
    if report.skipped or report.size is None:
        terminal.say(f"{report.output}: up to date", sys.stdout)
        return
    height, width = report.size
    resumed = f", {report.resumed} of them by an earlier run" if report.resumed else ""
    facts = f"{width}x{height}  {report.codec}, {report.model}  {report.frames} frames{resumed}"
    terminal.say(
        f"{report.input} -> {report.output}  {facts}  {report.seconds:.1f} s, {report.fps:.1f} fps", sys.stdout
    )
    for text in report.found:
        terminal.say(f"upres: {report.input}: {text}", sys.stderr)


def say_losses(source: Path, plan: "VideoPlan") -> None:
    """What the result will lack and what else is to be known, before the work."""
    for text in (*(f"left out: {each}" for each in plan.left_out), *plan.warnings):
        terminal.say(f"upres: {source}: {text}", sys.stderr)


def info_lines(found: "Probe") -> list[str]:
    """What a file is, for people."""
    picture, colors = found.picture, found.picture.colors
    rate = "unknown" if picture.frame_rate is None else f"{float(picture.frame_rate):.3f}"
    length = "unknown" if found.seconds is None else f"{found.seconds:.2f} s"
    lines = [
        f"{found.path}: {found.container}, {length}, {found.bytes} bytes, {found.chapters} chapters",
        f"picture  {picture.width}x{picture.height} {picture.codec} {picture.pixel_format}, {rate} frames a second",
        f"         shape of pixels {picture.sample_aspect_ratio}, turned by {picture.rotation} degrees, "
        + ("whole frames" if picture.fields is None else f"interlaced, {picture.fields} field first"),
        f"         colours {_numbers(colors)}, range {_RANGES.get(colors.range, 'not said')}",
    ]
    if picture.hdr is not None or picture.dynamic_hdr:
        lines.append(
            f"         HDR metadata: {', '.join((*['of the screen'] * bool(picture.hdr), *picture.dynamic_hdr))}"
        )
    return lines + [f"beside   {each.described}" for each in found.others]


def _numbers(colors: "Colors") -> str:
    """Primaries, transfer and matrix, of which 2 stands for none."""
    named = (colors.primaries, colors.transfer, colors.matrix)
    if set(named) == {_UNSAID}:
        return "not said"
    return (
        f"{'/'.join('-' if number == _UNSAID else str(number) for number in named)} (primaries/transfer/matrix, H.273)"
    )
