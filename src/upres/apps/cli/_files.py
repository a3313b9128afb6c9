"""Pictures, folders and streams through an `Upscaler`, as the verbs that make pictures of pictures do it."""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from upres.apps.cli._executors import add_executor, check_executor
from upres.apps.cli._limits import add_limits
from upres.apps.cli._naming import add_naming
from upres.apps.cli._picture_options import add_pictures
from upres.apps.cli.arguments import add_files
from upres.errors import ImageReadError, OutputError, UpresError
from upres.machine.allocator import expect_large_blocks
from upres.machine.cores import without_blas_threads

if TYPE_CHECKING:
    from upres.folders.batch import FolderRun
    from upres.folders.jobs import Job
    from upres.folders.reports import FileOptions
    from upres.upscaler import Upscaler

RUN_OPTIONS = ("wrap", "alpha", "engine", "precision", "device", "threads", "max_memory")
"""Options that `Upscaler` takes under the same names, whatever the verb."""
FILE_OPTIONS = ("quality", "lossless", "colors", "background", "overwrite", "keep_date", "max_pixels")
"""Options that `FileOptions` takes under the same names."""


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """What is read and where results go."""
    parser.set_defaults(usage_error=parser.error)
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="picture, folder, or - for standard input")
    parser.add_argument("-o", "--output", metavar="PATH", help="file, folder, or - for standard output")


def add_file_options(parser: argparse.ArgumentParser) -> None:
    """How files are found, read, written and called."""
    add_files(parser)
    add_pictures(parser)
    add_naming(parser)
    add_limits(parser)
    add_executor(parser.add_argument_group("machines"), "pictures are made")


def prepare_process(args: argparse.Namespace) -> None:
    """What makes pictures quicker, in a process that does nothing else: before numpy is imported."""
    if args.max_memory is None:  # blocks that glibc keeps are over a limit soon
        expect_large_blocks()
    without_blas_threads()


def run_files(args: argparse.Namespace, make: "Callable[..., Upscaler]") -> int:
    """Do what was named, by upscalers of this kind; 0 if all went well, 1 if a picture failed."""
    from upres.apps.cli._file_reports import print_reports
    from upres.folders.batch import FolderRun
    from upres.folders.find import PassedOver, find_pictures
    from upres.folders.jobs import goes_into_folder, plan_jobs
    from upres.folders.reports import FileOptions
    from upres.image.io import format_for

    check_executor(args)
    upscaler = make()
    if args.inputs.count("-") and len(args.inputs) > 1:
        args.usage_error("standard input is one picture; name no others beside it")
    form = None if args.format is None else format_for(args.format)
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
        pictures,
        upscaler.request,
        label=upscaler.label,
        output=args.output,
        into_folder=into_folder,
        format=form,
        pattern=args.name,
    )
    options = FileOptions(format=form, **{name: getattr(args, name) for name in FILE_OPTIONS})
    _check_streams(jobs)
    if args.executor == "ray":
        batch = _on_a_cluster(args, jobs, make, options)
    else:
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


def _on_a_cluster(
    args: argparse.Namespace, jobs: "Sequence[Job]", make: "Callable[..., Upscaler]", options: "FileOptions"
) -> "FolderRun":
    from upres.folders.remote import RemoteRun

    if any(job.source is None or job.output is None for job in jobs):
        args.usage_error("standard input and output are this machine's: leave --executor out, or name files")
    return RemoteRun(jobs, make, options, address=args.address)


def _check_streams(jobs: "Sequence[Job]") -> None:
    """A process may have been started with its standard streams closed."""
    if sys.stdin is None and any(job.source is None for job in jobs):
        raise ImageReadError("standard input is closed; send a picture there, or name a file")
    if sys.stdout is None and any(job.output is None for job in jobs):
        raise OutputError("standard output is closed; open it, or name a file to write")
