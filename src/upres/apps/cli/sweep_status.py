"""``upres sweep status``: how far a sweep is."""

import argparse
import json
import sys

from upres.apps.cli._sweep_options import add_folder

EPILOG = """examples:
  upres sweep status sweeps/pool
  upres sweep status sweeps/pool --json

JSON: {"jobs", "done", "running", "failed", "waiting", "eta_s"}; eta_s is null where nothing runs. What runs on a
machine that is lost counts as running until it has given no sign for five minutes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this operation."""
    parser.epilog = EPILOG
    add_folder(parser)
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")


def run(args: argparse.Namespace) -> int:
    """Print where the jobs stand; returns the exit status."""
    from upres.apps.cli._sweep_reports import print_failures, print_standing
    from upres.machine.ledger import Ledger

    ledger = Ledger(args.folder)
    standing = ledger.standing()
    if args.json:
        print(json.dumps(standing.to_dict()))
        return 0
    print_standing(standing)
    print_failures(ledger, standing, sys.stdout)
    return 0
