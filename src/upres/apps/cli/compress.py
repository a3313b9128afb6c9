"""``upres compress``: make a trained network smaller, one operation after the other."""

import argparse
from pathlib import Path

from upres.apps.cli import compress_fold, compress_ghost, compress_prune, compress_quantize
from upres.apps.cli._operations import add_operations
from upres.errors import CheckpointError, Hint, MissingExtraError, OutputError, OutputExistsError

OPERATIONS = {
    "fold": ("several branches become the convolution that they equal, ghosts a part of their reader", compress_fold),
    "ghost": ("a share of the maps become shifted copies of the others", compress_ghost),
    "prune": ("the least important channels go, or the last blocks", compress_prune),
    "quantize": ("the wide convolutions compute in 8 bits", compress_quantize),
}
"""Operation -> its line of the help, and the file that does it: ``add_arguments(parser)`` declares its own options,
``make(args, before)`` gives the `upres.lab.subject.Compressed` of an opened `upres.lab.subject.Subject`. What all have
in common, from the model's name to the report, is done here; ``args.dry_run`` tells that only counts are wanted."""

EPILOG = """examples:
  upres compress fold runs/span_x2/best.expanded.safetensors -o span_x2.safetensors
  upres compress prune rlfn_c32b6_x4 --share 0.25 -o rlfn_narrow_x4.safetensors
  upres compress quantize rlfn_c32b6_x4 --pictures photos/ -o rlfn_int8_x4.safetensors
  upres compress fold span_x4 --dry-run

Each operation takes a model and writes another as a checkpoint, whose card lists the operations in order; so they can
follow one another. `upres compress OPERATION --help` tells more, docs/reference/compression.md what can follow what."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this verb."""
    parser.epilog = EPILOG
    for subparser, operation in add_operations(parser, OPERATIONS):
        subparser.add_argument(
            "model", metavar="MODEL", help="shipped name or .safetensors file; with --dry-run also a name of the zoo"
        )
        subparser.add_argument("-o", "--output", type=Path, metavar="OUT.safetensors", help="file to write")
        subparser.add_argument("--overwrite", action="store_true", help="replace OUT where it is there")
        subparser.add_argument("--dry-run", action="store_true", help="only count what would come out; write nothing")
        subparser.add_argument("--json", action="store_true", help="report as JSON")
        operation.add_arguments(subparser)


def run(args: argparse.Namespace) -> int:
    """Compress and report; returns the exit status."""
    try:
        from upres.apps.cli._compress_report import finish
        from upres.lab.subject import open_subject, require_may_follow, require_trained
    except ModuleNotFoundError as error:
        raise MissingExtraError("upres compress", "lab") from error

    if not args.dry_run:
        _require_output(args.output, overwrite=args.overwrite)
    before = open_subject(args.model)
    if not args.dry_run:
        require_trained(before)
    require_may_follow(before, args.operation)
    return finish(args, before, OPERATIONS[args.operation][1].make(args, before))


def _require_output(output: Path | None, *, overwrite: bool) -> None:
    """Refuse what cannot be written before the work begins, which may take minutes."""
    if output is None:
        raise OutputError("expected a file to write: -o OUT.safetensors, or --dry-run for the counts alone")
    if output.suffix != ".safetensors":
        raise CheckpointError(f"{output}: the output is a .safetensors file; call it {output.stem}.safetensors")
    if output.exists() and not overwrite:
        raise OutputExistsError(f"{output} is there already", hint=Hint.OVERWRITE)
    if not output.parent.is_dir():
        raise OutputError(f"{output.parent}: no such folder; make it first")
