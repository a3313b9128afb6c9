"""`upres video`: films made larger."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from upres.apps.cli import terminal
from upres.apps.cli._video_options import EPILOG, add_networks, add_video, check
from upres.apps.cli.arguments import add_size
from upres.errors import OutputError

if TYPE_CHECKING:
    from upres.video.plan import Wishes

NETWORK_OPTIONS = ("model", "fast", "clean", "real", "engine", "precision", "device", "threads")
"""Options that `Upscaler` takes under the same names."""
WISHES = (
    "codec",
    "crf",
    "preset",
    "lossless",
    "deinterlace",
    "steady",
    "drop_dynamic_hdr",
    "siting",
    "color",
    "start",
    "end",
)
"""Options that `Wishes` takes under the same names."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.epilog = EPILOG
    parser.set_defaults(usage_error=parser.error)
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="film, or folder of films")
    parser.add_argument("-o", "--output", metavar="PATH", help="file, folder, or - for standard output (y4m)")
    add_size(parser)
    add_networks(parser)
    add_video(parser)


def run(args: argparse.Namespace) -> int:
    """Make what was named larger; 0 if all went well, 1 if a film failed, 130 if it was stopped."""
    from upres.machine.allocator import keep_freed_memory
    from upres.video.extra import require_av

    check(args)
    require_av()
    keep_freed_memory()
    if args.info:
        return _info(args)
    networks = {name: getattr(args, name) for name in NETWORK_OPTIONS}
    wishes = _wishes(args)
    if args.preview is not None:
        return _preview(args, wishes, networks)
    if args.play:
        from upres.video.play import play
        from upres.video.run import VideoRun

        play(VideoRun(Path(args.inputs[0]), wishes, networks))
        return 0
    if args.format == "y4m" or args.output == "-":
        return _y4m(args, wishes, networks)
    from upres.apps.cli._video_reports import print_batch
    from upres.video.batch import VideoBatch

    chosen = {name: getattr(args, name) for name in ("output", "recursive", "include", "exclude", "overwrite")}
    suffix = None if args.format is None else f".{args.format.lower().lstrip('.')}"
    batch = VideoBatch(args.inputs, wishes, networks, suffix=suffix, **chosen)
    return print_batch(batch, as_json=args.json, quiet=args.quiet)


def _wishes(args: argparse.Namespace) -> "Wishes":
    from upres.pipeline.sizes import SizeRequest
    from upres.video.plan import Wishes

    ways = {name: getattr(args, name) for name in ("scale", "width", "height", "fit")}
    if not any(value is not None for value in ways.values()):
        ways["scale"] = 2
    return Wishes(request=SizeRequest(**ways), **{name: getattr(args, name) for name in WISHES})


def _info(args: argparse.Namespace) -> int:
    from upres.apps.cli._video_reports import info_lines
    from upres.video.probe import probe

    found = probe(Path(args.inputs[0]))
    for line in [json.dumps(found.to_dict())] if args.json else info_lines(found):
        terminal.say(line, sys.stdout)
    return 0


def _preview(args: argparse.Namespace, wishes: "Wishes", networks: dict[str, Any]) -> int:
    from upres.video.preview import write_preview
    from upres.video.run import VideoRun

    film = VideoRun(Path(args.inputs[0]), wishes, networks)
    paths = write_preview(film, args.preview, None if args.output is None else Path(args.output))
    for line in [json.dumps([str(path) for path in paths])] if args.json else map(str, paths):
        terminal.say(line, sys.stdout)
    return 0


def _y4m(args: argparse.Namespace, wishes: "Wishes", networks: dict[str, Any]) -> int:
    from upres.apps.cli._video_progress import progress_bar
    from upres.video.run import VideoRun
    from upres.video.y4m import write_y4m

    if args.output not in (None, "-") or sys.stdout is None:
        raise OutputError("y4m goes to standard output only: -o -")
    source = Path(args.inputs[0])
    film = VideoRun(source, wishes, networks)
    with progress_bar(hidden=args.quiet) as show:
        write_y4m(film, sys.stdout.buffer, None if show is None else lambda now: show(source, now))
    return 0
