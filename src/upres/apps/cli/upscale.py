"""`upres upscale`: pictures, folders and streams made larger."""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from upres.engines.select import ENGINES
from upres.errors import UpresError

EPILOG = """size:
  --scale takes any positive number. The smallest native factor of the model (2, 3, 4; above 4 a chain of them, the
  smallest first: 8 is x2 then x4, 5 is x2 then x3 and a reduction) that reaches the wanted size runs, then one
  antialiased bicubic reduction. A scale of 1 or less needs no network. --width or --height alone keeps the proportions;
  both give exactly that size; --fit the largest size within the box.

names:
  photo.jpg becomes photo_x2.jpg beside it (photo_w800.jpg for --width 800, photo_fit1920x1080.jpg for --fit). -o names
  another file, or a folder: one that exists, ends in / or is to take several pictures; folders below it are kept.

repeated runs:
  .upres.jsonl in the output's folder notes what was made of what, and how. What is there already is skipped; what was
  made from another version of the picture or with other options is an error unless --overwrite is given. Pictures that
  upres made from others of the same run are not taken as inputs.

memory:
  --max-memory 500M bounds the process by working in bands of rows. The picture as read and as made stay in memory as
  a whole; a limit below what they need is exceeded, with a warning.

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
    size = parser.add_argument_group("size")
    size.add_argument("--scale", type=_positive, metavar="S", help="output over input size, any number (default: 2)")
    size.add_argument("--width", type=_count, metavar="W", help="output width in pixels")
    size.add_argument("--height", type=_count, metavar="H", help="output height in pixels")
    size.add_argument("--fit", type=_box, metavar="WxH", help="largest size that fits into this box")
    files = parser.add_argument_group("files")
    files.add_argument(
        "--recursive",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="look into folders of folders (default: yes)",
    )
    files.add_argument("--include", action="append", default=[], metavar="GLOB", help="of folders, take only these")
    files.add_argument("--exclude", action="append", default=[], metavar="GLOB", help="of folders, leave these out")
    files.add_argument("--overwrite", action="store_true", help="make every output anew, replacing what is there")
    files.add_argument("--format", metavar="FORMAT", help="jpeg, png, webp, avif, tiff, bmp ... (default: the input's)")
    files.add_argument("--quality", type=_quality, metavar="Q", help="1 to 100 (default for JPEG: 95, chroma 4:4:4)")
    files.add_argument("--background", type=_color, metavar="COLOR", help="behind transparency, for formats without it")
    run = parser.add_argument_group("run")
    run.add_argument("--model", metavar="NAME", help="see `upres models`; a .safetensors file; bicubic")
    run.add_argument("--fast", action="store_true", help="small luma networks instead of the RGB network")
    run.add_argument("--real", action="store_true", help="networks that undo JPEG blocks, noise and mild blur as well")
    run.add_argument("--engine", default="auto", metavar="NAME", help=", ".join(("auto", *ENGINES)))
    run.add_argument("--precision", default="auto", metavar="NAME", help="auto, f32, bf16; int8 where a model has it")
    run.add_argument("--threads", type=_count, metavar="N", help="processor threads (default: all)")
    run.add_argument("--max-memory", type=_memory, metavar="SIZE", help="bound for the whole process, such as 500M")
    run.add_argument("--json", action="store_true", help="print a report as JSON instead of lines")
    run.add_argument("--quiet", action="store_true", help="print errors only")


def run(args: argparse.Namespace) -> int:
    """Upscale what was named; 0 if all went well, 1 if a picture failed."""
    from upres.folders.batch import Batch, FileOptions
    from upres.folders.jobs import STANDARD, find_pictures, plan_jobs
    from upres.image.io import format_for
    from upres.upscaler import Upscaler

    _check(args)
    if args.format is not None:
        args.format = format_for(args.format)
    upscaler = Upscaler(
        args.scale,
        width=args.width,
        height=args.height,
        fit=args.fit,
        model=args.model,
        fast=args.fast,
        real=args.real,
        engine=args.engine,
        precision=args.precision,
        threads=args.threads,
        max_memory=args.max_memory,
    )
    pictures = find_pictures(args.inputs, recursive=args.recursive, include=args.include, exclude=args.exclude)
    several = len(pictures) > 1 or any(Path(item).is_dir() for item in args.inputs)
    if args.output == STANDARD and len(pictures) > 1:
        args.usage_error("standard output takes one picture")
    into_folder = args.output not in (None, STANDARD) and _is_folder(args.output, several)
    jobs = plan_jobs(pictures, upscaler.request, output=args.output, into_folder=into_folder, format=args.format)
    options = FileOptions(
        format=args.format, quality=args.quality, background=args.background, overwrite=args.overwrite
    )
    batch = Batch(jobs, upscaler, options)
    if not batch.jobs:
        raise UpresError(f"no pictures in {', '.join(args.inputs)}")
    to_stdout = any(job.output is None for job in batch.jobs)
    if to_stdout and args.json:
        args.usage_error("--json and the picture cannot both go to standard output; use -o FILE")
    return _report(batch, args, silent=args.quiet or to_stdout)


def _report(batch: Any, args: argparse.Namespace, *, silent: bool) -> int:
    """Print what becomes of each picture; the exit code."""
    reports = []
    with _progress(len(batch.jobs), hidden=args.quiet) as (advance, say):
        for report in batch.run(advance):
            reports.append(report)
            for warning in report.warnings:
                if not args.quiet:
                    say(f"upres: {report.input}: {warning}", sys.stderr)
            if report.error is not None:
                say(f"upres: {report.error}", sys.stderr)
            elif not silent and not args.json:
                say(_line(report), sys.stdout)
    failed = sum(report.error is not None for report in reports)
    skipped = sum(report.skipped for report in reports)
    if args.json:
        print(json.dumps({"files": [report.to_dict() for report in reports]}, indent=2))
    if len(reports) > 1 and (failed or not args.quiet):
        made = len(reports) - failed - skipped
        print(f"upres: {made} made, {skipped} up to date, {failed} failed", file=sys.stderr)
    return 1 if failed else 0


def _line(report: Any) -> str:
    if report.skipped:
        return f"{report.output}: up to date"
    height, width = report.size
    via = f"{report.model}, {report.engine}" if report.engine else report.model
    return f"{report.input} -> {report.output}  {width}x{height}  {via}  {report.seconds:.2f} s"


@contextmanager
def _progress(count: int, *, hidden: bool) -> Iterator[tuple[Any, Any]]:
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


def _check(args: argparse.Namespace) -> None:
    """Combinations that cannot be meant are wrong usage."""
    ways = [args.scale is not None, args.fit is not None, args.width is not None or args.height is not None]
    if sum(ways) > 1:
        args.usage_error("give one of --scale, --fit, --width and/or --height")
    if (args.model is not None) + args.fast + args.real > 1:
        args.usage_error("--model, --fast and --real each choose the networks: give one of them")
    if args.inputs.count("-") and len(args.inputs) > 1:
        args.usage_error("standard input is one picture; name no others beside it")


def _is_folder(output: str, several: bool) -> bool:
    return several or Path(output).is_dir() or output.endswith(("/", "\\"))


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a positive number, got {text}")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a positive integer, got {text}")
    return value


def _quality(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 100:
        raise argparse.ArgumentTypeError(f"expected 1 to 100, got {text}")
    return value


def _box(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([1-9]\d*)[xX]([1-9]\d*)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT such as 1920x1080, got {text}")
    return int(match[1]), int(match[2])


def _memory(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", text, re.IGNORECASE)
    if match is None or float(match[1]) <= 0:
        raise argparse.ArgumentTypeError(f"expected a size such as 500M or 2G, got {text}")
    return int(float(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " "))


def _color(text: str) -> tuple[int, int, int]:
    from PIL import ImageColor

    try:
        return ImageColor.getrgb(text)[:3]
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a colour such as white or #ffcc00, got {text}") from None
