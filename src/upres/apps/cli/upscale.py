"""`upres upscale`: pictures, folders and streams made larger."""

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from upres.apps.cli._naming import add_naming
from upres.apps.cli.arguments import add_files, add_networks, add_size
from upres.errors import ImageReadError, OutputError, UpresError

if TYPE_CHECKING:
    from upres.folders.jobs import Job

UPSCALER_OPTIONS = (
    *("width", "height", "fit", "model", "fast", "real"),
    *("engine", "precision", "device", "threads", "max_memory"),
)
"""Options that `Upscaler` takes under the same names."""
FILE_OPTIONS = ("quality", "background", "overwrite", "keep_date")
"""Options that `FileOptions` takes under the same names."""
EPILOG = """size:
  --scale takes any positive number. The smallest native factor of the model (2, 3, 4; above 4 a chain of them, the
  smallest first: 8 is x2 then x4, 5 is x2 then x3 and a reduction) that reaches the wanted size runs, then one
  antialiased bicubic reduction. A scale of 1 or less needs no network. --width or --height alone keeps the proportions;
  both give exactly that size; --fit the largest size within the box.

names:
  photo.jpg becomes photo_x2.jpg beside it (photo_w800.jpg for --width 800, photo_fit1920x1080.jpg for --fit). -o names
  another file, or a folder: one that exists, ends in / or is to take several pictures; folders below it are kept.
  --name '{stem}_{width}x{height}{suffix}' names them another way; two pictures of one name are an error.

repeated runs:
  .upres.jsonl in the output's folder notes what was made of what, and how. What is there already is skipped; what was
  made from another version of the picture or with other options is an error unless --overwrite is given. Pictures that
  upres made from others of the same run are not taken as inputs.

memory:
  --max-memory 500M bounds the process by working in bands of rows. The picture as read and as made stay in memory as
  a whole; what the limit cannot hold is refused.

examples:
  upres upscale photo.jpg
  upres upscale photo.jpg --fast
  upres upscale old-camera/*.jpg --real
  upres upscale holiday/ -o large/ --scale 3 --exclude '*_old*'
  upres upscale logo.png --fit 1920x1080 --format webp --quality 90
  upres upscale - --format png < small.jpg > large.png
  upres upscale *.tif --model esr_tm_x2 --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.epilog = EPILOG
    parser.set_defaults(usage_error=parser.error)
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="picture, folder, or - for standard input")
    parser.add_argument("-o", "--output", metavar="PATH", help="file, folder, or - for standard output")
    add_size(parser)
    add_files(parser)
    add_networks(parser)
    add_naming(parser)


def run(args: argparse.Namespace) -> int:
    """Upscale what was named; 0 if all went well, 1 if a picture failed."""
    from upres.apps.cli._file_reports import print_reports
    from upres.folders.batch import FolderRun
    from upres.folders.find import PassedOver, find_pictures
    from upres.folders.jobs import goes_into_folder, plan_jobs
    from upres.folders.reports import FileOptions
    from upres.image.io import format_for
    from upres.upscaler import Upscaler

    _check(args)
    form = None if args.format is None else format_for(args.format)
    upscaler = Upscaler(args.scale, strict_memory=True, **{name: getattr(args, name) for name in UPSCALER_OPTIONS})
    seen = PassedOver()
    pictures = find_pictures(
        args.inputs, recursive=args.recursive, include=args.include, exclude=args.exclude, passed_over=seen
    )
    if args.output == "-" and len(pictures) > 1:
        args.usage_error("standard output takes one picture")
    into_folder = goes_into_folder(args.output, args.inputs, pictures)
    if args.name is not None and args.output is not None and not into_folder:
        args.usage_error("-o names the file already: leave --name out, or name a folder with -o FOLDER/")
    jobs = plan_jobs(
        pictures, upscaler.request, output=args.output, into_folder=into_folder, format=form, pattern=args.name
    )
    options = FileOptions(format=form, **{name: getattr(args, name) for name in FILE_OPTIONS})
    _check_streams(jobs)
    source, sink = sys.stdin.buffer if sys.stdin else None, sys.stdout.buffer if sys.stdout else None
    batch = FolderRun(jobs, upscaler, options, source=source, sink=sink)
    if not batch.jobs:
        reasons = "; ".join([*seen.problems, *seen.notes(), *batch.notes])
        raise UpresError(f"no pictures in {', '.join(args.inputs)}{': ' * bool(reasons)}{reasons}")
    to_stdout = any(job.output is None for job in batch.jobs)
    if to_stdout and args.json:
        args.usage_error("--json and the picture cannot both go to standard output; use -o FILE")
    told = {"problems": seen.problems, "notes": seen.notes()}
    return print_reports(batch, as_json=args.json, quiet=args.quiet, silent=to_stdout, **told)


def _check(args: argparse.Namespace) -> None:
    """Combinations that cannot be meant are wrong usage."""
    ways = [args.scale is not None, args.fit is not None, args.width is not None or args.height is not None]
    if sum(ways) > 1:
        args.usage_error("give one of --scale, --fit, --width and/or --height")
    if (args.model is not None) + args.fast + args.real > 1:
        args.usage_error("--model, --fast and --real each choose the networks: give one of them")
    if args.inputs.count("-") and len(args.inputs) > 1:
        args.usage_error("standard input is one picture; name no others beside it")


def _check_streams(jobs: "Sequence[Job]") -> None:
    """A process may have been started with its standard streams closed."""
    if sys.stdin is None and any(job.source is None for job in jobs):
        raise ImageReadError("standard input is closed; send a picture there, or name a file")
    if sys.stdout is None and any(job.output is None for job in jobs):
        raise OutputError("standard output is closed; open it, or name a file to write")
