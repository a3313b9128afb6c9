"""``upres challenge count``: what networks cost before any clock runs."""

import argparse
import json
from dataclasses import asdict

from upres.apps.cli.tables import print_rows
from upres.errors import MissingExtraError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this action."""
    parser.description = "What networks cost before any clock runs. FLOPs are multiply-accumulates."
    parser.add_argument(
        "models", nargs="+", metavar="MODEL", help="shipped names, .safetensors files or the zoo's names"
    )
    parser.add_argument(
        "--input", default="256x256", metavar="WxH", help="low-resolution input, or 720p: whatever gives 1280x720"
    )
    parser.add_argument(
        "--convention",
        choices=("exact", "ntire"),
        default="exact",
        help="all that is executed, or the challenge's hooks",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Count and print; returns the exit status."""
    try:
        from upres.lab.challenge.count import count
    except ModuleNotFoundError as error:
        raise MissingExtraError("upres challenge count", "lab") from error

    rows = [{"model": model, **asdict(count(model, args.input, args.convention))} for model in args.models]
    if args.json:
        print(json.dumps(rows, indent=1))
        return 0
    print_rows(rows)
    return 0
